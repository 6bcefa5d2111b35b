package exec

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/session"
)

// fakeGuard answers by name and records its calls.
type fakeGuard struct {
	wait   map[string]time.Duration
	refuse map[string]string
	known  []string
	told   []string
	by     []string // methods that granted
}

func (g *fakeGuard) Before(q session.Guess) (time.Duration, string) {
	return g.wait[q.User], g.refuse[q.User]
}
func (g *fakeGuard) Known(user string) bool { return slices.Contains(g.known, user) }
func (g *fakeGuard) After(q session.Guess, r session.GuessResult, reason string) {
	what := "login"
	if q.Enable {
		what = "enable"
	}
	if r == session.GuessRight {
		g.by = append(g.by, what+" by "+q.Identity.Entry)
	}
	result := [...]string{"right", "wrong", "refused", "locked"}[r]
	g.told = append(g.told, strings.TrimSuffix(fmt.Sprintf("%s %q leg %d %s: %s", what, q.User, q.Leg, result, reason),
		": "))
}

func TestGuard(t *testing.T) {
	right := session.Verdict{Kind: session.Admit}
	tests := []struct {
		name    string
		login   fakeLogin
		leg     session.Leg
		verdict session.Verdict
		typed   []string
		after   time.Duration // time from the last input to the answer
		screen  string
		told    []string
	}{
		{"wrong", fakeLogin{"u": {password: "pw1"}}, session.Leg{}, right, []string{"u", "pw2"}, 100 * time.Millisecond,
			"% Login invalid", []string{`login "u" leg 1 wrong: primary: reject [secret]`}},
		{"right", fakeLogin{"u": {password: "pw1"}}, session.Leg{}, right, []string{"u", "pw1"}, 100 * time.Millisecond,
			"maui-nas-04>", []string{`login "u" leg 1 right`}},
		{"right, and refused", fakeLogin{"u": {password: "pw1"}}, session.Leg{},
			session.Verdict{Text: "No", Reason: "policy"}, []string{"u", "pw1"}, 100 * time.Millisecond, "% No",
			[]string{`login "u" leg 1 right`, `login "u" leg 1 refused: policy`}},
		{"silent", nil, session.Leg{}, right, []string{"silent", "pw1"}, 100 * time.Millisecond,
			"% Authentication failed", []string{`login "silent" leg 1 refused: primary: no answer after 3 tries`}},
		{"delayed, though right", fakeLogin{"slow": {password: "pw1"}}, session.Leg{}, right, []string{"slow", "pw1"},
			7*time.Second + 100*time.Millisecond, "maui-nas-04>",
			[]string{`login "slow" leg 1 right`}},
		{"locked, though right", fakeLogin{"shut": {password: "pw1"}}, session.Leg{}, right, []string{"shut", "pw1"}, 0,
			"% Too many failures - try again later", []string{`login "shut" leg 1 locked: locked`}},
		{"left at a challenge", fakeLogin{"u": {password: "pw1", challenge: "Token:"}}, session.Leg{}, right,
			[]string{"u", "pw1", "\x03"}, 100 * time.Millisecond, "Username: ",
			[]string{`login "u" leg 1 wrong: caller left at a server prompt`}},
		{"another's callback", fakeLogin{"u": {password: "pw1"}},
			session.Leg{Number: 2, Identity: aaa.Identity{Entry: "radius", User: "v"}}, right, []string{"u", "pw1"},
			100 * time.Millisecond, "% Login invalid",
			[]string{`login "u" leg 2 refused: u by radius logged in on the callback of v by radius`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &fakeGuard{known: []string{"u", "slow", "shut", "silent"},
					wait:   map[string]time.Duration{"slow": 7 * time.Second},
					refuse: map[string]string{"shut": "locked"}}
				p := dialIn(t, scene{login: tt.login, broker: &fakeBroker{verdicts: []session.Verdict{tt.verdict}},
					leg: tt.leg, cfg: settings{calls: session.Config{Guard: g}}})
				for _, keys := range tt.typed {
					p.waits(100 * time.Millisecond) // a challenge comes after that
					p.sees()
					p.types(strings.TrimSuffix(keys+"\r", "\x03\r"))
					if strings.HasSuffix(keys, "\x03") {
						p.types("\x03")
					}
				}
				if tt.after > 0 {
					p.waits(tt.after - time.Nanosecond)
					if s := p.sees(); strings.Contains(s, tt.screen) && tt.screen != "Username: " {
						t.Errorf("before its time: %q", s)
					}
					p.waits(time.Nanosecond)
				}
				if s := p.sees(); tt.screen != "Username: " && !strings.Contains(s, tt.screen) {
					t.Errorf("the caller reads %q, not %q", s, tt.screen)
				}
				p.hangsUp()
				if !slices.Equal(g.told, tt.told) {
					t.Errorf("the guard got %q, want %q", g.told, tt.told)
				}
			})
		})
	}
}

