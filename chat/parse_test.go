package chat

import (
	"strings"
	"testing"
)

// sends returns the octets of the script's sends, \T as <T>, a pause as <2s>, a BREAK as <K>.
func sends(s *Script) string {
	var b strings.Builder
	show := func(x *send) {
		if x == nil {
			return
		}
		for _, o := range x.ops {
			switch o.kind {
			case opLiteral:
				b.Write(o.bytes)
			case opDial:
				b.WriteString("<T>")
			case opPause:
				b.WriteString("<" + o.pause.String() + ">")
			case opBreak:
				b.WriteString("<K>")
			}
		}
		b.WriteString("|")
	}
	for _, st := range s.steps {
		show(st.send)
		for _, a := range st.alts {
			show(a.send)
		}
	}
	return b.String()
}

func TestSends(t *testing.T) {
	for _, c := range []struct{ send, want string }{
		{`AT`, "AT\r|"},
		{`"AT Z"`, "AT Z\r|"}, // Table 17
		{`""`, "\r|"},         // Table 17: nothing followed by a carriage return
		{`\c`, "|"},           // Table 17: effectively nothing
		{`hello\c`, "hello|"},
		{`"ATDT \T"`, "ATDT <T>\r|"},
		{`ATDT9,\T;\c`, "ATDT9,<T>;|"},
		{`\d\p`, "<2s><250ms>\r|"},
		{`a\db\c`, "a<2s>b|"},
		{`\K`, "<K>\r|"},
		{`BREAK`, "<K>|"},
		{`EOT`, "\x04|"},
		{`"EOT"`, "\x04|"},
		{`\105OT`, "EOT\r|"},
		{`a\sb\tc\nd\re\\f\Ng\c`, "a b\tc\nd\re\\f\x00g|"},
		{`\"x\"`, "\"x\"\r|"},
		{`\7\41\101\1012\377\c`, "\x07!AA2\xff|"},
		{`\0\00\000\c`, "\x00\x00\x00|"},
		{`^C^c^@^[^]^^^_^?\c`, "\x03\x03\x00\x1b\x1d\x1e\x1f\x7f|"},
		{`ATX-1`, "ATX-1\r|"}, // hyphens are special only in expects
		{`AT&F1$5$`, "AT&F1$5$\r|"},
		{`AT&F&C1&D3$SB115200`, "AT&F&C1&D3$SB115200\r|"}, // of MultiTech modems
		{`a${X}`, "a${X}\r|"},
		{`don't`, "don't\r|"},
		{`"it's"`, "it's\r|"},
		{`"'quoted'"`, "'quoted'\r|"},
		{`REPORT`, "REPORT\r|"}, // a keyword of other programs only if an expect is due
		{`user@host`, "user@host\r|"},
	} {
		s, err := Parse("x", `"" `+c.send)
		if err != nil {
			t.Errorf("send %s: %v", c.send, err)
			continue
		}
		if got := sends(s); got != c.want {
			t.Errorf("send %s is %q, want %q", c.send, got, c.want)
		}
	}
}

