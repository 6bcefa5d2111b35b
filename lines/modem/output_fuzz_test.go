package modem

import (
	"testing"
	"time"

	"github.com/ringback/ringback/lines"
)

// FuzzOutput: whatever a modem sends while its line is idle or a script waits for the result of its dial, the driver
// dials no more than the script, and the line is in service again when the modem behaves.
func FuzzOutput(f *testing.F) {
	for _, text := range []string{"\r\nRING\r\n", "\r\nCONNECT 9600\r\n", "CONN\x00ECT\r\nRING\r\nNMBR = 5551\r\n",
		"ATDT5551\r\r\nOK\r\n", "\r\nNO CARRIER\r\n\r\nRING\r\n", "+FCERROR\r\n\r\nCONNECT FAX\r\n",
		"\xff\xfe\r0\r2\r1\r",
		"\r\nOK\r\n255\r\n\r\nERROR\r\n", "BLACKLISTED 00:10:00\r\n", "\r\nRING\r\nRING\r\nVOICE\r\n"} {
		f.Add(text, true, false, byte(1))
		f.Add(text, false, true, byte(7))
	}
	f.Fuzz(func(t *testing.T, text string, signals, dial bool, piece byte) {
		if len(text) > 1<<10 {
			return
		}
		m := newFake(signals)
		m.chunk = int(piece%32) + 1
		said := false
		m.dials = func(string) string {
			if !said {
				said = true
				m.say(text)
			}
			return "BUSY"
		}
		onBench(t, m, func(b *bench) {
			b.until(lines.Idle)
			hungUp := make(chan struct{})
			go func() {
				defer close(hungUp)
				for c := range b.calls {
					_ = c.Hangup(b.t.Context())
				}
			}()
			want := 0
			if dial {
				want = 1
				l := b.lease()
				if call, _, _ := l.Dial(b.t.Context(), dialScript("5551")); call != nil {
					_ = call.Hangup(b.t.Context())
				}
				l.Release()
			} else {
				m.say(text)
			}
			b.pass(10 * time.Minute)
			b.until(lines.Idle)
			if d := m.dialedCommands(); len(d) > want || len(d) > 0 && d[0] != "ATDT5551" {
				t.Errorf("dialed %q", d)
			}
			b.stop()
			close(b.calls)
			<-hungUp
		})
	})
}