// A password typed at the user name prompt is in no reason, of this or a later try; a name that proves to be known is.
func TestGuardMasksNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &fakeGuard{}
		var debug strings.Builder
		b := &fakeBroker{verdicts: []session.Verdict{{Reason: "newcomer after hunter2 at the prompt"}}}
		p := dialIn(t, scene{login: fakeLogin{"newcomer": {password: "pw1"}}, broker: b,
			cfg: settings{calls: session.Config{Guard: g,
				Debug: func(_ int, text string) { debug.WriteString(text + "\n") }}}})
		p.types("hunter2\r")
		p.types("x\r")
		p.waits(3 * time.Second)
		p.types("newcomer\r")
		p.types("pw1\r")
		p.waits(3 * time.Second)
		out := p.hangsUp()
		if out.LastFail != "newcomer after [secret] at the prompt" || strings.Contains(debug.String(), "hunter2") {
			t.Errorf("%q\n%s", out.LastFail, debug.String())
		}
	})
}

// The name of a user that AAA authenticated is in the reason for which no session began. Any other may be a password.
func TestGuardShowsProvenNames(t *testing.T) {
	unservable := fakeLogin{"newcomer": {password: "pw1", auth: aaa.Authorization{Autocmd: "newcomer"}}}
	refused := func(known bool) session.Login {
		return refusing{res: aaa.Result{Kind: aaa.Refused, Known: known, Reason: "newcomer: no"}}
	}
	for want, login := range map[string]session.Login{
		`unsupported authorization: autocmd "newcomer": Invalid input detected at '^' marker.`: unservable,
		"newcomer: no": refused(true),
		"[secret]: no": refused(false),
	} {
		t.Run(want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := dialIn(t, scene{login: login, cfg: settings{calls: session.Config{Guard: &fakeGuard{}}}})
				p.types("newcomer\r")
				p.types("pw1\r")
				p.waits(3 * time.Second)
				if out := p.hangsUp(); out.LastFail != want {
					t.Errorf("%q", out.LastFail)
				}
			})
		})
	}
}

// refusing refuses every login.
type refusing struct {
	fakeLogin
	res aaa.Result
}

func (r refusing) Start(context.Context, aaa.Request) (aaa.Conversation, aaa.Result) {
	return nil, r.res
}

// `enable` is limited by the same guard; a locked source gets no further prompt.
func TestGuardEnable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &fakeGuard{known: []string{"u"}}
		d := atDesk(t, &authority{enable: password("right-one")}, aaa.Authorization{},
			settings{calls: session.Config{Guard: g}})
		d.types("enable\r")
		d.types("wrong-one\r")
		d.waits(2 * time.Second)
		d.types("right-one\r")
		d.types("disable\r")
		d.sees()
		g.refuse = map[string]string{"u": "locked"}
		d.types("enable\r")
		d.types("right-one\r")
		if s := d.sees(); s != "enable\nPassword: \n\n% Access denied\n" {
			t.Errorf("%q", s)
		}
		d.ends()
		want := []string{`login "u" leg 1 right`, `enable "u" leg 1 wrong: enable: [secret] is wrong`,
			`enable "u" leg 1 right`, `enable "u" leg 1 locked: locked`}
		if !slices.Equal(g.told, want) {
			t.Errorf("%q", g.told)
		}
	})
}

// Cancelling `enable` with Ctrl-C before its last try does not reset the number of tries.
func TestEnableInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authz := &authority{enable: password("right-one")}
		d := atDesk(t, authz, aaa.Authorization{}, settings{})
		for range 3 {
			d.types("enable\r")
			d.types("wrong-one\r")
			d.waits(2 * time.Second)
			d.types("\x03")
		}
		if d.ends(); len(authz.enabling) != 3 {
			t.Errorf("%d tries", len(authz.enabling))
		}
	})
}
