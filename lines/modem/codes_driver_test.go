package modem

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lines"
)

// A fax machine or a voice that answers is not a data call, even if the text begins with CONNECT: the dial ends with
// its code, and the modem is hung up.
func TestConnectIsNoDataCall(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		for says, want := range map[string]lines.ResultCode{"CONNECT FAX": lines.Fax,
			"CONNECT FAX/S1440V0T0R0L0C0P": lines.Fax, "CONNECT VOICE": lines.Voice} {
			t.Run(says, func(t *testing.T) {
				f := newFake(signals)
				f.train, f.dials = 3*time.Second, func(string) string { return says }
				onBench(t, f, func(b *bench) {
					l := b.lease()
					call, code, err := l.Dial(b.t.Context(), dialScript("5551234"))
					if call != nil || code != want || err != nil {
						t.Errorf("dial: %v %q %v, want %q", call, code, err, want)
					}
					if !f.isOnHook() {
						t.Error("still off hook")
					}
					l.Release()
					b.until(lines.Idle)
				})
			})
		}
	})
}

// A fax that is answered as a data call is hung up and not reported to the pool.
func TestFaxAnswered(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		f := newFake(signals)
		f.answers = "CONNECT FAX"
		onBench(t, f, func(b *bench) {
			b.until(lines.Idle)
			f.say("\r\nRING\r\n")
			b.until(lines.Ringing)
			b.until(lines.Idle)
			if !f.isOnHook() || len(b.calls) > 0 {
				t.Errorf("on hook %v, %d calls", f.isOnHook(), len(b.calls))
			}
		})
	})
}

// A call announced as a fax or a voice is not answered; the operator may configure otherwise.
func TestRingForAnotherService(t *testing.T) {
	for _, tc := range []struct {
		says     string
		own      map[string]lines.ResultCode
		answered bool
	}{
		{"+CRING: FAX", nil, false}, {"+CRING: VOICE", nil, false}, {"+CRING: REL ASYNC", nil, true},
		{"RRING", nil, false},
		{"+CRING: VOICE", map[string]lines.ResultCode{"+CRING: VOICE": lines.Ring}, true},
		{"RRING", map[string]lines.ResultCode{"RRING": lines.Ring}, true},
		{"RING", map[string]lines.ResultCode{"RING": lines.NoResult}, false},
	} {
		t.Run(tc.says, func(t *testing.T) {
			f := newFake(true)
			onBench(t, f, func(b *bench) {
				b.until(lines.Idle)
				for range 4 {
					f.say("\r\n" + tc.says + "\r\n")
					<-time.After(6 * time.Second)
				}
				if got := strings.Contains(f.allCommands(), "ATA"); got != tc.answered ||
					len(b.calls) > 0 != tc.answered {
					t.Errorf("answered %v, %d calls", got, len(b.calls))
				}
			}, func(o *Options) { o.Config.ResultCodes = tc.own })
		})
	}
}

// A text that the line's configuration calls final ends its dial; one that it calls progress does not.
func TestOwnCodesInADial(t *testing.T) {
	own := func(o *Options) {
		o.Config.ResultCodes = map[string]lines.ResultCode{"LINE BLOCKED*": lines.Blacklisted,
			"NO POWER SAVE": lines.NoResult}
	}
	for says, want := range map[string]lines.ResultCode{
		"LINE BLOCKED 00:05": lines.Blacklisted, "NO POWER SAVE\r\n\r\nBUSY": lines.Busy,
		"NO SUCH LUCK":                  lines.NoCarrier,
		"SOMETHING ELSE\r\n\r\nENGAGED": lines.Busy, "RRING\r\n\r\nRRING\r\n\r\nBUSY/E0011": lines.Busy,
	} {
		t.Run(says, func(t *testing.T) {
			f := newFake(true)
			f.train, f.dials = time.Second, func(string) string { return says }
			onBench(t, f, func(b *bench) {
				l := b.lease()
				defer l.Release()
				if call, code, err := l.Dial(b.t.Context(), dialScript("5551234")); call != nil || code != want ||
					err != nil {
					t.Errorf("dial: %v %q %v, want %q", call, code, err, want)
				}
			}, own)
		})
	}
}
