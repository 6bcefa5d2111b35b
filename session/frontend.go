package session

import (
	"context"
	"errors"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// FrontEnd is a protocol that callers speak, from the first octet to the end of the session: the EXEC, PPP. One value
// serves all calls of a configuration, from many goroutines.
type FrontEnd interface {
	// Service is what AAA, the policies and the accounting call it.
	Service() aaa.Service
	// Unservable says why a grant of AAA cannot be honoured here; "" where it can. What AAA granted is never left out
	// silently.
	Unservable(auth aaa.Authorization) string
	// Serve speaks with the caller until the session is over and blocks until then. It logs them in (Session.Ask,
	// Settle), accepts the callback that is offered (Promise) or begins the session (Admit). It reads and writes
	// Session.Line only and never hangs up. ctx ends when the call does, or when the login takes too long. Goroutines
	// that it starts end before it returns.
	Serve(ctx context.Context, s *Session) Ending
}

// Chooser says which front end serves a call. The wiring makes one of the configuration.
type Chooser interface {
	// Choose is asked when a call on leg one begins. first begins at once, and where look is not nil, other octets than
	// first's may hand the call over to another front end until somebody is admitted. Where first is nil, the call
	// waits in silence until look has chosen.
	Choose(call *lines.Call) (first FrontEnd, look Look)
	// Serving is the front end of a service, by which leg two is served whatever the caller sends; nil: there is none.
	Serving(s aaa.Service) FrontEnd
}

// Look is given all octets of the caller that are held back, oldest first, when more of them came; it keeps none of
// them. The first pass of them belong to the front end that reads now (to nobody where none does yet). The rest are
// held back until more come, for half a second at most; or, where to is not nil, they are the first octets that to
// reads. Look may be called from one goroutine at a time.
type Look func(held []byte) (pass int, to FrontEnd)

// Only serves every call by one front end, whatever the caller sends.
type Only struct{ FrontEnd }

// Choose implements Chooser.
func (o Only) Choose(*lines.Call) (FrontEnd, Look) { return o.FrontEnd, nil }

// Serving implements Chooser.
func (o Only) Serving(s aaa.Service) FrontEnd {
	if s != o.Service() {
		return nil
	}
	return o.FrontEnd
}

// Ending is how a session ended.
type Ending struct {
	Cause  aaa.Cause
	Reason string // for the operator: one line without control characters or secrets
}

// Why a session's context ended, beside an End and what the operator did.
var (
	ErrCarrier        = errors.New("carrier lost")
	ErrSessionTimeout = errors.New("session timeout")
	ErrLoginTimeout   = errors.New("login not finished in time") // no Decide or Promise under way is waited for
)

// ErrTaken is what a read of the Line returns when the caller's octets belong to another front end. Serve then returns
// at once and without a word; its Ending does not count.
var ErrTaken = errors.New("another front end takes the call")

// Interrupted makes an Ending of the end of ctx, or else of an error of the Line.
func Interrupted(ctx context.Context, err error) Ending {
	over := ctx.Err() != nil // looked at once: ctx may end any moment, and a lost carrier is no cleared line
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
	case !over || errors.Is(err, ErrCarrier): // the stream ended by itself
		return Ending{aaa.CauseLostCarrier, ErrCarrier.Error()}
	}
	return Ending{aaa.CauseAdminReset, "line cleared"}
}
