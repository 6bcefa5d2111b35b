package policies

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/texts"
)

// No callback is placed for a session that leg two would be refused, whether checked at the login or right
// before the dial.
func TestSessions(t *testing.T) {
	auth := with(fixed, func(a *aaa.Authorization) { a.PortLimit = 2 })
	s := mustNew(t)
	then, _ := s.Evaluate(Request{Auth: auth, Service: aaa.EXEC, Used: Used{Sessions: 1}})
	if then.Outcome != CallBack {
		t.Fatalf("%+v", then)
	}
	for _, r := range []Request{{}, {Promised: &then}, {Promised: &then, Renewed: true}} {
		r.Identity.User, r.Auth, r.Service, r.Used.Sessions = "kim", auth, aaa.EXEC, 2
		if d, _ := s.Evaluate(r); d.Outcome != Refuse ||
			d.Reason != "user kim has 2 sessions, and AAA allows 2 (Port-Limit)" || d.Text != texts.RefusedCallback {
			t.Errorf("%+v", d)
		}
	}
}

// Ask copies everything relevant from AAA's request and result. A new field of Request must be added here too.
func TestAsk(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	q := aaa.Request{Service: aaa.PPP, User: "KIM", Leg: 2, Caller: "84007", Called: "5550100", TTY: 65}
	got := Ask(q, aaa.Result{Kind: aaa.Granted, Identity: aaa.Identity{Entry: "radius", User: "kim"}, Auth: fixed},
		Line{Rotary: ptr(1), Trusted: true}, now, Used{Sessions: 3})
	want := Request{Identity: aaa.Identity{Entry: "radius", User: "kim"}, Auth: fixed, Service: aaa.PPP, Leg: 2,
		Caller: "84007", Called: "5550100", TTY: 65,
		Line: Line{Rotary: ptr(1), Trusted: true}, Time: now, Used: Used{Sessions: 3}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

// No other code builds a Request: it could omit a field that is added later.
func TestRequestsAreAsked(t *testing.T) {
	made := regexp.MustCompile(`policies\.Request\{[^}]`)
	err := filepath.WalkDir("..", func(file string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "policies" || d.Name() != ".." &&
			strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(file)
		if made.Match(text) {
			t.Errorf("%s makes a policies.Request (call policies.Ask)", file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
