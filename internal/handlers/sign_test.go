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
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
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
	var seconds int64
	var sent string
	if _, err := fmt.Sscanf(h.Get("Drayhorse-Signature"), "t=%d,v1=%s", &seconds, &sent); err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(key))
	_, _ = fmt.Fprintf(mac, "%d\n%s\n%s\n%s\n%s\n%s", seconds, h.Get("Drayhorse-Job-Id"), h.Get("Drayhorse-Kind"),
		h.Get("Drayhorse-Queue"), h.Get("Drayhorse-Attempt"), body)
	want := hex.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(sent), []byte(want)) && now.Sub(time.Unix(seconds, 0)).Abs() < 5*time.Minute
}

// TestSignatureIsStable holds it to a value computed by another program, since
// receivers depend on every byte.
func TestSignatureIsStable(t *testing.T) {
	t.Parallel()
	const want = "t=1700000000,v1=a8f37f83a1d580bedb23b15eb5f21bfcc53fb9c7287d548cebb15b77a52d48ce"
	if got := sign("s3cret", time.Unix(1_700_000_000, 0), newJob(`{"a":1}`).Job); got != want {
		t.Errorf("signature is %s; want %s", got, want)
	}
}

func TestSecretsPrintMasked(t *testing.T) {
	t.Parallel()
	v := struct{ Key Secret }{"s3cret"}
	encoded, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	document, err := yaml.Marshal(v)
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
