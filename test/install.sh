#!/bin/sh
# install.sh PROGRAM...: what the tests run, those that are not in PATH, from the
# system's package manager. Where that is not possible it says what to install.
set -eu

# there says whether a program is where the tests look for it: Debian keeps database
# servers out of PATH.
there() {
	command -v "$1" >/dev/null && return
	for path in /usr/sbin/"$1" /usr/libexec/"$1" /usr/lib/postgresql/*/bin/"$1"; do
		[ -x "$path" ] && return
	done
	return 1
}

missing=
for program in "$@"; do
	[ "$program" = systemd-analyze ] && [ "$(uname)" != Linux ] && continue # others have none
	there "$program" || missing="$missing $program"
done
[ -n "$missing" ] || exit 0

# packages prints those that have the missing programs. dnf and apk find them by the
# programs themselves.
packages() {
	for program in $missing; do
		case "$1:$program" in
		dnf:mariadbd) echo mariadb-server ;;
		dnf:*) echo "/usr/bin/$program" ;;
		apk:*) echo "cmd:$program" ;;
		*:promtool) echo prometheus ;;
		*:systemd-analyze) echo systemd ;;
		apt:dpkg-deb) echo dpkg ;;
		apt:node) echo nodejs ;;
		apt:postgres | brew:postgres) echo postgresql ;;
		apt:mariadbd) echo mariadb-server ;;
		brew:mariadbd) echo mariadb ;;
		brew:redis-server) echo redis ;;
		brew:python3) echo python ;;
		*) echo "$program" ;;
		esac
	done | sort -u | tr '\n' ' '
}

stop() {
	echo "not in PATH, and the tests need it:$missing. $1" >&2
	exit 1
}

if command -v apt-get >/dev/null; then
	install="apt-get install -y -qq --no-install-recommends $(packages apt)"
elif command -v dnf >/dev/null; then
	install="dnf install -y -q $(packages dnf)"
elif command -v apk >/dev/null; then
	install="apk add --quiet $(packages apk)"
elif command -v brew >/dev/null; then
	install="brew install --quiet $(packages brew)"
else
	stop "Install it with your system's package manager."
fi

as=
if [ "${install%% *}" != brew ] && [ "$(id -u)" != 0 ]; then
	sudo -n true 2>/dev/null || stop "Install it, for example with: sudo $install"
	as="sudo -n"
fi
# No quotes: each word is an argument.
[ "${install%% *}" != apt-get ] || $as apt-get update -qq
$as env DEBIAN_FRONTEND=noninteractive $install || stop "This failed: $install"
for program in $missing; do
	there "$program" || stop "It is not there after: $install"
done
