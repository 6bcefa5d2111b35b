package broker_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/attach"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/listener"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/session/exec"
)

// visitLine connects a client to a listener for line 65, whose users wait for it. Those of the group default have its
// modem itself, if raw.
func (w *town) visitLine(p listener.Protocol, raw bool) *visitor {
	at := session.Attachment{Line: 65, Queue: true, Person: p == listener.Telnet,
		From: netip.MustParseAddr("192.0.2.7")}
	if raw {
		at.Raw = []string{"default"}
	}
	a := &attach.Attacher{Pool: w.pool, Broker: w.broker, Product: "ringback"}
	return w.visitBy(p, 0, "192.0.2.7", func(client session.Client, text session.FrontEnd) session.FrontEnd {
		return text.(*exec.FrontEnd).Instead(aaa.Outbound,
			func(ctx context.Context, s *session.Session, res aaa.Result) session.Ending {
				own := at
				own.Identity, own.Client = res.Identity, client
				return a.Attach(ctx, s, own)
			})
	})
}

// leased takes line 65 for another user.
func (w *town) leased() *lines.Lease {
	w.t.Helper()
	l, err := w.pool.Acquire(context.Background(), lines.Want{Owner: "tom", Role: lines.ForUser, TTYs: []int{65},
		Rotary: lines.NoRotary})
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// TestTypeAhead: what a user types right after the password is executed once there is a line, whether it is free or the
// user has to wait for it.
func TestTypeAhead(t *testing.T) {
	for _, protocol := range []listener.Protocol{listener.Telnet, listener.RFC2217, listener.Raw} {
		for _, waits := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, waits %v", protocol, waits), func(t *testing.T) {
				inTown(t, dialsOut(townOptions{}), func(w *town) {
					p := w.pc(w.home)
					p.typ("ats0=1")
					v := w.visitLine(protocol, false)
					v.see("Username: ")
					v.typed("hana-06", "Password: ")
					if waits {
						other := w.leased()
						v.sent(password + "\rATE1\rATDT84")
						v.reads(time.Minute) // in the queue
						v.sent("001\r")
						v.reads(time.Minute)
						other.Release()
						v.see("CONNECT")
					} else {
						v.typed(password+"\rATDT84001", "CONNECT")
					}
					v.sent("hello")
					p.see("hello", time.Minute)
					_ = v.conn.Close()
					<-v.out
					w.idle(time.Minute)
					if d := w.dialed(); len(d) != 1 || d[0].Number != "84001" {
						t.Errorf("dials: %+v", d)
					}
				})
			})
		}
	}
}

// TestTypeAheadRaw: with raw access, it goes to the modem.
func TestTypeAheadRaw(t *testing.T) {
	inTown(t, rawTown(townOptions{}), func(w *town) {
		v := w.visitLine(listener.RFC2217, true)
		v.see("Username: ")
		v.typed("hana-06", "Password: ")
		v.typed(password+"\rATE1S7=33S7?", "033")
		_ = v.conn.Close()
		<-v.out
		w.idle(time.Minute)
	})
}

// TestTypeAheadEnds: a user who waits for a line leaves the queue by Ctrl-C, and nothing that was typed is executed.
// One who sends without end is told why the connection ends.
func TestTypeAheadEnds(t *testing.T) {
	for typed, reads := range map[string]string{
		"ATDT84001\r\x03":                   "",
		strings.Repeat("ATDT84001\r", 2000): "more than 16384 octets were sent before there was a line",
	} {
		inTown(t, dialsOut(townOptions{}), func(w *town) {
			other := w.leased()
			v := w.visitLine(listener.Telnet, false)
			v.see("Username: ")
			v.typed("hana-06", "Password: ")
			v.typed(password+"\r"+typed, reads)
			v.rest()
			if out := <-v.out; out.Kind != session.SessionEnded {
				t.Errorf("%+v", out)
			}
			other.Release()
			w.idle(time.Minute)
			if d := w.dialed(); len(d) != 0 {
				t.Errorf("dials: %+v", d)
			}
		})
	}
}
