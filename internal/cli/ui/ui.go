// Package ui serves the dashboard: drayhorse ui.
package ui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/drayhorse/drayhorse"
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/dashboard"
	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/httpapi"
	"github.com/drayhorse/drayhorse/internal/logs"
	"github.com/drayhorse/drayhorse/internal/reload"
)

type config struct {
	cli.Common     `yaml:",inline"`
	cli.Monitoring `yaml:",inline"`

	Listen   string `yaml:"listen" arg:"ADDR" usage:"serve the dashboard on this HOST:PORT"`
	Hosts    names  `yaml:"hosts,omitempty" flag:"host" arg:"NAME" usage:"name that browsers know the dashboard by; may be given several times (default loopback names)"`
	ReadOnly bool   `yaml:"read_only" usage:"show, and change nothing"`

	UserFile string `yaml:"user_file,omitempty" arg:"FILE" usage:"YAML file of users, who have to log in: see drayhorse ui password; required unless ADDR is a loopback address"`
	TLSCert  string `yaml:"tls_cert,omitempty" arg:"FILE" usage:"PEM file with a certificate, for HTTPS; read again when it changes"`
	TLSKey   string `yaml:"tls_key,omitempty" arg:"FILE" usage:"PEM file with its key"`

	InsecurePlaintext bool `yaml:"insecure_plaintext" usage:"take passwords without TLS beyond loopback, where something else encrypts"`
	HTTPS             bool `yaml:"https" usage:"browsers come by https, which a proxy in front ends"`

	PublicURL        string `yaml:"public_url,omitempty" arg:"URL" usage:"address at which browsers find the dashboard, for a provider of OpenID Connect; it stands for --host and --https, too"`
	OIDCIssuer       string `yaml:"oidc_issuer,omitempty" arg:"URL" usage:"provider of OpenID Connect where users log in, in place of or beside passwords"`
	OIDCClientID     string `yaml:"oidc_client_id,omitempty" arg:"ID" usage:"what that provider knows the dashboard by"`
	OIDCClientSecret string `yaml:"oidc_client_secret_file,omitempty" flag:"oidc-client-secret-file" arg:"FILE" usage:"file with the secret that goes with it"`
	OIDCClaim        string `yaml:"oidc_claim,omitempty" arg:"NAME" usage:"claim that is the name of a user in the file (default email, which has to be verified)"`
	OIDCGroups       string `yaml:"oidc_groups,omitempty" arg:"NAME" usage:"claim that has the groups of a user (default groups)"`

	Proxies         proxies `yaml:"proxies,omitempty" flag:"proxy" arg:"ADDR" usage:"address or network of proxies whose X-Forwarded-For is believed; may be given several times"`
	UserHeader      string  `yaml:"user_header,omitempty" arg:"NAME" usage:"header in which these proxies say who comes, in place of a login"`
	ProxySecretFile string  `yaml:"proxy_secret_file,omitempty" arg:"FILE" usage:"file with what these proxies have to send in X-Drayhorse-Proxy-Secret"`

	Mask list `yaml:"mask,omitempty" arg:"PART" usage:"part of the names of fields of arguments and results that are masked, beside password, token and others; may be given several times"`
}

// Settle reports the first impossible value, as drayhorse.ErrInvalid.
func (c *config) Settle() error {
	if err := c.Validate(); err != nil {
		return err
	}
	if err := cli.ValidateAddr("listen", c.Listen); err != nil {
		return err
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return fmt.Errorf("%w: tls_cert %q and tls_key %q; want both or none", drayhorse.ErrInvalid, c.TLSCert, c.TLSKey)
	}
	if err := c.listening().Validate(); err != nil {
		return err
	}
	if !cli.IsLoopback(c.Listen) && len(c.Hosts) == 0 && c.PublicURL == "" {
		return fmt.Errorf("%w: listen %q without hosts: browsers that come by another name than localhost are refused; want --host with the name that they use", drayhorse.ErrInvalid, c.Listen)
	}
	return nil
}

