package broker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/ppp/ppptest"
)

// secureCase is a fate of a login whose decision is not for the caller.
type secureCase struct {
	user   string // "": kihei-03, at the fixed number 84001
	change func(*townOptions, *atomic.Bool)
	before func(*town) // before the call
	want   int         // callbacks in all
}

// secureCases are the fates of a user who has authenticated. The switch is on from the moment before the password.
var secureCases = map[string]secureCase{
	"allowed":                             {want: 1},
	"AAA requires none":                   {user: "paia-04"},
	"AAA leaves the number to the caller": {user: "austin-02"},
	"AAA names the calling number": {change: func(o *townOptions, _ *atomic.Bool) {
		o.callerID, o.line.CallerID = true, true
		o.user = func(a *aaa.Authorization) { a.Dialstring, a.CallerID = aaa.Dialstring{}, true }
	}},
	"AAA's grant cannot be honored": {change: func(o *townOptions, _ *atomic.Bool) {
		o.user = func(a *aaa.Authorization) { a.Refuse = "an attribute that is not supported" }
	}},
	"the front end cannot serve it": {change: func(o *townOptions, _ *atomic.Bool) {
		o.user = func(a *aaa.Authorization) { a.Autocmd = "slip" }
	}},
	"an unknown place": {change: func(o *townOptions, _ *atomic.Bool) {
		o.user = func(a *aaa.Authorization) { a.Dialstring, a.CallbackID = aaa.Dialstring{}, "rome" }
	}},
	"the number is denied": {change: func(o *townOptions, _ *atomic.Bool) {
		o.policy = func(p *policies.Policy) { p.Callback, p.Numbers.Deny = policies.Secure, []string{"84001"} }
	}},
	"out of hours": {change: func(o *townOptions, _ *atomic.Bool) {
		o.policy = func(p *policies.Policy) {
			p.Callback = policies.Secure
			p.Hours = policies.Hours{Zone: time.UTC, Weekdays: [7][]policies.Window{time.Wednesday: {{}}}}
		}
	}},
	"no callback for the service": {change: func(o *townOptions, _ *atomic.Bool) {
		o.policy = func(p *policies.Policy) {
			p.Callback, p.Services = policies.Secure, policies.Services{NoEXEC: true, NoPPP: true}
		}
	}},
	"no line may dial": {change: func(o *townOptions, _ *atomic.Bool) {
		o.user = func(a *aaa.Authorization) { a.Lines = []int{99} }
	}},
	"over a ceiling": {change: func(o *townOptions, _ *atomic.Bool) {
		o.ceilings = []journal.Limit{{Period: journal.Day, Amount: journal.Amount{Time: time.Minute}}}
	}},
	"locked down": {before: func(w *town) {
		if err := w.broker.Lockdown("toll fraud", false, "uid 0"); err != nil {
			w.t.Error(err)
		}
	}},
	"no access window": {change: func(o *townOptions, _ *atomic.Bool) {
		o.policy = func(p *policies.Policy) {
			p.Callback, p.Access = policies.Secure, policies.Access{Required: true}
		}
	}},
	"all lines are busy": {want: 1, before: func(w *town) {
		l, err := w.pool.Acquire(context.Background(), lines.Want{TTYs: []int{66}, Owner: "another"})
		if err != nil {
			w.t.Fatal(err)
		}
		time.AfterFunc(2*time.Minute, l.Release)
	}},
	"already pending": {want: 1, before: func(w *town) {
		p := w.pc(w.home)
		p.login("kihei-03")
		p.see("NO CARRIER", time.Minute)
		w.pass(2 * time.Second)
	}},
	"the disk is full": {change: func(o *townOptions, on *atomic.Bool) {
		o.store = func(s journal.Store) journal.Store { return fullDisk{Store: s, full: on} }
	}},
	"the callback is not on disk in time": {change: func(o *townOptions, on *atomic.Bool) {
		o.store = func(s journal.Store) journal.Store {
			return hanging{s, on, 7 * time.Second, func(m journal.Mutation) bool {
				_, ok := m.(journal.PutCallback)
				return ok
			}}
		}
	}, want: 1}, // it is canceled
	"the callback is on disk late, and in time": {change: func(o *townOptions, on *atomic.Bool) {
		o.store = func(s journal.Store) journal.Store {
			return hanging{s, on, 3 * time.Second, func(m journal.Mutation) bool {
				_, ok := m.(journal.PutCallback)
				return ok
			}}
		}
	}, want: 1},
}

