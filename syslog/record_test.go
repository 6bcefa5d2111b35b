package syslog

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

var origin = Origin{Facility: 23, Hostname: "maui-nas-04.example.net", Enterprise: 32473, PID: 4711}

// TestRecord compares whole messages, octet by octet.
func TestRecord(t *testing.T) {
	at := time.Date(2026, 11, 29, 18, 39, 24, 5_000_789, time.FixedZone("", -10*3600))
	promised := Record{Class{5, "CALLBACK", "callback.promised"}, at, "callback promised",
		[]Field{{"callback", "k7abcd23"}, {"call", "qwerty22"}, {"line", "65"}, {"user", "kim"},
			{"number", "+33140205050"}}}
	hostile := Record{Class{4, "LOGINFAILED", "login.failed"}, at, "login failed", []Field{
		{"user", "x\r\n<187>1 - - - - - - %RINGBACK-0-FORGED: \x00\x1b[2J"}, {"call", `a"]\b` + "\n"}, {"reason", "Größe \xff"}}}
	for _, tt := range []struct {
		o     Origin
		r     Record
		want  string
		local string
	}{
		{origin, promised,
			`<189>1 2026-11-30T04:39:24.005000Z maui-nas-04.example.net ringback 4711 callback.promised ` +
				`[meta sequenceId="7"][ringback@32473 call="qwerty22" callback="k7abcd23" line="65"] ` +
				`%RINGBACK-5-CALLBACK: callback promised callback=k7abcd23 call=qwerty22 line=65 user=kim number=+33140205050`,
			`%RINGBACK-5-CALLBACK: callback promised callback=k7abcd23 call=qwerty22 line=65 user=kim number=+33140205050`},
		{origin, hostile,
			`<188>1 2026-11-30T04:39:24.005000Z maui-nas-04.example.net ringback 4711 login.failed ` +
				`[meta sequenceId="7"][ringback@32473 call="a\"\]\\b` + "\ufffd" + `"] ` + "\ufeff" +
				`%RINGBACK-4-LOGINFAILED: login failed user="x\r\n<187>1 - - - - - - %RINGBACK-0-FORGED: \x00\x1b[2J" ` +
				`call="a\"]\\b\n" reason="Größe \xff"`,
			`%RINGBACK-4-LOGINFAILED: login failed user="x\r\n<187>1 - - - - - - %RINGBACK-0-FORGED: \x00\x1b[2J" ` +
				`call="a\"]\\b\n" reason="Größe \xff"`},
		{Origin{Facility: 1, PID: 1}, Record{Class{6, "LOG", "log"}, at, "a\nb\x7f", nil},
			`<14>1 2026-11-30T04:39:24.005000Z - ringback 1 log [meta sequenceId="7"] %RINGBACK-6-LOG: a\nb\x7f`,
			`%RINGBACK-6-LOG: a\nb\x7f`},
		{Origin{Facility: 1, PID: 1, Hostname: "müller nas"}, Record{Class{6, "LOG", "log"}, at, "x", nil},
			`<14>1 2026-11-30T04:39:24.005000Z m?ller?nas ringback 1 log [meta sequenceId="7"] %RINGBACK-6-LOG: x`,
			`%RINGBACK-6-LOG: x`},
	} {
		if got := string(tt.o.format5424(tt.r, 7, maxFrame)); got != tt.want {
			t.Errorf("\n%q, want\n%q", got, tt.want)
		}
		local := "<" + strconv.Itoa(tt.o.Facility*8+tt.r.Severity) + ">" + at.Local().Format(time.Stamp) +
			" ringback[" + strconv.Itoa(tt.o.PID) + "]: " + tt.local
		if got := string(tt.o.formatLocal(tt.r, maxFrame)); got != local {
			t.Errorf("\n%q, want\n%q", got, local)
		}
	}
}

// sequenceId is 1 to 2147483647, then 1 again (RFC 5424 §7.3.1).
func TestSequence(t *testing.T) {
	for n, want := range map[uint64]string{1: "1", 1<<31 - 1: "2147483647", 1 << 31: "1", 1<<31 + 1: "2",
		1 << 62: "1"} {
		p, err := parse(string(origin.format5424(Record{Class: Class{6, "LOG", "log"}}, n, maxFrame)))
		if got, _ := p.param("meta", "sequenceId"); got != want || err != nil {
			t.Errorf("record %d has %q, want %q (%v)", n, got, want, err)
		}
	}
}

