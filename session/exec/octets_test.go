package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/session"
)

// ears are AAA, a broker and a host that record the caller's input and grant anything. User "token" is asked for a
// code, "caller" for a number, "guest" for a host.
type ears struct {
	heard []string
	inn   inn
}

func (e *ears) hear(format string, args ...any) {
	e.heard = append(e.heard, fmt.Sprintf(format, args...))
}

func (e *ears) Start(_ context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	if r.Enable > 0 {
		e.hear("enable %q", string(r.Password))
		return nil, aaa.Result{Kind: aaa.Granted}
	}
	e.hear("login %q %q", r.User, string(r.Password))
	if r.User == "token" {
		return e, aaa.Result{Kind: aaa.Prompt, Message: "Code:", Echo: true}
	}
	return nil, e.grant(r.User)
}

func (e *ears) Answer(_ context.Context, a aaa.Secret) aaa.Result {
	e.hear("answer %q", string(a))
	return e.grant("token")
}

func (e *ears) grant(user string) aaa.Result {
	res := aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "radius", User: user},
		Auth: aaa.Authorization{PrivLevel: 1}}
	if user == "guest" {
		res.Auth.Host = &aaa.Host{Address: "any", Service: aaa.Telnet, Port: 23}
	}
	return res
}

func (e *ears) Command(_ context.Context, q aaa.Question) aaa.Result {
	e.hear("command %q", strings.Join(q.Command, " "))
	return aaa.Result{Kind: aaa.Granted}
}

func (e *ears) broker() *fakeBroker {
	return &fakeBroker{decide: func(_ context.Context, a session.Asked) session.Verdict {
		if a.Identity.User != "caller" {
			return session.Verdict{Kind: session.Admit}
		}
		return toType
	}, promise: func(_ context.Context, c session.Choice) session.Verdict {
		e.hear("number %q", c.Number)
		return session.Verdict{Kind: session.BadChoice}
	}}
}

func (e *ears) resolve(_ context.Context, name string) ([]netip.Addr, error) {
	e.hear("name %q", name)
	return nil, errors.New("no such host")
}

// prompt is a prompt, and how to reach it.
type prompt struct {
	name   string
	before []string // input to reach it
	good   string   // input at it
	heard  string   // expected record
	text   string   // text for a rejected line
	again  string   // the next prompt
	tries  int      // used up by a rejected line
	octets bool     // octets that are not UTF-8 are accepted unchanged
}

func allPrompts() []prompt {
	const rejectedLine = "% Line rejected: unsupported characters\n"
	return []prompt{
		{"user name", nil, "jürgen\rpw", `login "jürgen" "pw"`, rejectedLine, "\nUsername: ", 1, false},
		{"password", []string{"u"}, "pw", `login "u" "pw"`, rejectedLine, "\nUsername: ", 1, true},
		{"challenge", []string{"token", "pw"}, "42", `answer "42"`, rejectedLine, "\nUsername: ", 1, false},
		{"number", []string{"caller", "pw"}, "7011", `number "7011"`, "% Number rejected: unsupported characters\n",
			"Callback Dialstring: ", 0, false},
		{"host", []string{"guest", "pw"}, "192.0.2.7", `host "tcp 192.0.2.7:23"`, rejectedLine, "Host: ", 0, false},
		{"enable", []string{"u", "pw", "enable"}, "sesame", `enable "sesame"`, rejectedLine, "Password: ", 0, true},
		{"command", []string{"u", "pw"}, "show line 65", `command "show line 65"`, rejectedLine, "maui-nas-04>", 0,
			false},
	}
}

// enter brings a caller to the prompt.
func (pr prompt) enter(t *testing.T, e *ears) *person {
	e.inn = inn{err: errHang}
	cfg := settings{exec: Config{Hosts: Hosts{Ask: true, Allow: rules(t, "0.0.0.0/0"), Dial: e.inn.dial,
		Resolve: e.resolve, Timeout: time.Millisecond}}, calls: session.Config{LoginTimeout: -1}}
	p := dialIn(t, scene{login: e, broker: e.broker(), cfg: cfg, daemon: newDaemon()})
	for _, line := range pr.before {
		p.types(line + "\r")
	}
	p.sees()
	e.heard = nil
	return p
}

// all returns the record, including the hosts connected to.
func (e *ears) all() []string {
	heard := slices.Clone(e.heard)
	for _, host := range e.inn.dialed {
		heard = append(heard, fmt.Sprintf("host %q", host))
	}
	return heard
}

