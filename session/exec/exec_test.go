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

// authority is a fakeLogin that also answers `enable` and command authorization, and records the requests.
type authority struct {
	fakeLogin
	enable  func(r aaa.Request) (aaa.Conversation, aaa.Result)
	command func(ctx context.Context, q aaa.Question) aaa.Result // nil: all are allowed

	enabling []aaa.Request
	asked    []aaa.Question
}

func (a *authority) Start(ctx context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	if r.Enable == 0 {
		return a.fakeLogin.Start(ctx, r)
	}
	a.enabling = append(a.enabling, r)
	return a.enable(r)
}

func (a *authority) Command(ctx context.Context, q aaa.Question) aaa.Result {
	a.asked = append(a.asked, q)
	if a.command == nil {
		return aaa.Result{Kind: aaa.Granted}
	}
	return a.command(ctx, q)
}

// commands returns the command lines to be authorized, with the level.
func (a *authority) commands() string {
	var all []string
	for _, q := range a.asked {
		all = append(all, fmt.Sprintf("%d %s", q.PrivLevel, strings.Join(q.Command, "|")))
	}
	return strings.Join(all, "\n")
}

// password grants `enable` with this password.
func password(right aaa.Secret) func(aaa.Request) (aaa.Conversation, aaa.Result) {
	return func(r aaa.Request) (aaa.Conversation, aaa.Result) {
		if r.Password != right {
			return nil, aaa.Result{Kind: aaa.Refused, Reason: "enable: " + string(r.Password) + " is wrong",
				Server: "tac"}
		}
		return nil, aaa.Result{Kind: aaa.Granted, Server: "tac", Identity: aaa.Identity{Entry: "tac", User: r.User}}
	}
}

// desk is a caller in the EXEC at privilege level 1 (or that of auth), with all recorded calls.
type desk struct {
	*person
	authz *authority
	b     *fakeBroker
	debug *strings.Builder
}

// atDesk logs a user in with the authorization auth.
func atDesk(t *testing.T, authz *authority, auth aaa.Authorization, cfg settings) *desk {
	t.Helper()
	if auth.PrivLevel == 0 {
		auth.PrivLevel = 1
	}
	authz.fakeLogin = fakeLogin{"u": {password: "login-pw", auth: auth}}
	d := &desk{authz: authz, b: &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}},
		debug: &strings.Builder{}}
	cfg.calls.Debug = func(_ int, text string) { d.debug.WriteString(text + "\n") }
	d.person = dialIn(t, scene{login: authz, broker: d.b, cfg: cfg, daemon: newDaemon()})
	d.types("u\r")
	d.sees()
	d.types("login-pw\r")
	d.waits(100 * time.Millisecond)
	return d
}

// enters types lines, each with Enter, and returns the output.
func (d *desk) enters(lines ...string) string {
	for _, line := range lines {
		d.types(line + "\r")
	}
	return d.sees()
}

func TestEnable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authz := &authority{enable: password("open sesame")}
		d := atDesk(t, authz, aaa.Authorization{}, settings{})
		d.sees()
		if s := d.enters("show privilege"); s != "show privilege\nCurrent privilege level is 1\nmaui-nas-04>" {
			t.Errorf("before: %q", s)
		}
		if s := d.enters("en", "open sesame"); s != "en\nPassword: \nmaui-nas-04#" {
			t.Errorf("enable: %q", s)
		}
		if s := d.enters("show priv", "show users"); !strings.Contains(s, "level is 15\n") ||
			!strings.Contains(s, " 5551234\n") {
			t.Errorf("at 15: %q", s)
		}
		if s := d.enters("enable 7", "sh priv"); s != "enable 7\nmaui-nas-04#sh priv\nCurrent privilege level is "+
			"7\nmaui-nas-04#" {
			t.Errorf("a lower level: %q", s)
		}
		if s := d.enters("disable 9"); s != "disable 9\n% already at privilege level 7; use enable 9\nmaui-nas-04#" {
			t.Errorf("disable upwards: %q", s)
		}
		if s := d.enters("disable", "show priv", "disable 0", "show priv", "disable", "show priv"); strings.Count(s,
			"level is 1\n") != 1 || strings.Count(s, "level is 0\n") != 2 {
			t.Errorf("disable: %q", s)
		}
		if s := d.enters("enable 16"); !strings.Contains(s, "% Invalid input") {
			t.Errorf("enable 16: %q", s)
		}
		r := authz.enabling[0]
		if len(authz.enabling) != 1 || r.Enable != 15 || r.User != "u" || r.Leg != 1 || r.Entry != "" ||
			r.Service != aaa.EXEC || r.TTY != 65 {
			t.Errorf("asked %+v", authz.enabling)
		}
		if out := d.enters("quit"); out != "quit\n" {
			t.Errorf("quit: %q", out)
		}
		d.ends()
		checkSecrets(t, d, "open sesame")
	})
}

