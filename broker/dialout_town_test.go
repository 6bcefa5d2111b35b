package broker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// dialsOut is a town whose users may dial 84….
func dialsOut(o townOptions) townOptions {
	policy := o.policy
	o.policy = func(p *policies.Policy) {
		p.DialOut = policies.DialOuts{Allow: []string{"84*"}}
		if policy != nil {
			policy(p)
		}
	}
	return o
}

// out is a dial-out of kim on any line.
func out(number string) broker.DialOut {
	return broker.DialOut{Identity: aaa.Identity{Entry: "local", User: "kim"}, Number: number, Rotary: lines.NoRotary,
		Auth: aaa.Authorization{PrivLevel: 1, DialOut: &aaa.DialOut{}}, From: "192.0.2.7"}
}

func (w *town) outRows() []journal.Call {
	w.t.Helper()
	rows, damaged, err := w.journal.Calls(context.Background(), journal.All,
		journal.CallFilter{Service: journal.DialOut})
	if err != nil || len(damaged) > 0 {
		w.t.Fatal(err, damaged)
	}
	return rows
}

// endedRows returns the dial-outs when all have ended: a line is free before the end of its call is on disk.
func (w *town) endedRows() []journal.Call {
	w.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; <-time.After(100 * time.Millisecond) {
		rows := w.outRows()
		open := slices.ContainsFunc(rows, func(c journal.Call) bool { return c.End.IsZero() })
		if !open || time.Now().After(deadline) {
			return rows
		}
	}
}

// reads returns what comes from the called side, up to a text.
func reads(t *testing.T, c *broker.OutCall, text string) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	b := make([]byte, 1)
	for !strings.Contains(got.String(), text) {
		n, err := c.Read(b)
		got.Write(b[:n])
		if err != nil {
			t.Fatalf("%q, then %v; want %q", got.String(), err, text)
		}
	}
	return got.String()
}

// A person dials: the call is counted and accounted, carries octets both ways, is listed, and is hung up at the end,
// with modem signals and without. A busy number fails, and counts too.
func TestDialOut(t *testing.T) {
	for _, noSignals := range []bool{false, true} {
		t.Run(fmt.Sprintf("without signals %v", noSignals), func(t *testing.T) {
			srv := &books{}
			inTown(t, dialsOut(townOptions{noSignals: noSignals, accountant: srv, ceilings: []journal.Limit{{
				Period: journal.Day, Amount: journal.Amount{Calls: 2}}}}), func(w *town) {
				p := w.pc(w.home)
				p.typ("ats0=1")
				c, err := w.broker.DialOut(context.Background(), out("84001"))
				if err != nil || c.Number != "84001" || c.Script != "rtp" || !strings.HasPrefix(c.Connect, "CONNECT") {
					t.Fatalf("%+v, %v", c, err)
				}
				p.see("CONNECT", time.Minute)
				if _, err := io.WriteString(c, "hello\r"); err != nil {
					t.Fatal(err)
				}
				p.see("hello", time.Minute)
				p.typ("good day")
				reads(t, c, "good day")
				if v := w.broker.ActiveCalls(broker.CallQuery{}); len(v) != 1 || v[0].User != "kim" ||
					v[0].Service != "outbound" || v[0].Called != "84001" || v[0].OctetsOut != 6 || v[0].OctetsIn < 8 {
					t.Errorf("show call active: %+v", v)
				}
				if err := c.Hangup(context.Background()); err != nil {
					t.Error(err)
				}
				p.see("NO CARRIER", time.Minute)
				if end := c.Why(); end.Cause != aaa.CauseUserRequest {
					t.Errorf("%+v", end)
				}
				if _, err := c.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
					t.Errorf("a read after the call: %v", err)
				}
				w.idle(time.Minute)
				_, err = w.broker.DialOut(context.Background(), out("84010"))
				var failed *broker.DialOutError
				if !errors.As(err, &failed) || failed.Outcome != "busy" || failed.Code() != lines.Busy {
					t.Errorf("busy: %v", err)
				}
				w.idle(time.Minute)
				if _, err := w.broker.DialOut(context.Background(), out("84001")); !errors.Is(err, journal.ErrCeiling) {
					t.Errorf("beyond the ceiling: %v", err)
				}
				w.idle(time.Minute)
				if d := w.dialed(); len(d) != 2 || d[0].Number != "84001" || d[1].Number != "84010" {
					t.Errorf("dials: %+v", d)
				}
				rows := w.outRows() // newest first
				if len(rows) != 2 || rows[1].Called != "84001" || rows[1].User != "kim" || rows[1].OctetsOut != 6 ||
					rows[1].End.IsZero() || rows[1].Connect == "" || rows[0].Cause != "busy" || rows[0].Connect != "" {
					t.Errorf("journal: %+v", rows)
				}
				a := w.site()
				if u := a.Windows[1].Used; u.Calls != 2 || u.Failures != 1 || u.Time <= 0 || u.Time > 2*time.Minute ||
					a.Open != 0 || a.Reserved != (journal.Amount{}) {
					t.Errorf("the site's account: %+v", a)
				}
				if all := w.audited("dial-out"); len(all) != 2 ||
					!strings.HasSuffix(all[0], ": kim dials 84001 from 192.0.2.7") {
					t.Errorf("audit: %q", all)
				}
				if all := w.audited("dial-out ended"); len(all) != 2 || !strings.HasSuffix(all[1], "kim: 84010: busy") {
					t.Errorf("audit: %q", all)
				}
				if all := w.audited("dial-out rejected"); len(all) != 1 || !strings.Contains(all[0], "ceiling") {
					t.Errorf("audit: %q", all)
				}
				w.pass(time.Minute) // for the spool
				var told []string
				for _, r := range srv.all() {
					if r.Type == aaa.Start || r.Type == aaa.Stop {
						told = append(told, fmt.Sprintf("%s %s %s %s %d", r.Type, r.User, r.Service, r.Called, r.Cause))
					}
				}
				if got := strings.Join(told, "; "); got != "start kim outbound 84001 0; stop kim outbound 84001 1" {
					t.Errorf("accounting: %s", got)
				}
			})
		})
	}
}

