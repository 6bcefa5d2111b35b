package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lab/exchange"
)

// books is an accounting server in memory.
type books struct {
	mu      sync.Mutex
	silent  func(aaa.Record) bool
	records []aaa.Record
}

func (b *books) Send(_ context.Context, r aaa.Record) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.silent != nil && b.silent(r) {
		return errors.New("no answer")
	}
	b.records = append(b.records, r)
	return nil
}

func (b *books) set(silent func(aaa.Record) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.silent = silent
}

func (b *books) all() []aaa.Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.records)
}

// types returns the records' types; for commands, with the command.
func (b *books) types() string {
	var t []string
	for _, r := range b.all() {
		name := string(r.Type)
		if r.Command != "" {
			name = fmt.Sprintf("command %q at %d", r.Command, r.PrivLevel)
		}
		t = append(t, strings.TrimSpace(name+" "+r.List))
	}
	return strings.Join(t, ", ")
}

func everything(aaa.Record) bool { return true }

// TestAccountingLists checks which records of a session each list sends: On before all, Off after all.
func TestAccountingLists(t *testing.T) {
	lists := map[string]broker.AccountingList{
		"default": {Commands: true}, "stops": {Record: broker.StopOnly, Commands: true},
		"off": {Record: broker.NoRecording}, "wait": {Record: broker.WaitStart},
	}
	for list, want := range map[string]string{
		"":      `accounting-on, accounting-on stops, accounting-on wait, start, command "show users" at 1, stop, accounting-off, accounting-off stops, accounting-off wait`,
		"stops": `accounting-on, accounting-on stops, accounting-on wait, command "show users" at 1 stops, stop stops, accounting-off, accounting-off stops, accounting-off wait`,
		"off":   `accounting-on, accounting-on stops, accounting-on wait, accounting-off, accounting-off stops, accounting-off wait`,
		"wait":  `accounting-on, accounting-on stops, accounting-on wait, start wait, stop wait, accounting-off, accounting-off stops, accounting-off wait`,
	} {
		t.Run("list "+list, func(t *testing.T) {
			srv := &books{}
			inTown(t, townOptions{accountant: srv, accounting: lists, list: list,
				user: func(a *aaa.Authorization) { a.AccountingUser = "paia" }}, func(w *town) {
				p := w.pc(w.home)
				p.login("paia-04")
				p.see("maui-nas-04>", time.Minute)
				p.typ("show users")
				p.see("maui-nas-04>", time.Minute)
				p.typ("exit")
				p.see("NO CARRIER", time.Minute)
				w.idle(time.Minute)
			})
			// The lists' lanes are independent: only the order within each counts.
			got := strings.Split(srv.types(), ", ")
			wanted := strings.Split(want, ", ")
			byList := func(v []string) []string {
				v = slices.DeleteFunc(slices.Clone(v), func(s string) bool {
					return s == "command \"exit\" at 1" ||
						strings.HasPrefix(s, "command \"exit\"")
				})
				slices.SortStableFunc(v, func(a, b string) int { return strings.Compare(listOf(a), listOf(b)) })
				return v
			}
			if !slices.Equal(byList(got), byList(wanted)) {
				t.Errorf("got  %s\nwant %s", srv.types(), want)
			}
			for _, r := range srv.all() {
				if r.SessionID != "" && r.User != "paia" {
					t.Errorf("%s of user %q; the Accept named another", r.Type, r.User)
				}
			}
		})
	}
}

// TestAccountingListsOfOneServer: lists with the same servers send On and Off once, and their records carry one list's
// name.
func TestAccountingListsOfOneServer(t *testing.T) {
	srv := &books{}
	lists := map[string]broker.AccountingList{"default": {}, "stops": {Record: broker.StopOnly, SendAs: "default"},
		"quiet": {Record: broker.NoRecording}}
	inTown(t, townOptions{accountant: srv, accounting: lists, list: "stops"}, func(w *town) {
		p := w.pc(w.home)
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
	})
	if got := srv.types(); got != "accounting-on, stop, accounting-off" {
		t.Error(got)
	}
}

func listOf(s string) string {
	for _, l := range []string{"stops", "wait"} {
		if strings.HasSuffix(s, " "+l) {
			return l
		}
	}
	return ""
}

