package redis

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/drayhorse/drayhorse/internal/duration"
)

// tlsFiles are the parameters of a URL that concern TLS.
type tlsFiles struct {
	ca, cert, key string // PEM files
	serverName    string // in place of the address's host
	insecure      bool   // trust any certificate
}

// parameters are what a URL may say after the question mark.
var parameters = map[string]func(p *parsed, value string) error{
	"db":                (*parsed).takeDB,
	"ca":                func(p *parsed, v string) error { p.tls.ca = v; return nil },
	"cert":              func(p *parsed, v string) error { p.tls.cert = v; return nil },
	"key":               func(p *parsed, v string) error { p.tls.key = v; return nil },
	"server_name":       func(p *parsed, v string) error { p.tls.serverName = v; return nil },
	"insecure":          func(p *parsed, v string) error { return takeBool(v, &p.tls.insecure) },
	"sentinel_username": func(p *parsed, v string) error { p.SentinelUsername = v; return nil },
	"sentinel_password": func(p *parsed, v string) error { p.SentinelPassword = v; return nil },
	"dial_timeout":      func(p *parsed, v string) error { return takeDuration(v, &p.DialTimeout) },
	"read_timeout":      func(p *parsed, v string) error { return takeDuration(v, &p.ReadTimeout) },
	"write_timeout":     func(p *parsed, v string) error { return takeDuration(v, &p.WriteTimeout) },
}

const parameterNames = "ca, cert, key, server_name and insecure with rediss; sentinel_username and sentinel_password" +
	" with +sentinel; db with unix; dial_timeout, read_timeout and write_timeout"

func (p *parsed) takeParameters(query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("parameters: a % that is no percent-encoding (write it as %25), or a semicolon")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		take, known := parameters[name]
		if !known || !p.allows(name) {
			if values.Get(name) == "" { // it may be the rest of a password
				name = hidden
			}
			return fmt.Errorf("parameter %q is not known here: want %s", name, parameterNames)
		}
		list := values[name]
		if err := take(p, list[len(list)-1]); err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	if p.secure() {
		p.TLSConfig, err = p.tls.config()
	}
	return err
}

// allows says whether a parameter means something to this scheme.
func (p *parsed) allows(name string) bool {
	switch name {
	case "db":
		return p.scheme == "unix"
	case "ca", "cert", "key", "server_name", "insecure":
		return p.secure()
	case "sentinel_username", "sentinel_password":
		return p.sentinel()
	default:
		return true
	}
}

func takeBool(value string, to *bool) (err error) {
	if *to, err = strconv.ParseBool(value); err != nil {
		return fmt.Errorf("%q: want true or false", value)
	}
	return nil
}

func takeDuration(value string, to *time.Duration) (err error) {
	if *to, err = duration.Parse(value); err != nil || *to <= 0 {
		return fmt.Errorf("%q: want a positive duration such as 500ms or 5s", value)
	}
	return nil
}

// config reads the files. Without any, the system's authorities are trusted.
func (f tlsFiles) config() (*tls.Config, error) {
	conf := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         f.serverName,
		InsecureSkipVerify: f.insecure, //nolint:gosec // asked for by name
	}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("parameter ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("parameter ca: %s holds no certificate in PEM", f.ca)
		}
	}
	if (f.cert == "") != (f.key == "") {
		return nil, errors.New("parameters cert and key: want both or none")
	}
	if f.cert != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			return nil, fmt.Errorf("parameters cert and key: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}
