#!/usr/bin/env bash
# release.sh VERSION: a release in dist/, or in DIST: for each platform an archive with the
# licences of all that is linked and a list of the modules as SBOM, for Linux a deb and an
# rpm too, and a file of checksums. The same commit gives the same bytes.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:-}
case $version in
v[0-9]*.[0-9]*.[0-9]*) ;;
*) echo "release: version \"$version\"; want one such as v1.2.3" >&2; exit 2 ;;
esac
platforms=${PLATFORMS:-linux/amd64 linux/arm64 darwin/amd64 darwin/arm64}
dist=${DIST:-dist}
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH CGO_ENABLED=0
rm -rf "$dist"
mkdir -p "$dist"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build links the program for a platform.
build() {
	GOOS=$1 GOARCH=$2 go build -trimpath -ldflags "-s -w -X github.com/drayhorse/drayhorse/internal/cli.Version=$version" -o "$3" ./cmd/drayhorse
}

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

# sbom says in CycloneDX which modules a program has, at the time of the commit.
sbom() {
	"$work/tools/cyclonedx-gomod" bin -json -noserial -std -version "$version" -output "$2" "$1"
	sed -i.now "s/\"timestamp\": \"[^\"]*\"/\"timestamp\": \"$(TZ=UTC0 git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)\"/" "$2"
	rm "$2.now"
}

# packages makes a deb and an rpm of what stands in an archive: DIRECTORY ARCH.
packages() {
	stage=$work/stage
	rm -rf "$stage"
	mkdir -p "$stage/units" "$stage/completion"
	cp -R "$1/drayhorse" "$1/licences" "$1/sbom.cdx.json" "$stage/"
	for unit in deploy/systemd/*.service; do # the program of a package is in /usr/bin
		sed 's|=/usr/local/bin/|=/usr/bin/|' "$unit" > "$stage/units/$(basename "$unit")"
	done
	for shell in bash zsh fish; do "$work/drayhorse" completion "$shell" > "$stage/completion/$shell"; done
	for packager in deb rpm; do
		STAGE=$stage ARCH=$2 VERSION=$version "$work/tools/nfpm" package --config deploy/packages/nfpm.yaml --packager "$packager" --target "$dist" > "$work/nfpm.log" || {
			cat "$work/nfpm.log" >&2
			exit 1
		}
	done
}

go -C .ci/tools build -trimpath -o "$work/tools/" tool # nfpm and cyclonedx-gomod
build "$(go env GOHOSTOS)" "$(go env GOHOSTARCH)" "$work/drayhorse" # for the completions
for platform in $platforms; do
	os=${platform%/*} arch=${platform#*/}
	name=drayhorse-$version-$os-$arch
	out=$work/$name
	mkdir -p "$out"
	build "$os" "$arch" "$out/drayhorse"
	for program in worker scheduler producer; do ln -s drayhorse "$out/$program"; done
	cp LICENSE README.md CHANGELOG.md "$out/"
	licences "$out/drayhorse" "$out/licences"
	sbom "$out/drayhorse" "$out/sbom.cdx.json"
	cp "$out/sbom.cdx.json" "$dist/$name.cdx.json"
	go version -m "$out/drayhorse" | tail -n +2 > "$out/modules.txt"
	tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$name" | gzip -n > "$dist/$name.tar.gz"
	if [ "$os" = linux ]; then packages "$out" "$arch"; fi
	rm -rf "$out"
done
cd "$dist"
sha256sum -- * > "$work/SHA256SUMS"
mv "$work/SHA256SUMS" .
ls
