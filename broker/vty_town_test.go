package broker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/listener"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/session/exec"
	"github.com/ringback/ringback/tty"
)

// visitor is a client on a vty.
type visitor struct {
	w    *town
	conn net.Conn
	seen strings.Builder
	out  chan session.Outcome
	err  chan error
}

// visit connects a client with an address to a vty.
func (w *town) visit(vty int, address string) *visitor { return w.visitFor(vty, address, nil) }

// visitFor is visit with a front end.
func (w *town) visitFor(vty int, address string, front func(session.FrontEnd) session.FrontEnd) *visitor {
	w.t.Helper()
	return w.visitBy(listener.Raw, vty, address, func(_ session.Client, text session.FrontEnd) session.FrontEnd {
		if front == nil {
			return text
		}
		return front(text)
	})
}

// visitBy is visit over a protocol, with a front end.
func (w *town) visitBy(p listener.Protocol, vty int, address string,
	front func(session.Client, session.FrontEnd) session.FrontEnd) *visitor {
	w.t.Helper()
	theirs, ours := net.Pipe()
	v := &visitor{w: w, conn: theirs, out: make(chan session.Outcome, 1), err: make(chan error, 1)}
	local := w.config().Lines[65]
	go func() {
		s := listener.NewStream(ours, p, p == listener.RFC2217)
		out, err := w.broker.Visit(context.Background(), broker.Visit{
			Call: &lines.Call{Data: s, ID: broker.NewID(), TTY: tty.VTY(vty), Direction: lines.Incoming,
				Caller: address, Connect: "raw", Start: time.Now()},
			Line: broker.Line{Login: local.Login}, Admitted: s.Admit,
			FrontEnd: func(text session.FrontEnd) session.FrontEnd { return front(s, text) }})
		v.out <- out
		v.err <- err
	}()
	return v
}

// see reads until text has come.
func (v *visitor) see(text string) {
	v.w.t.Helper()
	buf := make([]byte, 256)
	for !strings.Contains(v.seen.String(), text) {
		n, err := v.conn.Read(buf)
		v.seen.Write(buf[:n])
		if err != nil {
			v.w.t.Fatalf("%v after %q, want %q", err, v.seen.String(), text)
		}
	}
	v.seen.Reset()
}

// login logs in, and reads until text has come.
func (v *visitor) login(user, secret, text string) {
	v.w.t.Helper()
	v.see("Username: ")
	v.typed(user, "Password: ")
	v.typed(secret, text)
}

// typed types a line while the echo is read: the pipe holds nothing.
func (v *visitor) typed(line, text string) {
	v.w.t.Helper()
	typed := make(chan struct{})
	go func() {
		defer close(typed)
		_, _ = io.WriteString(v.conn, line+"\r")
	}()
	v.see(text)
	<-typed
}

// sent sends octets while what comes is kept.
func (v *visitor) sent(octets string) {
	v.w.t.Helper()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.WriteString(v.conn, octets)
	}()
	buf := make([]byte, 256)
	for {
		select {
		case <-sent:
			return
		default:
		}
		_ = v.conn.SetReadDeadline(time.Now().Add(time.Second))
		n, _ := v.conn.Read(buf)
		v.seen.Write(buf[:n])
		_ = v.conn.SetReadDeadline(time.Time{})
	}
}

// reads reads for a time: the visit of a client that reads nothing ends.
func (v *visitor) reads(d time.Duration) {
	_ = v.conn.SetReadDeadline(time.Now().Add(d))
	_, _ = io.Copy(&v.seen, v.conn)
	_ = v.conn.SetReadDeadline(time.Time{})
}

// rest reads until the end.
func (v *visitor) rest() string {
	p, _ := io.ReadAll(v.conn)
	return v.seen.String() + string(p)
}

