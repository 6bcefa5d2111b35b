package aaa

import (
	"context"
	"strings"
	"testing"
)

// apart is a method that authenticates and authorizes in separate requests, as TACACS+ does. It records the questions.
type apart struct {
	name    string
	login   Result
	answers []Result // of a conversation that begins with a Prompt
	grants  Result
	asked   *[]Question
}

func (a apart) Name() string { return a.name }

func (a apart) Start(context.Context, Request) (Conversation, Result) {
	if a.login.Kind == Prompt {
		return &answering{a.answers}, a.login
	}
	return nil, a.login
}

func (a apart) Authorize(_ context.Context, q Question) Result {
	if a.asked != nil {
		*a.asked = append(*a.asked, q)
	}
	return a.grants
}

type answering struct{ answers []Result }

func (s *answering) Answer(context.Context, Secret) Result {
	res := s.answers[0]
	s.answers = s.answers[1:]
	return res
}

func granted(user string, a Authorization) Result {
	return Result{Kind: Granted, Server: "s", Identity: Identity{User: user}, Auth: a}
}

func TestLoginAuthorizes(t *testing.T) {
	number := Authorization{Callback: true, Dialstring: DialstringOf("84001"), PrivLevel: 1}
	plain := Authorization{PrivLevel: 1, Class: [][]byte{{7}}, ReplyMessage: "hello"}
	tac := func(login, grants Result) apart { return apart{name: "tacacs", login: login, grants: grants} }
	for _, tt := range []struct {
		name     string
		login    List
		exec     []Authorizer
		want     Kind
		callback bool
		reason   string
	}{
		{"authorization in a separate request",
			List{Entries: []Method{tac(granted("kim", plain), granted("", number))}},
			nil, Granted, true, ""},
		{"a refused authorization refuses",
			List{Entries: []Method{tac(granted("kim", plain), Result{Kind: Refused, Reason: "no"})}}, nil, Refused,
			false, "no"},
		{"after a silent authorization the user is not admitted",
			List{Entries: []Method{tac(granted("kim", plain), Result{Reason: "gone"})}}, nil, Silent, false,
			"tacacs: gone"},
		{"an authorization that cannot be honored",
			List{Entries: []Method{tac(granted("kim", plain), granted("", Authorization{Refuse: "odd"}))}}, nil,
			Refused, false, "odd"},
		{"a prompt as the answer to an authorization",
			List{Entries: []Method{tac(granted("kim", plain), Result{Kind: Prompt})}},
			nil, Refused, false, "invalid answer"},
		{"the next entry after silence", List{Entries: []Method{tac(granted("kim", plain), Result{Reason: "gone"})}},
			[]Authorizer{tac(Result{}, Result{Reason: "gone"}), IfAuthenticated{}}, Granted, false, ""},
		{"no further entry after a refusal", List{Entries: []Method{tac(granted("kim", plain), Result{})}},
			[]Authorizer{tac(Result{}, Result{Kind: Refused, Reason: "no"}), None{}}, Refused, false, "no"},
		{"RADIUS grants with the authentication", List{Entries: []Method{fixed{"radius", granted("kim", number)}}},
			[]Authorizer{Brought{Entry: "radius"}}, Granted, true, ""},
		{"RADIUS is silent about users of other entries",
			List{Entries: []Method{fixed{"local", granted("kim", number)}}},
			[]Authorizer{Brought{Entry: "radius"}}, Silent, false, "local authenticated"},
		{"without a list the grant stays valid", List{Entries: []Method{fixed{"radius", granted("kim", number)}}}, nil,
			Granted, true, ""},
		{"no authentication", List{Entries: []Method{None{}}}, []Authorizer{IfAuthenticated{}}, Refused, false,
			"the user was not authenticated"},
		{"a refused login is not authorized",
			List{Entries: []Method{tac(Result{Kind: Refused, Reason: "wrong"}, granted("", number))}}, nil, Refused,
			false, "wrong"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := Login{Authentication: Lists{EXEC: tt.login},
				Authorization: AuthorizationLists{EXEC: {Entries: tt.exec}}}
			_, res := l.Start(t.Context(), Request{Service: EXEC, User: "kim", Password: "pw"})
			if res.Kind != tt.want || res.Auth.Callback != tt.callback || !strings.Contains(res.Reason, tt.reason) {
				t.Fatalf("%v %+v: %s", res.Kind, res.Auth, res.Reason)
			}
			if known := tt.reason == "no" || tt.reason == "odd" || tt.reason == "invalid answer"; res.Known != known {
				t.Errorf("known %v", res.Known)
			}
			if res.Kind == Granted && (res.Identity.User != "kim" || res.Identity.Entry == "" || res.Server == "") {
				t.Errorf("identity %+v, server %q", res.Identity, res.Server)
			}
			if res.Kind != Granted && (res.Identity != Identity{} || res.Auth.Dialstring.IsSet()) {
				t.Errorf("%v carries %+v %+v", res.Kind, res.Identity, res.Auth)
			}
		})
	}
}

