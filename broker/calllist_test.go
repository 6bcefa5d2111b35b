package broker_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lab/exchange"
)

// callText is what a test compares of a call.
func callText(c broker.CallView) string {
	text := fmt.Sprintf("tty %d %s leg %d %s>%s user %q %s %d %s", c.TTY, c.Direction, c.Leg, c.Caller, c.Called,
		c.User, c.Service, c.Speed, c.Cause)
	return strings.TrimSpace(text)
}

// TestCallLists: both calls of a callback while they are up and afterwards, with the callback that joins them, and
// after a restart.
func TestCallLists(t *testing.T) {
	o := townOptions{callerID: true, line: exchange.ModemConfig{CallerID: true}}
	inTown(t, o, func(w *town) {
		began := time.Now()
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.typ("atdt55555")
		p.see("Username: ", time.Minute)
		w.pass(30 * time.Second)
		up := w.broker.ActiveCalls(broker.CallQuery{})
		if len(up) != 1 || callText(up[0]) != `tty 65 incoming leg 1 84001> user ""  0` || up[0].OctetsOut == 0 ||
			up[0].CallbackID != "" || !up[0].End.IsZero() || !up[0].Start.After(began) {
			t.Fatalf("leg one: %+v", up)
		}
		p.typ("kihei-03")
		p.see("Password: ", time.Minute)
		p.typ(password)
		p.see("Callback initiated", time.Minute)
		p.see("Username: ", 5*time.Minute)
		p.typ("kihei-03")
		p.see("Password: ", time.Minute)
		p.typ(password)
		p.see("maui-nas-04>", time.Minute)
		id := w.last().ID
		up = w.broker.ActiveCalls(broker.CallQuery{})
		if len(up) != 1 || callText(up[0]) != `tty 66 outgoing leg 2 >84001 user "kihei-03" exec 0` ||
			up[0].CallbackID != id || up[0].OctetsIn < uint64(len("kihei-03"+password)) {
			t.Fatalf("leg two: %+v", up)
		}
		for _, q := range []broker.CallQuery{{TTY: 65}, {User: "kihei"}, {Since: time.Now()}} {
			if up := w.broker.ActiveCalls(q); len(up) != 0 {
				t.Errorf("%+v: %+v", q, up)
			}
		}
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
		w.halt()
		w.start()
		w.idle(time.Minute)
		if up := w.broker.ActiveCalls(broker.CallQuery{}); len(up) != 0 {
			t.Errorf("after the end: %+v", up)
		}
		v, more, damaged, err := w.broker.CallHistory(context.Background(), broker.CallQuery{})
		if err != nil || more || len(damaged) > 0 || len(v) != 2 {
			t.Fatalf("%+v %v %v %v", v, more, damaged, err)
		}
		for i, want := range []string{`tty 66 outgoing leg 2 >84001 user "kihei-03" exec 0 caller logged out`,
			`tty 65 incoming leg 1 84001> user "kihei-03" exec 0 at 84001, allowed by group default`} {
			if got := callText(v[i]); !strings.HasPrefix(got, want) || v[i].CallbackID != id ||
				v[i].OctetsIn == 0 || v[i].OctetsOut == 0 || !v[i].End.After(v[i].Start) || v[i].Data != "" {
				t.Errorf("%s, callback %s\n%+v", got, v[i].CallbackID, v[i])
			}
		}
		one, more, _, err := w.broker.CallHistory(context.Background(), broker.CallQuery{Limit: 1})
		if err != nil || !more || len(one) != 1 || one[0].ID != v[0].ID {
			t.Errorf("the last: %+v %v %v", one, more, err)
		}
		one, more, _, err = w.broker.CallHistory(context.Background(), broker.CallQuery{TTY: 65, User: "kihei-03",
			Since: began, Limit: 1})
		if err != nil || more || len(one) != 1 || one[0].ID != v[1].ID {
			t.Errorf("of tty 65: %+v %v %v", one, more, err)
		}
	})
}

// spoiled has a damaged call.
type spoiled struct{ journal.Store }

func (s spoiled) Calls(ctx context.Context, n int, f journal.CallFilter) ([]journal.Call, []journal.Damage, error) {
	rows, bad, err := s.Store.Calls(ctx, n, f)
	if len(rows) > 0 {
		rows, bad = rows[1:], append(bad, journal.Damage{Table: "calls", Key: rows[0].ID})
	}
	return rows, bad, err
}

// TestDamagedCallIsLeftOut: the others are shown, and that one is missing is said.
func TestDamagedCallIsLeftOut(t *testing.T) {
	inTown(t, townOptions{store: func(j journal.Store) journal.Store { return spoiled{j} }}, func(w *town) {
		for range 3 {
			p := w.pc(w.home)
			p.login("paia-04")
			p.see("maui-nas-04>", time.Minute)
			p.typ("exit")
			p.see("NO CARRIER", time.Minute)
			w.idle(time.Minute)
		}
		for _, tt := range []struct {
			limit, want int
			more        bool
		}{{0, 2, false}, {3, 2, false}, {2, 2, true}, {1, 1, true}} {
			v, more, damaged, err := w.broker.CallHistory(context.Background(), broker.CallQuery{Limit: tt.limit})
			if err != nil || len(v) != tt.want || more != tt.more || len(damaged) != 1 {
				t.Errorf("%+v: %d calls, %v, %v, %v", tt, len(v), more, damaged, err)
			}
		}
	})
}
