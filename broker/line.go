package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/texts"
)

// Line is what the broker knows of a line: how its callers log in and how it dials. Its port and its modem are in the
// pool (lines.Config). A reload may change a Line: a call keeps the Line that it began with; leg two, the next attempt
// of a callback and the forced wait of a line that is not leased yet use the new one.
type Line struct {
	Login          Login  // method lists of authentication and authorization; nil admits no one
	Accounting     string // name of the accounting list; "" is "default"
	CallbackScript string // regexp on chat script names (IOS `script callback`); "": exec-callback, ppp-callback
	OffHookScript  string // regexp on chat script names (IOS `script modem-off-hook`); "" none
	StartupScript  string // the same, of IOS `script startup`
	ResetScript    string // the same, of IOS `script reset`
	// the same, of IOS `script activation`: it talks to the caller before the session
	ActivationScript string
	DialerScript     string        // the same, of IOS `script dialer`: it dials if there is no CallbackScript
	SystemScript     string        // the same, of the script that logs on to the called side, before leg two
	ForcedWait       time.Duration // IOS `callback forced-wait`: minimum time between hang-up and dial
	Locale           texts.Locale  // how callers are addressed until the group of a user is known
}

// Prepare is a lines.PoolOptions.Prepare: it runs the scripts of the configuration in force.
func (b *Broker) Prepare(tty int, o lines.Occasion) lines.Preparation {
	cfg := b.config.Load()
	l := cfg.Lines[tty]
	script := map[lines.Occasion]string{lines.Startup: l.StartupScript, lines.Reset: l.ResetScript}[o]
	if script == "" {
		return nil
	}
	return func(ctx context.Context, m lines.Commander) error {
		_, err := cfg.Dialer.Command(ctx, m, fmt.Sprintf("%s script of tty%d", o, tty), script)
		if errors.Is(err, lines.ErrRinging) { // the script succeeded; the call is answered afterwards
			return nil
		}
		return err
	}
}

// locale returns how a user of a group is addressed on a line.
func (c *Config) locale(group string, tty int) texts.Locale {
	p, _ := c.Policies.Group(group)
	return p.Locale.Or(c.Lines[tty].Locale)
}

// unserved returns why a line may not dial the callbacks of a service; "" if it may: leg two needs its front end.
func (c *Config) unserved(s aaa.Service, tty int) string {
	if f := c.Session.FrontEnds; f != nil && f.Serving(s, tty) != nil {
		return ""
	}
	return fmt.Sprintf("cannot serve %s", s)
}

// login returns the method lists of a line.
func (c *Config) login(tty int) Login {
	if l := c.Lines[tty].Login; l != nil {
		return l
	}
	return nobody(tty)
}
