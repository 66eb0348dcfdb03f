#!/usr/bin/env bash
# release.sh VERSION: the archives of a release in dist/, one for each platform, with the
# licences of all that is linked, a list of the modules, and a file of checksums. The same
# commit gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:-}
case $version in
v[0-9]*.[0-9]*.[0-9]*) ;;
*) echo "release: version \"$version\"; want one such as v1.2.3" >&2; exit 2 ;;
esac
platforms=${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64}
date=@$(git log -1 --format=%ct)
export CGO_ENABLED=0
rm -rf dist
mkdir -p dist

# licences copies those of the modules that a program has, and fails where one has none.
licences() {
	go version -m "$1" | awk '$1 == "dep" || $1 == "=>" {print $2, $3}' | while read -r module v; do
		dir=$(go list -m -f '{{.Dir}}' "$module@$v")
		found=$(find "$dir" -maxdepth 1 -type f \( -iname 'LICEN[CS]E*' -o -iname 'COPYING*' -o -iname 'NOTICE*' \) | sort)
		[ -n "$found" ] || { echo "release: $module has no licence" >&2; exit 1; }
		mkdir -p "$2/$module"
		for file in $found; do install -m 644 "$file" "$2/$module/$(basename "$file")"; done
	done
}

for platform in $platforms; do
	os=${platform%/*} arch=${platform#*/}
	name=drayhorse-$version-$os-$arch
	out=dist/$name
	mkdir -p "$out"
	GOOS=$os GOARCH=$arch go build -trimpath -ldflags "-s -w -X github.com/drayhorse/drayhorse/internal/cli.Version=$version" \
		-o "$out/drayhorse" ./cmd/drayhorse
	for program in worker scheduler producer; do ln -s drayhorse "$out/$program"; done
	cp LICENSE README.md CHANGELOG.md "$out/"
	licences "$out/drayhorse" "$out/licences"
	go version -m "$out/drayhorse" | tail -n +2 > "$out/modules.txt"
	tar -C dist --sort=name --owner=0 --group=0 --numeric-owner --mtime="$date" -cf - "$name" | gzip -n > "dist/$name.tar.gz"
	rm -rf "$out"
	echo "dist/$name.tar.gz"
done
(cd dist && sha256sum -- *.tar.gz > SHA256SUMS)
