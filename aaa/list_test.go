package aaa

import (
	"context"
	"strings"
	"testing"
)

// scripted is a method that returns the given results in order.
type scripted struct {
	name  string
	says  []Result
	asked int
	mute  bool // returns no conversation with a prompt
}

func (s *scripted) Name() string { return s.name }

func (s *scripted) Start(context.Context, Request) (Conversation, Result) {
	res := s.Answer(context.Background(), "")
	if s.mute {
		return nil, res
	}
	return s, res
}

func (s *scripted) Answer(context.Context, Secret) Result {
	s.asked++
	res := s.says[0]
	s.says = s.says[1:]
	return res
}

func TestListNextOnlyOnSilence(t *testing.T) {
	for _, tt := range []struct {
		name  string
		first Result
		want  Kind
		entry string
		next  int // how often the second is asked
	}{
		{"granted", Result{Kind: Granted}, Granted, "one", 0},
		{"refused", Result{Kind: Refused}, Refused, "", 0},
		{"silent", Result{}, Granted, "two", 1},
		{"granted but unusable", Result{Kind: Granted, Auth: Authorization{Refuse: "no", Callback: true}}, Refused, "",
			0},
		{"above the valid kinds", Result{Kind: 7}, Refused, "", 0},
		{"below the valid kinds", Result{Kind: -1}, Refused, "", 0},
	} {
		one := &scripted{name: "one", says: []Result{tt.first}}
		two := &scripted{name: "two", says: []Result{{Kind: Granted}}}
		c, res := List{Entries: []Method{one, nil, two}}.Start(context.Background(), Request{User: "u"})
		if c != nil || res.Kind != tt.want || res.Identity.Entry != tt.entry || two.asked != tt.next ||
			res.Auth.Callback {
			t.Errorf("%s: %+v, second asked %d times", tt.name, res, two.asked)
		}
		if tt.want == Granted && res.Identity.User != "u" {
			t.Errorf("%s: identity %v", tt.name, res.Identity)
		}
	}
}

func TestListConversationIsPinned(t *testing.T) {
	one := &scripted{name: "one", says: []Result{{Kind: Prompt}, {Kind: Prompt}, {Kind: Silent}, {Kind: Granted}}}
	two := &scripted{name: "two", says: []Result{{Kind: Granted}}}
	c, res := List{Entries: []Method{one, two}}.Start(context.Background(), Request{User: "u"})
	if res.Kind != Prompt || c == nil {
		t.Fatal(res)
	}
	if res = c.Answer(context.Background(), "x"); res.Kind != Prompt {
		t.Error(res)
	}
	if res = c.Answer(context.Background(), "x"); res.Kind != Silent || two.asked != 0 {
		t.Error("after silence in a conversation, another entry was asked")
	}
	if res = c.Answer(context.Background(), "x"); res.Kind != Refused || one.asked != 3 {
		t.Errorf("after the end: %+v", res)
	}
	one = &scripted{name: "one", says: []Result{{Kind: Prompt}}, mute: true}
	if c, res = (List{Entries: []Method{one, two}}).Start(context.Background(), Request{}); c != nil ||
		res.Kind != Refused {
		t.Errorf("a prompt without conversation: %+v", res)
	}
}

func TestListLegTwo(t *testing.T) {
	one, two := &scripted{name: "one", says: []Result{{}}}, &scripted{name: "two", says: []Result{{Kind: Granted}}}
	l := List{Name: "default", Entries: []Method{one, two}}
	if _, res := l.Start(context.Background(), Request{User: "u", Entry: "one"}); res.Kind != Silent || two.asked != 0 {
		t.Errorf("silencing the first entry let the second answer: %+v", res)
	}
	if _, res := l.Start(context.Background(), Request{User: "u", Entry: "three"}); res.Kind != Silent ||
		!strings.Contains(res.Reason, `"three"`) {
		t.Errorf("%+v", res)
	}
	if _, res := (List{}).Start(context.Background(), Request{User: "u"}); res.Kind != Silent || res.Reason == "" {
		t.Errorf("empty list: %+v", res)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, res := l.Start(ctx, Request{User: "u"}); res.Kind != Silent || two.asked != 0 {
		t.Errorf("ended context: %+v", res)
	}
}

func TestNone(t *testing.T) {
	if _, res := (List{Entries: []Method{None{}}}).Start(context.Background(),
		Request{User: "u"}); res.Kind != Granted || res.Identity != (Identity{"none", "u"}) || res.Auth.Callback {
		t.Errorf("%+v", res)
	}
	if _, res := (None{}).Start(context.Background(), Request{User: " u"}); res.Kind != Refused {
		t.Errorf("%+v", res)
	}
}

func TestCheckUser(t *testing.T) {
	for name, want := range map[string]string{
		"bob": "", "Bob@realm": "", "zoë": "", "two words": "", strings.Repeat("x", 253): "",
		"": "empty", " bob": "space", "bob ": "space", "bob\u00a0": "space", "b\x00b": "control", "b\rb": "control",
		"b\u0085b": "control", "\xff": "UTF-8", strings.Repeat("x", 254): "253",
	} {
		err := CheckUser(name)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}
