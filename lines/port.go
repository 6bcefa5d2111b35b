package lines

import (
	"errors"
	"io"
	"time"
)

// Signals is a set of modem signals (EIA-232 circuits) as the port sees them.
type Signals uint8

// The circuits that ringback reads and drives. RI, DCD, DSR and CTS come from the modem, DTR and RTS go to it.
const (
	DCD Signals = 1 << iota // Data Carrier Detect
	DSR                     // Data Set Ready
	CTS                     // Clear To Send
	RI                      // Ring Indicator
	DTR                     // Data Terminal Ready
	RTS                     // Request To Send
)

// Has reports whether all circuits of want are on.
func (s Signals) Has(want Signals) bool { return s&want == want }

// ErrNoSignals is returned by a Port whose kind has no modem signals (a PTY, plain TCP).
var ErrNoSignals = errors.New("this kind of port has no modem signals")

// SpeedSetter is a Port whose speed can be changed while it is open.
type SpeedSetter interface {
	// SetSpeed sets the speed in both directions, in bit/s, at once: it does not wait until earlier octets are sent.
	// ErrNoSignals if the port has no speed: its server does not support COM-PORT, or it is a PTY.
	SetSpeed(bps int) error
}

// Port carries the bytes and the modem signals of one line. lines/port opens the real ones (serial device, RFC 2217
// server, plain TCP, PTY); tests use in-memory ones.
//
// Read and Write block until they can proceed, the deadline passes (os.ErrDeadlineExceeded) or the port ends (io.EOF,
// EIO, net errors). Close unblocks both and Await, and may be called twice. Only one goroutine may read or await at a
// time, and only one may write; the signal methods may be called from any goroutine.
type Port interface {
	io.ReadWriteCloser
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error

	// Await blocks until Read would not block or Changes has a token. It may leave a read deadline that has passed.
	// It uses little stack, since the only goroutine of an idle line waits in it.
	Await()

	// HasSignals reports whether Signals, Changes and SetDTR work on this port.
	HasSignals() bool
	// Signals returns the circuits last seen on, and DTR and RTS as last set by us. Zero if !HasSignals.
	Signals() Signals
	// Changes receives one token (its capacity is 1) after Signals has changed; nil if !HasSignals. It has one
	// receiver.
	Changes() <-chan struct{}
	// SetDTR raises or drops DTR, and RTS if hardware flow control is off. ErrNoSignals if the port has no signals.
	SetDTR(on bool) error
	// Break sends a BREAK condition of about d. ErrNoSignals if the port cannot.
	Break(d time.Duration) error
	// String returns the port's name: "serial:///dev/ttyS0", "tcp://127.0.0.1:7001".
	String() string
}
