package aaa

import (
	"strings"
	"testing"
)

// A user with services has no others, whatever proves the password; the reason is for the log, and the caller learns
// no more than of a wrong password.
func TestLocalServices(t *testing.T) {
	l, err := NewLocal([]User{
		{Name: "any", Password: "sesame"},
		{Name: "exec", Password: "sesame", Services: []Service{EXEC}},
		{Name: "ppp", Password: "sesame", Services: []Service{PPP},
			Callback: &UserCallback{Dialstring: DialstringOf("84001")}},
		{Name: "both", Password: "sesame", Services: []Service{PPP, EXEC}},
	})
	if err != nil {
		t.Fatal(err)
	}
	chap := CHAP{ID: 7, Challenge: []byte("a challenge")}
	chap.Response = chap.Answer("sesame")
	for _, tt := range []struct {
		user    string
		service Service
		want    Kind
	}{
		{"any", EXEC, Granted}, {"any", PPP, Granted}, {"any", "", Granted},
		{"exec", EXEC, Granted}, {"exec", "", Granted}, {"exec", PPP, Refused},
		{"ppp", PPP, Granted}, {"ppp", EXEC, Refused}, {"ppp", "", Refused},
		{"both", EXEC, Granted}, {"both", PPP, Granted},
		// of a session that was granted
		{"ppp", Enable, Granted}, {"exec", Commands, Granted},
	} {
		eap, prompt := l.Start(t.Context(), Request{Service: tt.service, User: tt.user, EAP: []byte{2, 1, 0, 5, 1}})
		response := append([]byte{2, 2, 0, 22, 4, 16}, CHAP{ID: 2, Challenge: prompt.EAP[6:]}.Answer("sesame")...)
		_, byPassword := l.Start(t.Context(), Request{Service: tt.service, User: tt.user, Password: "sesame"})
		_, byCHAP := l.Start(t.Context(), Request{Service: tt.service, User: tt.user, CHAP: &chap})
		for method, res := range map[string]Result{"password": byPassword, "CHAP": byCHAP,
			"EAP": eap.Answer(t.Context(), Secret(response))} {
			if res.Kind != tt.want {
				t.Errorf("%s, %s, %s: %+v", tt.user, tt.service, method, res)
			}
			if tt.want == Refused && (res.Message != "" || res.Auth.Callback || res.Identity != (Identity{}) ||
				!res.Known || !strings.Contains(res.Reason, "may not use")) {
				t.Errorf("%s, %s, %s: %+v", tt.user, tt.service, method, res)
			}
		}
		_, wrong := l.Start(t.Context(), Request{Service: tt.service, User: tt.user, Password: "other"})
		if wrong.Kind != Refused || wrong.Known || !strings.Contains(wrong.Reason, "wrong password") {
			t.Errorf("%s, %s, wrong password: %+v", tt.user, tt.service, wrong)
		}
	}
	two, err := NewLocal([]User{
		{Name: "kim", Password: "sesame", Services: []Service{EXEC}, PrivLevel: 15},
		{Name: "kim", Password: "other", Services: []Service{PPP},
			Callback: &UserCallback{Dialstring: DialstringOf("84001")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		service  Service
		password Secret
		want     Kind
		callback bool
		level    int
	}{
		{EXEC, "sesame", Granted, false, 15}, {EXEC, "other", Refused, false, 0},
		{PPP, "other", Granted, true, 1}, {PPP, "sesame", Refused, false, 0},
		{Enable, "sesame", Granted, false, 15},
	} {
		_, res := two.Start(t.Context(), Request{Service: tt.service, User: "kim", Password: tt.password})
		if res.Kind != tt.want || res.Auth.Callback != tt.callback || res.Auth.PrivLevel != tt.level || res.Known {
			t.Errorf("%s, %s: %+v", tt.service, string(tt.password), res)
		}
	}
	for service, want := range map[Service]Kind{EXEC: Granted, PPP: Refused, Commands: Granted} {
		res := l.Authorize(t.Context(), Question{Request: Request{Service: service},
			Identity: Identity{Entry: "radius", User: "exec"}})
		if res.Kind != want || res.Auth.Callback || want == Refused && !res.Known {
			t.Errorf("authorization of %s: %+v", service, res)
		}
	}
	if _, err := NewLocal([]User{{Name: "kim", Password: "a", Services: []Service{PPP}},
		{Name: "kim", Password: "b"}}); err == nil || !strings.Contains(err.Error(), "defined twice") {
		t.Errorf("%v", err)
	}
	if _, err := NewLocal([]User{{Name: "x", Password: "p", Services: []Service{Enable}}}); err == nil ||
		!strings.Contains(err.Error(), `service "enable": not exec or ppp`) {
		t.Errorf("%v", err)
	}
}

// A place is a Callback-Id: the policies look it up.
func TestLocalPlace(t *testing.T) {
	l, err := NewLocal([]User{{Name: "kim", Password: "pw", Callback: &UserCallback{Place: "office"}}})
	if err != nil {
		t.Fatal(err)
	}
	_, res := l.Start(t.Context(), Request{User: "kim", Password: "pw"})
	if !res.Auth.Callback || res.Auth.CallbackID != "office" || res.Auth.Dialstring.IsSet() {
		t.Errorf("%+v", res.Auth)
	}
	for _, c := range []UserCallback{{Place: "office", Dialstring: DialstringOf("")},
		{Place: "office", Further: []string{"84001"}}} {
		if _, err := NewLocal([]User{{Name: "kim", Password: "pw", Callback: &c}}); err == nil ||
			!strings.Contains(err.Error(), "both a number and a place") {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