// fixed is a method that always returns the same result and cannot authorize.
type fixed struct {
	name string
	res  Result
}

func (f fixed) Name() string { return f.name }

func (f fixed) Start(context.Context, Request) (Conversation, Result) { return nil, f.res }

func TestLoginKeepsWhatAccountingNeeds(t *testing.T) {
	m := apart{name: "tacacs", login: granted("kim", Authorization{Class: [][]byte{{7}}, ReplyMessage: "hello"}),
		grants: granted("mallory", Authorization{PrivLevel: 15})}
	_, res := Login{Authentication: Lists{EXEC: {Entries: []Method{m}}}}.Start(t.Context(),
		Request{Service: EXEC, User: "kim"})
	if res.Kind != Granted || res.Identity != (Identity{"tacacs", "kim"}) || res.Auth.PrivLevel != 15 ||
		len(res.Auth.Class) != 1 || res.Auth.ReplyMessage != "hello" {
		t.Fatalf("%+v", res)
	}
}

// The question to the authorizer contains no password in any form.
func TestLoginConversation(t *testing.T) {
	var asked []Question
	m := apart{name: "tacacs", login: Result{Kind: Prompt, Message: "code"},
		answers: []Result{{Kind: Prompt}, granted("kim", Authorization{})},
		grants:  granted("", Authorization{Callback: true, Dialstring: DialstringOf("")}), asked: &asked}
	c, res := Login{Authentication: Lists{EXEC: {Entries: []Method{m}}}}.Start(t.Context(),
		Request{Service: EXEC, User: "kim", Password: "canary", TTY: 65, EAP: []byte{1}, CHAP: &CHAP{},
			MSCHAP: &MSCHAP{}})
	if res.Kind != Prompt || c == nil {
		t.Fatalf("%+v", res)
	}
	if res = c.Answer(t.Context(), "x"); res.Kind != Prompt {
		t.Fatalf("%+v", res)
	}
	if res = c.Answer(t.Context(), "y"); res.Kind != Granted || !res.Auth.Dialstring.IsNull() {
		t.Fatalf("%+v", res)
	}
	if res = c.Answer(t.Context(), "z"); res.Kind != Refused {
		t.Fatalf("after the end: %+v", res)
	}
	q := asked[0]
	if len(asked) != 1 || q.TTY != 65 || q.Identity != (Identity{"tacacs", "kim"}) || q.Password != "" ||
		q.EAP != nil || q.CHAP != nil || q.MSCHAP != nil {
		t.Fatalf("%+v", asked)
	}
}

func TestLoginServices(t *testing.T) {
	l := Login{
		Authentication: Lists{EXEC: {Entries: []Method{fixed{"exec", granted("kim", Authorization{})}}},
			PPP:    {Entries: []Method{fixed{"ppp", granted("kim", Authorization{})}}},
			Enable: {Entries: []Method{NewEnableSecret(PlainHash("privileged"))}}},
		Authorization: AuthorizationLists{PPP: {Entries: []Authorizer{Brought{Entry: "ppp"}}}},
	}
	for service, entry := range map[Service]string{EXEC: "exec", PPP: "ppp"} {
		if _, res := l.Start(t.Context(), Request{Service: service, User: "kim"}); res.Identity.Entry != entry {
			t.Errorf("%s: %+v", service, res)
		}
	}
	if _, res := l.Start(t.Context(), Request{User: "kim", Password: "privileged", Enable: 7}); res.Kind != Granted ||
		res.Auth.PrivLevel != 7 {
		t.Errorf("enable: %+v", res)
	}
	if _, res := l.Start(t.Context(), Request{User: "kim", Password: "wrong", Enable: 7}); res.Kind != Refused {
		t.Errorf("enable with a wrong password: %+v", res)
	}
	if _, res := NewEnableSecret(PlainHash("privileged")).Start(t.Context(),
		Request{User: "kim", Password: "privileged"}); res.Kind != Refused {
		t.Errorf("the enable password logs in: %+v", res)
	}
	for _, r := range []Request{{Service: EXEC}, {Service: PPP}, {Enable: 15}} {
		if _, res := (Login{}).Start(t.Context(), r); res.Kind != Silent {
			t.Errorf("the zero Login and %+v: %+v", r, res)
		}
	}
}

