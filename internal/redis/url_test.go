package redis

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/redistest"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, place string }{
		{"redis://", "redis://127.0.0.1:6379/0"},
		{"redis://example.org", "redis://example.org:6379/0"},
		{"redis://example.org:7000/3", "redis://example.org:7000/3"},
		{"redis://:s3cret@example.org/", "redis://example.org:6379/0"},
		{"redis://app:s3cret@[::1]:7000/1", "redis://[::1]:7000/1"},
		{"redis://app:s3cret@[::1]", "redis://[::1]:6379/0"},
		{"rediss://app:s3cret@example.org?server_name=x&insecure=true", "rediss://example.org:6379/0"},
		{"unix:///run/redis.sock", "unix:///run/redis.sock"},
		{"unix://app:s3cret@/run/redis%20one.sock?db=2", "unix:///run/redis one.sock"},
		{"redis+sentinel://a,b:1/main", "redis+sentinel://a:26379,b:1/main/0"},
		{"rediss+sentinel://:s3cret@a,[::1]/main/4?sentinel_username=s&sentinel_password=s3cret", "rediss+sentinel://a:26379,[::1]:26379/main/4"},
		{"redis+cluster://:s3cret@a,b:7001", "redis+cluster://a:6379,b:7001"},
		{"rediss+cluster://a/0", "rediss+cluster://a:6379"},
	} {
		p, err := parseURL(c.url)
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if p.place() != c.place {
			t.Errorf("%s: points to %s, want %s", c.url, p.place(), c.place)
		}
		if secret := strings.Contains(c.url, ":s3cret@"); secret != (p.Password == "s3cret") {
			t.Errorf("%s: password %q", c.url, p.Password)
		}
		if secure := strings.HasPrefix(c.url, "rediss"); secure != (p.TLSConfig != nil) {
			t.Errorf("%s: TLS %v", c.url, p.TLSConfig != nil)
		}
	}
}

func TestParseURLReadsAll(t *testing.T) {
	t.Parallel()
	p, err := parseURL("redis+sentinel://us%40r:p%2Fw%3F@a/main/5?sentinel_username=su&sentinel_password=sp%26&dial_timeout=1s&read_timeout=2s&write_timeout=3s")
	if err != nil {
		t.Fatal(err)
	}
	if p.Username != "us@r" || p.Password != "p/w?" || p.SentinelUsername != "su" || p.SentinelPassword != "sp&" ||
		p.MasterName != "main" || p.DB != 5 ||
		p.DialTimeout != time.Second || p.ReadTimeout != 2*time.Second || p.WriteTimeout != 3*time.Second {
		t.Errorf("got %+v", p.UniversalOptions)
	}
	if got := p.target().patience; got != callTimeout {
		t.Errorf("patience %v", got)
	}
}

func TestParseURLRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ url, says string }{
		{"", "no scheme"},
		{"127.0.0.1:6379", "no scheme: did you mean redis://127.0.0.1:6379?"},
		{"https://h:1/2", "unknown scheme: did you mean rediss://h:1/2?"},
		{"http://h/x", "unknown scheme: want redis://"},
		{"http://127.0.0.1", "unknown scheme"},
		{"redis://a:x", "address"},
		{"redis://a:0", "port of 1 to 65535"},
		{"redis://a:70000", "port of 1 to 65535"},
		{"redis://::1", "address"},
		{"redis://a b", "address"},
		{"redis://a/x", "database"},
		{"redis://a/-1", "database"},
		{"redis://a,b", "want redis+cluster:// or redis+sentinel://"},
		{"redis://s3cret@a", "no password"},
		{"redis://app:s3cret%@a", "%25"},
		{"redis://:s3cret/x@a", "percent-encoded"},
		{"redis://:s3cret?x@a", "percent-encoded"},
		{"redis:s3cret@a", "no scheme"},
		{"redis://:s3cret@a:x", "address"},
		{"redis://a?max_retries=3", "max_retries"},
		{"redis://a?ca=/x", `"ca" is not known here`},
		{"redis://a?db=1", `"db" is not known here`},
		{"redis://a?read_timeout=5", "positive duration"},
		{"redis://a?read_timeout=-5s", "positive duration"},
		{"redis://a?x=%zz", "percent-encoding"},
		{"rediss://a?insecure=maybe", "true or false"},
		{"rediss://a?ca=/no/such/file", "/no/such/file"},
		{"rediss://a?ca=url_test.go", "no certificate"},
		{"rediss://a?cert=/x", "both or none"},
		{"unix://run/redis.sock", "three slashes"},
		{"unix://", "three slashes"},
		{"redis+sentinel://a:1,b:2", "no name of a master"},
		{"redis+sentinel://a,,b/main", "address"},
		{"redis+sentinel:///main", "address"},
		{"redis+sentinel://a/main/x?sentinel_password=s3cret", "database"},
		{"redis+cluster://a/1", "database 0 alone"},
		{"redis+cluster://", "address"},
	} {
		_, err := Open(Config{URL: c.url + ""})
		if c.url == "" {
			_, err = parseURL("")
		}
		if !errors.Is(err, drayhorse.ErrInvalid) {
			t.Errorf("%q: %v, want ErrInvalid", c.url, err)
			continue
		}
		if msg := err.Error(); !strings.Contains(msg, c.says) || strings.Contains(msg, "s3cret") || strings.Contains(msg, "\n") {
			t.Errorf("%q: %s\nwant a line that says %q and hides the password", c.url, msg, c.says)
		}
	}
}

func TestParseURLReadsCertificates(t *testing.T) {
	t.Parallel()
	certs := redistest.NewCerts(t)
	q := url.Values{"ca": {certs.CA}, "cert": {certs.ClientCert}, "key": {certs.ClientKey}, "server_name": {"other"}}
	p, err := parseURL("rediss+cluster://a?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	if conf := p.TLSConfig; conf.RootCAs == nil || len(conf.Certificates) != 1 || conf.ServerName != "other" || conf.InsecureSkipVerify {
		t.Errorf("got %+v", conf)
	}
}

// FuzzParseURL: a URL is read or refused by one line, and a password shows up
// nowhere but in the options.
func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"redis://", "redis://:PASSWORD@h:1/2", "rediss://u:PASSWORD@h?insecure=true", "unix://u:PASSWORD@/a?db=1",
		"redis+sentinel://:PASSWORD@a:1,b/m/1?sentinel_password=PASSWORD", "redis+cluster://u:PASSWORD@[::1]:1,b",
		"redis://:PASSWORD/x@h", "redis:PASSWORD@h", "redis://PASSWORD@h", "redis://:PASSWORD?x@h",
	} {
		f.Add(seed)
	}
	const password = "hunter2hunter2"
	f.Fuzz(func(t *testing.T, text string) {
		// Only where a password may stand: between :// or : and @, or after sentinel_password=.
		holds := strings.Contains(text, ":PASSWORD@") || strings.Contains(text, "sentinel_password=PASSWORD")
		if strings.Count(text, "PASSWORD") == 1 && holds {
			text = strings.Replace(text, "PASSWORD", password, 1)
		}
		p, err := parseURL(text)
		var shown string
		if err != nil {
			shown = err.Error()
			if !errors.Is(err, drayhorse.ErrInvalid) || strings.ContainsAny(shown, "\n\r") {
				t.Fatalf("%q: %q", text, shown)
			}
		} else if shown = p.place(); len(p.Addrs) == 0 {
			t.Fatalf("%q: no address", text)
		}
		if strings.Contains(shown, password) {
			t.Fatalf("%q: shows the password: %s", text, shown)
		}
	})
}
