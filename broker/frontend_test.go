package broker_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// packets is a front end that negotiates like CBCP: the offer, the client's choice with a delay, and the
// acknowledgement after the promise. Its frames are lines that begin with "~~".
type packets struct {
	delay time.Duration
}

func (packets) Service() aaa.Service                { return aaa.PPP }
func (packets) Unservable(aaa.Authorization) string { return "" }
func (f packets) Serve(ctx context.Context, s *session.Session) session.Ending {
	defer context.AfterFunc(ctx, func() { s.Line().SetReadDeadline(time.Unix(1, 0)) })()
	in := bufio.NewReader(s.Line())
	frame := func() string {
		line, _ := in.ReadString('\r')
		return strings.TrimSuffix(strings.TrimPrefix(line, "~~"), "\r")
	}
	user, word, _ := strings.Cut(frame(), " ")
	s.Trying(user)
	res, err := s.AskLogin(ctx, func(ctx context.Context) (aaa.Result, error) {
		_, res := s.AAA().Start(ctx, s.Request(user, aaa.Secret(word)))
		return res, nil
	})
	if err != nil {
		return session.Interrupted(ctx, err)
	}
	v, _ := s.Settle(ctx, res)
	if v.Kind == session.Offered {
		fmt.Fprintf(s.Line(), "offer %q decline %v wait %v\r\n", v.Offer.Number, v.Offer.MayDecline, v.Offer.Wait)
		frame()
		v = s.Promise(ctx, session.Choice{Offer: v.Offer.ID, Delay: f.delay})
	}
	switch v.Kind {
	case session.Promised:
		fmt.Fprint(s.Line(), "ack\r\n")
		return session.Ending{Cause: aaa.CauseUserRequest, Reason: "acknowledged"}
	case session.Admit:
		ctx, release := s.Admit()
		defer release()
		fmt.Fprint(s.Line(), "packets\r\n")
		for frame() != "" {
		}
		return session.Interrupted(ctx, session.ErrCarrier)
	}
	s.Refused(ctx)
	return session.Ending{Cause: aaa.CauseNASRequest, Reason: s.LastFailure()}
}

// autoselect begins with the EXEC and passes the call to packets.
type autoselect struct {
	session.Only
	packets packets
}

func (a autoselect) Choose(*lines.Call) (session.FrontEnd, session.Look) {
	return a.FrontEnd, func(held []byte) (int, session.FrontEnd) {
		i := bytes.IndexByte(held, '~')
		switch {
		case i < 0:
			return len(held), nil
		case i == len(held)-1:
			return i, nil
		case held[i+1] == '~':
			return i, a.packets
		}
		return len(held), nil
	}
}

func (a autoselect) Serving(s aaa.Service, tty int) session.FrontEnd {
	if s == aaa.PPP {
		return a.packets
	}
	return a.Only.Serving(s, tty)
}

// A callback with another front end than the EXEC, from the first octets to the session on leg two: laws 5, 6 and 8
// apply to it, and journal and accounting have its own service.
func TestCallbackOfAnotherFrontEnd(t *testing.T) {
	srv := &books{}
	o := townOptions{accountant: srv, frontEnds: func(f session.FrontEnd) session.Chooser {
		return autoselect{session.Only{FrontEnd: f}, packets{delay: 40 * time.Second}}
	}}
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.typ("atdt55555")
		p.see("Username: ", time.Minute)
		p.typ("~~kihei-03 " + password)
		p.see(`offer "84001" decline false wait 5s`, time.Minute)
		w.pass(10 * time.Second)
		if all := w.promised(); all != 0 {
			t.Errorf("%d callbacks before the choice", all)
		}
		p.typ("~~choice")
		p.see("ack", time.Minute)
		if all := w.promised(); all != 1 {
			t.Errorf("%d callbacks at the acknowledgement", all)
		}
		p.see("NO CARRIER", time.Minute)
		hung := time.Now()
		if screen := p.see("CONNECT", 2*time.Minute); w.dialed()[0].Time.Sub(hung) < 39*time.Second {
			t.Errorf("dialed %v after the hang-up: %q", w.dialed()[0].Time.Sub(hung), screen)
		}
		w.pass(10 * time.Second)
		p.typ("~~kihei-03 " + password)
		if screen := p.see("packets", time.Minute); strings.Contains(screen, "Username") {
			t.Errorf("leg two: the screen shows %q", screen)
		}
		p.dte.SetDTR(false)
		w.idle(time.Minute)
		if v := w.last(); v.Phase != "completed" || v.Service != string(aaa.PPP) {
			t.Errorf("phase %s %s, service %s", v.Phase, v.Cause, v.Service)
		}
		w.pass(time.Minute)
		for _, r := range srv.all() {
			if r.SessionID != "" && r.Service != aaa.PPP {
				t.Errorf("accounted as %s: %+v", r.Service, r)
			}
		}
		if got := srv.sessions(); strings.Count(got, "start") != 2 || strings.Count(got, "stop") != 2 {
			t.Errorf("accounting: %s", got)
		}
	})
}

// promised returns how many callbacks there are.
func (w *town) promised() int {
	w.t.Helper()
	all, _, err := w.broker.CallbackList(context.Background(), broker.CallbackQuery{All: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return len(all)
}

// Law 5: a reload removes the front end of a pending callback: no other front end serves the called user, and the
// callback ends with that cause.
func TestReloadWithoutTheFrontEnd(t *testing.T) {
	both := func(f session.FrontEnd) session.Chooser { return autoselect{session.Only{FrontEnd: f}, packets{}} }
	inTown(t, townOptions{frontEnds: both}, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.typ("atdt55555")
		p.see("Username: ", time.Minute)
		p.typ("~~austin-01 " + password)
		p.see("offer", time.Minute)
		p.typ("~~choice")
		p.see("NO CARRIER", time.Minute)
		w.opt.frontEnds = nil
		w.broker.Reload(w.config())
		if screen, ok := p.await("maui-nas-04>", 5*time.Minute); ok || strings.Contains(screen, "Username") {
			t.Errorf("leg two: the screen shows %q", screen)
		}
		w.idle(time.Minute)
		if v := w.last(); v.Phase != "failed" || !strings.Contains(v.Cause, "tty 66 cannot serve ppp") {
			t.Errorf("phase %s %q", v.Phase, v.Cause)
		}
	})
}
