package session

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
)

// slowly is a Broker whose verdicts take longer than the interval of interim reports, and narrow the session.
type slowly struct{ ledger }

func (b *slowly) Decide(context.Context, Asked) Verdict {
	<-time.After(90 * time.Second)
	one := 1
	return Verdict{Kind: Offered, Offer: Offer{ID: "o1", MayDecline: true}, SessionTime: 2 * time.Hour,
		Terms: Terms{Privilege: &one}}
}

func (b *slowly) Promise(context.Context, Choice) Verdict {
	<-time.After(time.Minute)
	return Verdict{Kind: Admit, SessionTime: time.Hour}
}

// decliner is a front end whose caller declines the callback, and then stays.
type decliner struct{}

func (decliner) Service() aaa.Service                { return aaa.EXEC }
func (decliner) Unservable(aaa.Authorization) string { return "" }
func (decliner) Serve(ctx context.Context, s *Session) Ending {
	s.Settle(ctx, aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "radius", User: "kim"},
		Auth: aaa.Authorization{PrivLevel: 15}})
	s.Promise(ctx, Choice{Offer: "o1", Decline: true})
	ctx, release := s.Admit()
	defer release()
	pause(ctx, time.Minute)
	return Ending{aaa.CauseUserRequest, "exit"}
}

// TestInterimsWhileNarrowed: interim reports may be sent while a verdict narrows the session (with the race detector),
// and those after it have what it leaves.
func TestInterimsWhileNarrowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, done := &slowly{}, make(chan struct{})
		Run(t.Context(), &lines.Call{Data: pipe{nil, done}, ID: "c1", TTY: 65, Start: time.Now()},
			Config{FrontEnds: Only{decliner{}}, Interim: time.Minute, LoginTimeout: time.Hour}, &login{}, b, Leg{})
		got, names := "", map[ReportKind]string{Began: "began", Interim: "interim", Ended: "ended"}
		for _, r := range b.reports {
			got += fmt.Sprintf("%s level %d %v; ", names[r.Kind], r.Auth.PrivLevel, r.Auth.SessionTimeout)
		}
		const want = "began level 15 0s; interim level 15 0s; interim level 1 2h0m0s; interim level 1 1h0m0s; " +
			"ended level 1 1h0m0s; "
		if got != want {
			t.Errorf("reports %s\nwant    %s", got, want)
		}
	})
}
