#!/bin/sh
# Before the files go, and not in an upgrade: what runs is stopped in order, so that workers
# hand their jobs back. dpkg says "remove", rpm how many versions stay.
set -e
case "${1:-}" in
remove | 0)
	if [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then
		for unit in $(systemctl list-units --all --plain --no-legend 'drayhorse-*.service' | cut -d ' ' -f 1); do
			systemctl disable --now "$unit" || true
		done
	fi
	;;
esac