// However a call ends, its line is on hook and returned, its end and its cause are recorded, and it is not
// dialed again.
func TestDialOutEnds(t *testing.T) {
	for _, tt := range []struct {
		name  string
		end   func(w *town, cancel context.CancelCauseFunc)
		cause aaa.Cause
		text  string
	}{
		{"the called side hangs up", func(w *town, _ context.CancelCauseFunc) { w.home.DTE().SetDTR(false) },
			aaa.CauseLostCarrier, "carrier"},
		{"the person goes away", func(_ *town, cancel context.CancelCauseFunc) { cancel(nil) },
			aaa.CauseLostService, "connection was lost"},
		{"an operator clears the line", func(w *town, _ context.CancelCauseFunc) {
			if err := w.broker.ClearLine(context.Background(), w.broker.ActiveCalls(broker.CallQuery{})[0].TTY,
				"uid 7"); err != nil {
				w.t.Error(err)
			}
		}, aaa.CauseAdminReset, "operator"},
		{"the session time", func(w *town, _ context.CancelCauseFunc) { w.pass(3 * time.Minute) },
			aaa.CauseSessionTimeout, "3m0s"},
		{"a lockdown with its sessions", func(w *town, _ context.CancelCauseFunc) { w.lock(true) },
			aaa.CauseAdminReset, "dministrator"},
		{"the end of the process", func(w *town, _ context.CancelCauseFunc) { w.halt() },
			aaa.CauseNASReboot, "shutting down"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := &books{}
			o := dialsOut(townOptions{accountant: srv, policy: func(p *policies.Policy) {
				p.DialOut.SessionTime = 3 * time.Minute
			}})
			inTown(t, o, func(w *town) {
				w.pc(w.home).typ("ats0=1")
				ctx, cancel := context.WithCancelCause(context.Background())
				defer cancel(nil)
				c, err := w.broker.DialOut(ctx, out("84001"))
				if err != nil {
					t.Fatal(err)
				}
				tt.end(w, cancel)
				select {
				case <-c.Ended():
				case <-time.After(2 * time.Minute):
					t.Fatal("the call has not ended")
				}
				if got := c.Why(); got.Cause != tt.cause || !strings.Contains(got.Text, tt.text) {
					t.Errorf("%+v, want cause %d, %q", got, tt.cause, tt.text)
				}
				if err := c.Hangup(context.Background()); err != nil {
					t.Errorf("not proven on hook: %v", err)
				}
				if tt.cause == aaa.CauseNASReboot {
					w.start()
				}
				w.idle(time.Minute)
				w.pass(time.Minute)
				if rows := w.endedRows(); len(rows) != 1 || rows[0].End.IsZero() ||
					rows[0].TerminateCause != int(tt.cause) ||
					len(w.dialed()) != 1 {
					t.Errorf("%+v, dials %+v", rows, w.dialed())
				}
				stops := 0
				for _, r := range srv.all() {
					if r.Type == aaa.Stop && r.Cause == tt.cause && r.Service == aaa.Outbound {
						stops++
					}
				}
				if stops != 1 {
					t.Errorf("%d stops: %+v", stops, srv.all())
				}
			})
		})
	}
}

