package aaa

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestAuthorizationJSON(t *testing.T) {
	rotary := 7
	a := Authorization{
		ServiceType: 9, Kind: "Callback-NAS-Prompt", Callback: true, Dialstring: DialstringOf("84001"), Rotary: &rotary,
		NoVerify: true, PrivLevel: 1,
		CallbackDelay: 5 * time.Second, SessionTimeout: 100 * time.Second, IdleTimeout: time.Minute,
		InterimInterval: 10 * time.Minute,
		Class:           [][]byte{{7}}, SendSecret: "canary",
	}
	b, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"service_type":9,"kind":"Callback-NAS-Prompt","callback":true,"dialstring":"84001","callback_rotary":7,"no_verify":true,"priv_lvl":1,` +
		`"callback_delay":"5s","session_timeout":"1m40s","idle_timeout":"1m0s","interim_interval":"10m0s"}`
	if string(b) != want {
		t.Errorf("%s\nwant %s", b, want)
	}
	var back Authorization
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	a.Class, a.SendSecret = nil, "" // JSON omits them
	if !reflect.DeepEqual(back, a) {
		t.Errorf("%+v\nwant %+v", back, a)
	}
	if err := json.Unmarshal([]byte(`{"session_timeout":"soon"}`), &back); err == nil {
		t.Error("an invalid duration was accepted")
	}
	if b, _ := json.Marshal(Authorization{}); string(b) != `{"callback":false,"dialstring":null}` {
		t.Errorf("%s", b)
	}
}
