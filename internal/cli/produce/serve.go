package produce

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/httpapi"
)

type serveConfig struct {
	cli.Common     `yaml:",inline"`
	cli.Monitoring `yaml:",inline"`

	Listen     string             `yaml:"listen" arg:"ADDR" usage:"serve jobs on this HOST:PORT, or unix:PATH"`
	SocketMode httpapi.SocketMode `yaml:"socket_mode" arg:"MODE" usage:"octal mode of the file of unix:PATH: who may write to it may connect"`
	TokenFile  string             `yaml:"token_file" arg:"FILE" usage:"YAML file with the tokens that clients must have; required unless ADDR is a loopback address or a socket"`
	TLSCert    string             `yaml:"tls_cert" arg:"FILE" usage:"PEM file with a certificate, for HTTPS; read again when it changes"`
	TLSKey     string             `yaml:"tls_key" arg:"FILE" usage:"PEM file with its key"`

	InsecurePlaintext bool `yaml:"insecure_plaintext" usage:"take tokens without TLS beyond loopback, where something else encrypts"`

	httpapi.Limits `yaml:",inline"`
}

// Settle reports the first impossible value, as drayhorse.ErrInvalid.
func (c *serveConfig) Settle() error {
	err := c.Monitoring.Validate()
	if !httpapi.IsUnix(c.Listen) {
		err = errors.Join(err, cli.ValidateAddr("listen", c.Listen))
	}
	if err != nil {
		return err
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return fmt.Errorf("%w: tls_cert %q and tls_key %q; want both or none", drayhorse.ErrInvalid, c.TLSCert, c.TLSKey)
	}
	return c.Limits.Validate()
}

func serveCommand() *cobra.Command {
	return cli.Def[serveConfig]{
		Name:  "serve",
		Short: "Accept jobs over HTTP, from programs in any language",
		Long: `Accept jobs over HTTP, from programs in any language:

  curl localhost:8080/v1/jobs -H 'Content-Type: application/json' \
       -d '{"kind": "digest", "args": {"path": "/etc/hostname"}}'

  POST /v1/jobs          put one job in; the fields are those of producer import
  POST /v1/jobs/batch    put many in, one JSON object a line
  GET /v1/jobs/ID        look at one
  DELETE /v1/jobs/ID     cancel one
  GET /openapi.yaml      all of this for programs

Clients need a bearer token of the token file, which producer token makes entries
for. Without a file everybody on this machine may do everything, and only loopback
addresses can be served.`,
		Stops:   true,
		Example: "  producer serve --listen :8080 --token-file tokens.yaml --tls-cert cert.pem --tls-key key.pem --metrics :9092",
		Config:  serveConfig{Common: cli.DefaultCommon(), Listen: "127.0.0.1:8080", SocketMode: httpapi.DefaultSocketMode, Limits: httpapi.DefaultLimits()},
		Check:   checkServe,
		Run:     serve,
	}.Command()
}

func serve(ctx context.Context, call *cli.Call, cfg *serveConfig) error {
	registry := cli.NewRegistry()
	tracer, flush, err := cfg.Tracer(ctx, "drayhorse-producer", call)
	if err != nil {
		return err
	}
	defer flush()
	door := httpapi.Config{CertFile: cfg.TLSCert, KeyFile: cfg.TLSKey, Limits: cfg.Limits}
	if cfg.TokenFile != "" {
		if door.Tokens, err = httpapi.OpenTokens(cfg.TokenFile, cfg.Rates(), call.Log); err != nil {
			return err
		}
	}
	server, err := OpenDoor(cfg.Connection, call, door, registry, tracer)
	if err != nil {
		return err
	}
	defer server.Close()
	listener, err := httpapi.Listen(ctx, cfg.listening())
	if err != nil {
		return err
	}
	monitor := cli.Monitor{Config: cfg.Monitoring, Gatherer: registry, Ready: server.Ready, Log: call.Log}
	defer call.OnStop(ctx, func() string {
		return fmt.Sprintf("waiting up to %v for the requests under way", cfg.ShutdownTimeout)
	})()
	return monitor.Run(ctx, func(ctx context.Context) error { return server.Serve(ctx, listener) })
}
