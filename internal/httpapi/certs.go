package httpapi

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// certs are a certificate and its key in files, as they are now: while a server runs it
// takes new ones over, for connections that are made from then on. A pair that does not
// fit changes nothing.
type certs struct {
	certFile, keyFile string
	log               *slog.Logger
	pair              atomic.Pointer[tls.Certificate]
	applied, seen     []byte // what the pair was made of, and what was there at the last look
}

// openCerts reads the files. The error is drayhorse.ErrInvalid and names them.
func openCerts(certFile, keyFile string, log *slog.Logger) (*certs, error) {
	c := &certs{certFile: certFile, keyFile: keyFile, log: log}
	content, err := c.read()
	if err == nil {
		err = c.apply(content)
	}
	if err != nil {
		return nil, err
	}
	c.seen, c.applied = content.both(), content.both()
	return c, nil
}

// get is for tls.Config.
func (c *certs) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil }

// watch takes changes of the files over until ctx ends.
func (c *certs) watch(ctx context.Context) {
	ticker := time.NewTicker(reloadEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.reload(ctx)
		}
	}
}

// reload takes over what has not changed since the last look: the two files are not
// written in the same moment.
func (c *certs) reload(ctx context.Context) {
	content, err := c.read()
	both := content.both()
	if err != nil {
		both = []byte(err.Error()) // so that it is logged once
	}
	settled := bytes.Equal(both, c.seen)
	c.seen = both
	if !settled || bytes.Equal(both, c.applied) {
		return
	}
	c.applied = both
	if err == nil {
		err = c.apply(content)
	}
	if err != nil {
		c.log.ErrorContext(ctx, "certificate is broken; the one of before stays", slog.String(logs.Error, err.Error()))
		return
	}
	c.log.InfoContext(ctx, "certificate reloaded", slog.Time("not_after", c.pair.Load().Leaf.NotAfter))
}

// pem is what stands in the files.
type pem struct{ cert, key []byte }

func (p pem) both() []byte { return bytes.Join([][]byte{p.cert, p.key}, []byte{0}) }

func (c *certs) read() (p pem, err error) {
	if p.cert, err = os.ReadFile(c.certFile); err == nil {
		p.key, err = os.ReadFile(c.keyFile)
	}
	if err != nil {
		return p, c.broken(err)
	}
	return p, nil
}

func (c *certs) apply(p pem) error {
	pair, err := tls.X509KeyPair(p.cert, p.key)
	if err != nil {
		return c.broken(err)
	}
	c.pair.Store(&pair)
	return nil
}

func (c *certs) broken(err error) error {
	return fmt.Errorf("%w: tls_cert %q with tls_key %q: %w", drayhorse.ErrInvalid, c.certFile, c.keyFile, err)
}
