package lines

import (
	"context"
	"errors"
)

// ErrDown is wrapped by the errors of a Driver whose port or modem is not usable. Such a line needs no quarantine: the
// driver proves it on hook before it says Up again.
var ErrDown = errors.New("the line is down")

// ErrHeldBack is wrapped by the error of a Dial whose dial command provably never left: no octet of it was written to
// the port.
var ErrHeldBack = errors.New("the dial command was held back")

// ErrRinging is the error of a Probe of a line that rings.
var ErrRinging = errors.New("the line rings")

// ErrCleared is the cause with which `clear line` ends what runs on a line.
var ErrCleared = errors.New("the line was cleared")

// Accept serves one incoming call in the call's own goroutine. When it returns the call is hung up, if that was not
// done, and the line goes to the next request for it. ctx ends when the pool does. A panic ends only that call.
type Accept func(ctx context.Context, call *Call)

// Script talks to a modem in command state. It must return soon after ctx ended; context.Cause(ctx) says why.
type Script = func(ctx context.Context, c CommandConn) error

// Driver works one line: it opens the port, keeps the modem ready, answers, dials, hangs up. lines/modem has the one
// for AT modems.
type Driver interface {
	// Run works the line in its own goroutines, and returns at once. It reports each event to h. When ctx has
	// ended and the port is closed ended is called, once; before, with an error, where the driver has failed.
	Run(ctx context.Context, h Host, ended func(error))
	// Command runs fn on the modem's command line. It returns fn's error, and the last result code that the modem gave:
	// Ring if it rang meanwhile. A dial command is refused.
	Command(ctx context.Context, fn Script) (ResultCode, error)
	// Dial runs fn and lets it give one dial command. With Connected and no error the call is up and the caller must
	// hang it up. Any other result code is a result and comes without an error. With an error it is not known what the
	// network did.
	Dial(ctx context.Context, fn Script) (*Call, ResultCode, error)
	// Settle proves the line on hook after commands and failed dials, hanging up whatever is there, and does nothing
	// where no proof is needed. An error that is not ErrDown means quarantine.
	Settle(ctx context.Context) error
	// Probe asks an idle modem for OK, unless it has spoken a moment ago. If it does not answer, the driver tries every
	// way to prove the line on hook; the error says what failed then. It wraps ErrDown where the port was given up. A
	// line that rings is left alone: the error is ErrRinging.
	Probe(ctx context.Context) error
	// Clear ends a Command or Dial under way with the cause ErrCleared, hangs up a call that is up, and makes a line
	// that is down try again at once.
	Clear(ctx context.Context) error
}

// Host is what the driver of a line reports to: its place in the pool. Its methods never block on the driver.
type Host interface {
	// Up says that the modem is ready and on hook. With an error it is ready, but could not be proven on hook:
	// quarantine.
	Up(unproven error)
	// Down says that the line cannot be used and why.
	Down(reason error)
	// Phase says what the driver is doing: Ringing, Idle (it stopped ringing), Dialing (a dial command goes out now),
	// HangingUp.
	Phase(s State)
	// Screen asks whether the call that rings may be answered, and blocks for the verdict or until ctx ends. It is
	// asked once a call, and only where the line's Config.CallCheck says so.
	Screen(ctx context.Context, caller, called string) bool
	// Answer asks for the line's lease for an incoming call. False: the line must not be answered (leased, draining,
	// callout …). After true exactly one of Connected and Missed follows.
	Answer() bool
	// Connected hands over the call that was answered. It returns at once.
	Connected(c *Call)
	// Missed gives the lease back: the answered call did not connect. With an error the line could not be proven on
	// hook.
	Missed(unproven error)
	// InBand says whether the open port lacks modem signals, so that the modem's state is proven by what only the modem
	// can know.
	InBand(is bool)
	// Notice shows a problem of a line that still works; text "" removes the notice of that name.
	Notice(name, text string)
	// Signals shows the modem signals after a change.
	Signals(s Signals)
	// Noise counts a line of garbage from the modem.
	Noise()
}
