// Package port opens the ports of lines by URL: serial devices, RFC 2217 servers, plain TCP and PTYs. It carries bytes
// and modem signals and knows no modem command; lines/modem speaks those.
package port

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/lines"
)

// The values of Options.FlowControl and of the URL parameter flow.
const (
	FlowHardware = "hardware" // RTS/CTS
	FlowSoftware = "software" // XON/XOFF: the two octets are not data
	FlowNone     = "none"
)

// DefaultPoll is the interval at which the signals of a serial device are read, and so the longest time until a
// change is noticed.
const DefaultPoll = 100 * time.Millisecond

// connectLimit limits the set-up of a TCP connection, including TLS: small terminal servers need seconds for it.
const connectLimit = 15 * time.Second

// DefaultTimeout limits the wait for the answers of an RFC 2217 server.
const DefaultTimeout = 2 * time.Second

// Options are the parameters for opening a port. The zero value is usable.
type Options struct {
	// FlowControl is FlowHardware, FlowSoftware or FlowNone; "" uses the URL's flow or, without one, FlowHardware. A
	// value that contradicts the URL is an error. TCP and PTY ports ignore it.
	FlowControl string
	// LockDir is the directory for the UUCP lock files of serial devices (LCK..ttyS0). "" is the first of /run/lock
	// and /var/lock that exists; if neither exists, only the kernel's locks protect the device.
	LockDir string
	// TTY is the line's number, for log records only.
	TTY int
	// Poller reads the signals of serial devices. Pass the same one to all lines: it needs only one goroutine. nil
	// creates one for this port.
	Poller *Poller
	// Timeout limits the set-up of the connection: an RFC 2217 server that has not agreed to COM-PORT-OPTION and
	// reported the modem's state in this time is used without signals. It also limits the wait for room to send a
	// control message. 0 means DefaultTimeout.
	Timeout time.Duration
	// TLS are the certificates for a port over TLS; their files are read at each Open. nil trusts the system's
	// authorities.
	TLS *certs.Files
	// Log receives records at level Debug and Warn; nil drops them.
	Log *slog.Logger

	circuits modemIoctl // replaces the kernel's modem ioctls in tests; nil is the kernel
}

// Open opens the port at address a. The caller closes it. Open blocks at most for the set-up of the connection, and
// not after ctx ends; it does not wait for a carrier. Errors name the port, the cause and the fix.
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
	case TCP, TCPTLS:
		return openTCP(ctx, a, o)
	case RFC2217, RFC2217TLS:
		return openRFC2217(ctx, a, o)
	}
	return nil, fmt.Errorf("%q: unknown kind of port (use Parse to make an Address)", a.Scheme)
}

// settle sets the defaults and merges the URL's flow control with the option's.
func (o Options) settle(a Address) (Options, error) {
	switch o.FlowControl {
	case "", FlowHardware, FlowSoftware, FlowNone:
	default:
		return o, fmt.Errorf("%s: flow control %q is unknown: use %q, %q or %q", a.Name(), o.FlowControl, FlowHardware,
			FlowSoftware, FlowNone)
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
