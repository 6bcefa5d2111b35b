// Package attach serves the users of the console server: a network user gets a line by a lease, and meets its emulated
// modem, or with a privilege the modem itself.
package attach

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/atprompt"
	"github.com/ringback/ringback/session"
)

const (
	// admin is the privilege level whose users are served first in the queue, as in IOS.
	admin = 15
	// defaultIdle is the idle time if AAA grants none.
	defaultIdle = 10 * time.Minute
	// lastWords bounds the output after the end: the user may read nothing.
	lastWords = 2 * time.Second
)

// Broker places the calls: a *broker.Broker.
type Broker interface {
	DialOut(ctx context.Context, o broker.DialOut) (*broker.OutCall, error)
	RawAccess(ctx context.Context, r broker.RawAccess) (denied bool, err error)
	OutboundGroup(id aaa.Identity, auth aaa.Authorization, tty int) string
}

// Attacher serves attachments; it is a session.Attach.
type Attacher struct {
	Pool    Pool
	Broker  Broker
	Product string // what ATI prints
}

// Attach implements session.Attach.
func (a *Attacher) Attach(ctx context.Context, s *session.Session, at session.Attachment) session.Ending {
	conn := s.Line()
	var shown func([]byte)
	if r := s.Recorder(); r != nil {
		shown = r.Output
	}
	v := &visit{Attacher: a, at: at, auth: s.Granted()}
	v.p = &prompt{conn: conn, client: at.Client, screen: newScreen(conn, shown), idle: defaultIdle}
	if v.auth.IdleTimeout > 0 {
		v.p.idle = v.auth.IdleTimeout
	}
	err := v.serve(ctx)
	return v.end(ctx, err)
}

// visit is one attachment.
type visit struct {
	*Attacher
	at    session.Attachment
	auth  aaa.Authorization
	p     *prompt
	lease *lines.Lease
}

// serve blocks until the attachment is over and the line is given back. It returns why.
func (v *visit) serve(ctx context.Context) error {
	ctx, shut := v.p.open(ctx)
	err := v.attached(ctx)
	shut(err)
	if v.lease != nil {
		v.lease.Release()
	}
	return err
}

func (v *visit) attached(ctx context.Context) (err error) {
	q := queue{pool: v.Pool, want: v.want(), wait: v.at.Queue, say: v.say}
	if v.lease, v.p.early, err = q.lease(ctx, v.p.input, v.p.taken); err != nil {
		return err
	}
	group := v.Broker.OutboundGroup(v.at.Identity, v.auth, v.lease.TTY())
	if slices.Contains(v.at.Raw, group) {
		return v.raw(ctx)
	}
	v.p.modem = atprompt.New(atprompt.Config{Product: fmt.Sprintf("%s, line %d", v.Product, v.lease.TTY()),
		Explain: v.at.Person})
	v.p.dial, v.p.lost = v.dial, v.lease.Lost
	v.say("%% Line %d: ATD and a number dials, AT$ lists the commands\n", v.lease.TTY())
	return v.p.run(ctx)
}

// want is the line that the user asks for.
func (v *visit) want() lines.Want {
	w := lines.Want{Owner: v.at.Identity.User + " over the network", Role: lines.ForUser, Rotary: lines.NoRotary,
		Called: noLine}
	if v.auth.PrivLevel >= admin {
		w.Role = lines.ForAdmin
	}
	if v.at.Rotary != nil {
		w.Rotary = *v.at.Rotary
	} else {
		w.TTYs = []int{v.at.Line}
	}
	return w
}

// noLine is a TTY that no line has: nobody called.
const noLine = -1

// say shows a person a line of text. Programs would take it for something else.
func (v *visit) say(format string, args ...any) {
	if v.at.Person {
		v.p.screen.say([]byte(strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "\r\n")))
	}
}

// dial places a call through the broker, which decides and counts it.
func (v *visit) dial(ctx context.Context, number string) dialed {
	call, err := v.Broker.DialOut(ctx, broker.DialOut{Identity: v.at.Identity, Auth: v.auth, Number: number,
		Lease: v.lease, From: v.at.From.String()})
	if err == nil {
		return dialed{call: call, result: atprompt.Result{Code: atprompt.Connected, Connect: call.Connect},
			hangUp: func() error { return call.Hangup(context.Background()) }} // it ends: the broker has its limits
	}
	r := atprompt.Result{Code: atprompt.NoCarrier, Why: "not dialed: " + err.Error()}
	var failed *broker.DialOutError
	if errors.As(err, &failed) {
		r.Code, r.Why = codeOf(failed.Code()), failed.Err.Error() // its hint is for the operator
		if failed.Outcome == "" {
			r.Why = "not dialed: " + r.Why
		}
	}
	return dialed{result: r}
}

// codeOf returns the result code of the emulated modem.
func codeOf(c lines.ResultCode) atprompt.Code {
	switch c {
	case lines.Busy:
		return atprompt.Busy
	case lines.NoAnswer:
		return atprompt.NoAnswer
	case lines.NoDialtone:
		return atprompt.NoDialtone
	case lines.Error:
		return atprompt.Error
	default:
		return atprompt.NoCarrier
	}
}

// end tells the user why the attachment ends, and returns the Ending.
func (v *visit) end(ctx context.Context, err error) session.Ending {
	ending := session.Ending{Cause: aaa.CauseUserRequest, Reason: "the user left the line"}
	over := ctx.Err() != nil
	switch {
	case over:
		ending = session.Interrupted(ctx, err)
		v.say("\n%% %s\n", ending.Reason)
	case errors.Is(err, errIdle):
		ending = session.Ending{Cause: aaa.CauseIdleTimeout, Reason: err.Error()}
		v.say("\n%% Idle timeout\n")
	case errors.Is(err, errBusy), errors.Is(err, errProbe), errors.Is(err, errEarly):
		ending = session.Ending{Cause: aaa.CauseServiceUnavailable, Reason: err.Error()}
	case errors.Is(err, errLeft), errors.Is(err, io.EOF), err == nil:
	case errors.Is(err, lines.ErrCleared):
		ending = session.Ending{Cause: aaa.CauseAdminReset, Reason: err.Error()}
		v.say("\n%% Line cleared\n")
	default:
		ending = session.Ending{Cause: aaa.CauseNASError, Reason: err.Error()}
		v.say("\n%% The line cannot be used: %v\n", err)
	}
	_ = v.p.conn.SetWriteDeadline(time.Now().Add(lastWords))
	v.p.screen.close()
	return ending
}
