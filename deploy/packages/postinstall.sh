#!/bin/sh
# After the files are there: the user that the units run as. Nothing is started, enabled or
# restarted: when to do that is for whoever runs the host. dpkg says "configure" and the
# version that was there before, rpm how many versions there are now.
set -e
root=${DPKG_ROOT:-}
if command -v systemd-sysusers >/dev/null 2>&1; then
	systemd-sysusers ${root:+--root="$root"} drayhorse.conf
elif [ -z "$root" ] && ! getent passwd drayhorse >/dev/null; then
	useradd --system --user-group --no-create-home --home-dir / --shell /usr/sbin/nologin drayhorse
fi
if [ -z "$root" ] && [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
case "${1:-} ${2:-}" in
"configure " | "1 ")
	cat <<-'END'
		drayhorse: nothing has been started. Say in /etc/drayhorse/redis.env where Redis is, then
		  systemctl enable --now drayhorse-worker@default
	END
	;;
configure* | [2-9]*)
	echo "drayhorse: what runs goes on with the older version until you restart it: systemctl restart 'drayhorse-*'"
	;;
esac
