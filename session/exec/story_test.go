package exec

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

var update = flag.Bool("update", false, "rewrite the screens and reports of the stories; then read the diff")

// TestStories plays testdata/*.txt. The first part of a story has one event per line:
//
//	verdict KIND [TEXT]      the broker's next verdict, of Decide or Promise
//	leg2 verify|noverify USER
//	type KEYS                and Enter; escapes such as \x03 are as for %q
//	keys KEYS                without Enter
//	wait DURATION
//	hangup, clear
//
// The part "screen" is the output to the terminal (without CR), "end" the outcome and the reports to the broker.
func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var screen, end string
			synctest.Test(t, func(t *testing.T) { screen, end = playStory(t, string(part(ar, "story"))) })
			if *update {
				ar.Files = []txtar.File{{Name: "story", Data: part(ar, "story")},
					{Name: "screen", Data: []byte(screen)}, {Name: "end", Data: []byte(end)}}
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(part(ar, "screen")); screen != want {
				t.Errorf("screen:\n%s\nwant:\n%s", screen, want)
			}
			if want := string(part(ar, "end")); end != want {
				t.Errorf("end:\n%s\nwant:\n%s", end, want)
			}
		})
	}
}

func part(ar *txtar.Archive, name string) []byte {
	for _, f := range ar.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// town are the users of the stories.
func town() fakeLogin {
	return fakeLogin{
		"austin-01": {password: "xxxxx",
			auth: aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("84001"), NoVerify: true}},
		"austin-02": {password: "xxxxx", auth: aaa.Authorization{Callback: true, Dialstring: aaa.DialstringOf("")}},
		"plain":     {password: "xxxxx"},
		"root":      {password: "xxxxx", auth: aaa.Authorization{PrivLevel: 15}},
		"greeted": {password: "xxxxx",
			auth: aaa.Authorization{ReplyMessage: "Welcome\x1b[2J\r\nto \u009b31mMaui\x00"}},
		"token": {password: "xxxxx", challenge: "Enter\x07 code\x1b[1m:"},
		"typed": {password: "xxxxx", auth: aaa.Authorization{Refuse: "Service-Type 2 is not served"}},
	}
}

func playStory(t *testing.T, story string) (screen, end string) {
	b := &fakeBroker{}
	sc := scene{login: town(), broker: b, daemon: newDaemon(), cfg: settings{}}
	var p *person
	var shown strings.Builder
	for line := range strings.Lines(story) {
		verb, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if p == nil && scenery(t, &sc, verb, rest) {
			continue
		}
		if p == nil {
			p = dialIn(t, sc)
			shown.WriteString(p.sees())
		}
		act(t, p, verb, rest)
		shown.WriteString(p.sees())
	}
	if p == nil {
		t.Fatal("a story without an event")
	}
	ended := p.isOver()
	if !ended {
		p.cancel(errCleared)
	}
	out := p.ends()
	shown.WriteString(p.sees())
	if !ended {
		t.Errorf("the story ends before the session: %v", out)
	}
	end = fmt.Sprintf("%v cause %d callback %q tries %d after %v: %s\n%s\n", out.Kind, out.Cause, out.CallbackID,
		out.Tries, p.took, out.Reason, b.told())
	return shown.String() + "\n", end
}

// scenery handles a line that prepares the call.
func scenery(t *testing.T, sc *scene, verb, rest string) bool {
	switch verb {
	case "#":
	case "banner":
		sc.cfg.exec.Banner = unquote(t, rest)
	case "verdict":
		kind, text, _ := strings.Cut(rest, " ")
		kinds := map[string]session.VerdictKind{"refuse": session.Refuse, "admit": session.Admit,
			"fixed": session.Offered, "choose": session.Offered, "bad": session.BadChoice, "promised": session.Promised,
			"unknown": 99}
		v := session.Verdict{Kind: kinds[kind], Text: texts.Key(unquote(t, text)), Reason: "as the policy says"}
		switch kind {
		case "fixed":
			v.Offer = fixed.Offer
		case "choose":
			v.Offer = toType.Offer
		case "promised":
			v.CallbackID = "cb1"
		}
		sc.broker.verdicts = append(sc.broker.verdicts, v)
	case "leg2":
		how, name, _ := strings.Cut(rest, " ")
		sc.leg = session.Leg{Number: 2, CallbackID: "cb1", Identity: aaa.Identity{Entry: "radius", User: name},
			NoVerify: how == "noverify", Auth: town()[name].auth, Server: "primary"}
	default:
		return false
	}
	return true
}