// spoilt are inputs with parts that no prompt accepts.
func spoilt(text string, octets bool) []string {
	var all []string
	bad := []string{"\x00", "\x07", "\x11", "\x13", "\x16", "\x1c", "\x1e", "\x1b[z", "\x1b[5~", "\x1b[1;5C", "\x1bOP",
		"\x1b[200~", "\x1b]"}
	if !octets {
		bad = append(bad, "\xb8", "\xff", "\x80", "\xc3", "\xe2\x82", "\u009b", "\u202e", "\u200b", "\u00a0")
	}
	for _, b := range bad {
		all = append(all, b+text, text[:1]+b+text[1:], text+b)
	}
	return append(all, text+"\x1b[118", text+"\x1b", text+"\x1b[", text+"\x00\b", text+"\x00x\x7f")
}

// A line with an unsupported part causes no login, callback, connection or command: it is rejected with the reason, and
// the same line without that part is accepted.
func TestSpoiltLines(t *testing.T) {
	for _, pr := range allPrompts() {
		t.Run(pr.name, func(t *testing.T) {
			first, more, _ := strings.Cut(pr.good, "\r")
			for _, typed := range spoilt(first, pr.octets) {
				if len(pr.before) > 0 && typed[0] == 0 {
					continue // it belongs to the preceding CR
				}
				synctest.Test(t, func(t *testing.T) {
					e := &ears{}
					p := pr.enter(t, e)
					p.types(typed + "\r")
					p.waits(2 * time.Second)
					if s := p.sees(); len(e.all()) > 0 || !strings.HasSuffix(s, pr.text+pr.again) {
						t.Errorf("%q: heard %q, the caller saw %q", typed, e.all(), s)
					}
					if pr.again == "\nUsername: " {
						for _, line := range pr.before {
							p.types(line + "\r")
						}
						e.heard = nil
					}
					p.types(first + "\r")
					if more != "" {
						p.types(more + "\r")
					}
					p.waits(time.Second)
					if heard := e.all(); len(heard) != 1 || heard[0] != pr.heard {
						t.Errorf("after %q: heard %q, want %q", typed, heard, pr.heard)
					}
					if out := p.hangsUp(); out.Tries != pr.tries {
						t.Errorf("%q: %d tries", typed, out.Tries)
					}
				})
			}
		})
	}
}

// A line that is too long is rejected as a whole, also after backspaces.
func TestTooLongLines(t *testing.T) {
	for _, pr := range allPrompts() {
		for _, typed := range []string{strings.Repeat("8", 300), strings.Repeat("8", 300) + strings.Repeat("\b", 299),
			strings.Repeat("8", 255) + "\x17"} {
			synctest.Test(t, func(t *testing.T) {
				e := &ears{}
				p := pr.enter(t, e)
				p.types(typed + "\r")
				p.waits(2 * time.Second)
				if s := p.sees(); len(e.all()) > 0 || !strings.Contains(s, "too long\n") ||
					!strings.HasSuffix(s, pr.again) {
					t.Errorf("%s: heard %q, the caller saw %q", pr.name, e.all(), s)
				}
				p.hangsUp()
			})
		}
	}
}

// Rejected lines count as bad answers and use up the tries.
func TestSpoiltLinesAreCounted(t *testing.T) {
	for _, pr := range allPrompts() {
		synctest.Test(t, func(t *testing.T) {
			e := &ears{}
			p := pr.enter(t, e)
			typed := 0
			for ; typed < 20 && !p.isOver(); typed++ {
				p.types("8\x00\r")
				p.waits(2 * time.Second)
				if pr.again == "\nUsername: " && len(pr.before) > 0 && !p.isOver() {
					p.types(strings.Join(pr.before, "\r") + "\r")
				}
			}
			e.heard = slices.DeleteFunc(e.all(), func(s string) bool { return strings.HasPrefix(s, "login") })
			want := map[string]int{"user name": 3, "password": 3, "challenge": 3, "host": 3}[pr.name]
			switch pr.name {
			case "number": // three numbers are one try, the rest are unknown names
				want = 5
			case "enable": // as wrong passwords
				want = 3
			case "command": // the idle timeout ends it
				want = 20
			}
			if typed != want || len(e.heard) > 0 {
				t.Errorf("%s: %d lines, heard %q", pr.name, typed, e.heard)
			}
			p.hangsUp()
		})
	}
}

