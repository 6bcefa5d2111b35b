package pppfront

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/ppptest"
	"github.com/ringback/ringback/session"
)

// TestEnds has the ends that do not come from the peer.
func TestEnds(t *testing.T) {
	for name, tt := range map[string]struct {
		scene scene
		end   func(*caller)
		cause aaa.Cause
		text  string
	}{
		"carrier lost": {end: func(c *caller) { c.data.lose() }, cause: aaa.CauseLostCarrier},
		"line cleared": {end: func(c *caller) { c.cancel(context.Canceled) }, cause: aaa.CauseAdminReset,
			text: "Line cleared"},
		"disconnected": {end: func(c *caller) {
			c.cancel(session.End{Cause: aaa.CauseAdminReset,
				Text: "Maintenance"})
		},
			cause: aaa.CauseAdminReset, text: "Maintenance"},
		"session timeout": {scene: scene{aaa: &fakeAAA{auth: aaa.Authorization{SessionTimeout: time.Hour}}},
			cause: aaa.CauseSessionTimeout, text: "Session timeout"},
		"idle timeout": {scene: scene{aaa: &fakeAAA{auth: aaa.Authorization{IdleTimeout: time.Minute}}},
			cause: aaa.CauseIdleTimeout, text: "Idle timeout"},
		"no network": {scene: scene{network: &fakeNetwork{fails: true}}, cause: aaa.CauseNASError,
			text: "Network not available"},
		"the network is gone": {end: func(c *caller) {
			c.waits(time.Second)
			c.scene.network.fail(errors.New("the interface was deleted"))
		}, cause: aaa.CauseNASError, text: "Network not available"},
		"AAA does not answer": {scene: scene{aaa: &fakeAAA{stuck: true}}, cause: aaa.CauseIdleTimeout,
			text: "Login timed out"},
		"the network panics": {scene: scene{network: &fakeNetwork{panic: true}}, end: func(c *caller) {
			c.sends(ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, nil)})
		}, cause: aaa.CauseNASError},
		"the broker panics": {scene: scene{broker: &fakeBroker{decide: func(session.Asked) session.Verdict {
			panic("the broker")
		}}}, cause: aaa.CauseNASError},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := dial(t, tt.scene, &ppptest.Client{User: "kim"})
				if tt.end != nil {
					tt.end(c)
				}
				out := c.ends()
				if out.Cause != tt.cause || c.client.EndText != tt.text || out.Reason == "" {
					t.Errorf("%+v, text %q\n%s", out, c.client.EndText, c.story())
				}
			})
		})
	}
}

// TestAnswerBeforeTheLimit: an answer that is taken when the limit has passed, before the limit's own function runs,
// comes too late.
func TestAnswerBeforeTheLimit(t *testing.T) {
	for name, tt := range map[string]struct {
		scene scene
		asks  []byte // the caller's callback option
		limit int    // its place in releases
		end   func(*caller)
		cause aaa.Cause
		text  string
	}{
		"AAA": {scene: scene{aaa: &fakeAAA{stuck: true}}, cause: aaa.CauseIdleTimeout, text: "Login timed out"},
		"the broker decides": {scene: scene{broker: &fakeBroker{decide: func(session.Asked) session.Verdict {
			<-time.After(time.Minute)
			return session.Verdict{Text: "Too late"}
		}}}, end: func(c *caller) { c.cancel(context.Canceled) }, cause: aaa.CauseAdminReset, text: "Line cleared"},
		"the broker promises": {scene: scene{broker: &fakeBroker{decide: offers("84001"),
			promise: func(ctx context.Context, _ session.Choice) session.Verdict {
				<-ctx.Done()
				return session.Verdict{Text: "Too late"}
			}}}, asks: []byte{0}, cause: aaa.CauseIdleTimeout, text: "Login timed out"},
		"the network": {scene: scene{network: &fakeNetwork{takes: time.Minute}}, limit: 3,
			end: func(c *caller) { c.cancel(context.Canceled) }, cause: aaa.CauseAdminReset, text: "Line cleared"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.scene.sessions = &Sessions{}
				c := dial(t, tt.scene, &ppptest.Client{User: "kim", Callback: tt.asks})
				c.waits(time.Second)
				l := tt.scene.sessions.links[65]
				l.post(func() { l.releases[tt.limit]() }) // the limit's own function never runs
				synctest.Wait()
				if tt.end != nil {
					tt.end(c)
				}
				if out := c.ends(); out.Cause != tt.cause || c.client.EndText != tt.text {
					t.Errorf("%+v, text %q\n%s", out, c.client.EndText, c.story())
				}
			})
		})
	}
}

