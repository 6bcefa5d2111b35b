package session

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
)

// packets is a front end that carries a packet each second and has the user log in again after three.
type packets struct {
	logins int
	causes []error // why the ctx of each login and session ended
	count  atomic.Uint64
	wrote  bool // before it wrote anything itself
}

func (*packets) Service() aaa.Service                { return aaa.PPP }
func (*packets) Unservable(aaa.Authorization) string { return "" }
func (p *packets) Serve(ctx context.Context, s *Session) Ending {
	p.wrote = s.Line().Wrote()
	s.Carries(func() Carried {
		n := p.count.Load()
		return Carried{OctetsIn: 100 * n, OctetsOut: 10 * n, PacketsIn: n, PacketsOut: 2 * n,
			Framed: Framed{Address: netip.MustParseAddr("10.8.0.10")}}
	})
	for range p.logins {
		_, res := s.AAA().Start(ctx, s.Request("kim", "secret"))
		if v, failure := s.Settle(ctx, res); v.Kind != Admit {
			return Ending{aaa.CauseNASRequest, fmt.Sprint("not admitted: ", failure)}
		}
		served, release := s.Admit()
		for range 3 {
			time.AfterFunc(time.Second, func() { p.count.Add(1) })
			pause(served, time.Second+time.Millisecond)
		}
		release()
		ctx, release = s.Leave(Ending{aaa.CauseUserRequest, "renegotiated"})
		defer release()
	}
	<-ctx.Done() // nobody logs in again
	p.causes = append(p.causes, context.Cause(ctx))
	return Interrupted(ctx, ctx.Err())
}

// TestLeave: a session ends without its call, each session counts its own packets, and the next login has a limit.
func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &packets{logins: 2}
		r := rings(t, Only{p}, Leg{}, Admit, Admit)
		start := time.Now()
		<-r.over
		out := r.hangsUp()
		if got := time.Since(start).Round(time.Second); got != 66*time.Second {
			t.Errorf("ended after %v", got)
		}
		if !slices.Equal(p.causes, []error{ErrLoginTimeout}) || p.wrote {
			t.Errorf("causes %v, wrote %v", p.causes, p.wrote)
		}
		if out.Kind != SessionEnded || out.Cause != aaa.CauseIdleTimeout {
			t.Errorf("%+v", out)
		}
		want := `1 ppp kim c1 cause 0 admitted false ""; 2 ppp kim c1 cause 1 admitted true ""; ` +
			`1 ppp kim c1 cause 0 admitted false ""; 2 ppp kim c1 cause 1 admitted true ""`
		if got := r.ledger.told(); got != want {
			t.Error(got)
		}
		for _, i := range []int{1, 3} {
			got := r.ledger.reports[i]
			if got.Session != (i+1)/2 || got.OctetsIn != 300 || got.OctetsOut != 30 || got.PacketsIn != 3 ||
				got.PacketsOut != 6 || got.Framed.Address != netip.MustParseAddr("10.8.0.10") {
				t.Errorf("report %d: %+v", i, got)
			}
		}
	})
}

// TestLeaveKeepsThePromise: what was promised on the call stands.
func TestLeaveKeepsThePromise(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := rings(t, Only{leaver{}}, Leg{}, Offered, Promised)
		<-r.over
		out := r.hangsUp()
		if out.Kind != CallbackPromised || out.CallbackID != "cb1" || out.Cause != aaa.CauseCallback {
			t.Errorf("%+v", out)
		}
	})
}

// leaver leaves the session after the promise.
type leaver struct{}

func (leaver) Service() aaa.Service                { return aaa.PPP }
func (leaver) Unservable(aaa.Authorization) string { return "" }
func (leaver) Serve(ctx context.Context, s *Session) Ending {
	_, res := s.AAA().Start(ctx, s.Request("kim", "secret"))
	v, _ := s.Settle(ctx, res)
	s.Promise(ctx, Choice{Offer: v.Offer.ID})
	_, release := s.Leave(Ending{aaa.CauseUserRequest, "renegotiated"})
	release()
	return Ending{aaa.CauseUserRequest, "ended by the peer"}
}