// TestVisit: users over the network log in as callers do, and AAA's callback is ignored and reported, not made.
func TestVisit(t *testing.T) {
	seen := &kept{}
	inTown(t, townOptions{sinks: []events.Sink{seen}}, func(w *town) {
		plain := w.visit(0, "192.0.2.7")
		plain.login("paia-04", password, "maui-nas-04>")
		other := w.visit(1, "2001:db8::9")
		other.login("kihei-03", password, "maui-nas-04>") // AAA requires a callback to 84001
		var on []string
		for _, u := range w.broker.OnLines() {
			on = append(on, fmt.Sprint(tty.Name(u.TTY), " ", u.User, " ", u.Caller))
		}
		if want := []string{"vty 0 paia-04 192.0.2.7", "vty 1 kihei-03 2001:db8::9"}; !slices.Equal(on, want) {
			t.Errorf("on the lines are %q, want %q", on, want)
		}
		plain.typed("exit", "exit")
		if out := <-plain.out; out.Kind != session.SessionEnded || out.Cause != aaa.CauseUserRequest {
			t.Errorf("%+v", out)
		}
		_ = other.conn.Close()
		if out := <-other.out; out.Kind != session.SessionEnded || out.Cause != aaa.CauseLostCarrier {
			t.Errorf("%+v", out)
		}
		w.idle(time.Hour)
		if n := len(w.x.Dials()); n != 0 {
			t.Errorf("%d numbers were dialed", n)
		}
		if all := of[events.CallbackIgnored](seen); len(all) != 1 || all[0].User != "kihei-03" ||
			all[0].Line != tty.VTY(1) {
			t.Errorf("ignored: %+v", all)
		}
		calls, _, _, err := w.broker.CallHistory(context.Background(), broker.CallQuery{Limit: 10})
		if err != nil || len(calls) != 2 {
			t.Errorf("%d calls are recorded, want 2: %v", len(calls), err)
		}
	})
}

// TestVisitPolicies: a group that requires a callback has no access over the network, in whatever words.
func TestVisitPolicies(t *testing.T) {
	for mode, want := range map[policies.CallbackMode]string{
		policies.Off: "maui-nas-04>", policies.Optional: "maui-nas-04>", policies.WhenCheaper: "maui-nas-04>",
		policies.Required: "% Access denied", policies.Secure: "Line is disconnected",
	} {
		for _, user := range []string{"paia-04", "kihei-03"} {
			inTown(t, townOptions{policy: func(p *policies.Policy) { p.Callback = mode }}, func(w *town) {
				v := w.visit(0, "192.0.2.7")
				began := time.Now()
				v.login(user, password, want)
				if took := time.Since(began); mode == policies.Secure && took < session.SecureTime {
					t.Errorf("%s, %s: the answer came after %v", mode, user, took)
				}
				_ = v.conn.Close()
				<-v.out
				w.idle(time.Hour)
				if n := len(w.x.Dials()); n != 0 {
					t.Errorf("%s, %s: %d numbers were dialed", mode, user, n)
				}
			})
		}
	}
}

// TestVisitGuess: guesses from one address lock the name for it, and for no other address and no line.
func TestVisitGuess(t *testing.T) {
	limits := broker.LoginLimits{Window: time.Hour, LockUserAfter: 3, LockNumberAfter: 30, LockTime: time.Hour}
	inTown(t, townOptions{limits: limits}, func(w *town) {
		v := w.visit(0, "2001:db8::1")
		for range 2 {
			v.login("paia-04", "wrong", "% Login invalid")
		}
		v.login("paia-04", "wrong", "% Login invalid")
		v.rest()
		<-v.out
		again := w.visit(0, "2001:db8::ffff:1") // the same network: the client chooses the rest
		again.login("paia-04", password, "% Too many failures")
		_ = again.conn.Close()
		<-again.out
		other := w.visit(0, "2001:db8:0:1::1")
		other.login("paia-04", password, "maui-nas-04>")
		_ = other.conn.Close()
		<-other.out
		locks := w.broker.LoginLocks()
		if i := slices.IndexFunc(locks, func(l broker.LoginLock) bool { return l.Number == "2001:db8::/64" }); i < 0 {
			t.Errorf("the network is not locked: %+v", locks)
		}
		direct := w.pc(w.home)
		direct.login("paia-04")
		direct.see("maui-nas-04>", time.Minute)
		direct.dte.SetDTR(false)
		w.idle(time.Minute)
	})
}

