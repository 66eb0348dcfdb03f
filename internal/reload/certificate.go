package reload

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync/atomic"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/logs"
)

// Certificate is one with its key in files, as they are now: while a server runs it
// takes new ones over, for connections that are made from then on. A pair that does not
// fit changes nothing.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	pair              atomic.Pointer[tls.Certificate]
	content           Content
}

// OpenCertificate reads the files. The error is drayhorse.ErrInvalid and names them.
func OpenCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	c.content = Content{Read: c.read, Apply: c.apply, Told: c.told}
	if err := c.content.Open(); err != nil {
		return nil, err
	}
	return c, nil
}

// Config is for a server.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil },
		MinVersion:     tls.VersionTLS12,
	}
}

// Watch takes changes over until ctx ends.
func (c *Certificate) Watch(ctx context.Context) { c.content.Watch(ctx) }

// read gives the certificate and its key with a byte between them that stands in no PEM.
func (c *Certificate) read() ([]byte, error) {
	cert, err := os.ReadFile(c.certFile)
	if err != nil {
		return nil, c.broken(err)
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return nil, c.broken(err)
	}
	return slices.Concat(cert, []byte{0}, key), nil
}

func (c *Certificate) apply(content []byte) error {
	cert, key, _ := bytes.Cut(content, []byte{0})
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return c.broken(err)
	}
	c.pair.Store(&pair)
	return nil
}

func (c *Certificate) told(ctx context.Context, err error) {
	if err != nil {
		c.log.ErrorContext(ctx, "certificate is broken; the one of before stays", slog.String(logs.Error, err.Error()))
		return
	}
	c.log.InfoContext(ctx, "certificate reloaded", slog.Time("not_after", c.pair.Load().Leaf.NotAfter))
}

func (c *Certificate) broken(err error) error {
	return fmt.Errorf("%w: tls_cert %q with tls_key %q: %w", drayhorse.ErrInvalid, c.certFile, c.keyFile, err)
}
