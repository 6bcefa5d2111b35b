package modem

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/lines"
)

// rest lets enough time pass for the line to rest.
func (b *bench) rest() {
	b.t.Helper()
	b.until(lines.Idle)
	b.pass(2 * restAfter)
	synctest.Wait()
	if !b.resting() {
		b.t.Fatal("nothing happens, and the line does not rest")
	}
}

func (b *bench) resting() bool {
	b.drv.mu.Lock()
	defer b.drv.mu.Unlock()
	return b.drv.resting
}

// TestRest: a resting line misses nothing, and rests again afterwards.
func TestRest(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		for name, happens := range map[string]func(b *bench){
			"a call": func(b *bench) {
				c := b.incoming()
				b.pass(2 * restAfter)
				if b.resting() {
					b.t.Error("the line rests during a call")
				}
				if err := c.Hangup(b.t.Context()); err != nil {
					b.t.Error(err)
				}
			},
			"a dial": func(b *bench) {
				l := b.lease()
				defer l.Release()
				c, code, err := l.Dial(b.t.Context(), dialScript("5551"))
				if err != nil || code != lines.Connected {
					b.t.Fatalf("%q, %v", code, err)
				}
				if err := c.Hangup(b.t.Context()); err != nil {
					b.t.Error(err)
				}
			},
			"a lease that does nothing": func(b *bench) { b.lease().Release() },
			"the port is lost": func(b *bench) {
				b.f.unplug()
				b.until(lines.Down)
			},
			"the operator clears it": func(b *bench) {
				if err := b.pool.Clear(1); err != nil {
					b.t.Error(err)
				}
			},
			"noise": func(b *bench) {
				b.f.say("\x00\xff\r\n")
				synctest.Wait()
				if s, _ := b.pool.Line(1); s.Counts[lines.Noise] == 0 {
					b.t.Error("not noticed")
				}
			},
			"a probe": func(b *bench) {
				before := b.f.allCommands()
				b.pass(b.drv.t.Probe)
				if b.f.allCommands() == before {
					b.t.Error("the modem was not asked")
				}
			},
			"the end": func(b *bench) { b.stop() },
		} {
			t.Run(name, func(t *testing.T) {
				f := newFake(signals)
				onBench(t, f, func(b *bench) {
					b.rest()
					happens(b)
					if name != "the end" {
						b.rest()
					}
				})
			})
		}
	})
}

// TestSignalsWhileResting: a change of the modem signals is noticed immediately.
func TestSignalsWhileResting(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.rest()
		for _, on := range []bool{true, false} {
			f.dcd(on)
			synctest.Wait()
			if s, _ := b.pool.Line(1); s.Signals != map[bool]string{true: "DTR DCD", false: "DTR"}[on] {
				t.Errorf("DCD %v: signals %q", on, s.Signals)
			}
			b.rest()
		}
	})
}

// TestMuteWhileResting: the probe of a resting line finds a modem that no longer answers.
func TestMuteWhileResting(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.rest()
		f.set(func() { f.mute = true })
		b.pass(b.drv.t.Probe * 4 / 5) // the probe comes within the next fifth
		b.until(lines.Down)
	})
}

// TestRestAtEachMoment: an event just as the line starts to rest is not lost.
func TestRestAtEachMoment(t *testing.T) {
	for at := restAfter - 10; at <= restAfter+10; at++ {
		f := newFake(true)
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			synctest.Wait()
			b.pass(at)
			c := b.incoming()
			if err := c.Hangup(b.t.Context()); err != nil {
				t.Errorf("%v: %v", at, err)
			}
		})
	}
}

// TestNoRestAfterTheEnd: a line whose end comes just as it starts to rest does not rest: nothing would wake it.
func TestNoRestAfterTheEnd(t *testing.T) {
	f := newFake(true)
	onBench(t, f, func(b *bench) {
		b.until(lines.Idle)
		synctest.Wait()
		b.drv.mu.Lock()
		port := b.drv.port
		b.drv.mu.Unlock()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if b.drv.beginRest(ctx, port, time.Time{}) || b.resting() {
			t.Error("the line rests")
		}
	})
}
