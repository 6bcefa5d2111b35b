package ppp

import (
	"encoding/binary"
	"time"

	"github.com/ringback/ringback/ppp/lcp"
)

// Config is the configuration of an Engine.
type Config struct {
	Leg   int // 1 (or 0), and 2 for the call of a callback: no callback is negotiated
	Speed int // bit/s of the line, for the restart timers; 0 unknown
	// Auth has the methods in the order in which they are offered. Without one, every peer is refused.
	Auth []lcp.Auth
	Name string // ours, in CHAP challenges; may be empty

	CBCP     bool // leg one: the peer may ask for CBCP
	RFC1570  bool // leg one: the peer may ask for operations 0 to 3 of RFC 1570
	Initiate bool // leg one: a peer that asks for no callback waits for one all the same

	// NumberTries is how often the peer may answer CBCP with what cannot be used; 0: as often as it is asked.
	NumberTries int

	IPv4, IPv6 bool // the network protocols

	Echo           lcp.Echo      // the keepalive
	IdleTimeout    time.Duration // if AAA sets none; 0: none
	Identification string        // sent when LCP opens (RFC 1570 §1.1); printable ASCII
	// MaxRenegotiations is how often the peer may negotiate the link anew; 0: 5.
	MaxRenegotiations int

	PeerACCM  uint32 // control characters that the line does not pass
	Escapes   []byte // characters that the modem may take for its escape: see hdlc.Encoder
	Plain     bool   // leave out the escapes that RFC 1662 does not require
	AfterText bool   // text was written on the call before: the first frame begins a new line

	// Random fills b with random octets. It is required.
	Random func(b []byte)
	// Tap is called with each frame that was received without damage, and with each one that Output appends. It must
	// not block, and must not call the Engine. nil: nobody looks.
	Tap func(Frame)
}

// Defaults.
const (
	maxRenegotiations = 5
	slowSpeed         = 2400            // bit/s
	slowRestart       = 5 * time.Second // on a slow line
)

// callbackEcho is the keepalive while a callback is negotiated: pppd has no timer there and waits for ever.
var callbackEcho = lcp.Echo{Every: 10 * time.Second, Misses: 3}

func (c Config) withDefaults() Config {
	if c.MaxRenegotiations <= 0 {
		c.MaxRenegotiations = maxRenegotiations
	}
	return c
}

// restart is the restart timer for the line; 0 is that of RFC 1661.
func (c Config) restart() time.Duration {
	if c.Speed > 0 && c.Speed <= slowSpeed {
		return slowRestart
	}
	return 0
}

// operations returns the callback operations for which the peer may ask.
func (c Config) operations() []lcp.Operation {
	if c.Leg == 2 {
		return nil
	}
	var out []lcp.Operation
	if c.CBCP {
		out = append(out, lcp.ByCBCP)
	}
	if c.RFC1570 {
		out = append(out, lcp.ByUser, lcp.ByDialString, lcp.ByLocation, lcp.ByNumber)
	}
	return out
}

func (c Config) lcp() lcp.Config {
	l := lcp.Config{
		Auth: c.Auth, Callback: c.operations(), PeerACCM: c.PeerACCM, Echo: c.Echo, Identification: c.Identification,
		Magic: func() uint32 { return uint32(c.random64()) },
	}
	l.Restart = c.restart()
	l.FirstID = byte(c.random64())
	return l
}

func (c Config) random64() uint64 {
	var b [8]byte
	c.Random(b[:])
	return binary.BigEndian.Uint64(b[:])
}