func act(t *testing.T, p *person, verb, rest string) {
	t.Helper()
	switch verb {
	case "type":
		p.types(unquote(t, rest) + "\r")
		p.waits(100 * time.Millisecond) // duration of an AAA answer
	case "keys":
		p.types(unquote(t, rest))
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			t.Fatal(err)
		}
		p.waits(d)
	case "hangup":
		p.data.lose()
		synctest.Wait()
	case "clear":
		p.cancel(errCleared)
		synctest.Wait()
	default:
		t.Fatalf("unknown word in a story: %q", verb)
	}
}

func unquote(t *testing.T, s string) string {
	t.Helper()
	r := strings.NewReplacer(`\x03`, "\x03", `\x1a`, "\x1a", `\x1b`, "\x1b", `\x7f`, "\x7f", `\xff`, "\xff", `\t`, "\t",
		`\r`, "\r", `\n`, "\n")
	return r.Replace(s)
}

// document5732 is the output on the PC's terminal in Cisco document 5732, between CONNECT and NO CARRIER (leg one) and
// after the second CONNECT (leg two).
var document5732 = map[string][2]string{
	"5732 no-verify": {
		"\nusername: austin-01\npassword:\n\nCallback initiated - line is disconnected\n",
		"\nmaui-nas-04>",
	},
	"5732 any number": {
		"\nUsername: austin-02\npassword:\n\nCallback Dialstring: 84001\nCallback initiated - line is disconnected\n",
		"\nUsername: austin-02\npassword:\nmaui-nas-04>",
	},
}

// fold returns the lines of a transcript in lower case, without blank lines.
func fold(s string) string {
	var rows []string
	for row := range strings.Lines(s) {
		if row = strings.TrimSpace(row); row != "" {
			rows = append(rows, strings.ToLower(row))
		}
	}
	return strings.Join(rows, "\n")
}

func TestDocument5732(t *testing.T) {
	plays := map[string]func(t *testing.T) (one, two string){
		"5732 no-verify": func(t *testing.T) (string, string) {
			b := &fakeBroker{verdicts: []session.Verdict{fixed, {Kind: session.Promised, CallbackID: "cb1"}}}
			p := dialIn(t, scene{login: town(), broker: b})
			p.types("austin-01\r")
			p.types("xxxxx\r")
			out := p.ends()
			if out.Kind != session.CallbackPromised || out.CallbackID != "cb1" || out.Cause != aaa.CauseCallback {
				t.Errorf("leg one: %+v", out)
			}
			if p.data.drained == 0 {
				t.Error("the last output was not drained")
			}
			two := dialIn(t, scene{login: nobodyMayAsk{t},
				broker: &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}, leg: session.Leg{
					Number: 2, CallbackID: "cb1", NoVerify: true,
					Identity: b.asked[0].Identity, Auth: b.asked[0].Auth}})
			prompt := two.sees()
			two.hangsUp()
			return p.sees(), prompt
		},
		"5732 any number": func(t *testing.T) (string, string) {
			b := &fakeBroker{verdicts: []session.Verdict{toType},
				promise: func(_ context.Context, c session.Choice) session.Verdict {
					if c.Number != "84001" {
						return session.Verdict{Kind: session.BadChoice}
					}
					return session.Verdict{Kind: session.Promised, CallbackID: "cb2"}
				}}
			p := dialIn(t, scene{login: town(), broker: b})
			p.types("austin-02\r")
			p.types("xxxxx\r")
			p.waits(100 * time.Millisecond)
			p.types("84001\r")
			if out := p.ends(); out.Kind != session.CallbackPromised || out.CallbackID != "cb2" {
				t.Errorf("leg one: %+v", out)
			}
			two := dialIn(t, scene{login: town(),
				broker: &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}, leg: session.Leg{
					Number: 2, CallbackID: "cb2", Identity: b.asked[0].Identity}})
			two.types("austin-02\r")
			two.types("xxxxx\r")
			two.waits(100 * time.Millisecond)
			prompt := two.sees()
			two.hangsUp()
			return p.sees(), prompt
		},
	}
	for name, want := range document5732 {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				one, two := plays[name](t)
				if fold(one) != fold(want[0]) {
					t.Errorf("leg one:\n%s\nwant:\n%s", one, want[0])
				}
				if fold(two) != fold(want[1]) {
					t.Errorf("leg two:\n%s\nwant:\n%s", two, want[1])
				}
			})
		})
	}
}

// nobodyMayAsk is the login of a leg without verification: any request fails the test.
type nobodyMayAsk struct{ t *testing.T }

func (n nobodyMayAsk) Start(_ context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	n.t.Error("AAA was asked on a leg that is not verified")
	return nil, aaa.Result{Reason: errors.New("asked").Error()}
}

func (n nobodyMayAsk) Command(context.Context, aaa.Question) aaa.Result {
	n.t.Error("AAA was asked for a command on a leg where none was typed")
	return aaa.Result{}
}