// What is not granted, not permitted or not possible is not dialed, and nothing is counted.
func TestDialOutDenied(t *testing.T) {
	o := dialsOut(townOptions{policy: func(p *policies.Policy) { p.DialOut.Allow = []string{"84*", "911", "1*"} }})
	inTown(t, o, func(w *town) {
		ungranted := out("84001")
		ungranted.Auth.DialOut = nil
		scripted := out("84001")
		scripted.Auth.DialOut = &aaa.DialOut{ModemScript: "nosuch"}
		systemScript := out("84001")
		systemScript.Auth.DialOut = &aaa.DialOut{SystemScript: "nosuch"}
		fixed := out("84001")
		fixed.Auth.Dialstring = aaa.DialstringOf("84002")
		line := out("84001")
		line.TTY = 7
		rotary := out("84001")
		rotary.Rotary = 99
		for _, tt := range []struct {
			o    broker.DialOut
			want string
		}{
			{ungranted, "does not say that the user may dial out"},
			{scripted, "no matching chat script found"},
			{systemScript, "no matching chat script found"},
			{fixed, "AAA fixes other numbers"},
			{line, "there is no line 7"},
			{rotary, "rotary 99 has no lines"},
			{out("84901"), `deny "849*" is the longest match`},
			{out("85001"), "must match a pattern of dial_out.allow"},
			{out("911"), "emergency number"},
			{out("84001;+++ATH"), `';'`},
			{out("84001\rATDT15550100"), `'\r' at position 6`},
			{out(" "), "the dial string is empty"},
			{out(""), "no number was given, and AAA fixes none"},
		} {
			_, err := w.broker.DialOut(context.Background(), tt.o)
			var denied *broker.DialOutError
			if !errors.As(err, &denied) || !strings.Contains(err.Error(), tt.want) || denied.Code() != lines.Error {
				t.Errorf("%q: %v, want %q", tt.o.Number, err, tt.want)
			}
		}
		w.lock(false)
		if _, err := w.broker.DialOut(context.Background(), out("84001")); err == nil || !strings.Contains(err.Error(),
			"lockdown") {
			t.Errorf("in a lockdown: %v", err)
		}
		if len(w.dialed()) != 0 || len(w.outRows()) != 0 || len(w.audited("dial-out")) != 0 {
			t.Errorf("dials: %+v, rows %+v", w.dialed(), w.outRows())
		}
		w.idle(time.Minute)
	})
	inTown(t, townOptions{}, func(w *town) {
		if _, err := w.broker.DialOut(context.Background(), out("84001")); err == nil || !strings.Contains(err.Error(),
			"permits no dial-out") {
			t.Errorf("without the key: %v", err)
		}
	})
}

// A lockdown ends a dial, and leaves a call that is up.
func TestDialOutLockdown(t *testing.T) {
	inTown(t, dialsOut(townOptions{}), func(w *town) { // nobody answers at 84001
		done := make(chan error, 1)
		go func() {
			_, err := w.broker.DialOut(context.Background(), out("84001"))
			done <- err
		}()
		w.pass(4 * time.Second)
		w.lock(false)
		if err := <-done; err == nil || !strings.Contains(err.Error(), "lockdown") {
			t.Error(err)
		}
		w.idle(2 * time.Minute)
		if rows := w.endedRows(); len(rows) != 1 || rows[0].End.IsZero() {
			t.Errorf("%+v", rows)
		}
	})
	inTown(t, dialsOut(townOptions{}), func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		c, err := w.broker.DialOut(context.Background(), out("84001"))
		if err != nil {
			t.Fatal(err)
		}
		w.lock(false)
		p.see("CONNECT", time.Minute)
		p.typ("still here")
		reads(t, c, "still here")
		if err := c.Hangup(context.Background()); err != nil {
			t.Error(err)
		}
		w.idle(time.Minute)
	})
}

