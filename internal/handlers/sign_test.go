package handlers

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse/internal/conf"
)

func TestRequestCarriesTheJob(t *testing.T) {
	t.Parallel()
	got, sent := make(chan *http.Request, 1), make(chan string, 1)
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		sent <- string(body)
		got <- r.Clone(context.Background())
	})
	file := t.TempDir() + "/key"
	if err := os.WriteFile(file, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := &HTTP{
		URL: server.URL + "/hook?a=b", AllowPrivate: true, Secret: &SecretSource{File: file},
		Headers: map[string]string{"x-own": "1"}, SecretHeaders: map[string]SecretSource{"authorization": {Env: "TOKEN"}},
	}
	opts := Options{LookupEnv: func(name string) (string, bool) { return "Bearer " + name, true }}
	const args = `{"user_id": 12345678901234567890}`
	if err := buildOne(t, Config{HTTP: cfg}, opts)(t.Context(), newJob(args).Job); err != nil {
		t.Fatal(err)
	}
	r, body := <-got, <-sent
	if r.Method != http.MethodPost || r.RequestURI != "/hook?a=b" || body != args {
		t.Errorf("request is %s %s with %s", r.Method, r.RequestURI, body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "drayhorse", "X-Own": "1", "Authorization": "Bearer TOKEN",
		"Drayhorse-Job-Id": "job-1", "Drayhorse-Kind": "k", "Drayhorse-Queue": "q", "Drayhorse-Attempt": "3",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s is %q; want %q", name, got, want)
		}
	}
	if !verified(r.Header, body, "s3cret", time.Now()) {
		t.Errorf("signature %q does not verify", r.Header.Get("Drayhorse-Signature"))
	}
	if r.Header.Set("Drayhorse-Attempt", "4"); verified(r.Header, body, "s3cret", time.Now()) {
		t.Error("a signature holds for another attempt")
	}
}

// verified is what a receiver does, as docs/handlers.md explains it.
func verified(h http.Header, body, key string, now time.Time) bool {
	stamp, signatures, _ := strings.Cut(h.Get("Drayhorse-Signature"), ",")
	seconds, err := strconv.ParseInt(strings.TrimPrefix(stamp, "t="), 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return false
	}
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = fmt.Fprintf(mac, "%d\n%s\n%s\n%s\n%s\n%s\n%s", seconds, h.Get("Drayhorse-Job-Id"), h.Get("Drayhorse-Kind"),
		h.Get("Drayhorse-Queue"), h.Get("Drayhorse-Attempt"), h.Get("Drayhorse-Tick"), body)
	want := "v1=" + hex.EncodeToString(mac.Sum(nil))
	for sent := range strings.SplitSeq(signatures, ",") {
		if hmac.Equal([]byte(sent), []byte(want)) {
			return true
		}
	}
	return false
}

// TestSignatureIsStable holds it to a value computed by another program, since
// receivers depend on every byte.
func TestSignatureIsStable(t *testing.T) {
	t.Parallel()
	now, job := time.Unix(1_700_000_000, 0), newJob(`{"a":1}`)
	const plain = "t=1700000000,v1=d938b2625b0ed29523874842fbf2b03ea95672591e00e9bc8fe174faba342d01"
	if got := sign([]Secret{"s3cret"}, now, job.Job); got != plain {
		t.Errorf("signature is %s; want %s", got, plain)
	}
	job.Tick = time.Date(2026, 1, 2, 4, 4, 5, 0, time.FixedZone("", 3600))
	const both = "t=1700000000,v1=629cabd69e5eee7163a4dd53f8cc1e9e84d24d598dfc2570c63c2f32d4cfaf09," +
		"v1=14a0806ed5470e167b2331f3dd77f492c783d76832bb83dddc2657220071d4dc"
	if got := sign([]Secret{"s3cret", "older"}, now, job.Job); got != both {
		t.Errorf("signatures of a periodic job are %s; want %s", got, both)
	}
}

// TestRotationOfSecrets: receivers that know either secret take the request, by the
// program of the docs.
func TestRotationOfSecrets(t *testing.T) {
	t.Parallel()
	headers, sent := make(chan http.Header, 1), make(chan string, 1)
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		headers <- r.Header.Clone()
		sent <- string(body)
	})
	opts := Options{LookupEnv: func(name string) (string, bool) { return "key of " + name, true }}
	cfg := &HTTP{URL: server.URL, AllowPrivate: true, Secret: &SecretSource{Env: "NEW"}, PreviousSecret: &SecretSource{Env: "OLD"}}
	job := newJob(`{"a": 1}`)
	job.Tick = time.Unix(1_700_000_000, 0)
	if err := buildOne(t, Config{HTTP: cfg}, opts)(t.Context(), job.Job); err != nil {
		t.Fatal(err)
	}
	h, body := <-headers, <-sent
	if got := h.Get("Drayhorse-Tick"); got != "2023-11-14T22:13:20Z" {
		t.Errorf("tick is %q", got)
	}
	for key, want := range map[string]bool{"key of NEW": true, "key of OLD": true, "key of ANY": false} {
		if got := verified(h, body, key, time.Now()); got != want {
			t.Errorf("with %q: %v; want %v", key, got, want)
		}
	}
	if h.Set("Drayhorse-Tick", "2023-11-14T22:13:21Z"); verified(h, body, "key of NEW", time.Now()) {
		t.Error("a signature holds for another tick")
	}
}

// TestVerifierOfTheDocs runs the program that docs/handlers.md shows to receivers.
func TestVerifierOfTheDocs(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here")
	}
	docs, err := os.ReadFile("../../docs/handlers.md")
	if err != nil {
		t.Fatal(err)
	}
	_, program, _ := strings.Cut(string(docs), "```python\n")
	program, _, _ = strings.Cut(program, "```")
	job := newJob(`{"a": "é"}`)
	for _, tick := range []time.Time{{}, time.Unix(1_700_000_000, 0)} {
		job.Tick = tick
		headers := http.Header{headerSignature: {sign([]Secret{"new", "old"}, time.Now(), job.Job)}}
		describe(headers, job.Job)
		single := map[string]string{}
		for name := range headers {
			single[name] = headers.Get(name)
		}
		encoded, err := json.Marshal(single)
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]string{"new": "True", "old": "True", "other": "False"} {
			call := program + "\nimport json, sys\nprint(verify(sys.argv[1].encode(), json.loads(sys.argv[2]), sys.argv[3].encode()))\n"
			out, err := exec.Command(python, "-c", call, key, string(encoded), string(job.Args)).CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != want {
				t.Errorf("tick %v, key %q: %s, %v; want %s", tick, key, got, err, want)
			}
		}
	}
}

func TestSecretsPrintMasked(t *testing.T) {
	t.Parallel()
	v := struct{ Key Secret }{"s3cret"}
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	document, err := conf.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "key", v.Key, "all", v)
	for _, text := range []string{
		fmt.Sprint(v), fmt.Sprintf("%+v %#v", v, v), fmt.Sprintf("%s %q %x %d", v.Key, v.Key, v.Key, v.Key), string(encoded), string(document), log.String(),
	} {
		if strings.Contains(text, "s3cret") || strings.Contains(text, hex.EncodeToString([]byte("s3cret"))) || !strings.Contains(text, masked) {
			t.Errorf("%q is not masked", text)
		}
	}
}