// TestLateLease: addresses that come after the end are given back.
func TestLateLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, scene{network: &fakeNetwork{takes: time.Minute}}, &ppptest.Client{User: "kim"})
		c.waits(time.Second)
		c.sends(c.client.Start()...) // renegotiates while the first lease is awaited
		c.waits(3 * time.Minute)
		if !c.up() || c.scene.network.assigned != 2 || c.scene.network.released != 1 {
			t.Errorf("IP %v, %d leases, %d given back", c.up(), c.scene.network.assigned, c.scene.network.released)
		}
		c.sends(c.client.Start()...)
		c.waits(time.Second)
		c.hangsUp()
	})
}

// TestEnginePanics: a panic of the Engine in the goroutine of the writer or of the network ends the call, which holds
// no lock then, and nothing else.
func TestEnginePanics(t *testing.T) {
	for name, then := range map[string]func(*link){
		"the writer encodes a frame": (*link).signal,
		"the network sends a packet": func(l *link) {
			if l.send(ppptest.IPv4Packet(host, own, nil)) {
				t.Error("the packet was taken")
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sessions := &Sessions{}
				c := dial(t, scene{sessions: sessions}, &ppptest.Client{User: "kim"})
				c.waits(time.Second)
				l, busy := sessions.links[65], make(chan struct{})
				l.post(func() { <-busy })
				replace := func(e *ppp.Engine) *ppp.Engine {
					l.mu.Lock()
					defer l.mu.Unlock()
					old := l.engine
					l.engine = e
					return old
				}
				whole := replace(nil)
				then(l)
				synctest.Wait()
				replace(whole)
				close(busy)
				out := c.ends()
				if out.Cause != aaa.CauseNASError || !strings.HasPrefix(out.Reason, "panic: ") || out.Stack == "" {
					t.Errorf("%+v", out)
				}
			})
		})
	}
}

// TestPanicBeforeALease: addresses that come at the moment of a panic are given back.
func TestPanicBeforeALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sessions := &Sessions{}
		c := dial(t, scene{sessions: sessions, network: &fakeNetwork{takes: time.Minute}}, &ppptest.Client{User: "kim"})
		l, busy := sessions.links[65], make(chan struct{})
		l.post(func() { <-busy })
		synctest.Wait()
		l.post(func() { panic("the front end") })
		c.waits(time.Minute) // the lease is behind the panic
		close(busy)
		if out := c.ends(); out.Reason != "panic: the front end" || c.scene.network.assigned != 1 {
			t.Errorf("%+v, %d leases", out, c.scene.network.assigned)
		}
	})
}

// TestMutePeer: a peer that reads nothing and floods us is read, and ends with its login time.
func TestMutePeer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, scene{mute: true}, &ppptest.Client{User: "kim"})
		for range 50 {
			for range 100 {
				c.sends(c.client.Echo(), c.client.Login(), c.client.Start()[0])
			}
			c.waits(time.Second)
			if c.isOver() {
				break
			}
		}
		out := c.ends()
		if out.Kind != session.NotAdmitted || out.Reason == "" || c.took > 2*time.Minute {
			t.Errorf("%+v after %v", out, c.took)
		}
	})
}

// TestEchoedLine: a line that sends everything back ends with its reason.
func TestEchoedLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := dial(t, scene{silent: true}, &ppptest.Client{})
		for seen := 0; !c.isOver(); c.waits(100 * time.Millisecond) {
			c.mu.Lock()
			octets := c.wire[seen:]
			seen = len(c.wire)
			c.mu.Unlock()
			if len(octets) > 0 {
				c.writes(octets)
			}
		}
		if out := c.ends(); out.Reason != "the line is looped back" {
			t.Errorf("%+v", out)
		}
	})
}

// TestJunk: octets that are no frames are bounded, and LCP times out.
func TestJunk(t *testing.T) {
	for _, junk := range []byte{'A', 0x7d, 0x7e, 0} {
		synctest.Test(t, func(t *testing.T) {
			c := dial(t, scene{silent: true}, &ppptest.Client{})
			for range 64 {
				c.writes(bytes.Repeat([]byte{junk}, 16<<10))
			}
			if out := c.ends(); !strings.HasPrefix(out.Reason, "no answer to Configure-Requests") ||
				c.took != 30*time.Second {
				t.Errorf("%+v after %v", out, c.took)
			}
		})
	}
}

// TestGoroutines: with IP open, a session has one goroutine besides the call's own: the writer.
func TestGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before := goroutines(t)
		c := dial(t, scene{}, &ppptest.Client{User: "kim"})
		c.waits(time.Second)
		const others = 4 // the call's own and its watch for the carrier; the test's reader and its answers
		if got := goroutines(t) - before; !c.up() || got != others+1 {
			t.Errorf("IP %v, %d goroutines", c.up(), got)
		}
		c.hangsUp()
	})
}

// goroutines counts the goroutines of the test's bubble: those of an earlier test may still be ending.
func goroutines(t *testing.T) int {
	t.Helper()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	own := regexp.MustCompile(`synctest bubble \d+`).Find(stacks) // this goroutine is the first
	if own == nil {
		t.Fatal("not in a bubble")
	}
	return bytes.Count(stacks, append(own, ']'))
}