// The owner of a lease dials on it again and again, and returns it; a number is dialed by one at a time.
func TestDialOutOnALease(t *testing.T) {
	inTown(t, dialsOut(townOptions{lines: 3}), func(w *town) {
		w.pc(w.home).typ("ats0=1")
		lease, err := w.pool.Acquire(context.Background(), lines.Want{Owner: "kim", Role: lines.ForUser,
			TTYs: []int{66}, Rotary: lines.NoRotary})
		if err != nil {
			t.Fatal(err)
		}
		own := out("84001")
		own.Lease = lease
		for range 2 {
			c, err := w.broker.DialOut(context.Background(), own)
			if err != nil || c.TTY != 66 {
				t.Fatalf("%+v, %v", c, err)
			}
			_, err = w.broker.DialOut(context.Background(), out("84001"))
			if err == nil || !strings.Contains(err.Error(), "is in progress") {
				t.Errorf("the number is in use: %v", err)
			}
			if err := c.Hangup(context.Background()); err != nil {
				t.Error(err)
			}
			if s, _ := w.pool.Line(66); s.State != lines.Leased {
				t.Errorf("after the call the line is %s", s.State)
			}
		}
		if _, err := w.broker.DialOut(context.Background(), func() broker.DialOut {
			o := out("84010")
			o.TTY, o.Wait = 66, time.Second
			return o
		}()); err == nil || !strings.Contains(err.Error(), "no line was free within 1s") {
			t.Errorf("the line is in use: %v", err)
		}
		lease.Release()
		w.idle(time.Minute)
		if n := len(w.dialed()); n != 2 {
			t.Errorf("%d dials", n)
		}
	})
}

// failsOut is a journal that refuses the start or the end of a dial-out.
type failsOut struct {
	journal.Store
	start, end *bool
}

func (f failsOut) Commit(ctx context.Context, tx ...journal.Mutation) error {
	for _, m := range tx {
		if c, ok := m.(journal.PutCall); ok && c.Call.Service == journal.DialOut &&
			(c.Call.End.IsZero() && *f.start || !c.Call.End.IsZero() && *f.end) {
			return errors.New("no space left on device")
		}
	}
	return f.Store.Commit(ctx, tx...)
}

// A dial that cannot be counted is not made. If the process ends before the end is recorded, the dial counts with all
// that it could use, and is not repeated.
func TestDialOutCrash(t *testing.T) {
	start, end := true, true
	o := dialsOut(townOptions{ceilings: []journal.Limit{{Period: journal.Day, Amount: journal.Amount{Calls: 1}}},
		store: func(s journal.Store) journal.Store { return failsOut{s, &start, &end} }})
	inTown(t, o, func(w *town) {
		if _, err := w.broker.DialOut(context.Background(), out("84010")); err == nil || !strings.Contains(err.Error(),
			"cannot be recorded") {
			t.Fatal(err)
		}
		w.idle(time.Minute)
		if len(w.dialed()) != 0 || w.site().Open != 0 {
			t.Fatalf("dialed without a record: %+v", w.dialed())
		}
		start = false
		if _, err := w.broker.DialOut(context.Background(), out("84010")); err == nil {
			t.Fatal("connected")
		}
		if a := w.site(); a.Open != 1 || a.Reserved.Calls != 1 {
			t.Errorf("the reservation must stay: %+v", a)
		}
		w.halt() // for the journal, the process ended in the middle of the dial
		w.start()
		w.idle(time.Minute)
		w.pass(10 * time.Minute)
		if rows := w.outRows(); len(rows) != 1 || rows[0].End.IsZero() || !strings.Contains(rows[0].Cause, "crash") ||
			len(w.dialed()) != 1 {
			t.Errorf("%+v, dials %+v", rows, w.dialed())
		}
		if a := w.site(); a.Open != 0 || a.Windows[1].Used != (journal.Amount{Calls: 1, Failures: 1,
			Time: policies.DefaultDialOut + policies.CallOverhead}) {
			t.Errorf("all that was reserved must count: %+v", a)
		}
		if _, err := w.broker.DialOut(context.Background(), out("84010")); !errors.Is(err, journal.ErrCeiling) {
			t.Errorf("beyond the ceiling: %v", err)
		}
	})
}