func checkSecrets(t *testing.T, d *desk, secrets ...string) {
	t.Helper()
	told := fmt.Sprintf("%+v\n%+v\n%s\n%s", d.out, d.b.told(), d.debug, d.sees())
	for _, r := range d.b.reports {
		told += fmt.Sprintf("%q %q\n", r.Command, r.Reason)
	}
	for _, secret := range secrets {
		if strings.Contains(told, secret) {
			t.Errorf("%q is in %s", secret, told)
		}
	}
}

func TestEnableRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authz := &authority{enable: password("right-one")}
		d := atDesk(t, authz, aaa.Authorization{}, settings{})
		d.sees()
		start := time.Now()
		d.types("enable\r")
		for range 3 {
			d.types("wrong-one\r")
			d.waits(2*time.Second - time.Nanosecond)
			if s := d.sees(); !strings.HasSuffix(s, "Password: \n% Access denied\n") {
				t.Errorf("%q", s)
			}
			d.waits(time.Nanosecond)
		}
		if s := d.sees(); s != "\n% Bad secrets\n" || time.Since(start) != 6*time.Second || len(authz.enabling) != 3 {
			t.Errorf("after %v and %d tries: %q", time.Since(start), len(authz.enabling), s)
		}
		if out := d.ends(); out.Cause != aaa.CauseNASRequest || out.Kind != session.SessionEnded {
			t.Errorf("%+v", out)
		}
		if s := d.debug.String(); !strings.Contains(s,
			"enable: u by radius does not get privilege level 15: refused enable: [secret] is wrong") {
			t.Errorf("debug: %s", s)
		}
		checkSecrets(t, d, "wrong-one")
	})
}

// asking is a server with further prompts.
type asking struct{ then aaa.Result }

func (a asking) Answer(_ context.Context, s aaa.Secret) aaa.Result {
	if s != "42" {
		return aaa.Result{Kind: aaa.Refused, Reason: "wrong"}
	}
	return a.then
}

func TestEnableAnswers(t *testing.T) {
	granted := aaa.Result{Kind: aaa.Granted, Server: "tac"}
	tests := []struct {
		name   string
		start  aaa.Result
		conv   aaa.Conversation
		typed  []string
		screen string
		level  int
	}{
		{"the server's prompt", aaa.Result{Kind: aaa.Prompt, Message: "Token\x1b[2J:"}, asking{granted},
			[]string{"pw", "42"}, "Password: \nToken[2J: \nmaui-nas-04#", 3},
		{"a prompt answered wrong", aaa.Result{Kind: aaa.Prompt, Message: "Token:", Echo: true}, asking{granted},
			[]string{"pw", "7", "\x03"}, "Password: \nToken: 7\n% Access denied\nPassword: ^C\nmaui-nas-04>", 1},
		{"silence", aaa.Result{Reason: "tac: no answer"}, nil, []string{"pw"},
			"Password: \n% Error in authentication.\nmaui-nas-04>", 1},
		{"a grant that cannot be honored", aaa.Result{Kind: aaa.Granted, Auth: aaa.Authorization{Refuse: "no"}}, nil,
			[]string{"pw", "\x03"}, "Password: \n% Access denied\nPassword: ^C\nmaui-nas-04>", 1},
		{"Ctrl-C", granted, nil, []string{"\x03"}, "Password: ^C\nmaui-nas-04>", 1},
		{"too long", granted, nil, []string{strings.Repeat("x", 300), "\x03"},
			"Password: <BEL>\n% Line too long\nPassword: ^C\nmaui-nas-04>", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				authz := &authority{enable: func(aaa.Request) (aaa.Conversation, aaa.Result) {
					return tt.conv,
						tt.start
				}}
				d := atDesk(t, authz, aaa.Authorization{}, settings{})
				d.types("enable 3\r")
				d.sees()
				for _, typed := range tt.typed {
					if strings.HasPrefix(typed, "\x03") {
						d.types(typed)
					} else {
						d.types(typed + "\r")
					}
					d.waits(2 * time.Second)
				}
				if s := "Password: " + d.sees(); s != tt.screen {
					t.Errorf("the caller saw %q", s)
				}
				if s := d.enters("show priv"); !strings.Contains(s, fmt.Sprintf("level is %d\n", tt.level)) {
					t.Errorf("%q", s)
				}
				d.hangsUp()
			})
		})
	}
}

