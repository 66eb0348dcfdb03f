package check

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// shutdownTimeout is the worker's: what its configuration says.
const shutdownTimeout = 25 * time.Second

// objects are what a directory of kubernetes/ comes to, by kind and name.
type objects map[string]any

// kinds are the types that manifests may have.
var kinds = map[string]func() any{
	"apps/v1 Deployment":                     func() any { return new(appsv1.Deployment) },
	"v1 Service":                             func() any { return new(corev1.Service) },
	"v1 ConfigMap":                           func() any { return new(corev1.ConfigMap) },
	"policy/v1 PodDisruptionBudget":          func() any { return new(policyv1.PodDisruptionBudget) },
	"autoscaling/v2 HorizontalPodAutoscaler": func() any { return new(autoscalingv2.HorizontalPodAutoscaler) },
	"networking.k8s.io/v1 NetworkPolicy":     func() any { return new(networkingv1.NetworkPolicy) },
}

// kustomize builds a directory as kubectl does, and decodes each object strictly.
func kustomize(t *testing.T, dir string) objects {
	t.Helper()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join("../kubernetes", dir))
	if err != nil {
		t.Fatal(err)
	}
	all := objects{}
	for _, r := range built.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		kind := strings.TrimPrefix(r.GetGvk().Group+"/"+r.GetGvk().Version, "/") + " " + r.GetKind()
		make := kinds[kind]
		if make == nil {
			t.Fatalf("kind %s of %s is not known here", kind, r.GetName())
		}
		object := make()
		if err := yaml.UnmarshalStrict(text, object); err != nil {
			t.Errorf("%s %s: %v", kind, r.GetName(), err)
		}
		all[r.GetKind()+" "+r.GetName()] = object
	}
	return all
}

// get gives the object of that name, without the hash that kustomize adds.
func get[T any](t *testing.T, all objects, name string) *T {
	t.Helper()
	for full, object := range all {
		if full == name || strings.HasPrefix(full, name+"-") {
			if o, ok := object.(*T); ok {
				return o
			}
		}
	}
	t.Fatalf("no %s", name)
	return nil
}

func TestManifests(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"base", "example"} {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			all := kustomize(t, dir)
			for _, program := range []string{"worker", "scheduler", "producer"} {
				d := get[appsv1.Deployment](t, all, "Deployment drayhorse-"+program)
				checkPod(t, all, program, &d.Spec.Template)
				b := get[policyv1.PodDisruptionBudget](t, all, "PodDisruptionBudget drayhorse-"+program)
				selects(t, "the selector of "+program, d.Spec.Selector, d.Spec.Template.Labels)
				selects(t, "the budget of "+program, b.Spec.Selector, d.Spec.Template.Labels)
			}
			s := get[corev1.Service](t, all, "Service drayhorse-producer")
			d := get[appsv1.Deployment](t, all, "Deployment drayhorse-producer")
			selects(t, "the service", metav1.SetAsLabelSelector(s.Spec.Selector), d.Spec.Template.Labels)
		})
	}
}

