// Package port opens the ports of lines by URL: serial devices, RFC 2217 servers, plain TCP and PTYs. It carries bytes
// and modem signals and knows no modem command; lines/modem speaks those.
package port

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ringback/ringback/lines"
)

// The values of Options.FlowControl and of the URL parameter flow.
const (
	FlowHardware = "hardware" // RTS/CTS
	FlowNone     = "none"
)

// DefaultPoll is how often the signals of a serial device are read: the longest time that passes until a change is
// noticed.
const DefaultPoll = 100 * time.Millisecond

// DefaultTimeout bounds the wait for an RFC 2217 server's answers.
const DefaultTimeout = 2 * time.Second

// Options says how a port is opened. The zero value works.
type Options struct {
	// FlowControl is FlowHardware or FlowNone; "" uses the URL's flow and, if that is also missing, FlowHardware. One
	// that contradicts the URL is an error. TCP and PTY ports have none and ignore it.
	FlowControl string
	// LockDir is where serial devices get their UUCP lock file (LCK..ttyS0). "" is the first of /run/lock and /var/lock
	// that exists; if neither does, only the kernel's locks guard the device.
	LockDir string
	// TTY is the line's number, for log records only.
	TTY int
	// Poller reads the signals of serial devices. Give all lines the same one: it is one goroutine whatever their
	// number. nil makes one for this port alone.
	Poller *Poller
	// Timeout bounds the connection's set-up: an RFC 2217 server that has not agreed to COM-PORT-OPTION and reported
	// the modem's state by then is used without signals. It also bounds the wait for room to send a control message. 0
	// is DefaultTimeout.
	Timeout time.Duration
	// Log gets notes at level Debug and Warn; nil drops them.
	Log *slog.Logger

	circuits modemIoctl // stands for the kernel's modem ioctls in tests; nil is the kernel
}

// Open opens the port that a names. The caller closes it. Open blocks for the connection's set-up at most, and not past
// ctx; a serial device that has no carrier does not make it wait. Errors name the port, the cause and the fix.
func (a Address) Open(ctx context.Context, o Options) (lines.Port, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%s: not opened: %w", a.Name(), err)
	}
	o, err := o.settle(a)
	if err != nil {
		return nil, err
	}
	switch a.Scheme {
	case Serial:
		return openSerial(a, o)
	case PTY:
		return openPTY(a)
	case TCP:
		return openTCP(ctx, a)
	case RFC2217:
		return openRFC2217(ctx, a, o)
	}
	return nil, fmt.Errorf("%q: unknown kind of port (use Parse to make an Address)", a.Scheme)
}

// settle fills in the defaults and joins the URL's flow control with the option's.
func (o Options) settle(a Address) (Options, error) {
	switch o.FlowControl {
	case "", FlowHardware, FlowNone:
	default:
		return o, fmt.Errorf("%s: flow control %q is unknown: use %q or %q", a.Name(), o.FlowControl, FlowHardware,
			FlowNone)
	}
	switch {
	case a.Flow != "" && o.FlowControl != "" && a.Flow != o.FlowControl:
		return o, fmt.Errorf("%s: the URL says flow=%s and the line says flow control %s: remove one", a.Name(), a.Flow,
			o.FlowControl)
	case a.Flow != "":
		o.FlowControl = a.Flow
	case o.FlowControl == "":
		o.FlowControl = FlowHardware
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Log = o.Log.With("line", o.TTY, "port", a.Name())
	return o, nil
}
