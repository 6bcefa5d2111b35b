package exec

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// framer stands for PPP: it reads what the caller sends, until the call ends.
type framer struct{ got string }

func (*framer) Service() aaa.Service                { return aaa.PPP }
func (*framer) Unservable(aaa.Authorization) string { return "" }
func (f *framer) Serve(ctx context.Context, s *session.Session) session.Ending {
	got, _ := io.ReadAll(s.Line())
	f.got = string(got)
	return session.Interrupted(ctx, nil)
}

// beside serves the EXEC, and PPP on tty 65 unless framer is nil.
type beside struct {
	text   session.FrontEnd
	framer *framer
}

func (b beside) Choose(*lines.Call) (session.FrontEnd, session.Look) { return b.text, nil }
func (b beside) Serving(s aaa.Service, tty int) session.FrontEnd {
	switch {
	case s == aaa.EXEC:
		return b.text
	case s == aaa.PPP && tty == 65 && b.framer != nil:
		return b.framer
	}
	return nil
}

func TestPPP(t *testing.T) {
	for name, tt := range map[string]struct {
		typed   string
		autocmd string
		none    bool // the line does not serve PPP
		screen  string
		cause   aaa.Cause // 0: the EXEC goes on
		ppp     bool
	}{
		"typed":         {typed: "ppp", screen: "ppp\nEntering PPP mode.\n", ppp: true},
		"in full":       {typed: "ppp default", screen: "ppp default\nEntering PPP mode.\n", ppp: true},
		"as documented": {typed: "ppp /default", screen: "ppp /default\nEntering PPP mode.\n", ppp: true},
		"negotiate":     {typed: "ppp negotiate", screen: "ppp negotiate\nEntering PPP mode.\n", ppp: true},
		"an address": {typed: "ppp 10.0.0.1",
			screen: "ppp 10.0.0.1\n                ^\n% Invalid input detected at '^' marker.\n\nmaui-nas-04>"},
		"not served": {typed: "ppp", none: true, screen: "ppp\n% PPP is not available on this line\nmaui-nas-04>"},
		"slip": {typed: "slip", screen: "slip\n% SLIP is not supported: it cannot authenticate the user (use ppp)\n" +
			"maui-nas-04>"},
		"slip with an address": {typed: "slip 10.0.0.1 /compressed", screen: "slip 10.0.0.1 /compressed\n% SLIP is " +
			"not supported: it cannot authenticate the user (use ppp)\nmaui-nas-04>"},
		"autocmd":          {autocmd: "ppp", screen: "\nEntering PPP mode.\n", ppp: true},
		"autocmd, default": {autocmd: "ppp default", screen: "\nEntering PPP mode.\n", ppp: true},
		"autocmd, not served": {autocmd: "ppp", none: true, screen: "\n% PPP is not available on this line\n",
			cause: aaa.CauseServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := beside{text: New(Config{Hostname: "maui-nas-04"}), framer: &framer{}}
				if tt.none {
					f.framer = nil
				}
				authz := &authority{}
				d := atDesk(t, authz, aaa.Authorization{Autocmd: tt.autocmd},
					settings{calls: session.Config{FrontEnds: f}})
				if tt.autocmd == "" {
					d.sees()
					d.types(tt.typed + "\r")
				}
				const frame = "~\xff}#\xc0!\r\x00~" // the NUL and what follows the CR are the frame's
				if tt.ppp {
					d.types(frame)
				}
				if s := d.sees(); s != tt.screen {
					t.Errorf("the caller saw %q", s)
				}
				if d.isOver() != (tt.cause != 0) {
					t.Fatalf("over: %v", d.isOver())
				}
				out := d.hangsUp()
				if tt.cause != 0 && out.Cause != tt.cause {
					t.Errorf("%+v", out)
				}
				if tt.ppp && f.framer.got != frame {
					t.Errorf("PPP read %q", f.framer.got)
				}
				if tt.ppp && !strings.Contains(d.b.told(), "ended 1 u leg 1 cause 1 admitted true") {
					t.Errorf("reports %s", d.b.told())
				}
			})
		})
	}
}

// A terminal of 7 bits stays in the EXEC: its line passes no frames.
func TestPPPOfSevenBits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := beside{text: New(Config{Hostname: "maui-nas-04"}), framer: &framer{}}
		p := dialIn(t, scene{login: fakeLogin{"u": {password: "pw"}},
			cfg:    settings{calls: session.Config{FrontEnds: f}},
			broker: &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}})
		p.types(even("u\r"))
		p.types(even("pw\r"))
		p.waits(time.Second)
		p.sees()
		p.types(even("ppp\r"))
		if s := stripped(p.sees()); s != "ppp\n% PPP needs 8 data bits and no parity: set the terminal and the modem "+
			"to that\nmaui-nas-04>" {
			t.Errorf("the caller saw %q", s)
		}
		p.hangsUp()
	})
}

// Help shows the command where it is served, and AAA authorizes it as any other.
func TestPPPIsAuthorized(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := beside{text: New(Config{Hostname: "maui-nas-04"}), framer: &framer{}}
		authz := &authority{command: func(_ context.Context, q aaa.Question) aaa.Result {
			if q.Command[0] == "ppp" {
				return aaa.Result{Kind: aaa.Refused}
			}
			return aaa.Result{Kind: aaa.Granted}
		}}
		d := atDesk(t, authz, aaa.Authorization{}, settings{calls: session.Config{FrontEnds: f}})
		d.types("?")
		if s := d.sees(); !strings.Contains(s, "ppp ") || strings.Contains(s, "slip") {
			t.Errorf("help: %q", s)
		}
		if s := d.enters("ppp"); !strings.Contains(s, "Command authorization failed.") {
			t.Errorf("the caller saw %q", s)
		}
		d.hangsUp()
	})
	f := New(Config{})
	if why := f.Unservable(aaa.Authorization{Autocmd: "slip default"}); why !=
		`autocmd "slip default": SLIP is not supported: it cannot authenticate the user (use ppp)` {
		t.Errorf("slip: %q", why)
	}
	if why := f.Unservable(aaa.Authorization{Autocmd: "ppp default"}); why != "" {
		t.Errorf("ppp: %q", why)
	}
}

// even adds even parity to text.
func even(text string) string {
	out := []byte(text)
	for i, c := range out {
		for p := c; p > 0; p &= p - 1 {
			out[i] ^= 0x80
		}
	}
	return string(out)
}

// stripped returns text without the parity, and without CR.
func stripped(text string) string {
	out := []byte(text)
	for i := range out {
		out[i] &= 0x7f
	}
	return strings.ReplaceAll(string(out), "\r", "")
}
