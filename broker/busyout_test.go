package broker_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/lines"
)

// TestBusyout: a callback waits while all lines are busied out, also after a restart, and is dialed when one is
// restored. Callers are not answered.
func TestBusyout(t *testing.T) {
	inTown(t, townOptions{forcedWait: time.Minute}, func(w *town) {
		p := promised(w)
		for _, tty := range []int{65, 66} {
			if err := w.broker.BusyOutLine(tty, "storm", "uid 7"); err != nil {
				t.Fatal(err)
			}
		}
		if s, _ := w.pool.Line(66); s.State != lines.Leased { // it finishes the callback that it has
			t.Errorf("tty 66: %+v", s)
		}
		w.halt()
		w.start()
		w.pass(20 * time.Minute)
		if d := w.dialed(); len(d) != 0 {
			t.Fatalf("dialed while all lines were busied out: %+v", d)
		}
		if s, _ := w.pool.Line(66); s.State != lines.BusiedOut || s.Reason != "busied out by uid 7: storm" {
			t.Errorf("after a restart: %+v", s)
		}
		p.typ("atdt55555")
		p.see("NO ANSWER", 5*time.Minute)
		if err := w.broker.RestoreLine(66, "uid 8"); err != nil {
			t.Fatal(err)
		}
		p.typ("ats0=1")
		p.see("RING", 3*time.Minute)
		p.see("maui-nas-04>", time.Minute)
		p.dte.SetDTR(false)
		if err := w.broker.RestoreLine(65, "uid 8"); err != nil {
			t.Fatal(err)
		}
		w.idle(time.Minute)
		if v := w.last(); v.Phase != "completed" || v.TTY != 66 {
			t.Errorf("phase %s on tty %d: %s", v.Phase, v.TTY, v.Cause)
		}
		audit, _, err := w.journal.AuditTail(context.Background(), 100)
		var got []string
		for _, e := range audit {
			if strings.HasPrefix(e.Kind, "line ") {
				got = append(got, e.Kind+", "+e.Who+": "+e.Text)
			}
		}
		want := "line busied out, uid 7: tty 65: storm\nline busied out, uid 7: tty 66: storm\n" +
			"line restored, uid 8: tty 66\nline restored, uid 8: tty 65"
		if strings.Join(got, "\n") != want || err != nil {
			t.Errorf("the audit has %q, %v", got, err)
		}
	})
}

// TestBusyoutErrors: an order that is not carried out says why, and changes nothing.
func TestBusyoutErrors(t *testing.T) {
	full := errors.New("no space left on device")
	var disk error
	inTown(t, townOptions{busyouts: func() error { return disk }}, func(w *town) {
		check := func(err error, want string) {
			t.Helper()
			if err == nil || err.Error() != want {
				t.Errorf("%v, want %q", err, want)
			}
		}
		check(w.broker.BusyOutLine(7, "", "uid 7"), "there is no line 7")
		check(w.broker.RestoreLine(65, "uid 7"), "line 65 is not busied out")
		if err := w.broker.BusyOutLine(65, "two\nlines", "uid 7"); !errors.Is(err, broker.ErrReason) {
			t.Error(err)
		}
		disk = full
		check(w.broker.BusyOutLine(65, "", "uid 7"), "line 65 stays in use: no space left on device")
		if s, _ := w.pool.Line(65); s.Busyout != nil {
			t.Errorf("%+v", s)
		}
		disk = nil
		for _, reason := range []string{"", " again "} {
			if err := w.broker.BusyOutLine(65, reason, "uid 7"); err != nil {
				t.Error(err)
			}
		}
		if s, _ := w.pool.Line(65); s.Busyout == nil || s.Busyout.Reason != "again" {
			t.Errorf("%+v", s)
		}
		disk = full
		check(w.broker.RestoreLine(65, "uid 7"), "line 65 stays busied out: no space left on device")
		if s, _ := w.pool.Line(65); s.Busyout == nil {
			t.Errorf("%+v", s)
		}
	})
}