func TestExpects(t *testing.T) {
	for _, c := range []struct{ expect, want string }{
		{`OK`, "OK"},
		{`"NO CARRIER"`, "NO CARRIER"},
		{`""`, ""},
		{`ogin:`, "ogin:"},
		{`a\sb\tc\nd\re\\f\Ng\"`, "a b\tc\nd\re\\f\x00g\""},
		{`\117K^M\377`, "OK\r\xff"},
		{`a\055b`, "a-b"},
		{`@x`, "@x"},
		{`ogin:-\r-ogin:`, "ogin: / \r\r / ogin:"}, // Cisco's example, with \r in place of its misprint /r
		{`ogin:--ogin:`, "ogin: / \r / ogin:"},
		{`ogin:-BREAK-ogin:`, "ogin: / <K> / ogin:"},
		{`ogin:-EOT-ogin:`, "ogin: / \x04 / ogin:"},
		{`A-B-C-D-E`, "A / B\r / C / D\r / E"},
		{`A-B`, "A / B\r"},
		{`A-`, "A / \r"},
		{`A-B-`, "A / B\r / "},
		{`"login: -AT Z\c-a b"`, "login:  / AT Z / a b"},
		{`A-\\-C`, `A / ` + "\\\r" + ` / C`},
	} {
		s, err := Parse("x", c.expect)
		if err != nil {
			t.Errorf("expect %s: %v", c.expect, err)
			continue
		}
		var parts []string
		for _, a := range s.steps[0].alts {
			parts = append(parts, string(a.expect.text))
			if a.send != nil {
				one := Script{steps: []step{{kind: stepSend, send: a.send}}}
				parts = append(parts, strings.TrimSuffix(sends(&one), "|"))
			}
		}
		if got := strings.Join(parts, " / "); got != c.want {
			t.Errorf("expect %s is %q, want %q", c.expect, got, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		text   string
		offset int
		word   string
		msg    string // part of the error
	}{
		{``, 0, "", "no words"},
		{` ` + "\n\t", 0, "", "no words"},
		{`O\qK`, 1, `\q`, "valid in sends only"},
		{`"" \b`, 3, `\b`, `\010`},
		{`"" \D`, 3, `\D`, `\T`},
		{`"" a\Db`, 4, `\D`, `write \T`},
		{`"" \U`, 3, `\U`, "one dial string"},
		{`"" \e`, 3, `\e`, "echoes"},
		{`"" \E`, 3, `\E`, "echoes"},
		{`"" \z`, 3, `\z`, "not an IOS escape"},
		{`"" \8`, 3, `\8`, "not an IOS escape"},
		{`"" \`, 3, `\`, `\s`},
		{`"" \400`, 3, `\400`, "octal"},
		{`"" ^`, 3, `^`, `\136`},
		{`"" ^1`, 3, `^1`, `\136`},
		{`"" ^\c`, 3, `^\`, `\034`},
		{`"" AT\cZ`, 5, `\c`, "at the end"},
		{`"" \c\c`, 3, `\c`, "at the end"},
		{`OK\c AT`, 2, `\c`, "in sends only"},
		{`\T`, 0, `\T`, "in sends only"},
		{`\d AT`, 0, `\d`, "in sends only"},
		{`ABORT \K "" AT`, 6, `\K`, "in sends only"},
		{`ABORT`, 0, "ABORT", "no argument"},
		{`ABORT ""`, 0, "ABORT", "empty ABORT"},
		{`TIMEOUT`, 0, "TIMEOUT", "no argument"},
		{`TIMEOUT 0 OK`, 8, "0", "1 to 3600"},
		{`TIMEOUT -1 OK`, 8, "-1", "1 to 3600"},
		{`TIMEOUT 1.5 OK`, 8, "1.5", "1 to 3600"},
		{`TIMEOUT 3601 OK`, 8, "3601", "1 to 3600"},
		{`TIMEOUT 99999999999999999999 OK`, 8, "99999999999999999999", "1 to 3600"},
		{`TIMEOUT "" OK`, 9, `""`, "1 to 3600"},
		{`TIMEOUT ٣ OK`, 8, "٣", "non-ASCII"},
		{`OK ABORT BUSY`, 3, "ABORT", "send is due"},
		{`OK TIMEOUT 30`, 3, "TIMEOUT", "send is due"},
		{`EOT ""`, 0, "EOT", "a send where"},
		{`BREAK ""`, 0, "BREAK", "a send where"},
		{`REPORT CONNECT`, 0, "REPORT", "transcript"},
		{`CLR_REPORT CONNECT`, 0, "CLR_REPORT", "pppd's chat"},
		{`CLR_ABORT BUSY`, 0, "CLR_ABORT", "pppd's chat"},
		{`SAY "hello"`, 0, "SAY", "pppd's chat"},
		{`HANGUP OFF`, 0, "HANGUP", "pppd's chat"},
		{`ECHO ON`, 0, "ECHO", "pppd's chat"},
		{`"" P_ZERO`, 3, "P_ZERO", "parity"},
		{`P_EVEN`, 0, "P_EVEN", "parity"},
		{`"" 'AT Z'`, 3, "'AT", "double quotes"},
		{`'' AT`, 0, "''", "double quotes"},
		{`chat-script rtp ABORT ERROR "" AT`, 0, "chat-script",
			`omit "chat-script rtp": rtp is the name of the script`},
		{` chat-script`, 1, "chat-script", "omit it"},
		{`"" @/etc/secret`, 3, "@/etc/secret", `\100`},
		{`OK-@f-OK`, 3, "@f", `\100`},
		{`"" "AT`, 3, `"AT`, "not closed"},
		{`"" "a\"b"`, 5, `\"`, `\042`},
		{`"" a"b"`, 4, `a"b"`, "quote the whole word"},
		{`"a"-b-c`, 2, `"a"-b-c`, "closing quote"},
		{`a\-b`, 1, `\-`, `\055`},
		{`-AT-OK`, 0, "-AT-OK", "never fails"},
		{`A-B--C`, 0, "A-B--C", "never fails"},
		{"\"\" \x07", 3, "\x07", `\007`},
		{"\"\" \"a\nb\"", 5, "\n", `\012`},
		{`"" “AT”`, 3, "“", "straight double quotes"},
		{`"" é`, 3, "é", `\303`},
		{`"" ` + strings.Repeat("A", MaxText), MaxText, "", "split it"},
	} {
		e := syntaxError(t, c.text)
		if e.Offset != c.offset || e.Word != c.word || !strings.Contains(e.Error(), c.msg) || e.Hint == "" {
			t.Errorf("Parse(%.40q): offset %d, word %q, %v; want offset %d, word %q, …%s…", c.text, e.Offset, e.Word, e,
				c.offset, c.word, c.msg)
		}
	}
}

// Each notation in the table of refusals is rejected where other programs accept it, with the reason and the hint of
// its row.
func TestEachRefusalIsNamed(t *testing.T) {
	for _, r := range Refusals() {
		text := r.Text + " x"
		switch {
		case r.Text[0] == '\\' || r.Text[0] == '@':
			text = `"" ` + r.Text
		case r.Text == `'…'`:
			text = `"" 'a b'`
		}
		e := syntaxError(t, text)
		if !strings.HasPrefix(e.Msg, r.Why) || !strings.Contains(e.Msg, r.From) || e.Hint != r.Instead {
			t.Errorf("%s: %v", r.Text, e)
		}
	}
}

// Each row of the table of escapes parses in a send, and in an expect only if the row says so.
func TestEachEscapeParses(t *testing.T) {
	written := map[string]string{`\ddd`: `\101`, `^x`: `^C`}
	for _, e := range Escapes() {
		text := e.Text
		if w := written[text]; w != "" {
			text = w
		}
		if _, err := Parse("x", `"" `+text); err != nil {
			t.Errorf("%s in a send: %v", e.Text, err)
		}
		if _, err := Parse("x", text+" AT"); (err == nil) != e.Expect {
			t.Errorf("%s in an expect: %v, the table says %v", e.Text, err, e.Expect)
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", "a b", "a\n", "ü", "a\x00"} {
		if _, err := Parse(name, "OK"); err == nil {
			t.Errorf("name %q was accepted", name)
		}
	}
	if _, err := Parse("telebit-t3000-v32bis", "OK"); err != nil {
		t.Error(err)
	}
}

func TestErrorText(t *testing.T) {
	_, err := Parse("rtp", `ABORT BUSY "" \bAT`)
	want := `chat script rtp: \b at offset 14: not an IOS escape; it comes from pppd's chat (write \010 or ^H)`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestUsesDialstring(t *testing.T) {
	for text, want := range map[string]bool{
		`"" "ATDT \T" CONNECT \c`: true,
		`OK-ATDT\T-CONNECT`:       true,
		`"" "ATH1" OK`:            false,
		`"" ATDT\\T`:              false,
	} {
		if got := mustScript(t, "x", text).UsesDialstring(); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestBehindConnect(t *testing.T) {
	for text, want := range map[string]string{
		`"" "ATDT \T" TIMEOUT 60 CONNECT \c`:                          "",
		`"" "ATDT \T" CONNECT`:                                        "",
		`"" "ATDT \T" CONNECT ""`:                                     "",
		`"" "ATDT \T" CONNECT \d\d\c TIMEOUT 5 ABORT BUSY`:            "",
		`"" "ATDT \T" CONNECT-+++\c-CONNECT \c`:                       "",
		`ogin: guest "" "ATDT \T" CONNECT \c`:                         "",
		`"" "ATDT \T" CONNECT \c ogin: guest ssword: secret-of-guest`: `it waits for "ogin:"`,
		`"" "ATDT \T" CONNECT "" TIMEOUT 9 "" \c name: bob`:           `it waits for "name:"`,
		`"" "ATDT \T" CONNECT secret-of-guest`:                        "it sends more",
		`"" "ATDT \T" "CONNECT 115200" \c "" \T`:                      "it sends more",
		`"" AT OK`:                                                    "",
		`"" "ATDT \T" CONN \c ogin: x`:                                `it waits for "ogin:"`,
		`"" "ATDT \T" CON-\c-CONNECT \c`:                              "",
	} {
		if got := mustScript(t, "x", text).BehindConnect(); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestSelect(t *testing.T) {
	all := []*Script{mustScript(t, "usrobotics-v32", "OK"), mustScript(t, "usrobotics-v34", "OK"),
		mustScript(t, "telebit-v32", "OK")}
	for _, c := range []struct {
		patterns []string
		want     string
	}{
		{[]string{"v32"}, "usrobotics-v32"},
		{[]string{"telebit"}, "telebit-v32"},
		{[]string{"^telebit-v32$"}, "telebit-v32"},
		{[]string{".*-v34"}, "usrobotics-v34"},
		{[]string{"usrobotics-.*", ".*-v32"}, "usrobotics-v32"},
		{[]string{"", ".*-v34"}, "usrobotics-v34"},
	} {
		s, err := Select(all, c.patterns...)
		if err != nil || s.Name != c.want {
			t.Errorf("%q: %v, %v, want %s", c.patterns, s, err, c.want)
		}
	}
	for _, c := range []struct {
		patterns []string
		want     string
	}{
		{[]string{"rtp"},
			`no matching chat script found for "rtp" (defined: usrobotics-v32, usrobotics-v34, telebit-v32)`},
		{[]string{"telebit", "v34"}, `no matching chat script found for "telebit" and "v34"`},
		{[]string{"", ""}, "no matching chat script found: no name was given"},
		{nil, "no matching chat script found: no name was given"},
		{[]string{"("}, "not a regular expression"},
	} {
		if s, err := Select(all, c.patterns...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, %v, want %s", c.patterns, s, err, c.want)
		}
	}
	if _, err := Select(nil, "x"); err == nil || !strings.Contains(err.Error(), "none is defined") {
		t.Errorf("no scripts: %v", err)
	}
}

func TestShipped(t *testing.T) {
	dials := map[string]bool{"exec-callback": true, "ppp-callback": true, "offhook": false}
	all := Shipped()
	if len(all) != len(dials) {
		t.Errorf("%d scripts are shipped", len(all))
	}
	for _, s := range all {
		if want, ok := dials[s.Name]; !ok || s.UsesDialstring() != want {
			t.Errorf("%s: dials %v", s.Name, s.UsesDialstring())
		}
	}
}
