package policies

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
)

// The terms of a file are in the decision of each leg, and their canonical text is what the file says; the defaults
// change no digest.
func TestEXECTerms(t *testing.T) {
	const every = "commands: [call, cancel, clear, connect, debug, drain, enable, help, line, lockdown, no, " +
		"ppp, reload, service, " +
		"show, start-chat, telnet, test, undebug, undrain]"
	const all = "exec: {privilege: 15, commands: [show, telnet, call, connect, start-chat, enable, help, ppp, clear, " +
		"undebug, test, cancel, debug, line, lockdown, no, reload, service, drain, undrain]}\n"
	for text, want := range map[string]string{
		"":                       "privilege: 15, " + every + ", hosts: " + anyHost,
		all:                      "privilege: 15, " + every + ", hosts: " + anyHost,
		"exec: {privilege: 0}\n": "privilege: 0, " + every + ", hosts: " + anyHost,
		"exec: {commands: []}\n": "privilege: 15, commands: [], hosts: " + anyHost,
		"exec: {hosts: []}\n":    "privilege: 15, " + every + ", hosts: []",
		"exec: {privilege: 1, commands: [telnet, help], hosts: [192.0.2.5, 10.1.2.3/8, '2001:db8::/32']}\n": "" +
			"privilege: 1, commands: [help, telnet], hosts: [10.0.0.0/8, 192.0.2.5/32, 2001:db8::/32]",
	} {
		s, problems := loadText(map[string]string{"g.yaml": "group: g\n" + text})
		if s == nil {
			t.Fatal(problems)
		}
		for leg := 1; leg <= 2; leg++ {
			d, _ := s.Evaluate(Request{Auth: aaa.Authorization{Groups: []string{"g"}}, Service: aaa.EXEC, Leg: leg})
			if d.Outcome != Admit || d.EXEC.String() != want {
				t.Errorf("%q, leg %d: %s %s, want %s", text, leg, d.Outcome, d.EXEC, want)
			}
			b, err := json.Marshal(d)
			var back Decision
			if err != nil || json.Unmarshal(b, &back) != nil || back.EXEC.String() != want {
				t.Errorf("%s: %+v %v", b, back, err)
			}
		}
		p, _ := s.Group("g")
		if plain := (Policy{Group: "g"}).Digest(); (p.Digest() == plain) != (text == "" || text == all) {
			t.Errorf("%q: digest of\n%s", text, p.Canonical())
		}
	}
	if !(EXEC{}).IsZero() || (EXEC{Commands: []string{}}).IsZero() || !reflect.DeepEqual(Policy{}.EXEC, EXEC{}) {
		t.Error("which terms narrow nothing is wrong")
	}
}

func TestEXECTermsInvalid(t *testing.T) {
	for text, want := range map[string]string{
		"exec: {privilege: 16}\n":             "exec.privilege: 16 is",
		"exec: {commands: [write]}\n":         `exec.commands[0]: "write" is not "call"`,
		"exec: {hosts: [bbs.example]}\n":      `exec.hosts[0]: "bbs.example" is not an address or a prefix`,
		"exec: {hosts: ['fe80::1%eth0']}\n":   "is not an address or a prefix",
		"exec: {hosts: ['10.0.0.0/33']}\n":    "is not an address or a prefix",
		"exec: {hosts: ['192.0.2.5:2323']}\n": "is not an address or a prefix",
	} {
		s, problems := loadText(map[string]string{"g.yaml": "group: g\n" + text})
		if s != nil || !strings.Contains(problems.String(), want) {
			t.Errorf("%q: %v, want %s", text, problems, want)
		}
	}
}
