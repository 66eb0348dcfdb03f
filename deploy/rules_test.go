package deploy_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// rule is one of prometheus/rules.yml.
type rule struct {
	Alert, Record, Expr string
	Labels, Annotations map[string]string
}

func rules(t *testing.T) []rule {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []rule }
	}
	if err := yaml.Unmarshal([]byte(read(t, "prometheus/rules.yml")), &file); err != nil {
		t.Fatal(err)
	}
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) < 10 {
		t.Fatalf("%d rules were read", len(all))
	}
	return all
}

const runbook = "https://github.com/drayhorse/drayhorse/blob/main/docs/runbook.md#"

// TestRunbookAnswersEveryAlert: each alert leads to its heading, each heading is of an
// alert, and says what it is, why, and what to do.
func TestRunbookAnswersEveryAlert(t *testing.T) {
	t.Parallel()
	sections := map[string]string{}
	for _, section := range strings.Split(read(t, "../docs/runbook.md"), "\n## ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		sections[name] = text
	}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		if r.Annotations["runbook_url"] != runbook+strings.ToLower(r.Alert) {
			t.Errorf("%s leads to %q", r.Alert, r.Annotations["runbook_url"])
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" || !slices.Contains([]string{"critical", "warning"}, r.Labels["severity"]) {
			t.Errorf("%s lacks a summary, a description or a severity", r.Alert)
		}
		for _, part := range []string{"**Symptom**", "**Cause**", "**Action**"} {
			if !strings.Contains(sections[r.Alert], part) {
				t.Errorf("docs/runbook.md has no %s of %s", part, r.Alert)
			}
		}
		delete(sections, r.Alert)
	}
	for name := range maps.Keys(sections) {
		t.Errorf("docs/runbook.md has %s, and no alert is called that", name)
	}
}

// TestAlertsFireAndClear has promtool run the cases of rules_test.yml, after a look
// that every alert is in one that fires and in one that does not.
func TestAlertsFireAndClear(t *testing.T) {
	t.Parallel()
	var file struct {
		Tests []struct {
			AlertRuleTest []struct {
				Alertname string
				ExpAlerts []any `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "prometheus/rules_test.yml")), &file); err != nil {
		t.Fatal(err)
	}
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, c := range file.Tests {
		for _, a := range c.AlertRuleTest {
			if len(a.ExpAlerts) > 0 {
				fires[a.Alertname] = true
			} else {
				quiet[a.Alertname] = true
			}
		}
	}
	for _, r := range rules(t) {
		if r.Alert != "" && (!fires[r.Alert] || !quiet[r.Alert]) {
			t.Errorf("%s: fires in a case: %v, is quiet in one: %v; want both", r.Alert, fires[r.Alert], quiet[r.Alert])
		}
	}
	if out, err := tool(t, "promtool", "prometheus", "test", "rules", "rules_test.yml"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestScrapeConfigsAreValid has promtool read them, and the rules with them. Debian's
// knows nothing of Kubernetes: that block is taken out before.
func TestScrapeConfigsAreValid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("prometheus")); err != nil {
		t.Fatal(err)
	}
	discovery := regexp.MustCompile(`(?m)^    kubernetes_sd_configs:\n(      .*\n)+`)
	plain := discovery.ReplaceAllString(read(t, "prometheus/kubernetes.yml"), "")
	if plain == read(t, "prometheus/kubernetes.yml") {
		t.Error("kubernetes.yml asks Kubernetes for nothing")
	}
	if err := os.WriteFile(filepath.Join(dir, "kubernetes.yml"), []byte(plain), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"compose.yml", "hosts.yml", "kubernetes.yml"} {
		if out, err := tool(t, "promtool", dir, "check", "config", name); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
