#!/bin/sh
# Installs redis-server with the system's package manager, or says what to install.
set -eu

want="redis-server (7.0 or later) is not in PATH, and the tests run on it"

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		sudo -n "$@"
	else
		echo "$want. Install it, for example with: sudo $*" >&2
		exit 1
	fi
}

if command -v apt-get >/dev/null; then
	as_root apt-get update -qq
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq redis-server
elif command -v dnf >/dev/null; then
	as_root dnf install -y -q redis
elif command -v apk >/dev/null; then
	as_root apk add --quiet redis
elif command -v brew >/dev/null; then
	brew install --quiet redis
else
	echo "$want. Install it with your system's package manager." >&2
	exit 1
fi
command -v redis-server >/dev/null || { echo "$want." >&2; exit 1; }