// Every event that ends a session also ends it at a password prompt.
func TestEndsWhileEnabling(t *testing.T) {
	tests := []struct {
		name  string
		end   func(d *desk)
		cause aaa.Cause
		after time.Duration
	}{
		{"hang-up", func(d *desk) { d.data.lose() }, aaa.CauseLostCarrier, 0},
		{"clear line", func(d *desk) { d.cancel(errCleared) }, aaa.CauseAdminReset, 0},
		{"idle", func(*desk) {}, aaa.CauseIdleTimeout, 10 * time.Minute},
		{"session timeout", func(d *desk) {
			for !d.isOver() {
				d.types("x\b")
				d.waits(time.Minute)
			}
		}, aaa.CauseSessionTimeout, time.Hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := atDesk(t, &authority{enable: password("x")}, aaa.Authorization{SessionTimeout: time.Hour},
					settings{})
				start := time.Now()
				d.types("enable\r")
				tt.end(d)
				out := d.ends()
				if took := time.Since(start); took != tt.after || out.Cause != tt.cause {
					t.Errorf("after %v: %+v", took, out)
				}
			})
		})
	}
}

func TestCommandAuthorization(t *testing.T) {
	allow := func(kind aaa.Kind) func(context.Context, aaa.Question) aaa.Result {
		return func(context.Context, aaa.Question) aaa.Result { return aaa.Result{Kind: kind, Reason: "as configured"} }
	}
	tests := []struct {
		name    string
		command func(context.Context, aaa.Question) aaa.Result
		runs    bool
	}{
		{"allowed", allow(aaa.Granted), true},
		{"refused", allow(aaa.Refused), false},
		{"silent", allow(aaa.Silent), false},
		{"prompt", allow(aaa.Prompt), false},
		{"granted what cannot be honored", func(context.Context, aaa.Question) aaa.Result {
			return aaa.Result{Kind: aaa.Granted, Auth: aaa.Authorization{Refuse: "an attribute of its own"}}
		}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				authz := &authority{command: tt.command}
				authz.fakeLogin = fakeLogin{"u": {password: "pw", auth: aaa.Authorization{PrivLevel: 3, ACL: "7"}}}
				b, sh := &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}, newDaemon()
				p := dialIn(t, scene{login: authz, broker: b, daemon: sh})
				p.types("u\rpw\r")
				p.waits(100 * time.Millisecond)
				p.sees()
				p.types("sh li 65\r")
				s := p.sees()
				if ran := sh.orders() != ""; ran != tt.runs || strings.Contains(s, "modem") != tt.runs {
					t.Errorf("ran %v: %q", ran, s)
				}
				if !tt.runs && s != "sh li 65\nCommand authorization failed.\n\nmaui-nas-04#" {
					t.Errorf("the caller saw %q", s)
				}
				p.types("nonsense\r")
				p.types("disable\r")
				p.types("exit\r")
				if out := p.ends(); out.Cause != aaa.CauseUserRequest {
					t.Errorf("leaving: %+v", out)
				}
				if authz.commands() != "3 show|line|65" {
					t.Errorf("asked:\n%s", authz.commands())
				}
				q := authz.asked[0]
				if q.Identity != (aaa.Identity{Entry: "radius", User: "u"}) || q.User != "u" || q.Password != "" ||
					q.Granted.ACL != "7" || q.TTY != 65 || q.Service != aaa.EXEC {
					t.Errorf("asked %+v", q)
				}
				want := "began 1 u leg 1\ncommand at 3: disable\ncommand at 1: exit\nended 1 u leg 1 cause 1 " +
					"admitted true callback \"\""
				if tt.runs {
					want = strings.Replace(want, "command", "command at 3: show line 65\ncommand", 1)
				}
				if b.told() != want {
					t.Errorf("told:\n%s\nwant:\n%s", b.told(), want)
				}
			})
		})
	}
}

