package broker_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/trunks"
)

// dialerLog has what `debug dialer` prints.
type dialerLog struct {
	mu   sync.Mutex
	text []string
}

func (l *dialerLog) add(tty int, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, fmt.Sprintf("%d %s", tty, text))
}

// of returns the lines about a callback without its ID, since the last time.
func (l *dialerLog) of(id string) (all []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, text := range l.text {
		all = append(all, strings.Replace(text, "Dialer: callback "+id+" ", "", 1))
	}
	l.text = nil
	return all
}

// TestDebugDialer: each line of the selection, in its order: line, trunk, script, wait, attempt, result, next step. The
// codes of a trunk's template are not shown.
func TestDebugDialer(t *testing.T) {
	var log dialerLog
	o := townOptions{lines: 3, attempts: 3, forcedWait: 7 * time.Second,
		sinks: []events.Sink{events.Dialer(log.add)}, trunks: trunks.List{
			trunk(t, "pbx", "8401,{number}", 67, 65), trunk(t, "direct", "{number}", 66)}}
	inTown(t, o, func(w *town) {
		w.x.Reserve("840184001", exchange.Busy)
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("kihei-03")
		p.see("Username: ", 5*time.Minute)
		v := w.last()
		first := map[int]int{65: 67, 66: 67, 67: 65}[v.CalledTTY] // another than the called line
		want := strings.ReplaceAll(`0 requests a line of tty FIRST for attempt 1 of 3 to 84001 via trunk pbx
FIRST has tty FIRST for attempt 1 of 3 to 84001 via trunk pbx by script rtp
FIRST waits 7s before attempt 1 of 3 on tty FIRST
FIRST attempt 1 of 3 to 84001 via trunk pbx: dials 84001 by script rtp
FIRST attempt 1: busy: dial 84001 on ttyFIRST: the modem said BUSY
0 requests a line of tty 66 for attempt 2 of 3 to 84001 via trunk direct
66 has tty 66 for attempt 2 of 3 to 84001 via trunk direct by script rtp
66 waits 30s before attempt 2 of 3 on tty 66
66 attempt 2 of 3 to 84001 via trunk direct: dials 84001 by script rtp
66 attempt 2: connected: dial 84001 on tty66: CONNECT`, "FIRST", fmt.Sprint(first))
		if got := strings.Join(log.of(v.ID), "\n"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// TestDebugDialerWithoutALine: a line that is lost in the wait and comes back, and the end of a callback whose number
// stays busy.
func TestDebugDialerWithoutALine(t *testing.T) {
	var log dialerLog
	o := townOptions{attempts: 2, forcedWait: time.Minute, sinks: []events.Sink{events.Dialer(log.add)}}
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.login("busy-05")
		p.see("NO CARRIER", time.Minute)
		w.pass(30 * time.Second)
		v := w.last()
		w.lines[v.TTY-65].Disconnect()
		w.pass(20 * time.Minute)
		names := strings.NewReplacer("CALLED", fmt.Sprint(v.CalledTTY), "TTY", fmt.Sprint(v.TTY))
		want := strings.Split(names.Replace(`0 requests a line of the rotary of tty CALLED for attempt 1 of 2 to 84010
TTY has tty TTY for attempt 1 of 2 to 84010 by script rtp
TTY waits 1m
TTY cannot use tty TTY: 
0 requests a line again in 5s
0 requests a line of the rotary of tty CALLED for attempt 1 of 2 to 84010
TTY has tty TTY for attempt 1 of 2 to 84010 by script rtp
TTY waits 
TTY attempt 1 of 2 to 84010: dials 84010 by script rtp
TTY attempt 1: busy: 
TTY waits 1m0s before attempt 2 of 2 on tty TTY
TTY attempt 2 of 2 to 84010: dials 84010 by script rtp
TTY attempt 2: busy: 
TTY failed after 2 of 2 attempts: busy`), "\n")
		got := log.of(v.ID)
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || !strings.HasPrefix(got[i], want[i]) {
				t.Fatalf("line %d of\n%s\nwant\n%s", i+1, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}