// AAA receives the typed octets unchanged.
func TestTypedExactly(t *testing.T) {
	tests := []struct{ name, password, heard, text string }{
		{"jürgen", "grün", `login "jürgen" "grün"`, ""},
		{"用户", "gr\xfcn", `login "用户" "gr\xfcn"`, ""},
		{"u", "\x80\x9b\xff", `login "u" "\x80\x9b\xff"`, ""},
		{"u", " pw ", `login "u" " pw "`, ""},
		{"a b", "pw", `login "a b" "pw"`, ""},
		{"j\xfcrgen", "", "", "% Line rejected: unsupported characters"},
		{" u", "", "", "% Invalid user name"},
		{"u ", "", "", "% Invalid user name"},
		{strings.Repeat("u", 254), "", "", "% Invalid user name"},
		{strings.Repeat("ü", 127), "", "", "% Invalid user name"}, // 254 octets
		{strings.Repeat("u", 253), "pw", `login "` + strings.Repeat("u", 253) + `" "pw"`, ""},
		{"ux\x7f", "p\bpx\x7fw", `login "u" "pw"`, ""},
		{"wrong\x15u", "wrong\x15pw", `login "u" "pw"`, ""},
		{"not me\x17\x17u", "xpw\x01\x04", `login "u" "pw"`, ""},
		{"u", "w\x1b[Dp\x1b[C", `login "u" "pw"`, ""},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			e := &ears{}
			p := allPrompts()[0].enter(t, e)
			p.types(tt.name + "\r")
			if tt.text == "" {
				p.types(tt.password + "\r")
			}
			if got := strings.Join(e.heard, "\n"); got != tt.heard {
				t.Errorf("%q: heard %q", tt.name, got)
			}
			if s := p.sees(); !strings.Contains(s, tt.text) || tt.text != "" && strings.Contains(s, "Password: ") {
				t.Errorf("%q: the caller saw %q", tt.name, s)
			}
			p.hangsUp()
		})
	}
}

// Input after the key that leaves a host reaches the EXEC completely.
func TestTypingAheadOfLeavingAHost(t *testing.T) {
	for _, cut := range []int{0, 1, 5, 12} {
		synctest.Test(t, func(t *testing.T) {
			i, authz := &inn{}, &authority{}
			d := atDesk(t, authz, aaa.Authorization{},
				settings{exec: Config{Hosts: Hosts{Dial: i.dial, Allow: rules(t, "192.0.2.0/24")}}})
			d.enters("telnet 192.0.2.5")
			typed := "authz\r\x1exshow line 65\rshow privilege\r"
			d.types(typed[:cut])
			d.types(typed[cut:])
			if s := i.guests[0].hears(); s != "authz\r\n" {
				t.Errorf("the host received %q", s)
			}
			if got := authz.commands(); got != "1 telnet|192.0.2.5\n1 show|line|65\n1 show|privilege" {
				t.Errorf("cut at %d: commands\n%s", cut, got)
			}
			d.hangsUp()
		})
	}
}

// seven returns text as sent by a terminal with seven bits and parity: want is 0 for even, 1 for odd, 2 for mark.
func seven(text string, want byte) string {
	out := []byte(text)
	for i, b := range out {
		if want == 2 {
			out[i] = b | 0x80
			continue
		}
		sum := byte(0)
		for bit := range 7 {
			sum ^= b >> bit & 1
		}
		if sum != want {
			out[i] |= 0x80
		}
	}
	return string(out)
}

// flipped returns an octet with wrong parity.
func flipped(octet string) string { return string([]byte{octet[0] ^ 0x80}) }

// sevenBits returns what a 7-bit terminal displays, an asterisk for each octet with wrong parity. CR and bells are as
// in sees.
func (p *person) sevenBits(want byte) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := []byte(p.screen.String())
	p.screen.Reset()
	for i, b := range out {
		c := b & 0x7f
		if seven(string(rune(c)), want)[0] != b {
			c = '*'
		}
		out[i] = c
	}
	return strings.NewReplacer("\r", "", "\a", "<BEL>").Replace(string(out))
}