// checkPod checks what the schema does not say: references, probes, and what the pod
// may do.
func checkPod(t *testing.T, all objects, program string, pod *corev1.PodTemplateSpec) {
	t.Helper()
	spec, c := pod.Spec, pod.Spec.Containers[0]
	fail := func(format string, args ...any) { t.Helper(); t.Errorf(program+": "+format, args...) }
	if pod.Labels["app.kubernetes.io/part-of"] != "drayhorse" || pod.Labels["app.kubernetes.io/component"] != program {
		fail("Prometheus does not find it by %v", pod.Labels)
	}
	if *spec.SecurityContext.RunAsNonRoot != true || *c.SecurityContext.ReadOnlyRootFilesystem != true ||
		*c.SecurityContext.AllowPrivilegeEscalation || len(c.SecurityContext.Capabilities.Drop) == 0 || *spec.AutomountServiceAccountToken {
		fail("it may do more than it needs")
	}
	ports := map[string]int32{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	env := map[string]corev1.EnvVar{}
	for _, e := range c.Env {
		env[e.Name] = e
	}
	if env["DRAYHORSE_METRICS"].Value != fmt.Sprintf(":%d", ports["metrics"]) {
		fail("metrics at %q, its port is %d", env["DRAYHORSE_METRICS"].Value, ports["metrics"])
	}
	if ref := env["DRAYHORSE_REDIS_URL"].ValueFrom.SecretKeyRef; ref.Name != "drayhorse-redis" || ref.Key != "url" {
		fail("Redis by %v", ref)
	}
	for path, probe := range map[string]*corev1.Probe{"/healthz": c.LivenessProbe, "/readyz": c.ReadinessProbe} {
		if probe.HTTPGet.Path != path || probe.HTTPGet.Port.StrVal != "metrics" {
			fail("probe %v", probe)
		}
	}
	grace := time.Duration(*spec.TerminationGracePeriodSeconds) * time.Second
	if c.Lifecycle != nil {
		grace -= time.Duration(c.Lifecycle.PreStop.Sleep.Seconds) * time.Second
	}
	if program != "scheduler" && grace < shutdownTimeout+10*time.Second {
		fail("it is killed %v after SIGTERM", grace)
	}
	for _, v := range spec.Volumes {
		if v.ConfigMap != nil && all["ConfigMap "+v.ConfigMap.Name] == nil {
			fail("no config map %s", v.ConfigMap.Name)
		}
	}
}

func selects(t *testing.T, what string, selector *metav1.LabelSelector, pod map[string]string) {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil || s.Empty() || !s.Matches(labels.Set(pod)) {
		t.Errorf("%s %v does not select %v: %v", what, selector, pod, err)
	}
}

func TestAutoscalerScalesWorkers(t *testing.T) {
	t.Parallel()
	all := kustomize(t, "example")
	hpa := get[autoscalingv2.HorizontalPodAutoscaler](t, all, "HorizontalPodAutoscaler drayhorse-worker")
	d := get[appsv1.Deployment](t, all, "Deployment drayhorse-worker")
	if hpa.Spec.ScaleTargetRef.Name != d.Name || d.Spec.Replicas != nil {
		t.Errorf("it scales %v, and the manifest asks for %v workers", hpa.Spec.ScaleTargetRef, d.Spec.Replicas)
	}
	var adapter struct {
		Rules struct {
			External []struct {
				SeriesQuery, MetricsQuery string
				Name                      struct{ As string }
				Resources                 any
			}
		}
	}
	if err := yaml.UnmarshalStrict(file(t, "../kubernetes/autoscale/adapter.yaml"), &adapter); err != nil {
		t.Fatal(err)
	}
	rule := adapter.Rules.External[0]
	if rule.Name.As != hpa.Spec.Metrics[0].External.Metric.Name {
		t.Errorf("the adapter serves %s, the autoscaler wants %s", rule.Name.As, hpa.Spec.Metrics[0].External.Metric.Name)
	}
	if !strings.Contains(string(file(t, "../prometheus/rules.yml")), "record: "+rule.SeriesQuery+"\n") {
		t.Errorf("no rule records %s", rule.SeriesQuery)
	}
}

func TestPoliciesLetPrometheusAndClientsIn(t *testing.T) {
	t.Parallel()
	all := kustomize(t, "example")
	for name, port := range map[string]string{"drayhorse": "metrics", "drayhorse-producer": "http"} {
		p, ok := all["NetworkPolicy "+name].(*networkingv1.NetworkPolicy)
		if !ok {
			t.Fatalf("no policy %s", name)
		}
		d := get[appsv1.Deployment](t, all, "Deployment drayhorse-producer")
		selects(t, "the policy "+name, &p.Spec.PodSelector, d.Spec.Template.Labels)
		if p.Spec.Ingress[0].Ports[0].Port.StrVal != port || len(p.Spec.Ingress[0].From) == 0 {
			t.Errorf("policy %s lets %v in", name, p.Spec.Ingress)
		}
	}
}

// TestEveryFileIsBuilt: no manifest lies about that no kustomization takes.
func TestEveryFileIsBuilt(t *testing.T) {
	t.Parallel()
	err := filepath.WalkDir("../kubernetes", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "kustomization.yaml" || d.Name() == "adapter.yaml" {
			return err
		}
		dir := filepath.Dir(path)
		name := d.Name()
		if filepath.Base(dir) == "config" {
			dir, name = filepath.Dir(dir), "config/"+name
		}
		if !strings.Contains(string(file(t, filepath.Join(dir, "kustomization.yaml"))), name) {
			t.Errorf("%s is in no kustomization", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
