package daemons

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/drayhorse/drayhorse/internal/redistest"
)

// files is how many files are digested on each kind of Redis.
const files = 240

func TestDigestsOverTLSWithClientCertificates(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.WithTLS(redistest.NewCerts(t)))
	newYard(t, always(server.URL)).digestAll(nil)
}

func TestDigestsOverAUnixSocket(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.WithUnixSocket())
	newYard(t, always(server.URL)).digestAll(nil)
}

func TestDigestsOnValkey(t *testing.T) {
	t.Parallel()
	const program = "valkey-server"
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not in PATH: %v", program, err)
	}
	server := redistest.Start(t, redistest.WithProgram(program))
	newYard(t, always(server.URL)).digestAll(nil)
}

func TestDigestsSurviveTheLossOfASentinelPrimary(t *testing.T) {
	t.Parallel()
	group := redistest.StartSentinel(t)
	newYard(t, always(group.URL)).digestAll(func() { group.KillPrimary(t) })
}

// TestDigestsSurviveTheLossOfAClusterMaster logs in as the users of least
// privilege.
func TestDigestsSurviveTheLossOfAClusterMaster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, 3, 3, redistest.WithConfig(users(t)...))
	y := newYard(t, as(cluster.URL))
	const partitions = 8 // over all masters
	for _, queue := range []string{"default", "ticks"} {
		if _, err := y.admin.CreateQueue(t.Context(), queue, partitions); err != nil {
			t.Fatal(err)
		}
	}
	y.digestAll(func() { cluster.Kill(t, 0) })
}

// users gives the lines of deploy/users.acl, with a password.
func users(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../../deploy/users.acl")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(text), "resetpass", ">"+secret)), "\n")
	if len(lines) != 5 {
		t.Fatalf("%d users; want 5", len(lines))
	}
	return lines
}

const secret = "s3cret"

// as gives each program the URL by which it logs in as its user.
func as(url string) func(program string) string {
	return func(program string) string {
		user := "drayhorse-" + program
		if program == "drayhorse" {
			user = "drayhorse-admin"
		}
		return strings.Replace(url, "://", "://"+user+":"+secret+"@", 1)
	}
}
