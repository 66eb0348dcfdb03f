//go:build linux

package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// modes of what a package installs, as ls writes them.
var modes = map[string]string{
	"/usr/bin/drayhorse": "-rwxr-xr-x",
	"/usr/lib/systemd/system/drayhorse-worker@.service":                      "-rw-r--r--",
	"/usr/lib/systemd/system/drayhorse-scheduler.service":                    "-rw-r--r--",
	"/usr/lib/systemd/system/drayhorse-producer.service":                     "-rw-r--r--",
	"/usr/lib/systemd/system/drayhorse-.service.d/hardening.conf":            "-rw-r--r--",
	"/usr/lib/sysusers.d/drayhorse.conf":                                     "-rw-r--r--",
	"/etc/drayhorse":                                                         "drwxr-xr-x",
	"/etc/drayhorse/redis.env":                                               "-rw-------",
	"/etc/drayhorse/producer.yaml":                                           "-rw-r--r--",
	"/etc/drayhorse/scheduler.yaml":                                          "-rw-r--r--",
	"/etc/drayhorse/worker-default.yaml":                                     "-rw-r--r--",
	"/usr/share/bash-completion/completions/drayhorse":                       "-rw-r--r--",
	"/usr/share/zsh/site-functions/_drayhorse":                               "-rw-r--r--",
	"/usr/share/fish/vendor_completions.d/drayhorse.fish":                    "-rw-r--r--",
	"/usr/share/doc/drayhorse/copyright":                                     "-rw-r--r--",
	"/usr/share/doc/drayhorse/sbom.cdx.json":                                 "-rw-r--r--",
	"/usr/share/doc/drayhorse/licences/github.com/redis/go-redis/v9/LICENSE": "-rw-r--r--",
}

// configured are the files that an upgrade leaves as they are.
const configured = "/etc/drayhorse/producer.yaml\n/etc/drayhorse/redis.env\n/etc/drayhorse/scheduler.yaml\n/etc/drayhorse/worker-default.yaml\n"

func TestDebSaysWhatItIs(t *testing.T) {
	need(t, "dpkg-deb")
	deb := one(t, dist(t), "*.deb")
	fields := run(t, "dpkg-deb", "-f", deb)
	for _, want := range []string{"Package: drayhorse\n", "Version: 0.1.2\n", "Section: utils\n", "Recommends: ca-certificates\n", "Homepage: https://"} {
		if !strings.Contains(fields, want) {
			t.Errorf("the deb lacks %q:\n%s", want, fields)
		}
	}
	if strings.Contains(fields, "\nDepends:") {
		t.Errorf("the program is static, the deb depends on something:\n%s", fields)
	}
	listed(t, run(t, "dpkg-deb", "-c", deb), regexp.MustCompile(`(?m)^(\S{10}) (root/root) .* \.(/\S*?)/?$`))
	control := t.TempDir()
	run(t, "dpkg-deb", "-e", deb, control)
	if got := read(t, filepath.Join(control, "conffiles")); got != configured {
		t.Errorf("configuration files:\n%swant\n%s", got, configured)
	}
}

func TestRPMSaysWhatItIs(t *testing.T) {
	need(t, "rpm")
	file := one(t, dist(t), "*.rpm")
	if out := run(t, "rpm", "-K", "--nosignature", file); !strings.Contains(out, "digests OK") {
		t.Errorf("rpm -K: %s", out)
	}
	query := func(args ...string) string {
		return run(t, "rpm", append([]string{"-q", "-p", "--nosignature", file}, args...)...)
	}
	if got := query("--qf", "%{NAME} %{VERSION}-%{RELEASE} %{LICENSE}"); got != "drayhorse 0.1.2-1 MIT" {
		t.Errorf("the rpm is %q", got)
	}
	listed(t, query("--qf", "[%{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME} 0 .%{FILENAMES}\n]"), regexp.MustCompile(`(?m)^(\S{10}) (root/root) 0 \.(\S*)$`))
	if got := query("--configfiles"); got != configured {
		t.Errorf("configuration files:\n%swant\n%s", got, configured)
	}
	scripts := query("--scripts")
	for _, want := range []string{"postinstall scriptlet", "preuninstall scriptlet", "postuninstall scriptlet", "systemd-sysusers"} {
		if !strings.Contains(scripts, want) {
			t.Errorf("the rpm's scripts lack %q", want)
		}
	}
}

