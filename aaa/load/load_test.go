package load

import (
	"context"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
)

// turns answers each user as their name says.
type turns struct{}

func (turns) Start(_ context.Context, r aaa.Request) (aaa.Conversation, aaa.Result) {
	return nil, map[string]aaa.Result{
		"good": {Kind: aaa.Granted, Server: "s"}, "bad": {Kind: aaa.Refused, Server: "s"},
		"silent": {Kind: aaa.Silent, Reason: "no answer in 2s"},
		"asked":  {Kind: aaa.Prompt, Server: "s"}, "unsent": {Kind: aaa.Refused, Reason: "the password is too long"},
	}[r.User]
}

// Each answer is counted by its kind, and each lost login by its reason; numbers that vary in a reason do not make it a
// different one.
func TestAnswers(t *testing.T) {
	t.Parallel()
	users := []User{{Name: "good"}, {Name: "bad"}, {Name: "silent"}, {Name: "asked"}, {Name: "unsent"}}
	l := New(&Target{Method: turns{}, Protocol: ProtocolRADIUS, Server: "s", Dropped: func() uint64 { return 9 }},
		users, 50, 4)
	l.Run(t.Context())
	want := Answered{Granted: 10, Refused: 10, Challenged: 10, Silent: 10, Unsent: 10}
	r := l.Report()
	if r.Answers != want || r.Answers.Lost() != 20 || r.Done != 50 || r.Interrupted || r.Discarded != 9 ||
		r.Reasons["no answer in …"] != 10 || len(r.Reasons) != 2 {
		t.Errorf("%+v", r)
	}
	l.begun = l.ended.Add(-2 * time.Second)
	if p := l.Progress(l.ended); p.Done != 50 || p.Logins != 50 || p.PerSecond != 25 || p.Answers != want {
		t.Errorf("%+v", p)
	}
}
