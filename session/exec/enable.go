package exec

import (
	"cmp"
	"context"
	"errors"
	"io"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// enableTries is the maximum number of wrong `enable` passwords in a session. The last one ends it.
const enableTries = 3

// enable changes the privilege level. A higher level requires a password, checked with its method list; a lower one
// does not.
func (x *exec) enable(ctx context.Context, args console.Args, w io.Writer) error {
	level, typed := args.Int("level")
	if !typed {
		level = privileged
	}
	if level <= x.level {
		x.lower(level)
		return nil
	}
	if most := x.Terms().Privilege; most != nil && level > *most {
		x.Debugf("enable: %v: the policy's exec.privilege is %d", x.res.Identity, *most)
		_, err := io.WriteString(w, x.text(texts.EXECDenied)+"\n")
		return err
	}
	for {
		g := x.Enabling()
		res, err := x.askEnable(ctx, g, level)
		if res.Kind != aaa.Silent {
			g.Server = res.Server
		}
		var locked session.Locked
		switch {
		case errors.Is(err, errBlank): // Ctrl-C: cancelled by the user
			return nil
		case errors.As(err, &locked):
			x.Judged(g, session.GuessLocked, locked.Error())
			return x.badSecrets(texts.EXECDenied)
		case err != nil && rejected(err) == "":
			return console.Fatal{Err: err}
		case ctx.Err() != nil: // too late for any answer
			return nil
		case err == nil && res.Kind == aaa.Granted && res.Auth.Refuse == "":
			x.Debugf("enable: %v has privilege level %d, server %s", x.res.Identity, level, res.Server)
			g.Identity = aaa.Identity{User: x.res.Identity.User, Entry: res.Identity.Entry}
			x.Judged(g, session.GuessRight, "")
			x.level, x.denied = level, 0
			return nil
		}
		text, silent := cmp.Or(rejected(err), texts.EXECDenied), err == nil && res.Kind == aaa.Silent
		if silent {
			text = texts.EXECSilent
		}
		why := res.Reason
		if why == "" && err != nil {
			why = rejected(err).English()
		}
		x.Debugf("enable: %v does not get privilege level %d: %v %s", x.res.Identity, level, res.Kind, x.Scrub(why))
		x.Judged(g, enableResult(res, err), why)
		if _, err := io.WriteString(w, x.text(text)+"\n"); err != nil {
			return err
		}
		x.PauseAfterFailure(ctx)
		if silent { // another try would get no answer either
			return nil
		}
		if x.denied++; x.denied >= enableTries {
			return x.badSecrets(texts.EXECBadSecrets)
		}
	}
}

// enableResult returns the Guard's result for a failed `enable`.
func enableResult(res aaa.Result, err error) session.GuessResult {
	if err == nil && res.Kind == aaa.Refused {
		return session.GuessWrong
	}
	return session.GuessRefused
}

// badSecrets ends the session: the next guess requires another call and login.
func (x *exec) badSecrets(text texts.Key) error {
	return console.Fatal{Err: session.End{Cause: aaa.CauseNASRequest, Text: text}}
}

// askEnable asks for the password of a level and checks it once.
func (x *exec) askEnable(ctx context.Context, g session.Guess, level int) (aaa.Result, error) {
	password, err := x.ask(ctx, x.promptFor(x.cfg.Prompts.Password, texts.PromptPassword), false)
	if err != nil {
		return aaa.Result{}, err
	}
	r := x.Request(x.res.Identity.User, aaa.Secret(password))
	r.Enable, r.Entry = level, "" // the list for `enable` has its own entries, also on leg two
	return x.Ask(ctx, g, x.converse(r))
}

// disable lowers the privilege level.
func (x *exec) disable(_ context.Context, args console.Args, _ io.Writer) error {
	level, typed := args.Int("level")
	if !typed {
		level = min(unprivileged, x.level)
	}
	if level > x.level {
		return texts.Error{Key: texts.EXECErrorLevel, Args: []any{x.level, level}}
	}
	x.lower(level)
	return nil
}

// lower gives up privileges, and the debug output that needs them.
func (x *exec) lower(level int) {
	if x.level = level; level < privileged {
		x.undebug()
	}
}
