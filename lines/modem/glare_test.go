package modem

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lines"
)

// A line on which a caller rings is not taken off hook: ATH1 would answer them, and the next dial would connect to
// them. The ring is not forgotten when the dial that it met is hung up, nor if its RING was lost in the data of a call
// and only RI shows it; when it is over, the script runs.
func TestNoScriptOnARingingLine(t *testing.T) {
	offHook := func(ctx context.Context, c lines.CommandConn) error { return expect(ctx, c, "ATH1\r", "OK") }
	for name, ring := range map[string]func(b *bench, f *fake, l *lines.Lease){
		"idle": func(_ *bench, f *fake, _ *lines.Lease) { f.say("\r\nRING\r\n") },
		"after a dial that met it": func(b *bench, f *fake, l *lines.Lease) {
			f.dials = func(string) string { f.say("\r\nRING\r\n"); return "" }
			if _, code, err := l.Dial(b.t.Context(), dialScript("5551")); code != lines.Ring || err != nil {
				b.t.Errorf("%q %v", code, err)
			}
		},
		"after a script": func(b *bench, f *fake, l *lines.Lease) {
			_, _ = l.Command(b.t.Context(), func(context.Context, lines.CommandConn) error { return nil })
			f.say("\r\nRING\r\n")
			_ = l.Probe(b.t.Context())
		},
		"while the line is proven": func(b *bench, f *fake, l *lines.Lease) {
			_, _ = l.Command(b.t.Context(), func(context.Context, lines.CommandConn) error { return nil })
			f.reply = func(cmd string) string {
				if strings.Contains(cmd, "ATH") {
					f.reply = nil
					return "\r\nRING\r\n\r\nOK\r\n"
				}
				return ""
			}
			_ = l.Probe(b.t.Context())
		},
		"RI alone": func(_ *bench, f *fake, _ *lines.Lease) { f.ri(true); f.ri(false) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(true)
			onBench(t, f, func(b *bench) {
				l := b.lease()
				ring(b, f, l)
				b.pass(2 * time.Second)
				code, err := l.Command(b.t.Context(), offHook)
				if !errors.Is(err, lines.ErrRinging) || code != lines.Ring ||
					strings.Contains(f.allCommands(), "ATH1") {
					t.Errorf("%q %v after %q", code, err, f.allCommands())
				}
				b.pass(b.drv.t.Rings)
				if code, err := l.Command(b.t.Context(), offHook); err != nil || code != lines.OK {
					t.Errorf("when the ringing is over: %q %v", code, err)
				}
				l.Release()
				b.until(lines.Idle)
			})
		})
	}
}

// TestRingOfAStrayCall: RING that arrives while an idle line with DCD is proven may be text of the call that is up: it
// makes no line ring.
func TestRingOfAStrayCall(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		l := b.lease()
		f.dcd(true)
		b.pass(time.Second)
		b.drv.mu.Lock()
		b.drv.happenLocked(happening{on: onHangUp})
		b.drv.happenLocked(happening{on: onRing})
		b.drv.happenLocked(happening{on: onProven})
		rings := b.drv.rings
		b.drv.mu.Unlock()
		if rings != 0 {
			t.Errorf("%d rings", rings)
		}
		f.dcd(false)
		l.Release()
		b.until(lines.Idle)
	})
}
