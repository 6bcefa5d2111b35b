package config

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
)

// triggerConfig is a configuration with a cellular line, a line without modem signals and one of another profile, and
// these triggers.
func triggerConfig(triggers string) string {
	return `aaa: {lists: {login: {default: [local]}}}
users: [{name: ted, password_file: kim.password}]
lines:
  - {tty: 65-66, port: "rfc2217://gsm.example.net:{2001+n}", profile: cellular}
  - {tty: 67, port: "tcp://gsm.example.net:3001", profile: cellular}
  - {tty: 68, port: "rfc2217://gsm.example.net:2009"}
` + triggers
}

func TestTriggers(t *testing.T) {
	c, problems, _ := loadText(t, triggerConfig(`triggers:
  lines: [65-66]
  keys: [{users: [ted, ann], file: radius.secret, senders: ["+12025551234"], service: ppp}]
  missed_calls: [{from: "+12025551234", user: ted}]
`), nil)
	if c == nil {
		t.Fatal(problems)
	}
	r := c.Triggers
	if r.Window != 5*time.Minute || r.PerHour != 6 || len(r.Keys) != 1 || len(r.Calls) != 1 ||
		r.Keys[0].Senders[0] != "12025551234" || r.Keys[0].Service != aaa.PPP || len(r.Keys[0].Secret) < 16 ||
		r.Calls[0].From != "12025551234" || r.Calls[0].Service != aaa.EXEC {
		t.Errorf("%+v", r)
	}
	for _, l := range c.Lines {
		if is := l.TTY <= 66; l.Messages != is || l.MissedCalls != is || l.CallCheck {
			t.Errorf("tty %d: messages %t, missed calls %t", l.TTY, l.Messages, l.MissedCalls)
		}
	}
	for _, want := range []string{"no policy allows callbacks by short messages",
		"no policy allows callbacks by missed calls"} {
		if !strings.Contains(problems, want) {
			t.Errorf("no warning %q in %s", want, problems)
		}
	}
}

func TestTriggerProblems(t *testing.T) {
	key := func(rest string) string {
		return "triggers: {lines: [65], keys: [{users: [ted], file: radius.secret" + rest + "}]}"
	}
	calls := func(line, calls string) string {
		return "triggers: {lines: [" + line + "], missed_calls: [" + calls + "]}"
	}
	keyOn := func(old, new string) string { return strings.Replace(key(""), old, new, 1) }
	for text, want := range map[string]string{
		"triggers: {}":                                             "triggers.lines: is required",
		"triggers: {lines: [65]}":                                  "nothing can request a callback",
		keyOn("65", "99"):                                          "there is no line 99",
		keyOn("65", "68"):                                          "tty 68, profile generic: the line's",
		keyOn("radius.secret", "short.secret"):                     "a key has 16 or more",
		keyOn("radius.secret", "nothing.key"):                      "nothing.key",
		keyOn("[ted]", "[ted, ted]"):                               "user ted has two keys",
		keyOn("[ted]", "[t ed]"):                                   "without spaces",
		key(", senders: [ted]"):                                    "a calling number is 1 to 20 digits",
		key(", service: telnet"):                                   "service",
		calls("67", "{from: '84001', user: ted}"):                  "missed_calls need modem signals",
		calls("65", "{from: '1;ATH', user: ted}"):                  "a calling number is 1 to 20 digits",
		calls("65", "{from: '1', user: a}, {from: '+1', user: b}"): "two entries",
		keyOn("lines", "window: 1s, lines"):                        "window",
	} {
		if c, problems, _ := loadText(t, triggerConfig(text+"\n"), nil); c != nil || !strings.Contains(problems, want) {
			t.Errorf("%s: %v\nmust say %s", text, problems, want)
		}
	}
	c, problems, _ := loadText(t, triggerConfig(strings.Replace(key(""), "lines", "window: 1h, lines", 1)+"\n"), nil)
	if c == nil || !strings.Contains(problems, "the window is 1h0m0s") {
		t.Error(problems)
	}
}
