package aaatest

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

type named struct{ io.Reader }

func (named) Name() string { return "authorize" }

func TestParseUsers(t *testing.T) {
	users, err := ParseUsers(strings.NewReader(`# the users of the town
austin-01	Cleartext-Password := "pw 1"   # fixed number
	Service-Type = Callback-NAS-Prompt,
	Callback-Number = "84001", Cisco-AVPair += "shell:nocallback-verify=1"

austin-02 Cleartext-Password := pw2
	Service-Type = Callback-NAS-Prompt,
	# between
	Cisco-AVPair += "shell:callback-dialstring=",
	Reply-Message = "say \"hi\"\n"
plain Cleartext-Password := "x"
DEFAULT Auth-Type := Reject
	Reply-Message = "Login incorrect"
`))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, u := range users {
		fmt.Fprintf(&got, "%s %s %v %q\n", u.Name, string(u.Password), u.Reject, u.Reply)
	}
	want := `austin-01 pw 1 false ["Service-Type = Callback-NAS-Prompt" "Callback-Number = 84001" "Cisco-AVPair = shell:nocallback-verify=1"]
austin-02 pw2 false ["Service-Type = Callback-NAS-Prompt" "Cisco-AVPair = shell:callback-dialstring=" "Reply-Message = say \"hi\"\n"]
plain x false []
DEFAULT  true ["Reply-Message = Login incorrect"]
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestParseUsersErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"bob\n", "authorize:1: bob has neither"},
		{"bob Cleartext-Password := \"x\n", "authorize:1: a quoted string without its end"},
		{"bob Cleartext-Password == \"x\"\n", "only Cleartext-Password :="},
		{"bob Cleartext-Password := x,\n", "a comma after the last check item"},
		{"bob Cleartext-Password := x Auth-Type := Reject\n", "no comma before Auth-Type"},
		{"\tService-Type = Login-User\n", "authorize:1: reply items of nobody"},
		{"bob Cleartext-Password := x\n\tService-Typ = 1\n", "authorize:2: Service-Typ: an unknown attribute"},
		{"bob Cleartext-Password := x\n\tService-Type = Nothing\n", "authorize:2: Service-Type: \"Nothing\" is neither"},
		{"bob Cleartext-Password := x\n\tService-Type\n", "authorize:2: near \"Service-Type\""},
		{"bob Cleartext-Password := x\n\tService-Type == 1\n", "authorize:2: reply item Service-Type: the operator =="},
		{"bob Cleartext-Password := x\n\tLogin-IP-Host = here\n", "is not an address"},
		{"bob Cleartext-Password := x\n\tService-Type = 1\n\tClass = y\n", "authorize:3: the line before ends without a comma"},
		{"bob Cleartext-Password := x\n\tService-Type = 1,\n", "authorize:2: a comma promises"},
		{"bob Cleartext-Password := x\n\tService-Type = 1,\nal Cleartext-Password := x\n", "authorize:3: the reply items before end with a comma"},
		{"bob Cleartext-Password := x\nbob Cleartext-Password := y\n", "authorize:2: bob is there already, in line 1"},
	} {
		_, err := ParseUsers(named{strings.NewReader(tt.in)})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.in, err, tt.want)
		}
	}
}

func FuzzParseUsers(f *testing.F) {
	f.Add("bob Cleartext-Password := \"x\"\n\tService-Type = 9, Class = 0x00\n")
	f.Add("a:=b\n \"\\\",")
	f.Fuzz(func(t *testing.T, s string) {
		users, err := ParseUsers(strings.NewReader(s))
		if err != nil {
			return
		}
		if _, err := NewRADIUS(RADIUSConfig{Secret: "x", Users: users}); err != nil {
			t.Fatalf("what was parsed cannot be served: %v", err)
		}
	})
}
