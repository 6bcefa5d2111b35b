package session

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
)

// changer is a front end whose user, once admitted, changes to the service "frames" after a time.
type changer struct{ after time.Duration }

func (changer) Service() aaa.Service                { return aaa.EXEC }
func (changer) Unservable(aaa.Authorization) string { return "" }
func (c changer) Serve(ctx context.Context, s *Session) Ending {
	res, ok := s.Unverified()
	if !ok {
		_, res = s.AAA().Start(ctx, s.Request("kim", "secret"))
	}
	if v, _ := s.Settle(ctx, res); v.Kind != Admit {
		return Ending{aaa.CauseNASRequest, "not admitted"}
	}
	_, release := s.Admit()
	defer release()
	pause(ctx, c.after)
	s.HandOver(s.Serving("frames"))
	return Ending{aaa.CauseHostRequest, "ignored"}
}

// TestHandOver: the session of the first service ends before that of the second one begins, and only the same user may
// log in: on leg two with the same entry, even if the first service needed no login.
func TestHandOver(t *testing.T) {
	kim := aaa.Identity{Entry: "radius", User: "kim"}
	told := func(leg string) string {
		return `1 exec kim c1 cause 0 admitted false ` + leg + `; 2 exec kim c1 cause 1 admitted true ` + leg +
			`; 1 frames kim c1 cause 0 admitted false ` + leg + `; 2 frames kim c1 cause %d admitted %v ` + leg
	}
	for name, tt := range map[string]struct {
		leg  Leg
		sent string
		says []VerdictKind
		told string
		kind OutcomeKind
		tail string // of the reason
	}{
		"the same user": {Leg{}, hello, []VerdictKind{Admit, Admit}, fmt.Sprintf(told(`""`), aaa.CauseLostCarrier, true),
			SessionEnded, "carrier lost"},
		"the policy requires a callback": {Leg{}, hello + "~\xff84001\n", []VerdictKind{Admit, Offered, Promised},
			fmt.Sprintf(strings.TrimSuffix(told(`""`), `""`), aaa.CauseCallback, false) + `"cb1"`, CallbackPromised,
			"acknowledged"},
		"the policy rejects": {Leg{}, hello, []VerdictKind{Admit, Refuse},
			fmt.Sprintf(told(`""`), aaa.CauseNASRequest, false), SessionEnded, "as configured"},
		"another user": {Leg{}, "~\xfflee secret\n", []VerdictKind{Admit, Admit},
			`1 exec kim c1 cause 0 admitted false ""; 2 exec kim c1 cause 1 admitted true ""`, SessionEnded,
			"lee by radius logged in, and kim changed to service frames"},
		"leg two": {Leg{Number: 2, CallbackID: "cb1", Service: aaa.EXEC, Identity: kim}, hello,
			[]VerdictKind{Admit, Admit}, fmt.Sprintf(told(`"cb1"`), aaa.CauseLostCarrier, true), SessionEnded,
			"carrier lost"},
		"leg two without a login": {Leg{Number: 2, CallbackID: "cb1", Service: aaa.EXEC, Identity: kim, NoVerify: true},
			hello, []VerdictKind{Admit, Admit}, fmt.Sprintf(told(`"cb1"`), aaa.CauseLostCarrier, true), SessionEnded,
			"carrier lost"},
		"leg two of another entry": {Leg{Number: 2, CallbackID: "cb1", Service: aaa.EXEC, NoVerify: true,
			Identity: aaa.Identity{Entry: "local", User: "kim"}}, hello, []VerdictKind{Admit, Admit},
			`1 exec kim c1 cause 0 admitted false "cb1"; 2 exec kim c1 cause 1 admitted true "cb1"`, SessionEnded,
			"kim by radius logged in on the callback of kim by local"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &frames{}
				r := rings(t, &both{first: changer{}, frames: f}, tt.leg, tt.says...)
				r.sends(tt.sent)
				out := r.hangsUp()
				if got := r.ledger.told(); got != tt.told {
					t.Errorf("reports %s\nwant    %s", got, tt.told)
				}
				if out.Kind != tt.kind || !strings.HasSuffix(out.Reason, tt.tail) {
					t.Errorf("%+v", out)
				}
				for _, q := range r.login.requests {
					if tt.leg.Number == 2 && q.Entry != tt.leg.Identity.Entry {
						t.Errorf("asked %+v", q)
					}
				}
			})
		})
	}
}

// slow is a front end for frames that nobody logs in to.
type slow struct{ text }

func (*slow) Service() aaa.Service { return "frames" }

// TestHandOverTime: the second login has a limit of its own, counted from the change.
func TestHandOverTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := rings(t, &both{first: changer{50 * time.Second}, frames: &slow{}}, Leg{}, Admit)
		<-r.over
		if got := time.Since(start); got != 110*time.Second {
			t.Errorf("ended after %v", got)
		}
		if out := r.hangsUp(); out.Cause != aaa.CauseIdleTimeout || out.Reason != ErrLoginTimeout.Error() {
			t.Errorf("%+v", out)
		}
	})
}
