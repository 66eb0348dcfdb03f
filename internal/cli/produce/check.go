package produce

import (
	"context"

	"github.com/drayhorse/drayhorse/internal/cli"
	"github.com/drayhorse/drayhorse/internal/httpapi"
)

// checkServe reports what serve would refuse before it listens.
func checkServe(_ context.Context, _ *cli.Call, cfg *serveConfig) error {
	if err := cfg.listening().Validate(); err != nil || cfg.TokenFile == "" {
		return err
	}
	_, err := httpapi.OpenTokens(cfg.TokenFile, cfg.Rates(), nil)
	return err
}

func (c *serveConfig) listening() httpapi.Listening {
	return httpapi.Listening{
		Addr: c.Listen, SocketMode: c.SocketMode, Tokens: c.TokenFile != "", TLS: c.TLSCert != "", InsecurePlaintext: c.InsecurePlaintext,
	}
}
