package exec

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/session"
)

// framed is a front end other than the EXEC, whose input begins with "~\xff". It logs austin-01 in and records its
// input.
type framed struct{ got strings.Builder }

func (*framed) Service() aaa.Service                { return "framed" }
func (*framed) Unservable(aaa.Authorization) string { return "" }
func (f *framed) Serve(ctx context.Context, s *session.Session) session.Ending {
	s.Trying("austin-01")
	_, res := s.AAA().Start(ctx, s.Request("austin-01", "xxxxx"))
	if v, _ := s.Settle(ctx, res); v.Kind != session.Admit {
		return session.Ending{Cause: aaa.CauseNASRequest}
	}
	_, release := s.Admit()
	defer release()
	buf := make([]byte, 16)
	for {
		n, err := s.Line().Read(buf)
		f.got.Write(buf[:n])
		if err != nil {
			return session.Interrupted(ctx, err)
		}
	}
}

// autoselect begins with the EXEC and hands the call over if the input is framed's.
type autoselect struct {
	session.Only
	framed *framed
}

func (a autoselect) Choose(*lines.Call) (session.FrontEnd, session.Look) {
	return a.FrontEnd, func(held []byte) (int, session.FrontEnd) {
		switch i := bytes.IndexByte(held, '~'); {
		case i < 0:
			return len(held), nil
		case i == len(held)-1:
			return i, nil
		case held[i+1] != 0xff:
			return len(held), nil
		default:
			return i, a.framed
		}
	}
}

// Another front end can take over the call at each login prompt, without further output of the EXEC, but not after a
// user is admitted.
func TestAnotherFrontEndTakesTheCall(t *testing.T) {
	for name, tt := range map[string]struct {
		verdicts []session.Verdict
		typed    []string
		screen   string // after the greeting
		told     string // reports before the takeover; "" for none
		stays    bool
	}{
		"user name":        {typed: nil},
		"half a user name": {typed: []string{"austin"}, screen: "austin"},
		"password":         {typed: []string{"austin-02\r"}, screen: "austin-02\nPassword: "},
		"after a failure": {typed: []string{"austin-02\r", "wrong\r"},
			screen: "austin-02\nPassword: \n% Login invalid\n\nUsername: "},
		"a server's prompt": {typed: []string{"token\r", "xxxxx\r"}, screen: "token\nPassword: \nEnter code[1m: "},
		"dialstring": {verdicts: []session.Verdict{toType}, typed: []string{"austin-02\r", "xxxxx\r"},
			screen: "austin-02\nPassword: \n\nCallback Dialstring: ",
			told:   "began 1 austin-02 leg 1\nended 1 austin-02 leg 1 cause 1 admitted false callback \"\"\n"},
		"the EXEC's own user": {verdicts: []session.Verdict{{Kind: session.Admit}},
			typed: []string{"plain\r", "xxxxx\r"}, stays: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				other := &framed{}
				b := &fakeBroker{verdicts: append(tt.verdicts, session.Verdict{Kind: session.Admit})}
				first := session.Only{FrontEnd: New(Config{Hostname: "maui-nas-04"})}
				cfg := settings{calls: session.Config{FrontEnds: autoselect{first, other}}}
				p := dialIn(t, scene{login: town(), broker: b, cfg: cfg})
				if s := p.sees(); s != "\nUsername: " {
					t.Errorf("greeted with %q", s)
				}
				for _, keys := range tt.typed {
					p.types(keys)
					p.waits(2100 * time.Millisecond)
				}
				screen := p.sees()
				p.types("~")
				p.types("\xff")
				p.waits(100 * time.Millisecond) // duration of an AAA answer
				p.types("\x03frame\r")
				p.types("~\xffanother\r")
				rest := p.sees()
				out := p.hangsUp()
				if tt.stays {
					if got := other.got.String(); got != "" || !strings.HasPrefix(rest, "~") {
						t.Errorf("the other front end read %q, the EXEC showed %q", got, rest)
					}
					return
				}
				if screen != tt.screen || rest != "" {
					t.Errorf("the caller read %q, then %q", screen, rest)
				}
				if got := other.got.String(); got != "~\xff\x03frame\r~\xffanother\r" {
					t.Errorf("the other front end read %q", got)
				}
				last := "ended 1 austin-01 leg 1 cause 2 admitted true callback \"\""
				if tt.told != "" {
					last = strings.Replace(last, "ended 1", "ended 2", 1)
				}
				if told := b.told(); !strings.HasPrefix(told, tt.told) || !strings.HasSuffix(told, last) ||
					out.Kind != session.SessionEnded {
					t.Errorf("%+v\n%s", out, told)
				}
				if s := b.reports[len(b.reports)-1].Service; s != "framed" {
					t.Errorf("accounted as %s", s)
				}
			})
		})
	}
}