// TestVisitOrders: an operator, a lockdown, a shutdown and the login timeout end sessions over the network.
func TestVisitOrders(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		v := w.visit(3, "192.0.2.7")
		v.login("paia-04", password, "maui-nas-04>")
		if err := w.broker.ClearLine(t.Context(), tty.VTY(2), "test"); !errors.As(err, new(broker.NoVTY)) {
			t.Errorf("clear vty 2: %v", err)
		}
		if err := w.broker.ClearLine(t.Context(), tty.VTY(3), "test"); err != nil {
			t.Error(err)
		}
		if text := v.rest(); !strings.Contains(text, "% Line cleared") {
			t.Errorf("the user of a cleared vty reads %q", text)
		}
		<-v.out

		slow := w.visit(0, "192.0.2.7")
		slow.see("Username: ")
		begun := time.Now()
		go func() {
			for range 10 {
				<-time.After(20 * time.Second)
				_, _ = io.WriteString(slow.conn, "a")
			}
		}()
		if text := slow.rest(); !strings.Contains(text, "% Login timed out") || time.Since(begun) > 2*time.Minute {
			t.Errorf("a client that types an octet every 20 s reads %q after %v", text, time.Since(begun))
		}
		<-slow.out
		<-time.After(5 * time.Minute)

		in := w.visit(0, "192.0.2.7")
		in.login("paia-04", password, "maui-nas-04>")
		if err := w.broker.Lockdown("test", true, "test"); err != nil {
			t.Error(err)
		}
		in.rest()
		<-in.out
		locked := w.visit(0, "192.0.2.7")
		locked.login("paia-04", password, "% Access denied")
		_ = locked.conn.Close()
		<-locked.out
		if err := w.broker.LiftLockdown("", "test"); err != nil {
			t.Error(err)
		}

		last := w.visit(0, "192.0.2.7")
		last.login("paia-04", password, "maui-nas-04>")
		go w.stop()
		if text := last.rest(); !strings.Contains(text, "shutting down") {
			t.Errorf("in a shutdown the user reads %q", text)
		}
		<-last.out
		ended := <-w.ended
		late := w.visit(0, "192.0.2.7")
		late.rest()
		<-late.out
		if err := <-late.err; !errors.Is(err, broker.ErrNotServing) {
			t.Errorf("after the shutdown: %v", err)
		}
		w.ended <- ended // for the end of the town
	})
}

// TestVisitAttached: users of the console server need AAA's and the policy's leave to dial out, and log in for that
// service.
func TestVisitAttached(t *testing.T) {
	for _, c := range []struct {
		name, user string
		allow      []string // by the policy
		want       string
	}{
		{"both", "hana-06", []string{"84*"}, "attached"},
		{"only the policy", "paia-04", []string{"84*"}, "% Login invalid"},
		{"only AAA", "hana-06", nil, "% Number not allowed"},
	} {
		o := townOptions{policy: func(p *policies.Policy) { p.DialOut.Allow = c.allow }}
		inTown(t, o, func(w *town) {
			v := w.visitFor(0, "192.0.2.7", func(text session.FrontEnd) session.FrontEnd {
				return text.(*exec.FrontEnd).Instead(aaa.Outbound,
					func(_ context.Context, s *session.Session, res aaa.Result) session.Ending {
						fmt.Fprintf(s.Line(), "attached %s\r\n", res.Identity.User)
						return session.Ending{Cause: aaa.CauseUserRequest, Reason: "left"}
					})
			})
			v.login(c.user, password, c.want)
			_ = v.conn.Close()
			if out := <-v.out; (out.Kind == session.SessionEnded) != (c.want == "attached") {
				t.Errorf("%s: %+v", c.name, out)
			}
		})
	}
}