// TestLimits: a record of any size fits into its datagram or frame, and stays a record.
func TestLimits(t *testing.T) {
	huge := strings.Repeat("ä", 32<<10)
	r := Record{Class{4, "LOGINFAILED", "login.failed"}, time.Now(), "login failed", nil}
	for range 20 {
		r.Fields = append(r.Fields, Field{"user", huge}, Field{"call", huge},
			Field{"reason", strings.Repeat("\x1b", 64<<10)})
	}
	for _, limit := range []int{maxDatagram, maxFrame} {
		got := string(origin.format5424(r, 1, limit))
		p, err := parse(got)
		if err != nil || len(got) > limit || len(got) < limit-100 || !strings.HasSuffix(got, "...") || !p.utf8 {
			t.Errorf("%d octets of %d: %v", len(got), limit, err)
		}
		if call, _ := p.param("ringback@32473", "call"); len(call) > maxParam || !strings.HasPrefix(call, "ää") {
			t.Errorf("call has %d octets", len(call))
		}
		if got := string(origin.formatLocal(r, limit)); len(got) > limit || !utf8.ValidString(got) {
			t.Errorf("%d octets of %d", len(got), limit)
		}
	}
}

// FuzzRecord: whatever is in a record, its message is one of the grammar, has the structured data that was meant, no
// character that a terminal or a log file acts on, and a text from which each field can be read again.
func FuzzRecord(f *testing.F) {
	f.Add("nas", "call.began", "call", "kim", "abc")
	f.Add("", "", "", "", "")
	f.Add("a b", "x y", "a\r\nb", "\x00\x1b]0;x\x07", `"]\`)
	f.Add("\xff", "é", "\xff\u202e", `a" number="1`, `x" y="z"] [evil x="`)
	f.Fuzz(func(t *testing.T, host, id, text, user, call string) {
		o := Origin{Facility: 23, Hostname: host, Enterprise: 32473, PID: 1}
		r := Record{Class{5, "CALLBACK", id}, time.Unix(1e9, 0), text, []Field{{"user", user}, {"call", call}}}
		got := string(o.format5424(r, 1, maxFrame))
		p, err := parse(got)
		if err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if len(got) > maxFrame || p.facility != 23 || p.severity != 5 || p.app != "ringback" || p.proc != "1" {
			t.Fatalf("%q", got)
		}
		ids := []string{"meta"}
		if call != "" {
			ids = append(ids, "ringback@32473")
		}
		var have []string
		for _, e := range p.elements {
			have = append(have, e.id)
		}
		if !reflect.DeepEqual(have, ids) {
			t.Fatalf("%q has %q", got, have)
		}
		if strings.ContainsFunc(p.message, func(c rune) bool { return !unicode.IsPrint(c) }) || !utf8.ValidString(got) {
			t.Fatalf("%q has characters that are not printable", got)
		}
		rest, ok := strings.CutPrefix(p.message, "%RINGBACK-5-CALLBACK: ")
		if !ok || strings.HasSuffix(rest, "...") || strings.Contains(rest, `..."`) { // cut
			return
		}
		n := strings.LastIndex(rest, " call="+quoted(call))
		if n < 0 || rest[n:] != " call="+quoted(call) || unquote(rest[n+6:]) != call {
			t.Fatalf("%q ends with another call", rest)
		}
		if rest = rest[:n]; !strings.HasSuffix(rest, " user="+quoted(user)) || unquote(quoted(user)) != user {
			t.Fatalf("%q ends with another user", rest)
		}
		if local := string(o.formatLocal(r, maxFrame)); strings.ContainsAny(local, "\r\n\x00\x1b") {
			t.Fatalf("%q", local)
		}
	})
}

func unquote(s string) string {
	if !strings.HasPrefix(s, `"`) {
		return s
	}
	u, err := strconv.Unquote(s)
	if err != nil {
		return err.Error()
	}
	return u
}

func TestParseServer(t *testing.T) {
	for s, want := range map[string]Server{
		"tls://syslog.example.net:6514": {Network: TLS, Address: "syslog.example.net:6514"},
		"tls://syslog.example.net":      {Network: TLS, Address: "syslog.example.net:6514"},
		"tcp://192.0.2.1":               {Network: TCP, Address: "192.0.2.1:601"},
		"udp://[2001:db8::1]":           {Network: UDP, Address: "[2001:db8::1]:514"},
		"udp://[2001:db8::1]:5514":      {Network: UDP, Address: "[2001:db8::1]:5514"},
		"unix:///dev/log":               {Network: Unix, Address: "/dev/log"},
	} {
		if got, err := ParseServer(s); got != want || err != nil {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "syslog.example.net", "192.0.2.1:514", "http://x", "tls://", "tls://x/y",
		"tls://x:0", "tls://x:65536", "tls://u@x", "udp://x?y", "unix://dev/log", "unix:dev/log", "unix:///",
		"tcp://:601", "unix:///" + strings.Repeat("a", 107)} {
		if got, err := ParseServer(s); err == nil {
			t.Errorf("%q: %+v", s, got)
		}
	}
}