// TestWaitStart: with wait-start, no caller gets a session or a promise before a server has acknowledged their Start.
func TestWaitStart(t *testing.T) {
	srv := &books{}
	o := townOptions{accountant: srv,
		accounting: map[string]broker.AccountingList{"default": {Record: broker.WaitStart}}}
	inTown(t, o, func(w *town) {
		w.pass(time.Second)
		srv.set(everything)
		p := w.pc(w.home)
		p.login("paia-04")
		began := time.Now()
		p.see("Access denied", time.Minute)
		if took := time.Since(began); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("refused after %v, want 10 s", took)
		}
		srv.set(nil)
		p.see("Username: ", time.Minute)
		p.typ("paia-04")
		p.see("Password: ", time.Minute)
		w.pass(30 * time.Second)
		p.typ(password)
		p.see("maui-nas-04>", 5*time.Second)
		p.dte.SetDTR(false)
		w.idle(time.Minute)

		srv.set(everything)
		q := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "other", Number: "84002"}))
		q.login("kihei-03")
		q.see("Callback not available", time.Minute)
		srv.set(nil)
		w.pass(2 * time.Minute)
		q.dte.SetDTR(false)
		w.idle(time.Minute)
		if n := len(w.x.Dials()); n != 2 { // those of the two callers
			t.Errorf("%d dials, want none", n)
		}
	})
}

// TestStopBeforeDial: leg one's Stop is acknowledged before the dial, even if the servers of another list are silent; a
// silent server delays the dial by its limit at most.
func TestStopBeforeDial(t *testing.T) {
	srv := &books{}
	o := townOptions{accountant: srv, accounting: map[string]broker.AccountingList{"default": {}, "other": {}}}
	o.accounting["dead"] = broker.AccountingList{}
	srv.set(func(r aaa.Record) bool { return r.List == "dead" })
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("austin-01")
		p.see("Callback initiated", time.Minute)
		p.see("NO CARRIER", time.Minute)
		p.see("RING", time.Minute)
		stops := 0
		for _, r := range srv.all() {
			if r.Type == aaa.Stop && r.Cause == aaa.CauseCallback && r.CallbackNumber == "84001" {
				stops++
			}
		}
		if stops != 1 {
			t.Errorf("%d Stops of leg one before the ring: %s", stops, srv.types())
		}
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		legs := map[string]int{}
		for _, r := range srv.all() {
			if r.SessionID != "" {
				legs[r.MultiSessionID]++
			}
		}
		if len(legs) != 1 {
			t.Errorf("the legs' records do not share one Acct-Multi-Session-Id: %v", legs)
		}
	})
}

// TestInterimReports: updates are sent at the interval of the list, and none if the list says so, whatever AAA says.
func TestInterimReports(t *testing.T) {
	for _, tt := range []struct {
		list broker.AccountingList
		aaa  time.Duration
		want int
	}{
		{broker.AccountingList{Interim: 2 * time.Minute}, 0, 4},
		{broker.AccountingList{}, 3 * time.Minute, 3},
		{broker.AccountingList{Interim: -1}, time.Minute, 0},
		{broker.AccountingList{Record: broker.StopOnly, Interim: time.Minute}, time.Minute, 0},
	} {
		srv := &books{}
		o := townOptions{accountant: srv, accounting: map[string]broker.AccountingList{"default": tt.list}}
		o.user = func(a *aaa.Authorization) { a.InterimInterval = tt.aaa }
		inTown(t, o, func(w *town) {
			p := w.pc(w.home)
			p.login("paia-04")
			p.see("maui-nas-04>", time.Minute)
			w.pass(9*time.Minute + 30*time.Second)
			p.dte.SetDTR(false)
			w.idle(time.Minute)
		})
		n, octets := 0, uint64(0)
		for _, r := range srv.all() {
			if r.Type == aaa.Interim {
				n++
				if r.OctetsOut < octets || r.SessionTime == 0 || r.OctetsOut == 0 {
					t.Errorf("an update with %d octets in %v after one with %d", r.OctetsOut, r.SessionTime, octets)
				}
				octets = r.OctetsOut
			}
		}
		if n != tt.want {
			t.Errorf("%+v, AAA %v: %d updates, want %d", tt.list, tt.aaa, n, tt.want)
		}
	}
}

// TestPortLimit: AAA grants one session at a time; the second is refused, and no callback is dialed for it.
func TestPortLimit(t *testing.T) {
	o := townOptions{lines: 3, user: func(a *aaa.Authorization) { a.PortLimit = 1 }}
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		q := w.pc(w.x.AddModem(exchange.ModemConfig{Name: "second", Number: "84002"}))
		q.login("paia-04")
		q.see("Access denied", time.Minute)
		q.dte.SetDTR(false)
		p.typ("exit")
		p.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
		p.login("paia-04")
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}
