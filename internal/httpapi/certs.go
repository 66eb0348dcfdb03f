package httpapi

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

// certs are a certificate and its key in files, as they are now: while a server runs it
// takes new ones over, for connections that are made from then on. A pair that does not
// fit changes nothing.
type certs struct {
	certFile, keyFile string
	log               *slog.Logger
	pair              atomic.Pointer[tls.Certificate]
	watched
}

// openCerts reads the files. The error is drayhorse.ErrInvalid and names them.
func openCerts(certFile, keyFile string, log *slog.Logger) (*certs, error) {
	c := &certs{certFile: certFile, keyFile: keyFile, log: log}
	c.watched = watched{read: c.read, apply: c.apply, told: c.told}
	if err := c.open(); err != nil {
		return nil, err
	}
	return c, nil
}

// get is for tls.Config.
func (c *certs) get(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.pair.Load(), nil }

// read gives the certificate and its key with a byte between them that stands in no PEM.
func (c *certs) read() ([]byte, error) {
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

func (c *certs) apply(content []byte) error {
	cert, key, _ := bytes.Cut(content, []byte{0})
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return c.broken(err)
	}
	c.pair.Store(&pair)
	return nil
}

func (c *certs) told(ctx context.Context, err error) {
	if err != nil {
		c.log.ErrorContext(ctx, "certificate is broken; the one of before stays", slog.String(logs.Error, err.Error()))
		return
	}
	c.log.InfoContext(ctx, "certificate reloaded", slog.Time("not_after", c.pair.Load().Leaf.NotAfter))
}

func (c *certs) broken(err error) error {
	return fmt.Errorf("%w: tls_cert %q with tls_key %q: %w", drayhorse.ErrInvalid, c.certFile, c.keyFile, err)
}