// listening says where the dashboard listens, and what protects it there.
func (c *config) listening() httpapi.Listening {
	return httpapi.Listening{
		Addr: c.Listen, Tokens: c.UserFile != "", TLS: c.TLSCert != "", InsecurePlaintext: c.InsecurePlaintext,
		Login: &httpapi.Login{Setting: "user_file", Want: "a file of users, which drayhorse ui password makes entries for", Secrets: "passwords", Usual: usualListen},
	}
}

// maxSecret is the most bytes that a file with a secret may have.
const maxSecret = 4 << 10

// dashboard gives the settings of the pages.
func (c *config) dashboard(log *slog.Logger) (dashboard.Config, error) {
	cfg := dashboard.Config{
		Hosts: c.Hosts, HTTPS: c.HTTPS, ReadOnly: c.ReadOnly, UserFile: c.UserFile, UserHeader: c.UserHeader, Proxies: c.Proxies, Mask: c.Mask, Logger: log,
	}
	var err error
	if cfg.ProxySecret, err = readSecret("proxy_secret_file", c.ProxySecretFile); err != nil {
		return cfg, err
	}
	if err := c.oidc(&cfg); err != nil {
		return cfg, err
	}
	return cfg, nil
}

// oidc takes over what concerns a provider of OpenID Connect.
func (c *config) oidc(to *dashboard.Config) (err error) {
	if c.OIDCIssuer == "" {
		for name, value := range map[string]string{"public_url": c.PublicURL, "oidc_client_id": c.OIDCClientID, "oidc_client_secret_file": c.OIDCClientSecret, "oidc_claim": c.OIDCClaim, "oidc_groups": c.OIDCGroups} {
			if value != "" {
				return fmt.Errorf("%w: %s %q without oidc_issuer; want the address of the provider", drayhorse.ErrInvalid, name, value)
			}
		}
		return nil
	}
	o := &dashboard.OIDC{Issuer: c.OIDCIssuer, ClientID: c.OIDCClientID, PublicURL: c.PublicURL, Claim: c.OIDCClaim, Groups: c.OIDCGroups}
	if o.ClientSecret, err = readSecret("oidc_client_secret_file", c.OIDCClientSecret); err != nil {
		return err
	}
	if public, err := url.Parse(c.PublicURL); err == nil && public.Host != "" {
		to.Hosts, to.HTTPS = append(slices.Clone(to.Hosts), public.Hostname()), to.HTTPS || public.Scheme == "https"
	}
	to.OIDC = o
	return nil
}

// readSecret reads a file with a secret; none for the path "".
func readSecret(setting, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	content, err := os.ReadFile(path)
	if err == nil && len(content) > maxSecret {
		err = fmt.Errorf("it has %d bytes; want at most %d", len(content), maxSecret)
	}
	if e, ok := errors.AsType[*os.PathError](err); ok {
		err = e.Err // the path is named once
	}
	secret := strings.TrimSpace(string(content))
	if err == nil && secret == "" {
		err = errors.New("it is empty")
	}
	if err != nil {
		return "", fmt.Errorf("%w: %s %q: %w", drayhorse.ErrInvalid, setting, path, err)
	}
	return secret, nil
}

// check reports what run would refuse before it listens.
func check(_ context.Context, _ *cli.Call, c *config) error {
	cfg, err := c.dashboard(nil)
	if err != nil {
		return err
	}
	site, err := Open(c.Connection, cfg)
	if err == nil {
		site.Close()
	}
	return err
}

// usualListen is where the dashboard is served unless somebody says otherwise.
const usualListen = "127.0.0.1:7080"

// Command is the verb.
func Command() *cobra.Command {
	defaults := config{Common: cli.DefaultCommon(), Listen: usualListen}
	cmd := cli.Def[config]{
		Name:  "ui",
		Short: "Serve the dashboard: inspect and manage queues, jobs, workers and schedules in a browser",
		Long: `Serve the dashboard: inspect and manage queues, jobs, workers and schedules in a browser.

Without a login it listens on this machine alone. From another machine, use a tunnel:

  ssh -L 7080:127.0.0.1:7080 HOST

and open http://127.0.0.1:7080/ there. Or have users log in, whose file drayhorse ui
password makes entries for; it is read again when it changes:

  drayhorse ui --listen :7080 --host jobs.example.com --user-file users.yaml \
               --tls-cert cert.pem --tls-key key.pem

docs/dashboard.md says what each role may do, and how users log in at a provider of OpenID
Connect, or through a proxy that says who comes. A Go program can mount the same pages under a path of its own, behind its own
login: package dashboard.`,
		Stops:   true,
		Example: "  drayhorse ui --redis redis://127.0.0.1:6379/0 --read-only",
		Config:  defaults,
		Check:   check,
		Run:     run,
	}.Command()
	cmd.AddCommand(passwordCommand())
	return cmd
}

