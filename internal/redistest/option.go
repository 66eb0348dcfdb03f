package redistest

// Option changes the configuration of the servers that are started.
type Option func(*settings)

// settings are what the options of one server, or of the nodes of one group,
// come to.
type settings struct {
	conf     []string
	password string
	socket   bool
	certs    *Certs
	program  string   // "": redis-server
	env      []string // beside that of this program
}

func newSettings(opts []Option) settings {
	var s settings
	for _, opt := range opts {
		opt(&s)
	}
	return s
}

// WithConfig adds lines of redis.conf, such as "maxmemory 10mb".
func WithConfig(lines ...string) Option {
	return func(s *settings) { s.conf = append(s.conf, lines...) }
}

// WithAOF keeps every write in an append-only file, so that a killed server has
// its data when it is restarted: the operating system has it before each answer. The
// disk is not waited for, which a kill does not ask for, and which somebody else may
// keep busy. With everysec a server would hold writes back while a sync is slow, and a
// kill take them along.
func WithAOF() Option { return WithConfig("appendonly yes", "appendfsync no") }

// WithPassword asks clients for a password. In a Sentinel group the sentinels
// ask for the same with "-sentinel" after it.
func WithPassword(password string) Option {
	return func(s *settings) {
		s.password = password
		s.conf = append(s.conf, "requirepass "+password, "masterauth "+password)
	}
}

// WithUnixSocket makes the server listen on a unix socket instead of a port. It
// serves single servers alone.
func WithUnixSocket() Option { return func(s *settings) { s.socket = true } }

// WithTLS makes the server speak TLS alone, and ask clients for a certificate.
// It serves single servers alone.
func WithTLS(certs *Certs) Option { return func(s *settings) { s.certs = certs } }

// WithProgram starts another program than redis-server, by its name or path: one
// that takes the same configuration, as valkey-server does.
func WithProgram(name string) Option { return func(s *settings) { s.program = name } }

// WithEnv adds variables, NAME=VALUE, to the environment of the server.
func WithEnv(variables ...string) Option {
	return func(s *settings) { s.env = append(s.env, variables...) }
}