// run plays a case and returns what the caller received, and when; listen talks from the CONNECT on.
func (tt secureCase) run(t *testing.T, listen func(w *town, p *pc, user string, on *atomic.Bool) string) (got string) {
	t.Helper()
	on := new(atomic.Bool)
	o := townOptions{frontEnds: withPPP, forcedWait: time.Minute,
		policy: func(p *policies.Policy) { p.Callback = policies.Secure }}
	if tt.change != nil {
		tt.change(&o, on)
	}
	inTown(t, o, func(w *town) {
		if tt.before != nil {
			tt.before(w)
		}
		p := w.pc(w.home)
		p.typ("atdt55555")
		p.see("CONNECT", time.Minute)
		user := tt.user
		if user == "" {
			user = "kihei-03"
		}
		got = listen(w, p, user, on)
		w.pass(10 * time.Second)
		if n := w.promised(); n != tt.want {
			t.Errorf("%d callbacks, want %d", n, tt.want)
		}
		on.Store(false)
		w.idle(5 * time.Minute)
	})
	return got
}

// recorded returns what comes until the carrier is lost, with its times since the call of recorded.
func (p *pc) recorded() string {
	since := time.Now()
	p.dte.SetReadDeadline(since.Add(5 * time.Minute))
	var out, all strings.Builder
	for b := make([]byte, 1); !strings.Contains(all.String(), "NO CARRIER\r\n"); {
		n, err := p.dte.Read(b)
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) {
			return out.String() + " and then nothing"
		}
		all.Write(b[:n])
		fmt.Fprintf(&out, "%v %q\n", time.Since(since), b[:n])
	}
	return all.String() + out.String()
}

// typesPassword logs in at the prompt and returns what follows the password.
func typesPassword(w *town, p *pc, user string, on *atomic.Bool) string {
	p.see("Username: ", time.Minute)
	p.typ(user)
	p.see("Password: ", time.Minute)
	w.pass(time.Second)
	on.Store(true)
	p.typ(password)
	return p.recorded()
}

// TestSecureTellsNothing: with callback: secure, every user who has authenticated receives the same octets at the same
// times, whatever was decided and whether the callback could be promised.
func TestSecureTellsNothing(t *testing.T) {
	want := secureCases["allowed"].run(t, typesPassword)
	if !strings.HasPrefix(want, "\r\n\r\nLine is disconnected\r\n") {
		t.Fatalf("a user who is called back received %s", want)
	}
	for name, tt := range secureCases {
		t.Run(name, func(t *testing.T) {
			if got := tt.run(t, typesPassword); got != want {
				t.Errorf("received %s\nwant %s", got, want)
			}
		})
	}
}

// sendsPAP returns a listener that logs in with PAP and asks for a callback with an option of LCP; nil: for none.
func sendsPAP(option []byte) func(*town, *pc, string, *atomic.Bool) string {
	return func(w *town, p *pc, user string, on *atomic.Bool) string {
		w.pass(2 * time.Second)
		c := &ppptest.Client{User: user, Password: password, Callback: option, Response: func([]byte) []byte {
			return []byte{3, 3, 10}
		}}
		if !p.frames(c, time.Minute, func() bool { return c.LCPUp }, c.Start()...) {
			w.t.Fatalf("LCP is not up: %+v", c)
		}
		on.Store(true)
		return p.framesRecorded(c, c.Login())
	}
}

// framesRecorded is recorded for the frames that a client receives until the link ends.
func (p *pc) framesRecorded(c *ppptest.Client, first ...ppptest.Frame) string {
	since := time.Now()
	var out strings.Builder
	var d ppptest.Decoder
	for _, f := range first {
		p.dte.Write(f.Encode())
	}
	p.dte.SetReadDeadline(since.Add(5 * time.Minute))
	for buf := make([]byte, 1); ; {
		n, err := p.dte.Read(buf)
		if err != nil {
			return out.String() + " and then nothing"
		}
		for _, f := range d.Feed(buf[:n]) {
			id := 1 // random
			fmt.Fprintf(&out, "%v %04x % x %q\n", time.Since(since), f.Protocol, f.Info[:id], f.Info[id+1:])
			for _, a := range c.Take(f) {
				p.dte.Write(a.Encode())
			}
		}
		if c.Ended {
			return out.String() + c.EndText + "\n" + p.recorded()
		}
	}
}

// TestSecureTellsPPPNothing is the same for PPP, whatever callback the client asks for: the link ends either way.
func TestSecureTellsPPPNothing(t *testing.T) {
	cbcp := sendsPAP([]byte{6})
	want := secureCases["allowed"].run(t, cbcp)
	if !strings.Contains(want, "\nLine is disconnected\n") || strings.Contains(want, " c029 ") {
		t.Fatalf("a user who is called back received %s", want)
	}
	same := func(name string, tt secureCase, listen func(*town, *pc, string, *atomic.Bool) string) {
		t.Run(name, func(t *testing.T) {
			if got := tt.run(t, listen); got != want {
				t.Errorf("received %s\nwant %s", got, want)
			}
		})
	}
	for name, tt := range secureCases {
		same(name, tt, cbcp)
	}
	for _, option := range [][]byte{{0}, []byte("\x0184007"), []byte("\x02home"), nil} {
		same(fmt.Sprintf("%q, allowed", option), secureCases["allowed"], sendsPAP(option))
		same(fmt.Sprintf("%q, refused", option), secureCases["AAA requires none"], sendsPAP(option))
	}
}
