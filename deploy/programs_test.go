package deploy_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/drayhorse/drayhorse/internal/cli/clitest"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

// program is a program as one of the files starts it.
type program struct {
	name string
	argv []string
	env  map[string]string
	dir  string // of its configuration files; in argv they are below /etc
	path string // PATH
}

// TestProgramsRunAsDeployed runs every command of the compose file, the manifests and
// the units on the configuration that ships with it, until it is ready, and stops it.
// Changed are the address of Redis, ports and directories. Workers run a job too.
func TestProgramsRunAsDeployed(t *testing.T) {
	t.Parallel()
	bin := build(t)
	programs := composed(t, bin)
	programs = append(programs, inPods(t, bin, "kubernetes/base/config")...)
	programs = append(programs, inPods(t, bin, "kubernetes/example")[0])
	programs = append(programs, inUnits(t, bin)...)
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.run(t)
		})
	}
}

// composed are the programs of the compose file. The image has no others: PATH holds
// nothing else.
func composed(t *testing.T, bin string) []program {
	t.Helper()
	var file struct {
		Services map[string]struct {
			Command     []string
			Environment map[string]string
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "docker-compose.yml")), &file); err != nil {
		t.Fatal(err)
	}
	var all []program
	for _, name := range []string{"worker", "scheduler", "producer"} {
		s := file.Services[name]
		all = append(all, program{"compose " + name, s.Command, s.Environment, "compose", bin})
	}
	return all
}

// inPods are the programs of the manifests, workers first.
func inPods(t *testing.T, bin, configs string) []program {
	t.Helper()
	var all []program
	for _, name := range []string{"worker", "scheduler", "producer"} {
		var file struct {
			Spec struct {
				Template struct {
					Spec struct {
						Containers []struct {
							Command []string
							Env     []struct{ Name, Value string }
						}
					}
				}
			}
		}
		deployment, _, _ := strings.Cut(read(t, "kubernetes/base/"+name+".yaml"), "\n---\n")
		if err := yaml.Unmarshal([]byte(deployment), &file); err != nil {
			t.Fatal(err)
		}
		c := file.Spec.Template.Spec.Containers[0]
		env := map[string]string{}
		for _, v := range c.Env {
			env[v.Name] = v.Value
		}
		all = append(all, program{configs + " " + name, c.Command, env, configs, bin})
	}
	return all
}

// units are the files of systemd/ that systemd starts.
var units = []string{"drayhorse-worker@.service", "drayhorse-scheduler.service", "drayhorse-producer.service"}

// inUnits are the programs of the units.
func inUnits(t *testing.T, bin string) []program {
	t.Helper()
	var all []program
	for _, unit := range units {
		_, line, _ := strings.Cut(read(t, "systemd/"+unit), "\nExecStart=")
		line, _, _ = strings.Cut(line, "\n")
		argv := strings.Fields(strings.ReplaceAll(line, "%i", "default"))
		argv[0] = filepath.Base(argv[0])
		all = append(all, program{unit, argv, nil, "systemd", bin + ":" + os.Getenv("PATH")})
	}
	return all
}

func (p *program) run(t *testing.T) {
	bin := build(t)
	env := []string{"PATH=" + p.path}
	for name, value := range p.env {
		env = append(env, name+"="+value)
	}
	env = append(env, "DRAYHORSE_REDIS_URL="+redistest.Shared(t), "DRAYHORSE_NAMESPACE="+redistest.Namespace(t))
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, p.argv[0]), p.local(t)...)
	cmd.Env = env
	running, ready := start(t, cmd)
	redistest.Eventually(t, 30*time.Second, p.name+" is ready", func() bool { return answers(t, ready) })
	if strings.Contains(p.name, "worker") {
		p.work(t, bin, env)
	}
	running.Signal(syscall.SIGTERM)
	if code := running.Wait(); code != 0 {
		t.Errorf("after SIGTERM: exit code %d", code)
	}
}

// local are the arguments with the files of this directory and free ports. A flag wins
// over the one before it.
func (p *program) local(t *testing.T) []string {
	var args []string
	for _, arg := range p.argv[1:] {
		if name, found := strings.CutPrefix(arg, "/etc/drayhorse/"); found && name != "tokens.yaml" {
			arg = filepath.Join(p.dir, name)
		}
		args = append(args, arg)
	}
	args = append(args, "--metrics", "127.0.0.1:0")
	if strings.Contains(p.name, "producer") {
		args = append(args, "--listen", "127.0.0.1:0", "--token-file", tokens(t))
	}
	return args
}

// tokens makes a token file in the way that README.md tells.
func tokens(t *testing.T) string {
	out, err := exec.CommandContext(t.Context(), filepath.Join(build(t), "producer"), "token", "me").Output()
	if err != nil {
		t.Fatal(err)
	}
	_, entry, _ := strings.Cut(string(out), "\n")
	return write(t, "tokens.yaml", "tokens:\n"+entry)
}

// start starts a program, waits until it serves its metrics, and gives their address.
func start(t *testing.T, cmd *exec.Cmd) (*clitest.Program, string) {
	t.Helper()
	p, addr := clitest.Run(t, cmd), ""
	redistest.Eventually(t, 30*time.Second, cmd.Args[0]+" serves metrics", func() bool {
		for line := range strings.Lines(p.Stderr()) {
			var entry struct{ Msg, Addr string }
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "serving metrics" {
				addr = entry.Addr
			}
		}
		return addr != "" || p.Ended()
	})
	if p.Ended() {
		t.Fatalf("%v ended", cmd.Args)
	}
	return p, addr
}

func answers(t *testing.T, addr string) bool {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// work has a worker run a job of the first kind of its configuration.
func (p *program) work(t *testing.T, bin string, env []string) {
	args := []string{"enqueue", "--wait", "--kind", "report"}
	if p.dir == "systemd" {
		args = []string{"enqueue", "--wait", "--kind", "digest", "--args", `{"path": "/etc/hostname"}`}
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "producer"), args...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}
