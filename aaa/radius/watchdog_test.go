package radius

import (
	"strings"
	"testing"
	"time"
)

// TestWatchdogStories passes events to the state machine; each story lists event=state:actions (t set timer, p probe, d
// drop, o open).
func TestWatchdogStories(t *testing.T) {
	udp, tls := watchdog{}, watchdog{stream: true}
	strict := watchdog{strict: true}
	off := watchdog{off: true}
	for name, tt := range map[string]struct {
		w     watchdog
		story string
	}{
		// RFC 3539 §3.4.1, over a connection.
		"idle connection": {tls, "open=okay:t timer=okay:tp proof=okay:t timer=okay:tp proof=okay:t"},
		"dead connection": {tls,
			"open=okay:t timer=okay:tp proof=okay:t timer=okay:tp timer=suspect:t timer=down:td timer=down:to " +
				"timer=down:to"},
		"suspect comes back": {tls,
			"open=okay:t timer=okay:tp proof=okay:t timer=okay:tp timer=suspect:t proof=okay:t"},
		"three proofs": {tls,
			"open=okay:t timer=okay:tp proof=okay:t timer=okay:tp timer=suspect:t timer=down:td open=reopen:tp " +
				"proof=reopen: timer=reopen:tp proof=reopen: timer=reopen:tp proof=okay:t"},
		"reopened without proof": {tls,
			"open=okay:t timer=okay:tp proof=okay:t silence=suspect:tp timer=down:td open=reopen:tp timer=reopen:t " +
				"timer=down:td"},
		"reopened and lost": {tls,
			"open=okay:t timer=okay:tp proof=okay:t silence=suspect:tp loss=down:t open=reopen:tp loss=down:t"},
		"closed while idle":     {tls, "open=okay:t loss=initial: open=okay:t"},
		"closed while pending":  {tls, "open=okay:t timer=okay:tp proof=okay:t timer=okay:tp loss=down:t"},
		"no connection":         {tls, "loss=down:t silence=down: timer=down:to open=reopen:tp answer=okay:t"},
		"no Status-Server":      {tls, "open=okay:t timer=okay:tp timer=okay:tp timer=okay:tp answer=okay:t"},
		"silent to one request": {tls, "open=okay:t timer=okay:tp proof=okay:t silence=suspect:tp proof=okay:t"},
		// Datagrams: probed only while not up.
		"udp": {udp, "answer=okay:t timer=okay: silence=down:tp answer=okay:t"},
		"udp proves itself": {udp,
			"silence=down:tp timer=down:tp proof=reopen:t timer=reopen:tp proof=reopen: timer=reopen:tp proof=okay:t " +
				"silence=suspect:tp proof=okay:t"},
		"udp, then dies":        {udp, "silence=down:tp proof=reopen:t timer=reopen:tp timer=down:tp timer=down:tp"},
		"udp, strict":           {strict, "silence=suspect:tp timer=down:tp answer=okay:t"},
		"udp, no Status-Server": {off, "silence=down:t timer=down:t answer=okay:t"},
	} {
		w := tt.w
		for i, word := range strings.Fields(tt.story) {
			h, want, _ := strings.Cut(word, "=")
			d := w.step(happening(h))
			got := string(w.state) + ":"
			for _, x := range []struct {
				action action
				name   string
			}{{setTimer, "t"}, {sendProbe, "p"}, {dropConns, "d"}, {tryOpen, "o"}} {
				if d&x.action != 0 {
					got += x.name
				}
			}
			if got != want {
				t.Errorf("%s: %d. %s: %s, want %s", name, i+1, h, got, want)
				break
			}
		}
	}
}

// In every state, an answer to a request makes a server Okay; in every state that skips the server, a timer is set for
// the next test.
func TestWatchdogHasWaysOut(t *testing.T) {
	now := time.Now()
	for _, w := range []watchdog{{}, {stream: true}, {known: true}, {known: true, stream: true}, {strict: true},
		{off: true}} {
		for _, from := range []State{Initial, Okay, Suspect, Down, Reopen} {
			for _, pending := range []bool{false, true} {
				v := w
				v.state, v.pending = from, pending
				if v.step(onAnswer); v.state != Okay || v.passedOver(now, now.Add(time.Hour)) {
					t.Errorf("%+v: after an answer %s", w, v.state)
				}
				v = w
				v.state, v.pending = from, pending
				if !v.passedOver(now, now.Add(time.Hour)) {
					continue
				}
				if d := v.step(onTimer); d&setTimer == 0 {
					t.Errorf("%+v in %s: nothing follows the timer", w, from)
				}
			}
		}
	}
}

func FuzzWatchdog(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5}, true, false)
	all := []happening{onAnswer, onProof, onSilence, onOpen, onLoss, onTimer}
	f.Fuzz(func(t *testing.T, story []byte, stream, strict bool) {
		w := watchdog{stream: stream, strict: strict}
		for _, b := range story {
			d := w.step(all[int(b)%len(all)])
			if d&(dropConns|tryOpen) != 0 && !stream {
				t.Fatal("a datagram has no connection")
			}
			switch w.state {
			case Initial, Okay, Suspect, Down, Reopen:
			default:
				t.Fatalf("state %q", w.state)
			}
			if w.proofs < -1 || w.proofs > 3 {
				t.Fatalf("%d proofs", w.proofs)
			}
		}
	})
}