// Limits of a connection.
const (
	readTimeout  = 10 * time.Second
	writeTimeout = 30 * time.Second
	idleTimeout  = 2 * time.Minute
	maxHeader    = 32 << 10 // bytes
	drainTimeout = 5 * time.Second
)

func run(ctx context.Context, call *cli.Call, cfg *config) error {
	pages, err := cfg.dashboard(call.Log)
	if err != nil {
		return err
	}
	site, err := Open(cfg.Connection, pages)
	if err != nil {
		return err
	}
	defer site.Close()
	if cfg.TLSCert != "" {
		if site.certificate, err = reload.OpenCertificate(cfg.TLSCert, cfg.TLSKey, call.Log); err != nil {
			return err
		}
	}
	listener, err := httpapi.Listen(ctx, cfg.listening())
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := call.Println("dashboard: " + site.scheme() + "://" + listener.Addr().String() + "/"); err != nil {
		return err
	}
	monitor := cli.Monitor{Config: cfg.Monitoring, Gatherer: cli.NewRegistry(), Log: call.Log, Ready: site.Ready}
	defer call.OnStop(ctx, func() string { return fmt.Sprintf("waiting up to %v for the requests under way", drainTimeout) })()
	return monitor.Run(ctx, func(ctx context.Context) error { return site.Serve(ctx, listener) })
}

// Site is the dashboard of one Redis.
type Site struct {
	admin   *admin.Admin
	steers  bool
	handler http.Handler
	log     *slog.Logger

	certificate *reload.Certificate // nil: HTTP
	patience    time.Duration       // that clients have to send a request; 0: readTimeout
}

func (s *Site) scheme() string {
	if s.certificate != nil {
		return "https"
	}
	return "http"
}

// Open makes the dashboard of that Redis. It does not connect. Close it.
func Open(where cli.Connection, cfg dashboard.Config) (*Site, error) {
	a, err := admin.New(admin.Config{RedisURL: where.RedisURL.Reveal(), Namespace: where.Namespace})
	if err != nil {
		return nil, err
	}
	cfg.Admin = a
	if cfg.UserFile != "" {
		cfg.RedisURL = where.RedisURL.Reveal() // of the sessions
	}
	handler, err := dashboard.New(cfg)
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return &Site{admin: a, steers: !cfg.ReadOnly, handler: handler, log: logs.Or(cfg.Logger)}, nil
}

// Close ends its connections.
func (s *Site) Close() {
	if c, ok := s.handler.(io.Closer); ok {
		_ = c.Close()
	}
	_ = s.admin.Close()
}

// Ready asks Redis.
func (s *Site) Ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	_, err := s.admin.QueueNames(ctx)
	return err
}

// Serve serves until ctx ends, and lets requests that are under way finish. Meanwhile it runs
// actions that nobody runs, unless it may change nothing.
func (s *Site) Serve(ctx context.Context, listener net.Listener) error {
	server := &http.Server{
		Handler: s.handler, ReadTimeout: cmp.Or(s.patience, readTimeout), WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	acting, leave := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer leave()
	if s.steers {
		work.Go(func() { _ = s.admin.RunActions(acting) })
	}
	served := make(chan error, 1)
	if s.certificate != nil {
		server.TLSConfig = s.certificate.Config()
		work.Go(func() { s.certificate.Watch(acting) })
		go func() { served <- server.ServeTLS(listener, "", "") }()
	} else {
		go func() { served <- server.Serve(listener) }()
	}
	select {
	case err := <-served:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	draining, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	_ = server.Shutdown(draining)
	_ = server.Close()
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