// A caller with a terminal of seven bits and parity is served on both legs, and an octet with wrong parity is not
// accepted in the number.
func TestSevenBitTerminals(t *testing.T) {
	if got := seven("austin-02\r", 0); got != "\xe1\xf5\xf3\x74\x69\xee\x2d\x30\xb2\x8d" {
		t.Fatalf("the test's terminal types %q", got)
	}
	for parity, want := range map[string]byte{"even": 0, "odd": 1, "mark": 2} {
		t.Run(parity, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var debugged strings.Builder
				b := &fakeBroker{verdicts: []session.Verdict{toType, {Kind: session.Promised, CallbackID: "cb1"}}}
				p := dialIn(t, scene{login: town(), broker: b,
					cfg: settings{calls: session.Config{Debug: func(_ int,
						text string) {
						fmt.Fprintln(&debugged, text)
					}}}})
				if s := p.sees(); s != "\nUsername: " {
					t.Errorf("greeted with %q", s)
				}
				p.types(seven("austin-02\r", want))
				p.waits(2 * time.Second) // for mark
				if s := p.sevenBits(want); !strings.HasSuffix(s, "\nUsername: austin-02\nPassword: ") {
					t.Errorf("name: the terminal shows %q", s)
				}
				p.types(seven("xxxxx\r\n", want))
				p.waits(100 * time.Millisecond)
				p.types(seven("840", want) + flipped(seven("0", want)) + seven("1\r", want))
				p.types(seven("84001\x1b[118\r", want))
				if s := p.sevenBits(want); s != "\n\nCallback Dialstring: 8401\n% Number rejected: unsupported "+
					"characters\n"+
					"Callback Dialstring: 84001\n% Number rejected: unsupported characters\nCallback Dialstring: " {
					t.Errorf("numbers: the terminal shows %q", s)
				}
				p.types(seven("84002\b1\r", want))
				out := p.ends()
				if len(b.chosen) != 1 || b.chosen[0].Number != "84001" || out.Kind != session.CallbackPromised {
					t.Errorf("chosen %+v: %+v", b.chosen, out)
				}
				if s := p.sevenBits(want); s != "84002\b \b1\nCallback initiated - line is disconnected\n" {
					t.Errorf("the terminal shows %q", s)
				}
				if s := debugged.String(); !strings.Contains(s, "terminal: 7 bits, "+parity+" parity\n") {
					t.Errorf("debug: %s", s)
				}
			})
			synctest.Test(t, func(t *testing.T) {
				p := dialIn(t, scene{login: town(),
					broker: &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}, leg: session.Leg{
						Number: 2, CallbackID: "cb1", Identity: aaa.Identity{Entry: "radius", User: "austin-02"}}})
				p.types(seven("austin-02\r", want))
				p.waits(2 * time.Second)
				p.types(seven("xxxxx\r", want))
				p.waits(100 * time.Millisecond)
				p.sees()
				p.types(seven("show privilege\r", want))
				if s := p.sevenBits(want); s != "show privilege\nCurrent privilege level is 0\nmaui-nas-04>" {
					t.Errorf("leg two: the terminal shows %q", s)
				}
				p.hangsUp()
			})
			synctest.Test(t, func(t *testing.T) { // without a login the first line is a command
				p := dialIn(t, scene{login: nobodyMayRefuse{},
					broker: &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}, leg: session.Leg{
						Number: 2, CallbackID: "cb1", NoVerify: true,
						Identity: aaa.Identity{Entry: "radius", User: "austin-02"}}})
				p.sees()
				p.types(seven("show privilege\r", want))
				p.waits(2 * time.Second)
				if s := p.sevenBits(want); !strings.HasSuffix(s,
					"\nmaui-nas-04>show privilege\nCurrent privilege level is 0\nmaui-nas-04>") {
					t.Errorf("leg two without a login: the terminal shows %q", s)
				}
				p.hangsUp()
			})
		})
	}
}

// nobodyMayRefuse allows all commands.
type nobodyMayRefuse struct{ fakeLogin }

// Names in eight bits do not select seven bits.
func TestEightBitNamesAreNoParity(t *testing.T) {
	for name, want := range map[string]string{"jürgen": "jürgen", "Ísland": "Ísland", "ага": "ага", "獲": "獲",
		"j\xfcrgen": "", "ren\xe9e": "", "r\x82n\x82": ""} {
		synctest.Test(t, func(t *testing.T) {
			e := &ears{}
			p := allPrompts()[0].enter(t, e)
			p.types(name + "\r")
			p.waits(2 * time.Second)
			p.types("u\r")
			heard := ""
			if want != "" {
				heard = fmt.Sprintf("login %q %q", want, "u")
			}
			if got := strings.Join(e.heard, "\n"); got != heard {
				t.Errorf("%q: heard %q", name, got)
			}
			const garbled = "% Line rejected: unsupported characters"
			if s := p.sees(); want == "" && !strings.Contains(s, garbled+"\n\n\nUsername: u\nPassword: ") &&
				!strings.Contains(s, garbled+"\n\nUsername: u\nPassword: ") {
				t.Errorf("%q: the caller saw %q", name, s)
			}
			p.hangsUp()
		})
	}
}