// A command authorized after the end of the session is not run.
func TestCommandAllowedTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		authz := &authority{command: func(ctx context.Context, _ aaa.Question) aaa.Result {
			pause(ctx, time.Hour)
			return aaa.Result{Kind: aaa.Granted}
		}}
		d := atDesk(t, authz, aaa.Authorization{}, settings{})
		d.types("show line\r")
		d.cancel(errCleared)
		out := d.ends()
		if out.Cause != aaa.CauseAdminReset || strings.Contains(d.sees(), "Modem") || len(d.b.reports) != 2 {
			t.Errorf("outcome %+v, reports\n%s", out, d.b.told())
		}
	})
}

func TestAutocmd(t *testing.T) {
	refuse := func(context.Context, aaa.Question) aaa.Result { return aaa.Result{Kind: aaa.Refused} }
	tests := []struct {
		name    string
		auth    aaa.Authorization
		command func(context.Context, aaa.Question) aaa.Result
		over    bool
		screen  string // after the password
		asked   string
		told    string // between begin and end
	}{
		{"runs and ends", aaa.Authorization{Autocmd: "sh priv", ReplyMessage: "Welcome"}, nil, true,
			"\nWelcome\nCurrent privilege level is 1\n", "1 show|privilege", "command at 1: show privilege"},
		{"nohangup", aaa.Authorization{Autocmd: "show privilege", NoHangup: true, PrivLevel: 15}, nil, false,
			"\nCurrent privilege level is 15\nmaui-nas-04#", "15 show|privilege", "command at 15: show privilege"},
		{"exit", aaa.Authorization{Autocmd: "exit", NoHangup: true}, nil, true, "\n", "", "command at 1: exit"},
		{"refused", aaa.Authorization{Autocmd: "show line"}, refuse, true, "\nCommand authorization failed.\n\n",
			"1 show|line", ""},
		{"fails", aaa.Authorization{Autocmd: "show line 7"}, nil, true, "\n% no line 7\n", "1 show|line|7",
			"command at 1: show line 7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := atDesk(t, &authority{command: tt.command}, tt.auth, settings{})
				if s := d.sees(); s != tt.screen || d.isOver() != tt.over {
					t.Errorf("over %v, the caller saw %q", d.isOver(), s)
				}
				if d.authz.commands() != tt.asked {
					t.Errorf("asked %s", d.authz.commands())
				}
				out := d.hangsUp()
				told := strings.Split(d.b.told(), "\n")
				if got := strings.Join(told[1:len(told)-1], "\n"); got != tt.told || out.Kind != session.SessionEnded {
					t.Errorf("reports %q, outcome %+v", got, out)
				}
				if tt.over && out.Cause != aaa.CauseUserRequest {
					t.Errorf("outcome %+v", out)
				}
			})
		})
	}
}

