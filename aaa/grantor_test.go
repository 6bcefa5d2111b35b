package aaa

import "testing"

// The entry that granted leg one also grants leg two: an attacker who silences it between the legs cannot make the next
// entry decide what the called side may do.
func TestGrantor(t *testing.T) {
	wide := Authorization{PrivLevel: 15, NoVerify: true}
	narrow := granted("", Authorization{PrivLevel: 1, Autocmd: "show users"})
	silent := Result{Reason: "silenced"}
	login := func(tacacs Result) Login {
		return Login{
			Authentication: Lists{EXEC: {Entries: []Method{apart{name: "tacacs",
				login: granted("kim", Authorization{})}}}},
			Authorization: AuthorizationLists{EXEC: {Name: "default",
				Entries: []Authorizer{apart{name: "tacacs", grants: tacacs},
					apart{name: "local", grants: granted("", wide)}}}},
		}
	}
	_, one := login(narrow).Start(t.Context(), Request{Service: EXEC, User: "kim"})
	if one.Kind != Granted || one.Auth.Grantor != "tacacs" || one.Auth.PrivLevel != 1 {
		t.Fatalf("leg one: %+v", one)
	}
	two := Request{Service: EXEC, User: "kim", Leg: 2, Entry: one.Identity.Entry, Grantor: one.Auth.Grantor}
	if _, res := login(silent).Start(t.Context(), two); res.Kind != Silent || res.Auth.PrivLevel != 0 {
		t.Errorf("leg two, verified: %+v", res)
	}
	if res := login(silent).Reauthorize(t.Context(), two, one.Identity, one.Auth); res.Kind != Silent ||
		res.Auth.NoVerify {
		t.Errorf("leg two, not verified: %+v", res)
	}
	// The control: after the same silence on leg one, the next entry grants, and then leg two needs that entry.
	_, one = login(silent).Start(t.Context(), Request{Service: EXEC, User: "kim"})
	if one.Auth.Grantor != "local" || one.Auth.PrivLevel != 15 {
		t.Fatalf("leg one: %+v", one)
	}
	two.Grantor = one.Auth.Grantor
	if _, res := login(narrow).Start(t.Context(), two); res.Auth.Grantor != "local" {
		t.Errorf("leg two: %+v", res)
	}
	// An entry that is gone grants nothing.
	gone := Login{Authentication: Lists{EXEC: {Entries: []Method{apart{name: "tacacs",
		login: granted("kim", Authorization{})}}}},
		Authorization: AuthorizationLists{EXEC: {Entries: []Authorizer{None{}}}}}
	if _, res := gone.Start(t.Context(), two); res.Kind != Refused {
		t.Errorf("after the entry was removed: %+v", res)
	}
	// Without a list, the entry that authenticated grants, on both legs.
	plain := Login{Authentication: Lists{EXEC: {Entries: []Method{fixed{"radius", granted("kim", wide)}}}}}
	_, one = plain.Start(t.Context(), Request{Service: EXEC, User: "kim"})
	if one.Auth.Grantor != "radius" {
		t.Fatalf("%+v", one)
	}
	if _, res := plain.Start(t.Context(), Request{Service: EXEC, User: "kim", Leg: 2, Entry: "radius",
		Grantor: "tacacs"}); res.Kind != Refused {
		t.Errorf("leg one granted by another entry: %+v", res)
	}
	// The list for commands authorizes commands, whichever entry granted the session.
	q := Question{Request: Request{Grantor: "tacacs"}, Identity: one.Identity, Command: []string{"show", "users"}}
	commands := AuthorizationLists{Commands: {Entries: []Authorizer{IfAuthenticated{}}}}
	if res := (Login{Authorization: commands}).Command(t.Context(), q); res.Kind != Granted {
		t.Errorf("a command: %+v", res)
	}
}
