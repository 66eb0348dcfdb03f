package operate

import (
	"github.com/drayhorse/drayhorse/admin"
	"github.com/drayhorse/drayhorse/internal/cli"
)

// common is what all verbs can be told.
type common struct {
	cli.Common `yaml:",inline"`

	JSON bool `yaml:"-" flag:"json" usage:"print JSON"`
}

func defaults() common {
	c := common{Common: cli.DefaultCommon()}
	c.LogLevel = "warn" // what was done is on stdout
	return c
}

// with calls act with a connection.
func (c *common) with(call *cli.Call, act func(a *admin.Admin) error) error {
	a, err := admin.New(admin.Config{
		RedisURL: c.RedisURL.Reveal(), Namespace: c.Namespace, Logger: call.Log,
	})
	if err != nil {
		return err
	}
	defer a.Close()
	return act(a)
}

// done says what was done: to programs as JSON, with the keys of fields.
func (c *common) done(call *cli.Call, text string, fields map[string]any) error {
	if c.JSON {
		return cli.PrintJSON(call.Stdout, fields)
	}
	return call.Println(text)
}