func TestReauthorize(t *testing.T) {
	id := Identity{"radius", "kim"}
	old := Authorization{Callback: true, Dialstring: DialstringOf("84001"), Class: [][]byte{{7}}}
	// No entry can be asked: what was granted stays valid.
	if res := (Login{Authentication: Lists{EXEC: {Entries: []Method{fixed{"radius",
		Result{}}}}}}).Reauthorize(t.Context(), Request{Service: EXEC}, id, old); res.Kind != Granted ||
		res.Auth.Dialstring.Value() != "84001" {
		t.Errorf("%+v", res)
	}
	// The entry that answered leg one is no longer in the list: no other entry answers leg two, and its grant is no
	// longer valid.
	for _, entries := range [][]Method{nil, {fixed{"local", Result{}}, None{}}} {
		if res := (Login{Authentication: Lists{EXEC: {Name: "default", Entries: entries}}}).Reauthorize(t.Context(),
			Request{Service: EXEC}, id, old); res.Kind != Refused ||
			!strings.Contains(res.Reason, `no entry "radius"`) {
			t.Errorf("%+v", res)
		}
	}
	// A lookup replaces the grant, and its refusal and silence count.
	for _, kind := range []Kind{Granted, Refused, Silent} {
		var looked string
		b := Brought{"radius", func(_ context.Context, r Request) Result {
			looked = r.User
			return Result{Kind: kind, Auth: Authorization{Dialstring: DialstringOf("84009")}}
		}}
		l := Login{Authentication: Lists{EXEC: {Entries: []Method{fixed{"radius", Result{}}}}},
			Authorization: AuthorizationLists{EXEC: {Entries: []Authorizer{b}}}}
		res := l.Reauthorize(t.Context(), Request{Service: EXEC}, id, old)
		if res.Kind != kind || looked != "kim" || kind == Granted &&
			(res.Auth.Dialstring.Value() != "84009" || len(res.Auth.Class) != 1) {
			t.Errorf("%v: looked %q, %+v", kind, looked, res)
		}
	}
	// TACACS+ is asked without a password.
	var asked []Question
	l := Login{Authentication: Lists{EXEC: {Entries: []Method{apart{name: "tacacs", grants: Result{Kind: Refused},
		asked: &asked}}}}}
	if res := l.Reauthorize(t.Context(), Request{Service: EXEC}, Identity{"tacacs", "kim"}, old); res.Kind != Refused ||
		len(asked) != 1 || !asked[0].NoPassword || asked[0].User != "kim" {
		t.Errorf("%+v %+v", res, asked)
	}
}

