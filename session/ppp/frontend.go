// Package pppfront is the front end for PPP: it runs the Engine of package ppp on a call. It reads and writes the line,
// keeps the timers, and asks AAA, the broker and the network what the Engine wants to know.
//
// A session has two goroutines besides the call's own, which reads the line and owns the Engine's events: a writer, and
// while a question is open one that waits for its answer. The line is read whatever the peer reads, and whatever AAA
// and the broker do.
package pppfront

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/session"
)

// Config is the configuration of PPP on all lines.
type Config struct {
	// Profile returns the profile of a line; ok is false if it does not serve PPP. nil serves no line. It must not
	// block.
	Profile func(tty int) (p Profile, ok bool)
	// Network carries the packets; nil refuses every caller after the login.
	Network ppp.Network
	// Unservable returns why the Network cannot apply an authorization; "" if it can. nil: it applies no filters, and a
	// user with an inacl or outacl is refused.
	Unservable func(aaa.Authorization) string
	Sessions   *Sessions // that the operator sees; nil: none
	Debug      Debug     // nil: nobody listens
}

// Profile is how the callers of a line are served.
type Profile struct {
	Name string // ours, in CHAP challenges; "" none
	// Authentication has the methods in the order in which they are offered; nil is MS-CHAPv2, CHAP, PAP.
	Authentication []lcp.Auth

	CBCP     bool // the caller may ask for a callback by CBCP
	RFC1570  bool // by operations 0 to 3 of RFC 1570
	Initiate bool // a caller who asks for no callback waits for one all the same

	// Identification is what the peer is told of us when LCP opens (RFC 1570 §1.1): printable ASCII; "" nothing.
	Identification string

	IPv4, IPv6  bool
	IdleTimeout time.Duration // if AAA sets none; 0: none
	Echo        lcp.Echo
	Plain       bool // leave out the escapes that RFC 1662 does not require; see hdlc.Encoder
}

// defaultMethods are the methods that all current clients have, the strongest first.
var defaultMethods = []lcp.Auth{lcp.MSCHAPv2, lcp.CHAP, lcp.PAP}

// FrontEnd serves PPP on all calls of a configuration.
type FrontEnd struct{ config Config }

// New returns a FrontEnd.
func New(c Config) *FrontEnd {
	if c.Network == nil {
		c.Network = ppp.Null{}
	}
	return &FrontEnd{c}
}

// Service implements session.FrontEnd.
func (f *FrontEnd) Service() aaa.Service { return aaa.PPP }

// Unservable implements session.FrontEnd: a user restricted to something else must not get a network.
func (f *FrontEnd) Unservable(auth aaa.Authorization) string {
	framed := auth.Framed
	switch {
	case auth.Refuse != "":
		return auth.Refuse
	case auth.Host != nil:
		return "a host, which PPP does not connect to"
	case auth.Autocmd != "" && !startsPPP(auth.Autocmd):
		return "an autocmd, which PPP does not run"
	case framed != nil && framed.Protocol != "" && framed.Protocol != "PPP":
		return "framed protocol " + framed.Protocol
	case f.config.Unservable != nil:
		return f.config.Unservable(auth)
	case framed != nil && len(framed.InACL)+len(framed.OutACL) > 0:
		return "filters, of which none is configured"
	}
	return ""
}

// startsPPP reports whether an autocmd is the EXEC's command ppp, which PPP itself fulfills.
func startsPPP(autocmd string) bool {
	words := strings.Fields(autocmd)
	return len(words) > 0 && words[0] == "ppp"
}

// serves reports whether a line has a profile.
func (f *FrontEnd) serves(tty int) bool {
	if f == nil || f.config.Profile == nil {
		return false
	}
	_, ok := f.config.Profile(tty)
	return ok
}

// Serve implements session.FrontEnd.
func (f *FrontEnd) Serve(ctx context.Context, s *session.Session) session.Ending {
	call := s.Call()
	if f.serves(call.TTY) {
		p, _ := f.config.Profile(call.TTY)
		return newLink(f.config, p, s).run(ctx)
	}
	return session.Ending{Cause: aaa.CauseNASError, Reason: fmt.Sprintf("tty %d has no PPP profile", call.TTY)}
}

// engine returns the configuration of the Engine for a call.
func (p Profile) engine(call *lines.Call, leg int, afterText bool) ppp.Config {
	methods := p.Authentication
	if methods == nil {
		methods = defaultMethods
	}
	return ppp.Config{
		Leg: leg, Speed: call.Speed, Auth: methods, Name: p.Name,
		Identification: p.Identification,
		CBCP:           p.CBCP, RFC1570: p.RFC1570, Initiate: p.Initiate,
		NumberTries: session.NumberTries,
		IPv4:        p.IPv4, IPv6: p.IPv6, Echo: p.Echo, IdleTimeout: p.IdleTimeout,
		Escapes: call.Escapes, Plain: p.Plain, AfterText: afterText,
		Random: func(b []byte) { _, _ = rand.Read(b) }, // it never fails
	}
}