// listed holds what a package lists to the modes.
func listed(t *testing.T, list string, line *regexp.Regexp) {
	t.Helper()
	got := map[string]string{}
	for _, m := range line.FindAllStringSubmatch(list, -1) {
		got[m[3]] = m[1]
	}
	for path, mode := range modes {
		if got[path] != mode {
			t.Errorf("%s has mode %q; want %s", path, got[path], mode)
		}
	}
}

// TestDebIsInstalled: with dpkg, into a root of its own, where the program runs, systemd
// finds nothing wrong with the units, and nothing is enabled. Removed, it leaves the
// configuration; purged, nothing.
func TestDebIsInstalled(t *testing.T) {
	need(t, "dpkg", "systemd-sysusers", "systemd-analyze")
	if os.Getuid() != 0 {
		t.Skip("dpkg wants to be root")
	}
	root := t.TempDir()
	for _, dir := range []string{"var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/dpkg/triggers", "var/log", "etc"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dpkg := func(args ...string) string {
		return run(t, "dpkg", append([]string{"--root=" + root, "--force-script-chrootless", "--log=" + filepath.Join(root, "var/log/dpkg.log")}, args...)...)
	}
	said := dpkg("--install", one(t, dist(t), "*.deb"))
	if !strings.Contains(said, "nothing has been started") {
		t.Errorf("the installation says %q", said)
	}
	if out := run(t, filepath.Join(root, "usr/bin/drayhorse"), "--version"); !strings.HasPrefix(out, "drayhorse "+version+" ") {
		t.Errorf("--version prints %q", out)
	}
	if users := read(t, filepath.Join(root, "etc/passwd")); !strings.Contains(users, "\ndrayhorse:") && !strings.HasPrefix(users, "drayhorse:") {
		t.Errorf("there is no user drayhorse:\n%s", users)
	}
	for path, mode := range modes {
		info, err := os.Stat(filepath.Join(root, path))
		if err != nil {
			t.Error(err)
			continue
		}
		if info.Mode().String() != mode {
			t.Errorf("%s was installed with mode %s; want %s", path, info.Mode(), mode)
		}
	}
	verified(t, root)
	if wants, err := filepath.Glob(filepath.Join(root, "etc/systemd/system/*.wants/*")); err != nil || len(wants) > 0 {
		t.Errorf("enabled by the installation: %v %v", wants, err)
	}
	if said := dpkg("--install", one(t, dist(t), "*.deb")); !strings.Contains(said, "until you restart it") {
		t.Errorf("a second installation says %q", said)
	}
	dpkg("--remove", "drayhorse")
	if _, err := os.Stat(filepath.Join(root, "etc/drayhorse/redis.env")); err != nil {
		t.Errorf("removal took the configuration along: %v", err)
	}
	dpkg("--purge", "drayhorse")
	for path := range modes {
		if _, err := os.Lstat(filepath.Join(root, path)); err == nil {
			t.Errorf("%s is left after a purge", path)
		}
	}
}

// verified has systemd look at the units of a root.
func verified(t *testing.T, root string) {
	t.Helper()
	system := filepath.Join(root, "usr/lib/systemd/system")
	for _, name := range []string{"basic", "network-online", "shutdown", "sysinit", "multi-user", "local-fs", "slices"} {
		target := filepath.Join(system, name+".target")
		if err := os.WriteFile(target, []byte("[Unit]\nDescription="+name+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Remove(target) }()
	}
	for _, unit := range []string{"drayhorse-worker@default.service", "drayhorse-scheduler.service", "drayhorse-producer.service"} {
		if out := run(t, "systemd-analyze", "verify", "--man=no", "--root="+root, unit); out != "" {
			t.Errorf("systemd-analyze verify %s:\n%s", unit, out)
		}
	}
}

// need skips the test where a tool is missing that not every system has.
func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, name := range tools {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is not there", name)
		}
	}
}
