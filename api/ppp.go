package api

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ncp"
	"github.com/ringback/ringback/ppp/pool"
	pppfront "github.com/ringback/ringback/session/ppp"
)

// PPP is what the API shows of PPP. The zero value shows no session and no pool, and captures nothing.
type PPP struct {
	Sessions *pppfront.Sessions
	Pools    func() pool.Snapshot
	Happened func(events.Event) // reports captures; it may block until the audit has them
}

// pppTable has the rows of this file.
var pppTable = []Route{
	{"list-ppp-sessions", http.MethodGet, "/v1/ppp/sessions", Read, nil, "List the live sessions of PPP"},
	{"get-ppp-pools", http.MethodGet, "/v1/ppp/pools", Read, nil,
		"Show the address pools of PPP and who has which address"},
	{"capture-ppp", http.MethodGet, "/v1/ppp/lines/{tty}/capture", Admin,
		[]events.Kind{"capture.began", "capture.ended"},
		"Capture the frames of PPP on a line (text/event-stream), with user packets only if payload is true"},
}

// pppRoutes registers the routes of PPP.
func (s *Server) pppRoutes(r *registry) {
	register(r, "list-ppp-sessions", func(context.Context, *struct{}) (*list[client.PPPSession], error) {
		return &list[client.PPPSession]{s.PPP.sessions(time.Now())}, nil
	})
	register(r, "get-ppp-pools", func(context.Context, *struct{}) (*one[client.PPPPools], error) {
		return &one[client.PPPPools]{s.PPP.pools()}, nil
	})
	stream(r, "capture-ppp", map[string]any{"message": client.PPPFrame{}, "capturing": client.PPPCapturing{}},
		s.capture, func(ctx huma.Context, next func(huma.Context)) {
			if err := s.mayCapture(ctx.Param("tty")); err != nil {
				_ = huma.WriteErr(r.api, ctx, http.StatusNotFound, err.Error())
				return
			}
			next(ctx)
		})
}

// mayCapture returns why the frames of a line cannot be captured. It runs before the stream begins.
func (s *Server) mayCapture(tty string) error {
	if s.PPP.Sessions == nil {
		return fmt.Errorf("this daemon does not serve PPP")
	}
	n, err := strconv.Atoi(tty)
	if err != nil {
		return nil // the parameter is checked next
	}
	if !slices.ContainsFunc(s.Daemon.Lines(), func(l client.Line) bool { return l.TTY == n }) {
		return fmt.Errorf("there is no line %d: `ringback show line` lists them", n)
	}
	return nil
}

type captureInput struct {
	TTY     int  `path:"tty"`
	Payload bool `query:"payload" doc:"capture the packets of users too"`
}