// On a host, a 7-bit terminal has seven bits in both directions; an octet with wrong parity becomes a question mark. An
// 8-bit terminal has all eight, whatever their parity.
func TestSevenBitsOnAHost(t *testing.T) {
	for _, service := range []*aaa.Host{byTelnet, byClear} {
		synctest.Test(t, func(t *testing.T) {
			i := &inn{}
			p := dialIn(t, scene{login: fakeLogin{"u": {password: "pw", auth: aaa.Authorization{Host: service}}},
				cfg:    settings{exec: Config{Hosts: Hosts{Dial: i.dial}}},
				broker: &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}})
			p.types(seven("u\r", 0))
			p.types(seven("pw\r", 0))
			p.waits(100 * time.Millisecond)
			p.sees()
			host := i.guests[0]
			echo := ""
			if service == byTelnet {
				host.says(t, iacWill+"\x01")
				if s := host.hears(); s != iacDo+"\x01" {
					t.Errorf("the host received %q", s)
				}
				echo = "\x00"
			}
			p.types(seven("guest\r", 0) + "\x31")
			if s := host.hears(); s != "guest\r"+echo+"?" {
				t.Errorf("%s: the host received %q", service.Service, s)
			}
			host.says(t, "pass\xe9: \x1b[2J")
			if s := p.sevenBits(0); s != "passi: \x1b[2J" {
				t.Errorf("%s: the terminal shows %q", service.Service, s)
			}
			p.hangsUp()
		})
	}
}

// FuzzPrompts checks at each prompt, for any input: the record of the first line is exactly the input, or nothing if a
// part of it is not text. Package console's FuzzTyped covers lines with editing keys.
func FuzzPrompts(f *testing.F) {
	for i := range allPrompts() {
		for _, typed := range []string{"7011\xb8", "70\x1b[118", "j\xfcrgen", "jürgen", "pw\x00", "84001", " 84001 ",
			"show line 65", "\x00u", "u\x1b[D\x7fv", "u\x8d", "\xe9\x8d", "0\x8d\x8d1", "a?b"} {
			f.Add(uint8(i), []byte(typed))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, typed []byte) {
		pr := allPrompts()[int(which)%len(allPrompts())]
		if end := bytes.IndexAny(typed, "\r\n"); end >= 0 {
			typed = typed[:end]
		}
		synctest.Test(t, func(t *testing.T) {
			e := &ears{}
			p := pr.enter(t, e)
			p.types(string(typed) + "\r")
			p.waits(3 * time.Second)
			if pr.name == "user name" && strings.HasSuffix(p.sees(), "Password: ") {
				p.types("pw\r")
			}
			p.hangsUp()
			if len(pr.before) > 0 {
				typed = bytes.TrimLeft(typed, "\x00") // they belong to the preceding CR
			}
			checkHeard(t, pr, typed, e.all())
		})
	})
}

// editKeys are the control characters that may be in an accepted line.
const editKeys = "\x01\x02\x03\x04\x05\x06\b\t\x0b\x0c\x0e\x10\x12\x15\x17\x1a\x1b\x7f"

func checkHeard(t *testing.T, pr prompt, typed []byte, heard []string) {
	t.Helper()
	all := strings.Join(heard, "\n")
	text := string(typed)
	first, _, _ := strings.Cut(text, "\x8d")
	parity := pr.name == "user name" && text != "" &&
		(first != text && seven(first, 0) == first || seven(text, 1) == text)
	switch {
	case parity, pr.name == "command" && strings.ContainsAny(text, "?"): // a line that differs from its octets; help
		return
	case bytes.ContainsAny(typed, editKeys):
		return
	case !pr.octets && !printableText(text), bytes.ContainsFunc(typed, func(r rune) bool { return r < ' ' }),
		utf8.RuneCountInString(text) > 254, pr.octets && len(text) > 254:
		if all != "" {
			t.Fatalf("typed %q, heard %s", typed, all)
		}
		return
	}
	want := ""
	switch trimmed := strings.Trim(text, " "); pr.name {
	case "user name":
		if trimmed == text && text != "" && len(text) <= 253 {
			want = fmt.Sprintf("login %q %q", text, "pw")
		}
	case "password":
		want = fmt.Sprintf("login %q %q", "u", text)
	case "challenge":
		want = fmt.Sprintf("answer %q", text)
	case "number":
		want = fmt.Sprintf("number %q", text)
	case "enable":
		want = fmt.Sprintf("enable %q", text)
	case "host":
		if want = fmt.Sprintf("name %q", trimmed); strings.HasPrefix(all, "host ") {
			want = fmt.Sprintf("host %q", "tcp "+trimmed+":23")
		}
		if all == "" { // it may be empty
			return
		}
	case "command": // an abbreviation may have another text
		return
	}
	if all != want {
		t.Fatalf("typed %q, heard %s, want %s", typed, all, want)
	}
}

func printableText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s,
		func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError })
}
