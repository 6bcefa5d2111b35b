package session

import (
	"context"
	"errors"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// FrontEnd serves a protocol of callers, such as the EXEC or PPP, from the first octet to the end of the session. One
// value serves all calls of a configuration, from many goroutines.
type FrontEnd interface {
	// Service is its name in AAA, policies and accounting.
	Service() aaa.Service
	// Unservable returns why an authorization cannot be applied; "" if it can. No part of an authorization is ignored
	// silently.
	Unservable(auth aaa.Authorization) string
	// Serve runs the dialogue with the caller and blocks until the session is over. It logs the user in (Session.Ask,
	// Settle), accepts the offered callback (Promise) or begins the session (Admit). It reads and writes Session.Line
	// only and never hangs up. ctx ends with the call, or at the login timeout. Goroutines that it starts end before it
	// returns.
	Serve(ctx context.Context, s *Session) Ending
}

// Chooser selects the front end of a call. The wiring creates it from the configuration.
type Chooser interface {
	// Choose is called at the start of a call on leg one. first begins at once; if look is not nil, it may hand the
	// call over to another front end until a user is admitted. If first is nil, nothing is sent until look has selected
	// a front end.
	Choose(call *lines.Call) (first FrontEnd, look Look)
	// Serving returns the front end of a service on a line, or nil. It serves leg two, whatever the caller sends, and a
	// user who changes to the service. It must not block.
	Serving(s aaa.Service, tty int) FrontEnd
}

// Look selects a front end by the caller's octets. It is called after new input, with all octets held back, oldest
// first; it must not keep the slice. The first pass octets go to the current front end (or are dropped if there is
// none). The rest is held back until more octets arrive, for half a second at most; or, if to is not nil, it is the
// first input of to. Look is called from one goroutine at a time.
type Look func(held []byte) (pass int, to FrontEnd)

// Only returns a Chooser that serves every call with one front end.
type Only struct{ FrontEnd }

// Choose implements Chooser.
func (o Only) Choose(*lines.Call) (FrontEnd, Look) { return o.FrontEnd, nil }

// Serving implements Chooser.
func (o Only) Serving(s aaa.Service, _ int) FrontEnd {
	if s != o.Service() {
		return nil
	}
	return o.FrontEnd
}

// Ending is how a session ended.
type Ending struct {
	Cause  aaa.Cause
	Reason string // for the operator: one line, without control characters or secrets
}

// Causes of the end of a session's context, besides an End and actions of the operator.
var (
	ErrCarrier        = errors.New("carrier lost")
	ErrSessionTimeout = errors.New("session timeout")
	ErrLoginTimeout   = errors.New("login not finished in time") // a Decide or Promise under way is not awaited
)

// ErrTaken is returned by a read of the Line when the caller's octets have selected another front end. Serve then
// returns at once without sending anything; its Ending is ignored.
var ErrTaken = errors.New("another front end takes the call")

// Interrupted returns the Ending for the end of ctx or for an error of the Line.
func Interrupted(ctx context.Context, err error) Ending {
	// read once: ctx may end at any moment, and a lost carrier must not be reported as a cleared line
	over := ctx.Err() != nil
	if over {
		err = context.Cause(ctx)
	}
	var end End
	switch {
	case errors.As(err, &end):
		return Ending{end.Cause, end.Error()}
	case errors.Is(err, ErrLoginTimeout):
		return Ending{aaa.CauseIdleTimeout, err.Error()}
	case errors.Is(err, ErrSessionTimeout):
		return Ending{aaa.CauseSessionTimeout, err.Error()}
	case !over || errors.Is(err, ErrCarrier): // the stream ended on its own
		return Ending{aaa.CauseLostCarrier, ErrCarrier.Error()}
	}
	return Ending{aaa.CauseAdminReset, "line cleared"}
}
