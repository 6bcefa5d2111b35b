package node

import (
	"context"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session/exec"
)

// text returns the EXEC, whose commands ask this daemon. A caller who is privileged operates it, but does not
// administer it: that needs the machine.
func (d *daemon) text(c exec.Config) *exec.FrontEnd {
	c.Client = func(user, name string, privileged bool) *client.Client {
		role := api.Read
		if privileged {
			role = api.Operate
		}
		return d.inside.Client(api.User{Account: user, Name: name, Role: role})
	}
	c.Chat = func(ctx context.Context, chat lines.Chat) (lines.Chatted, error) {
		return d.broker.StartChat(ctx, chat)
	}
	return exec.New(c)
}
