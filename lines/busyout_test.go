package lines

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

var maintenance = map[int]Busyout{1: {Reason: "new modem", By: "uid 0"}}

// TestBusyout: a line that is busied out finishes its call, and then takes neither calls nor callbacks until it is
// restored.
func TestBusyout(t *testing.T) {
	inTown(t, func(_ context.Context, c *Call) { <-c.Done() }, rotary(1), func(t *testing.T, w *town) {
		modem := w.stubs[1].host
		if !modem.Answer("", "") {
			t.Fatal("not answered")
		}
		call := newStubData(nil)
		modem.Connected(&Call{Data: call, TTY: 1})
		w.SetBusyouts(maintenance)
		if s, _ := w.Line(1); s.State != InCall || s.Busyout == nil || s.Reason != "" {
			t.Errorf("in its call: %+v", s)
		}
		q := w.want(t, "cb", Want{Rotary: 1, Called: 1})
		<-time.After(time.Minute)
		if w.state(1) != InCall {
			t.Errorf("the call was ended: %s", w.state(1))
		}
		_ = call.Hangup(context.Background())
		waits(t, q)
		if s, _ := w.Line(1); s.State != BusiedOut || s.Reason != "busied out by uid 0: new modem" {
			t.Errorf("after its call: %+v", s)
		}
		if modem.Phase(Ringing); modem.Answer("", "") {
			t.Error("it answers")
		}
		modem.Phase(Idle)
		w.SetBusyouts(nil)
		l := taken(t, q)
		w.SetBusyouts(maintenance)
		if s, _ := w.Line(1); s.State != Leased {
			t.Errorf("its callback: %+v", s)
		}
		l.Release()
		synctest.Wait()
		w.SetBusyouts(nil)
		if !modem.Answer("", "") {
			t.Error("it does not answer after it was restored")
		}
		modem.Missed(nil)
	})
}

// TestBusyoutMovesRequests: a request leaves a line that is busied out while its modem is probed, and falls back on
// the called line when the rotary has no other.
func TestBusyoutMovesRequests(t *testing.T) {
	inTown(t, nil, rotary(1, 2), func(t *testing.T, w *town) {
		w.stubs[1].probes(nil, 5*time.Second)
		q := w.want(t, "cb", Want{Rotary: NoRotary, Called: 2})
		waits(t, q)
		w.SetBusyouts(maintenance)
		l := taken(t, q)
		if l.TTY() != 2 {
			t.Errorf("tty %d", l.TTY())
		}
		l.Release()
		<-time.After(time.Minute)
		if w.state(1) != BusiedOut || w.state(2) != Idle {
			t.Errorf("%s, %s", w.state(1), w.state(2))
		}
	})
}

// TestBusyoutOfAnAbsentLine: the order is kept for a line that is not there yet.
func TestBusyoutOfAnAbsentLine(t *testing.T) {
	inTown(t, nil, rotary(2), func(t *testing.T, w *town) {
		w.SetBusyouts(maintenance)
		s := &stub{tty: 1, up: true}
		if err := w.Add(&Config{TTY: 1, Rotary: 1}, s); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if w.state(1) != BusiedOut || s.host.Answer("", "") {
			t.Errorf("%s", w.state(1))
		}
		may, err := Choose(Want{Rotary: 1, Called: 9}, w.Lines())
		if len(may) != 1 || may[0] != 2 || err != nil {
			t.Errorf("%v, %v", may, err)
		}
	})
}
