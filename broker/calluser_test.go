package broker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/policies"
)

// order has a user called back, and checks the error.
func (w *town) order(o broker.UserOrder, want string) string {
	w.t.Helper()
	o.By = "uid 7 (kim, api, pid 1)"
	if o.Service == "" {
		o.Service = aaa.EXEC
	}
	id, err := w.broker.CallUser(context.Background(), o)
	if want == "" && err != nil || want != "" && (!errors.Is(err, broker.ErrNotOrdered) ||
		!strings.Contains(err.Error(), want)) {
		w.t.Errorf("%+v: %v, want %q", o, err, want)
	}
	return id
}

// TestCallUser: a user who has not called is called back at the number that AAA fixes, and must log in although AAA
// grants no_verify and the policy allows it.
func TestCallUser(t *testing.T) {
	o := townOptions{forcedWait: 20 * time.Second, policy: func(p *policies.Policy) { p.NoVerify = true }}
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		began := time.Now()
		id := w.order(broker.UserOrder{User: "austin-01"}, "")
		w.order(broker.UserOrder{User: "austin-01"}, "already pending")
		p.see("RING", time.Minute)
		p.see("Username: ", time.Minute)
		if d := w.dialed()[0].Time.Sub(began); d < o.forcedWait || d > o.forcedWait+30*time.Second {
			t.Errorf("dialed after %v", d)
		}
		p.typ("austin-01")
		p.see("Password: ", time.Minute)
		p.typ(password)
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		v := w.last()
		if v.ID != id || v.Phase != "completed" || v.User != "austin-01" || v.NoVerify || v.Number != "84001" {
			t.Errorf("%+v", v)
		}
		audit, _, err := w.journal.AuditTail(context.Background(), 100)
		found := 0
		for _, e := range audit {
			if e.Who == "uid 7 (kim, api, pid 1)" && (e.Kind == "callback order rejected" ||
				e.Kind == "callback "+id+" ordered" && e.Text == "austin-01 at 84001") {
				found++
			}
		}
		if err != nil || found != 2 {
			t.Errorf("%+v, %v", audit, err)
		}
	})
}

// TestCallUserNumber: the operator gives the number if AAA leaves it to the caller.
func TestCallUserNumber(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		w.order(broker.UserOrder{User: "austin-02", Number: "84001", TTY: 65}, "")
		w.pass(10 * time.Minute)
		if v := w.last(); v.Number != "84001" || v.User != "austin-02" || v.CalledTTY != 65 || len(w.dialed()) != 1 {
			t.Errorf("%+v", v)
		}
	})
}

// TestCallUserAt: the dial is not before the time, also after a restart, and a time beyond the lifetime is an error.
func TestCallUserAt(t *testing.T) {
	inTown(t, townOptions{lifetime: time.Hour}, func(w *town) {
		at := time.Now().Add(30 * time.Minute)
		w.order(broker.UserOrder{User: "austin-01", At: time.Now().Add(2 * time.Hour)}, "it would expire before")
		w.order(broker.UserOrder{User: "austin-01", At: at}, "")
		w.pass(10 * time.Minute)
		w.halt()
		w.start()
		w.pass(45 * time.Minute)
		if d := w.dialed(); len(d) != 1 || d[0].Time.Before(at) {
			t.Errorf("dialed %+v, not before %v", d, at)
		}
	})
}

// TestCallUserDenied: an order gets nothing that a login of the user would not get.
func TestCallUserDenied(t *testing.T) {
	for name, tt := range map[string]struct {
		options townOptions
		order   broker.UserOrder
		before  func(*town)
		want    string
	}{
		"unknown user":     {order: broker.UserOrder{User: "nobody"}, want: `no user "nobody"`},
		"no name":          {order: broker.UserOrder{}, want: "user name is empty"},
		"a hostile name":   {order: broker.UserOrder{User: "a\x1b[2J"}, want: "user name"},
		"no such line":     {order: broker.UserOrder{User: "austin-01", TTY: 7}, want: "there is no line 7"},
		"PPP is not there": {order: broker.UserOrder{User: "austin-01", Service: aaa.PPP}, want: "no line serves ppp"},
		"another number": {order: broker.UserOrder{User: "austin-01", Number: "84009"},
			want: "the number is fixed: 84001"},
		"a denied number": {
			options: townOptions{policy: func(p *policies.Policy) { p.Numbers.Deny = []string{"84*"} }},
			order:   broker.UserOrder{User: "austin-01"}, want: "84*",
		},
		"a number must be given":   {order: broker.UserOrder{User: "austin-02"}, want: "(--number)"},
		"a number denied to users": {order: broker.UserOrder{User: "austin-02", Number: "84910"}, want: "849*"},
		"no number":                {order: broker.UserOrder{User: "austin-02", Number: "T,1;84"}, want: "not a digit"},
		"no callback granted":      {order: broker.UserOrder{User: "paia-04"}, want: "does not call this user back"},
		"lockdown": {order: broker.UserOrder{User: "austin-01"}, before: func(w *town) {
			if err := w.broker.Lockdown("fraud", false, "uid 0"); err != nil {
				t.Error(err)
			}
		}, want: "lockdown: fraud"},
		"drained": {order: broker.UserOrder{User: "austin-01"}, before: func(w *town) {
			if err := w.broker.Drain("", "uid 0", 0); err != nil {
				t.Error(err)
			}
		}, want: "takes no more calls"},
	} {
		t.Run(name, func(t *testing.T) {
			inTown(t, tt.options, func(w *town) {
				if tt.before != nil {
					tt.before(w)
				}
				w.order(tt.order, tt.want)
				w.pass(10 * time.Minute)
				if d := w.dialed(); len(d) > 0 {
					t.Errorf("dialed %+v", d)
				}
			})
		})
	}
}
