package config

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/lines"
)

// TestNoVerifyLines checks no_verify against the lines: it is an error if only the called line can call back,
// and a warning if no modem can be trusted.
func TestNoVerifyLines(t *testing.T) {
	t.Parallel()
	const (
		serial = `port: "serial:///dev/ttyS%d"`
		tcp    = `port: "tcp://127.0.0.1:700%d"`
		alone  = "is only called back by itself, and group default allows no_verify: a caller that never hangs up " +
			"would be admitted without the second login"
		itself   = `user "kim": tty 1 is called back by itself`
		again    = "no line that dials has modem signals, so the second login is still required"
		kimAgain = `user "kim" must still log in again: no line that may call back has modem signals`
		same     = "warning: lines[0].tty: callers on tty 1 are called back by the same line"
	)
	for _, tt := range []struct {
		name  string
		user  string // added to the user's callback; "-" for no callback
		lines []string
		more  string
		want  []string // substrings of the problems, in order
	}{
		{"two with signals", "", []string{serial + ", rotary: 1", serial + ", rotary: 1"}, "", nil},
		{"one alone", "", []string{serial}, "", []string{"lines[0].tty: tty 1 " + alone}},
		{"one alone, users of RADIUS only", "-", []string{serial}, "", []string{"lines[0].tty: tty 1 " + alone}},
		{"one alone, accepted", "", []string{serial + ", callback: {same_line_no_verify: true}"}, "", []string{same}},
		{"one alone, no callbacks", "-", []string{serial}, "exec: {callback: false}\n", nil},
		{"one alone beside two", "", []string{serial, serial + ", rotary: 1", serial + ", rotary: 1"}, "",
			[]string{"lines[0].tty: tty 1 " + alone}},
		{"one that only dials beside it", "", []string{serial + ", rotary: 1", serial + ", rotary: 1, modem: callout"},
			"", nil},
		{"the user's own line", ", line: 1", []string{serial + ", rotary: 1", serial + ", rotary: 1"}, "",
			[]string{"users[0].callback.no_verify: " + itself}},
		{"the user's own line, accepted", ", line: 1",
			[]string{serial + ", rotary: 1, callback: {same_line_no_verify: true}", serial + ", rotary: 1"}, "", nil},
		{"the user's own lines", ", line: 1-2", []string{serial + ", rotary: 1", serial + ", rotary: 1"}, "", nil},
		{"the user's own rotary", ", rotary: 1", []string{serial + ", rotary: 1", serial + ", rotary: 2",
			serial + ", rotary: 2"}, "",
			[]string{"users[0].callback.no_verify: " + itself, "lines[0].tty: tty 1 " + alone}},
		{"no signals", "", []string{tcp + ", rotary: 1", tcp + ", rotary: 1"}, "",
			[]string{"allow.d/default.yaml: warning: no_verify: allow: " + again, kimAgain}},
		{"no signals, accepted", "", []string{tcp + ", rotary: 1, insecure_signals: true",
			tcp + ", rotary: 1, insecure_signals: true"}, "", nil},
		{"one with signals", "", []string{tcp + ", rotary: 1", serial + ", rotary: 1", serial + ", rotary: 1"}, "",
			nil},
		{"the user's line has none", ", line: 1", []string{tcp + ", rotary: 1, modem: callout", serial + ", rotary: 1",
			serial + ", rotary: 1"}, "", []string{kimAgain}},
		{"one that only answers has none", "", []string{tcp + ", rotary: 1, modem: callin", serial + ", rotary: 1",
			serial + ", rotary: 1"}, "", nil},
	} {
		user := fmt.Sprintf(", callback: {dialstring: \"84001\", no_verify: true%s}", tt.user)
		if tt.user == "-" {
			user = ""
		}
		var b strings.Builder
		fmt.Fprintf(&b, "policies_dir: allow.d\n%saaa: {lists: {login: {default: [local]}}}\nusers: [{name: kim, "+
			"password_file: kim.password%s}]\nlines:\n", tt.more, user)
		for i, line := range tt.lines {
			fmt.Fprintf(&b, "  - {tty: %d, "+line+"}\n", i+1, i+1)
		}
		c, got, _ := loadText(t, b.String(), nil)
		problems := strings.Split(got, "\n")
		if got == "" {
			problems = nil
		}
		ok := len(problems) == len(tt.want) && (c != nil) == allWarnings(got)
		for i := range min(len(problems), len(tt.want)) {
			ok = ok && strings.Contains(problems[i], tt.want[i])
		}
		if !ok {
			t.Errorf("%s:\n%s\nwant %q", tt.name, got, tt.want)
		}
	}
}

// TestCallCheckNeedsSignals: a calling number that a caller can write is not checked.
func TestCallCheckNeedsSignals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		port, more string
		refused    bool
	}{
		{"tcp://127.0.0.1:7001", "", true}, {"pty:///dev/ttyX1", "", true}, {"serial:///dev/ttyS1", "", false},
		{"rfc2217://127.0.0.1:7001", "", false},
		{"tcp://127.0.0.1:7001", ", insecure_signals: true", false},
	} {
		text := strings.Replace(base, "  lists:", "  call_check: {method: radius}\n  lists:", 1)
		text = strings.Replace(text, `port: "tcp://127.0.0.1:7001"`,
			fmt.Sprintf(`port: %q, call_check: true%s`, tt.port, tt.more), 1)
		_, got, _ := loadText(t, text, nil)
		if strings.Contains(got, "call_check needs modem signals or insecure_signals") != tt.refused || !tt.refused &&
			got != "" {
			t.Errorf("%s%s: %s", tt.port, tt.more, got)
		}
	}
}

// TestOmitOfEachLine: lines that are taken together have the answer that each of them has alone.
func TestOmitOfEachLine(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	one := func(n int) bool { return random.IntN(n) == 0 }
	trusted, itself := 0, 0
	for range 2000 {
		c := &Config{}
		for tty := 1; tty <= 1+random.IntN(8); tty++ {
			l := Line{Config: lines.Config{TTY: tty, Rotary: random.IntN(3) - 1, InBand: one(2), SameLine: one(4)}}
			l.Modem = []lines.ModemMode{lines.InOut, lines.CallIn, lines.CallOut}[random.IntN(3)]
			c.Lines = append(c.Lines, l)
		}
		want := lines.Want{Rotary: lines.NoRotary, NoVerify: true}
		if one(3) {
			want.Rotary = random.IntN(2)
		}
		for one(3) {
			want.TTYs = append(want.TTYs, 1+random.IntN(len(c.Lines)))
		}
		got := c.omit(want)
		if expected := omitOfEach(c, want); got != expected {
			t.Fatalf("%+v, %+v: %+v, want %+v", c.idle(), want, got, expected)
		}
		if got.itself != 0 {
			itself++
		} else if got.trusted {
			trusted++
		}
	}
	if trusted < 100 || itself < 20 {
		t.Errorf("only %d trusted, %d themselves", trusted, itself)
	}
}

// omitOfEach asks for each called line, however many are alike.
func omitOfEach(c *Config, want lines.Want) (o omitted) {
	for _, called := range c.Lines {
		want.Called = called.TTY
		may, err := lines.Choose(want, c.idle())
		if called.Modem == lines.CallOut || err != nil {
			continue
		}
		for _, tty := range may {
			o.trusted = o.trusted || !c.Lines[tty-1].InBand
		}
		if (want.TTYs != nil || want.Rotary != lines.NoRotary) && slices.Equal(may, []int{called.TTY}) &&
			!called.SameLine {
			o.itself = called.TTY
			return o
		}
	}
	return o
}
