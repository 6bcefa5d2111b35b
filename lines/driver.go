package lines

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrDown is wrapped by the errors of a Driver whose port or modem is not usable. Such a line needs no quarantine:
// the driver proves it on hook before it reports Up again.
var ErrDown = errors.New("the line is down")

// ErrHeldBack is wrapped by the error of a Dial whose dial command was provably never sent: no octet of it was
// written to the port.
var ErrHeldBack = errors.New("the dial command was held back")

// MayDial is the last look of a dial: the driver calls it right before it writes the dial command, when nothing is left
// to wait for. It may block for LookLimit, and must return soon after ctx ends. With an error, the dial command is held
// back. It is called again if its answer is older than LookLimit when the write begins.
type MayDial = func(ctx context.Context) error

// LookLimit is how long the last look may take, and how old its answer may be when the dial command is written.
const LookLimit = time.Second

// LookFailed is the error of a dial whose last look failed. It comes with ErrHeldBack.
type LookFailed struct{ Err error }

func (e LookFailed) Error() string { return "not dialed: " + e.Err.Error() }

// Unwrap returns the error of the last look.
func (e LookFailed) Unwrap() error { return e.Err }

// Barred is the error of a Dial that ended with Blacklisted or Delayed if the modem named the time for which it will
// not dial the number.
type Barred struct{ For time.Duration }

func (e Barred) Error() string { return fmt.Sprintf("it will not dial the number for %v", e.For) }

// Unproven is the error of a dial after which the line could not be proven on hook: nobody dials on it before it is.
type Unproven struct {
	Err   error // the error of the dial itself; nil: none
	Cause error // why the line is not proven
}

// Error returns both errors.
func (e Unproven) Error() string {
	text := "the line is not proven on hook: " + e.Cause.Error()
	if e.Err != nil {
		return e.Err.Error() + "; " + text
	}
	return text
}

// Unwrap returns the error of the dial itself: what it means for the dial is not changed by the proof.
func (e Unproven) Unwrap() error { return e.Err }

// ErrRinging is the error of a Probe of a line that rings.
var ErrRinging = errors.New("the line rings")

// ErrCleared is the cause with which `clear line` ends the script, dial or call on a line.
var ErrCleared = errors.New("the line was cleared")

// Accept serves one incoming call in the call's own goroutine. When it returns, the call is hung up if it is still
// up, and the line goes to the next request for it. ctx ends when the pool stops. A panic ends only that call.
type Accept func(ctx context.Context, call *Call)

// Script talks to a modem in command state. It must return soon after ctx ends; context.Cause(ctx) gives the reason.
type Script = func(ctx context.Context, c CommandConn) error

// Driver operates one line: it opens the port, keeps the modem ready, answers, dials and hangs up. lines/modem has
// the driver for AT modems.
type Driver interface {
	// Run operates the line in its own goroutines and returns immediately. It reports each event to h. It calls ended
	// once: when ctx has ended and the port is closed, or earlier, with an error, if the driver fails.
	Run(ctx context.Context, h Host, ended func(error))
	// Command runs fn on the modem's command line. It returns fn's error and the modem's last result code: Ring if
	// the line rang meanwhile. A dial command is rejected.
	Command(ctx context.Context, fn Script) (ResultCode, error)
	// Dial runs fn and allows it one dial command. With Connected and no error, the call is up and the caller must
	// hang it up. Any other result code comes without an error, with Barred or with Unproven. With another error, it
	// is unknown whether the network placed a call, unless it wraps ErrHeldBack. look is called before the dial
	// command is written; nil: no look.
	Dial(ctx context.Context, look MayDial, fn Script) (*Call, ResultCode, error)
	// Settle proves the line on hook after commands and failed dials, and hangs up any call. It does nothing if no
	// proof is needed. An error that is not ErrDown means quarantine.
	Settle(ctx context.Context) error
	// Probe asks an idle modem for OK, unless the modem has answered a moment ago. If it does not answer, the driver
	// tries every way to prove the line on hook; the error gives the last failure. It wraps ErrDown if the port was
	// closed. Probe does not touch a line that rings: the error is ErrRinging.
	Probe(ctx context.Context) error
	// Clear ends a running Command or Dial with the cause ErrCleared, hangs up a call, and makes a line that is down
	// retry immediately.
	Clear(ctx context.Context) error
}

// Host is the line's place in the pool, to which its driver reports. Its methods never block on the driver.
type Host interface {
	// Up reports that the modem is ready and on hook. With an error, it is ready but could not be proven on hook:
	// quarantine.
	Up(unproven error)
	// Down reports that the line cannot be used, and why.
	Down(reason error)
	// Failed reports a failure that is over, of a line that works.
	Failed(err error)
	// Phase reports what the driver does: Ringing, Idle (the ringing stopped), Dialing (a dial command is sent now),
	// HangingUp.
	Phase(s State)
	// Screen asks whether the ringing call may be answered, and blocks for the verdict or until ctx ends. It is
	// called once per call, and only if the line's Config.CallCheck or Config.MissedCalls requires it. ctx ends with
	// the cause ErrDown if it is unknown whether the caller has given up. The host sets the TTY.
	Screen(ctx context.Context, r RingingCall) bool
	// Message hands over a short message, on a line with Config.Messages. It blocks until the host has done what is
	// to be done about it, or until ctx ends. True: the modem need not keep it.
	Message(ctx context.Context, m Message) bool
	// Answer asks for the line's lease for an incoming call; the numbers are "" if unknown. False: the driver must not
	// answer (the line is leased, the pool drains, callout, the called number has too many calls …). After true,
	// exactly one of Connected and Missed follows.
	Answer(caller, called string) bool
	// Connected hands over the answered call. It returns immediately.
	Connected(c *Call)
	// Missed returns the lease: the answered call did not connect. With an error, the line could not be proven on
	// hook.
	Missed(unproven error)
	// InBand reports whether the open port lacks modem signals, so that the modem must prove its state by a secret.
	InBand(is bool)
	// Notice shows a problem of a line that still works; an empty text removes the notice of that name.
	Notice(name, text string)
	// Signals reports the modem signals after a change.
	Signals(s Signals)
	// Count counts an event of the line.
	Count(c Counter)
	// Probed reports whether an idle modem has answered; ErrRinging: it was not asked.
	Probed(err error)
}