// capture sends the frames of a line until the client leaves. The audit has the capture before the first frame.
func (s *Server) capture(ctx context.Context, in *captureInput, out *outlet) {
	by := By(ctx)
	s.PPP.Happened(events.CaptureBegan{Line: in.TTY, By: by, Payload: in.Payload})
	c := s.PPP.Sessions.Capture(in.TTY, in.Payload)
	var sent uint64
	defer func() {
		c.Close()
		s.PPP.Happened(events.CaptureEnded{Line: in.TTY, By: by, Frames: sent, Lost: c.Lost()})
	}()
	if out.send("capturing", 0, client.PPPCapturing{TTY: in.TTY, Payload: in.Payload}) != nil || out.flush() != nil {
		return
	}
	for {
		select {
		case f := <-c.Frames:
			frame := client.PPPFrame{Time: f.Time, Out: f.Out, Protocol: f.Protocol, Info: f.Info, Lost: c.Lost()}
			if out.send("", 0, frame) != nil || out.flush() != nil {
				return
			}
			sent++
		case <-out.tick.C:
			if !out.beat() {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (p PPP) sessions(now time.Time) []client.PPPSession {
	v := []client.PPPSession{}
	for _, s := range p.Sessions.List() {
		v = append(v, pppSession(s, now))
	}
	return v
}

func pppSession(s pppfront.Status, now time.Time) client.PPPSession {
	v := client.PPPSession{
		TTY: s.TTY, User: s.Identity.User, Leg: s.Leg, Call: s.Call, Since: s.Since.Local(), Phase: s.Phase.String(),
		LCP: s.LCP.String(), IPCP: s.IPCP.String(), IPV6CP: s.IPV6CP.String(), Callback: pppCallback(s.Callback),
		DNS: texts(s.Assignment.DNS), WINS: texts(s.Assignment.WINS), Prefixes: texts(s.Assignment.Prefixes),
		In:      client.PPPTraffic{Packets: s.Traffic.PacketsIn, Octets: s.Traffic.OctetsIn},
		Out:     client.PPPTraffic{Packets: s.Traffic.PacketsOut, Octets: s.Traffic.OctetsOut},
		Dropped: s.Traffic.Dropped, Overflow: s.Traffic.Overflow,
		Frames: client.PPPFrames{Good: s.Frames.Frames, FCS: s.Frames.BadFCS, Aborted: s.Frames.Aborted,
			TooShort: s.Frames.TooShort, TooLong: s.Frames.TooLong, BadField: s.Frames.BadField, Overrun: s.Overrun},
	}
	if s.LCP == fsm.Opened {
		v.Authentication, v.AuthenticationState = s.Link.Auth.String(), s.Auth.String()
		v.Receive, v.Send = pppLink(s.Link.Ours), pppLink(s.Link.Peer)
	}
	if f := s.Assignment.Filter; f != nil {
		v.Filter = f.Name()
	}
	pppAddresses(&v, s)
	pppLimits(&v, s, now)
	return v
}

// pppAddresses adds the addresses of the protocols that are open.
func pppAddresses(v *client.PPPSession, s pppfront.Status) {
	if o := s.Opening[ppp.IPv4]; s.Open[ppp.IPv4] {
		v.Address, v.LocalAddress = valid(o.Peer), valid(o.Local)
	}
	if o := s.Opening[ppp.IPv6]; s.Open[ppp.IPv6] {
		v.LocalInterfaceID = o.LocalID.String()
		if o.PeerID != (ncp.InterfaceID{}) {
			v.InterfaceID = o.PeerID.String()
		}
	}
}

// pppLimits adds the keepalive and the time limits.
func pppLimits(v *client.PPPSession, s pppfront.Status, now time.Time) {
	if s.Echo.Every > 0 {
		v.Echo = &client.PPPEcho{Every: s.Echo.Every.Seconds(), Misses: s.Echo.Misses, Missed: s.Missed}
	}
	if s.Used.IsZero() {
		return
	}
	v.IdleTimeout = s.IdleTimeout.Seconds()
	v.Idle = seconds(now.Sub(s.Used))
	if !s.Until.IsZero() {
		v.Remaining = seconds(s.Until.Sub(now))
	}
}

func seconds(d time.Duration) *float64 {
	n := max(d, 0).Seconds()
	return &n
}

func pppLink(l lcp.Side) *client.PPPLink {
	v := &client.PPPLink{MRU: l.MRU, ACCM: fmt.Sprintf("%08x", l.ACCM), PFC: l.PFC, ACFC: l.ACFC}
	if l.Magic != 0 {
		v.Magic = fmt.Sprintf("%08x", l.Magic)
	}
	return v
}

func pppCallback(s ppp.CallbackStatus) client.PPPCallback {
	v := client.PPPCallback{Promised: s.Promised}
	switch {
	case s.Rejected:
		v.Asked = "rejected"
	case s.Wish.Way != cbcp.NotAsked:
		v.Asked = s.Wish.Way.String()
	}
	if s.State != cbcp.Initial {
		v.Offered, v.CBCPState = s.Offer.String(), s.State.String()
	}
	if s.Asked {
		v.Chosen = s.Choice.String()
	}
	return v
}

func (p PPP) pools() client.PPPPools {
	v := client.PPPPools{Pools: []client.PPPPool{}, Outside: []client.PPPLease{}}
	if p.Pools == nil {
		return v
	}
	s := p.Pools()
	v.Outside = leases(s.Outside)
	for _, st := range s.Pools {
		v.Pools = append(v.Pools, client.PPPPool{
			Name: st.Name, Backup: st.Backup, Holdback: st.Holdback.Seconds(), Holders: leases(st.Holders),
			Addresses: usage(st.Addresses, st.AddressesExhausted), Prefixes: usage(st.Prefixes, st.PrefixesExhausted),
		})
	}
	return v
}

func usage(u pool.Usage, exhausted time.Time) client.PPPPoolUsage {
	v := client.PPPPoolUsage{Size: u.Size, InUse: u.InUse, HeldBack: u.HeldBack, Free: u.Free}
	if !exhausted.IsZero() {
		v.Exhausted = exhausted.Local()
	}
	return v
}

func leases(held []pool.Held) []client.PPPLease {
	v := make([]client.PPPLease, 0, len(held))
	for _, h := range held {
		text := h.Prefix.String()
		if h.Prefix.IsSingleIP() {
			text = h.Prefix.Addr().String()
		}
		v = append(v, client.PPPLease{Address: text, User: h.Holder.User, TTY: h.Holder.TTY, Since: h.Since.Local()})
	}
	return v
}

// valid returns the text of an address; "" for none.
func valid(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func texts[T fmt.Stringer](all []T) (v []string) {
	for _, t := range all {
		v = append(v, t.String())
	}
	return v
}
