package aaa

import (
	"context"
	"reflect"
	"strings"
	"testing"
)

// Only an answer that says so lets a user dial out: a local user by its key, never `none`, `if-authenticated` or a
// server that merely knows the user. The number of a callback is none that may be dialed.
func TestLoginDialsOut(t *testing.T) {
	rotary := 1
	local, err := NewLocal([]User{
		{Name: "kim", Password: "pw", DialOut: true, Groups: []string{"staff"}, Callback: &UserCallback{
			Dialstring: DialstringOf("84001"), Rotary: &rotary}},
		{Name: "ann", Password: "pw"},
	})
	if err != nil {
		t.Fatal(err)
	}
	out := Authorization{PrivLevel: 1, DialOut: &DialOut{ModemScript: "^out"}, Dialstring: DialstringOf("5551234")}
	server := func(grants Result) apart {
		return apart{name: "tacacs", login: granted("kim", Authorization{PrivLevel: 1}), grants: grants}
	}
	for _, tt := range []struct {
		name     string
		by       Method
		then     []Authorizer
		user     string
		password Secret
		want     Authorization
		reason   string
	}{
		{"a local user", local, nil, "kim", "pw",
			Authorization{PrivLevel: 1, Groups: []string{"staff"}, DialOut: &DialOut{}, Grantor: "local"}, ""},
		{"a wrong password", local, nil, "kim", "other", Authorization{}, "wrong password"},
		{"a local user without the key", local, nil, "ann", "pw", Authorization{}, `local does not say that "ann" may ` +
			`dial out`},
		{"a server", server(granted("", out)), nil, "kim", "pw", Authorization{PrivLevel: 1, DialOut: out.DialOut,
			Dialstring: out.Dialstring, Grantor: "tacacs"}, ""},
		{"a server that grants a session", server(granted("", Authorization{PrivLevel: 15})), nil, "kim", "pw",
			Authorization{}, `tacacs does not say that "kim" may dial out`},
		{"a server that refuses", server(Result{Kind: Refused, Reason: "no such service"}), nil, "kim", "pw",
			Authorization{}, "no such service"},
		{"none", None{}, nil, "kim", "", Authorization{}, "none does not say"},
		{"if-authenticated", local, []Authorizer{IfAuthenticated{}}, "kim", "pw", Authorization{}, "does not say"},
		{"no list", nil, nil, "kim", "pw", Authorization{}, "every login is refused"},
	} {
		l := Login{Authentication: Lists{}, Authorization: AuthorizationLists{Outbound: {Entries: tt.then}}}
		if tt.by != nil {
			l.Authentication[Outbound] = List{Entries: []Method{tt.by}}
		}
		_, res := l.Start(context.Background(), Request{Service: Outbound, User: tt.user, Password: tt.password})
		switch {
		case tt.reason != "" && (res.Kind == Granted || !strings.Contains(res.Reason, tt.reason)):
			t.Errorf("%s: %v %q, want no grant, and %q", tt.name, res.Kind, res.Reason, tt.reason)
		case tt.reason != "" && res.Auth.DialOut != nil:
			t.Errorf("%s: a refusal grants %+v", tt.name, res.Auth)
		case tt.reason == "" && (res.Kind != Granted || !reflect.DeepEqual(res.Auth, tt.want)):
			t.Errorf("%s: %v %+v (%s), want %+v", tt.name, res.Kind, res.Auth, res.Reason, tt.want)
		}
	}
	if _, res := (Login{Authentication: Lists{EXEC: {Entries: []Method{local}}}}).Start(context.Background(),
		Request{Service: EXEC, User: "kim", Password: "pw"}); res.Auth.DialOut != nil || !res.Auth.Callback {
		t.Errorf("an EXEC session: %+v", res.Auth)
	}
}
