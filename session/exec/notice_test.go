package exec

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// What the broker has to tell the user comes after the password and before the answer, whatever that is.
func TestNotice(t *testing.T) {
	const notice = "Your last callback (Jan 2 15:04) failed: the number was busy"
	at := time.Date(2026, 1, 2, 15, 4, 0, 0, time.UTC)
	for answer, v := range map[string]session.Verdict{
		"\nmaui-nas-04>":   {Kind: session.Admit},
		"% No":             {Text: "No"},
		"Callback Dialstr": {Kind: session.Offered, Offer: session.Offer{ID: "o2"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			v.Notice = texts.Message{Key: texts.LastBusy, Args: []any{at}}
			p := dialIn(t, scene{login: fakeLogin{"u": {password: "pw1"}},
				broker: &fakeBroker{verdicts: []session.Verdict{v}}})
			p.waits(100 * time.Millisecond)
			p.types("u\r")
			p.waits(100 * time.Millisecond)
			if s := p.sees(); strings.Contains(s, notice) {
				t.Errorf("before the password: %q", s)
			}
			p.types("pw1\r")
			p.waits(100 * time.Millisecond)
			if s := p.sees(); !strings.Contains(s, "\n"+notice+"\n") ||
				strings.Index(s, answer) < strings.Index(s, notice) {
				t.Errorf("the caller reads %q", s)
			}
			p.hangsUp()
		})
	}
}
