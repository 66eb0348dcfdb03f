#!/bin/sh
# After the files are gone: systemd forgets them. The user stays, since files may be its own.
set -e
if [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
