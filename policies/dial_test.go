package policies

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/trunks"
)

// The group's script and wait are in a decision that may lead to a callback, and a pending callback keeps them.
func TestDial(t *testing.T) {
	then := Dial{Script: "slow-modems", ModemScript: "modems$", SystemScript: "^acme", Wait: 30 * time.Second,
		RejectInUse: true}
	typed := Numbers{From: AnySource(), Allow: []string{"84*"}}
	s := mustServe(t, site, Policy{Dial: then, Numbers: typed})
	ask := fixed
	ask.Dialstring = aaa.DialstringOf("")
	for _, tt := range []struct {
		auth  aaa.Authorization
		want  Outcome
		dial  Dial
		trace string
	}{
		{fixed, CallBack, then, "script: slow-modems, modem_script: modems$, system_script: ^acme, wait: 30s, " +
			"on_number_in_use: reject"},
		{ask, AskNumber, then, ""},
		{aaa.Authorization{}, Admit, Dial{}, ""},
	} {
		d, trace := s.Evaluate(Request{Auth: tt.auth, Service: aaa.EXEC})
		if d.Outcome != tt.want || d.Dial != tt.dial || !strings.Contains(trace.String(), tt.trace) {
			t.Errorf("%+v\n%s", d, trace)
		}
	}

	r := Request{Auth: fixed, Service: aaa.EXEC}
	promised, _ := s.Evaluate(r)
	r.Promised = &promised
	for _, now := range []Dial{{}, {Script: "fast-modems", Wait: time.Second}} {
		if d, trace := mustServe(t, site, Policy{Dial: now}).Evaluate(r); d.Outcome != CallBack || d.Dial != then {
			t.Errorf("%+v\n%s", d, trace)
		}
	}
}

func TestDialProblems(t *testing.T) {
	known := site
	known.Scripts = map[string]SiteScript{"slow-modems": {Dials: true}, "pin": {Dials: true, Adds: "9,"}, "offhook": {}}
	trunked := known
	trunked.Trunks = trunks.List{{Name: "pstn"}}
	for _, tt := range []struct {
		site       Site
		text, want string
	}{
		{known, "script: slow-modems\nwait: 1h", ""},
		{site, "script: nobody", ""}, // not known without the configuration
		{known, "script: nobody", `g.yaml:2:9: script: there is no chat script "nobody" (see the key chat_scripts of`},
		{known, "script: slow", `there is no chat script "slow"`}, // a name, no pattern
		{known, "script: offhook", `chat script offhook sends no \T, so it dials no number (it needs "ATDT \T")`},
		{known, "script: pin", ""},
		{trunked, "script: slow-modems", ""},
		{trunked, "script: pin", `chat script pin dials "9," besides the number, but the site has trunks (write ATDT \T, `},
		{known, `script: ""`, "g.yaml:2:9: script: "},
		{known, "wait: 2h", "g.yaml:2:7: wait: "},
		{known, "wait: -1s", "g.yaml:2:7: wait: "},
		{known, "wait: 30", "g.yaml:2:7: wait: "},
	} {
		l := loader{files: map[string]*policyFile{}}
		l.parse("g.yaml", "g.yaml", []byte("group: g\n"+tt.text+"\n"))
		s, problems := l.set(tt.site)
		if (s != nil) != (tt.want == "") || !strings.Contains(problems.String(), tt.want) {
			t.Errorf("%s: %v", tt.text, problems)
		}
	}
}
