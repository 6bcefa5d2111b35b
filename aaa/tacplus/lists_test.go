package tacplus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/tacplus"
)

// authenticates is a server that authenticates every user and does not answer authorization requests.
func authenticates(l *link) {
	replies(func(p wire) []byte {
		if p.kind == 1 {
			return authenReply(pass, 0, "", "")
		}
		return nil
	})(l)
}

// If TACACS+ authenticates a user and then goes silent, the next entries of the list authorize them. `local` also
// answers for unknown users, so that no entry after it is asked.
func TestSilentBeforeAuthorization(t *testing.T) {
	t.Parallel()
	local, err := aaa.NewLocal([]aaa.User{{Name: "kim", Password: "other", PrivLevel: 7,
		Callback: &aaa.UserCallback{Dialstring: aaa.DialstringOf("84001")}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		user   string
		behind []aaa.Authorizer
		kind   aaa.Kind
		level  int
		number string
		reason string
	}{
		{"kim", []aaa.Authorizer{local, aaa.None{}}, aaa.Granted, 7, "84001", ""},
		{"bob", []aaa.Authorizer{local, aaa.None{}}, aaa.Refused, 0, "", `no user "bob"`},
		{"bob", []aaa.Authorizer{aaa.None{}}, aaa.Granted, 1, "", ""},
		{"bob", nil, aaa.Silent, 0, "", "no answer in 5s"},
	} {
		inTown(t, tacplus.Config{}, func(w *town) {
			l := aaa.Login{Authentication: aaa.Lists{aaa.EXEC: {Entries: []aaa.Method{w.client}}},
				Authorization: aaa.AuthorizationLists{aaa.EXEC: {Entries: append([]aaa.Authorizer{w.client},
					tt.behind...)}}}
			r := caller
			r.User = tt.user
			_, res := l.Start(w.t.Context(), r)
			w.clean(res)
			if res.Kind != tt.kind || res.Auth.PrivLevel != tt.level || res.Auth.Dialstring.Value() != tt.number ||
				!strings.Contains(res.Reason, tt.reason) {
				t.Errorf("%s, %d later entries: %+v", tt.user, len(tt.behind), res)
			}
			if res.Kind == aaa.Granted && res.Identity != (aaa.Identity{Entry: "tacacs", User: tt.user}) {
				t.Errorf("%s is %v", tt.user, res.Identity)
			}
		}, server{Serve: authenticates})
	}
}

// With `enable` by [tacacs, enable], the typed password goes to the next method while the server has not asked the
// caller anything; once it has, its silence ends the attempt.
func TestEnableSilentMidway(t *testing.T) {
	t.Parallel()
	enable := aaa.List{Name: "default"}
	ask := aaa.Request{Service: aaa.EXEC, User: "bob", Password: canary, Enable: 15}
	midway := func(question []byte) server { // answers START with one question, then nothing
		return server{Serve: replies(func(p wire) []byte {
			if p.seq == 1 {
				return question
			}
			return nil
		})}
	}
	inTown(t, tacplus.Config{}, func(w *town) {
		enable.Entries = []aaa.Method{w.client, aaa.NewEnableSecret(aaa.PlainHash(canary))}
		_, res := aaa.Login{Authentication: aaa.Lists{aaa.Enable: enable}}.Start(w.t.Context(), ask)
		if res.Kind != aaa.Granted || res.Server != "enable" {
			t.Errorf("%+v", res)
		}
	}, midway(authenReply(getPass, noEcho, "Password:", "")))
	inTown(t, tacplus.Config{}, func(w *town) {
		enable.Entries = []aaa.Method{w.client, aaa.NewEnableSecret(aaa.PlainHash(canary))}
		conv, res := aaa.Login{Authentication: aaa.Lists{aaa.Enable: enable}}.Start(w.t.Context(), ask)
		if res.Kind != aaa.Prompt {
			t.Fatalf("%+v", res)
		}
		begun := time.Now()
		if res = conv.Answer(w.t.Context(), canary); res.Kind != aaa.Silent || time.Since(begun) != 5*time.Second {
			t.Errorf("after %v: %+v", time.Since(begun), res)
		}
		if res = conv.Answer(w.t.Context(), canary); res.Kind != aaa.Refused {
			t.Errorf("%+v", res)
		}
	}, midway(authenReply(getData, noEcho, "Code:", "")))
}

// Groups that share a server share its health, but are two entries: neither answers leg two of the other.
func TestGroupsShareServers(t *testing.T) {
	t.Parallel()
	inTown(t, tacplus.Config{}, func(w *town) {
		ab, err := w.client.Group("ab", "one", "two")
		if err != nil {
			t.Fatal(err)
		}
		ac, err := w.client.Group("ac", "one", "three")
		if err != nil {
			t.Fatal(err)
		}
		login := aaa.Login{Authentication: aaa.Lists{aaa.EXEC: {Entries: []aaa.Method{ab, ac}}}}
		_, res := login.Start(w.t.Context(), caller)
		if res.Kind != aaa.Granted || res.Server != "two" || res.Identity.Entry != "ab" {
			t.Fatalf("%+v", res)
		}
		dialed := w.connections("one")
		_, res = aaa.List{Entries: []aaa.Method{ac}}.Start(w.t.Context(), caller)
		if res.Kind != aaa.Granted || res.Server != "three" || res.Identity.Entry != "ac" ||
			w.connections("one") != dialed {
			t.Errorf("%+v, %d connections to the dead server", res, w.connections("one"))
		}
		r := caller
		r.Entry, r.Leg = "ab", 2
		if _, res = ac.Start(w.t.Context(), r); res.Kind != aaa.Silent ||
			!strings.Contains(res.Reason, "ac must not answer for ab") {
			t.Errorf("%+v", res)
		}
		if _, res = login.Start(w.t.Context(), r); res.Kind != aaa.Granted || res.Identity.Entry != "ab" {
			t.Errorf("%+v", res)
		}
	}, server{Serve: mute}, server{Serve: replies(lets)}, server{Serve: replies(lets)})
}

// lets authenticates and authorizes everybody.
func lets(p wire) []byte {
	if p.kind == 2 {
		return authorReply(passAdd, "")
	}
	return authenReply(pass, 0, "", "")
}
