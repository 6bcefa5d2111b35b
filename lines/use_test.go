package lines

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestUse: only a line that nothing uses is leased, the error says what uses it, and Run waits for the user.
func TestUse(t *testing.T) {
	inTown(t, func(_ context.Context, c *Call) { <-c.Done() }, rotary(1, 2), func(t *testing.T, w *town) {
		port := w.stubs[1].host
		use := func(tty int) string {
			t.Helper()
			called := false
			err := w.Use(context.Background(), tty, "operator", func(_ context.Context, l *Lease) {
				called = true
				if s, _ := w.Line(tty); s.Owner != "operator" || s.State != Leased || l.TTY() != tty {
					t.Errorf("%+v", s)
				}
				if port := w.stubs[tty].host; port.Answer("", "") {
					t.Error("it answers")
				}
			})
			synctest.Wait()
			if called != (err == nil) {
				t.Errorf("called %v: %v", called, err)
			}
			if err != nil {
				return err.Error()
			}
			return ""
		}
		is := func(want string) {
			t.Helper()
			if got := use(1); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
		is("")
		if got := use(7); got != "there is no line 7" {
			t.Error(got)
		}
		port.Phase(Ringing)
		is("line 1 is already in use: ringing")
		port.Phase(Idle)
		w.SetBusyouts(maintenance)
		is("line 1 is busied out by uid 0: new modem")
		w.SetBusyouts(nil)
		l := taken(t, w.want(t, "cb", Want{TTYs: []int{1}}))
		is("line 1 is already in use: leased")
		l.Release()
		synctest.Wait()
		w.stubs[1].probes(nil, time.Minute)
		q := w.want(t, "cb", Want{TTYs: []int{1}})
		is("line 1 is already in use: its modem is being asked for a callback")
		q.Cancel()
		<-time.After(2 * time.Minute)
		port.Down(errors.New("unplugged"))
		is("line 1 is out of service, down: unplugged")
		port.Up(nil)
		is("")
		release, used := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(used)
			_ = w.Use(context.Background(), 1, "operator", func(context.Context, *Lease) { <-release })
		}()
		synctest.Wait()
		go func() {
			<-time.After(time.Second)
			close(release)
		}()
		w.stop()
		select {
		case <-used:
		default:
			t.Error("Run did not wait")
		}
		if got := use(2); got != ErrClosed.Error() {
			t.Error(got)
		}
	})
}