// TestVouch: only an answer about the user counts, and it is asked without a password.
func TestVouch(t *testing.T) {
	local, err := NewLocal([]User{{Name: "kim", Password: "pw",
		Callback: &UserCallback{Dialstring: DialstringOf("84001")}}})
	if err != nil {
		t.Fatal(err)
	}
	lookup := Brought{"radius", func(_ context.Context, r Request) Result {
		if r.User != "kim" {
			return Result{Kind: Refused, Reason: "unknown"}
		}
		return Result{Kind: Granted, Auth: Authorization{Dialstring: DialstringOf("84009")}}
	}}
	radius := fixed{"radius", Result{}}
	with := func(authorization []Authorizer, entries ...Method) Login {
		return Login{Authentication: Lists{EXEC: {Name: "default", Entries: entries}},
			Authorization: AuthorizationLists{EXEC: {Entries: authorization}}}
	}
	for name, tt := range map[string]struct {
		login  Login
		user   string
		kind   Kind
		number string
		reason string
	}{
		"local":        {with(nil, local), "kim", Granted, "84001", ""},
		"unknown user": {with(nil, local), "kam", Refused, "", `no user "kam"`},
		"no list":      {Login{}, "kim", Refused, "", "method list"},
		"RADIUS":       {with(nil, radius, local), "kim", Refused, "", "radius cannot say"},
		"RADIUS, authorization": {with([]Authorizer{Brought{Entry: "radius"}}, radius), "kim", Refused, "",
			"cannot say"},
		"RADIUS with Call-Check": {with([]Authorizer{lookup}, radius), "kim", Granted, "84009", ""},
		"Call-Check rejects":     {with([]Authorizer{lookup}, radius), "kam", Refused, "", "unknown"},
		"none":                   {with(nil, None{}, local), "kim", Refused, "", "none cannot say"},
		"if-authenticated":       {with([]Authorizer{IfAuthenticated{}}, local), "kim", Refused, "", "cannot say"},
		"none authorizes":        {with([]Authorizer{local, None{}}, local), "kim", Refused, "", "none cannot say"},
		"rejecting TACACS+": {with(nil, apart{name: "tacacs", grants: Result{Kind: Refused, Reason: "no"}}), "kim",
			Refused, "", "no"},
	} {
		res := tt.login.Vouch(t.Context(), Request{Service: EXEC, User: tt.user})
		if res.Kind != tt.kind || res.Auth.Dialstring.Value() != tt.number ||
			!strings.Contains(res.Reason, tt.reason) ||
			tt.kind == Granted && (res.Identity.User != tt.user || res.Auth.Refuse != "") ||
			tt.kind != Granted && res.Auth.Callback {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

func TestCommand(t *testing.T) {
	q := Question{Identity: Identity{"tacacs", "kim"}, PrivLevel: 1, Command: []string{"show", "users"}}
	if res := (Login{}).Command(t.Context(), q); res.Kind != Granted {
		t.Errorf("without a list: %+v", res)
	}
	for name, tt := range map[string]struct {
		entry Authorizer
		want  Kind
	}{
		"brought":          {Brought{Entry: "tacacs"}, Refused},
		"if-authenticated": {IfAuthenticated{}, Granted},
		"none":             {None{}, Granted},
		"silent":           {apart{name: "x"}, Silent},
	} {
		commands := AuthorizationLists{Commands: {Entries: []Authorizer{tt.entry}}}
		if res := (Login{Authorization: commands}).Command(t.Context(), q); res.Kind != tt.want {
			t.Errorf("%s: %+v", name, res)
		}
	}
}

func TestLocalAuthorizes(t *testing.T) {
	l, err := NewLocal([]User{{Name: "kim", Password: "pw",
		Callback: &UserCallback{Dialstring: DialstringOf("84001")}}})
	if err != nil {
		t.Fatal(err)
	}
	if res := l.Authorize(t.Context(), Question{Identity: Identity{"tacacs", "kim"}}); res.Kind != Granted ||
		res.Auth.Dialstring.Value() != "84001" {
		t.Errorf("%+v", res)
	}
	if res := l.Authorize(t.Context(), Question{Identity: Identity{"tacacs", "lee"}}); res.Kind != Refused {
		t.Errorf("%+v", res)
	}
	if res := l.Authorize(t.Context(), Question{Identity: Identity{"tacacs", "kim"}, PrivLevel: 7,
		Command: []string{"clear"}}); res.Kind != Refused {
		t.Errorf("%+v", res)
	}
}

// Each silent entry is reported to the operator, whatever the next one answers; a caller who hangs up is not a server's
// failure.
func TestSilentIsTold(t *testing.T) {
	var told []string
	silent := func(entry, user, reason string) { told = append(told, entry+" "+user+" "+reason) }
	l := List{Entries: []Method{fixed{"a", Result{Reason: "gone"}}, fixed{"b", granted("kim", Authorization{})}},
		Silent: silent}
	l.Start(t.Context(), Request{User: "kim"})
	AuthorizationList{Entries: []Authorizer{apart{name: "c", grants: Result{Reason: "gone"}}, None{}},
		Silent: silent}.Authorize(t.Context(), Question{Identity: Identity{User: "kim"}})
	over, cancel := context.WithCancel(t.Context())
	cancel()
	List{Entries: []Method{fixed{"d", Result{Reason: "gone"}}}, Silent: silent}.Start(over, Request{User: "kim"})
	if got := strings.Join(told, "; "); got != "a kim gone; c kim gone" {
		t.Error(got)
	}
}