// With an unsupported authorization, the login fails: on leg one, for a callback, and on leg two.
func TestUnservableGrants(t *testing.T) {
	host := func(address, service string, port int) *aaa.Host {
		return &aaa.Host{Address: address, Service: service, Port: port}
	}
	tests := []struct {
		auth aaa.Authorization
		why  string
	}{
		{aaa.Authorization{Autocmd: "reload"}, `autocmd "reload": Invalid input`},
		{aaa.Authorization{Autocmd: "show"}, `autocmd "show": Incomplete command`},
		{aaa.Authorization{Autocmd: "show line\rexit"}, `autocmd "show line\rexit": Invalid input`},
		{aaa.Authorization{Autocmd: "  "}, "it is blank"},
		{aaa.Authorization{Autocmd: "show users", Host: host("192.0.2.5", aaa.Telnet, 23)},
			"both a host and an autocmd"},
		{aaa.Authorization{Host: host("192.0.2.5", "rlogin", 513)}, `login service "rlogin"`},
		{aaa.Authorization{Host: host("192.0.2.5", aaa.TCPClear, 0)}, "port 0 is not"},
		{aaa.Authorization{Host: host("192.0.2.5", aaa.Telnet, 70000)}, "port 70000 is not"},
		{aaa.Authorization{Host: host("bbs", aaa.Telnet, 23)}, `host "bbs" is not an address`},
		{aaa.Authorization{Host: host("", aaa.Telnet, 23)}, "exec.hosts.default is not set"},
		{aaa.Authorization{Host: host("any", aaa.Telnet, 23)}, "exec.hosts.ask"},
		{aaa.Authorization{Host: host("127.0.0.1", aaa.Telnet, 23)}, "must be listed"},
		{aaa.Authorization{Host: host("::ffff:127.0.0.1", aaa.Telnet, 23)}, "must be listed"},
		{aaa.Authorization{Host: host("::1", aaa.Telnet, 23)}, "must be listed"},
		{aaa.Authorization{Host: host("0.0.0.0", aaa.Telnet, 23)}, "must be listed"},
		{aaa.Authorization{Host: host("169.254.1.1", aaa.Telnet, 23)}, "must be listed"},
		{aaa.Authorization{Host: host("fe80::1%eth0", aaa.Telnet, 23)}, "must be listed"},
		{aaa.Authorization{Host: host("224.0.0.1", aaa.Telnet, 23)}, "must be listed"},
	}
	for _, tt := range tests {
		for _, leg := range []session.Leg{{}, {Number: 2, Identity: aaa.Identity{Entry: "radius", User: "u"}},
			{Number: 2, Identity: aaa.Identity{Entry: "radius", User: "u"}, NoVerify: true, Auth: tt.auth}} {
			synctest.Test(t, func(t *testing.T) {
				b := &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}
				p := dialIn(t, scene{login: fakeLogin{"u": {password: "pw", auth: tt.auth}}, broker: b, leg: leg})
				p.types("u\rpw\r")
				p.waits(100 * time.Millisecond)
				out := p.hangsUp()
				if out.Kind != session.NotAdmitted || len(b.asked) != 0 || len(b.reports) != 0 {
					t.Errorf("%+v on leg %d: %+v", tt.auth, leg.Number, out)
				}
				if !strings.Contains(out.LastFail, tt.why) {
					t.Errorf("%+v: refused because %q", tt.auth, out.LastFail)
				}
				if s := p.sees(); !strings.Contains(s, "% Authorization failed\n") || strings.Contains(s, "maui") {
					t.Errorf("the caller saw %q", s)
				}
			})
		}
	}
}

// The privilege level from AAA is limited to 0 to 15.
func TestPrivLevels(t *testing.T) {
	for level, want := range map[int]string{-3: "level is 0", 2: "level is 2", 15: "level is 15", 99: "level is 15"} {
		synctest.Test(t, func(t *testing.T) {
			d := atDesk(t, &authority{}, aaa.Authorization{PrivLevel: level}, settings{})
			if s := d.enters("show privilege"); !strings.Contains(s, want+"\n") {
				t.Errorf("%d: %q", level, s)
			}
			d.hangsUp()
		})
	}
}

// Text from AAA cannot move the cursor or ring the bell of the caller's terminal.
func TestTextOfAAAIsHarmless(t *testing.T) {
	const evil = "a\x1b[2J\a\x9b1m\u009bb\x00\x7f\u202e\r\nc"
	synctest.Test(t, func(t *testing.T) {
		authz := &authority{
			command: func(context.Context, aaa.Question) aaa.Result {
				return aaa.Result{Kind: aaa.Refused, Message: evil, Reason: evil}
			},
			enable: func(aaa.Request) (aaa.Conversation, aaa.Result) {
				return asking{aaa.Result{Kind: aaa.Refused, Message: evil}}, aaa.Result{Kind: aaa.Prompt, Message: evil}
			},
		}
		d := atDesk(t, authz, aaa.Authorization{ReplyMessage: evil, Autocmd: "show line", NoHangup: true}, settings{})
		authz.command = nil
		s := d.sees() + d.enters("enable", "x", "42")
		d.waits(2 * time.Second)
		d.hangsUp()
		s += d.sees() + d.debug.String()
		if i := strings.IndexFunc(s, func(r rune) bool {
			return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 ||
				r == 0x202e
		}); i >= 0 {
			t.Errorf("%q in %q", s[i], s)
		}
		if !slices.Contains(strings.Split(s, "\n"), "c") {
			t.Errorf("the message is missing: %q", s)
		}
	})
}
