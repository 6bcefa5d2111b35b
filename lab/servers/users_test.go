package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"layeh.com/radius"
)

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
# as Livingston's server had it in 1997
hana Password = "old", Client-Id = 192.0.2.4, Client-Port-Id = 7
	User-Service-Type = Dialback-Login-User, \
	Dialback-No = "9,1-800-555-1212",
	Login-Host = 192.0.2.1,
	Login-Service = PortMaster
DEFAULT	Framed-Protocol == PPP, Calling-Station-Id =~ '^84\d+$', NAS-Port != 3
	Framed-Protocol = PPP,
	Fall-Through = Yes
5552001 Auth-Type := Accept, Service-Type == Call-Check, Connect-Info =* ANY, State !* ANY
acc	Auth-Type = Local, Cleartext-Password := "a\101\\"
	USR-Callback-Type = Dynamic, Acc-Callback-Mode := CLI-Callback, Zyxel-Callback-Option = Mandatory, Shiva-Dialback-Delay = 5, Annex-Callback-Portlist = 3,
	Ascend-Callback = Callback-Yes, X-Ascend-CBCP-Mode = CBCP-User-Callback, Framed-IP-Address = 192.0.2.9, Attr-200 = 0x0102
DEFAULT Auth-Type := Reject
	Reply-Message = "Login incorrect"
`))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, u := range users {
		fmt.Fprintf(&got, "%s %s %v %v %v %q %q\n", u.Name, string(u.Password), u.Reject, u.Accept, u.FallThrough,
			u.Check, u.Reply)
	}
	want := `austin-01 pw 1 false false false [] ["Service-Type = Callback-NAS-Prompt" "Callback-Number = 84001" "Cisco-AVPair = shell:nocallback-verify=1"]
austin-02 pw2 false false false [] ["Service-Type = Callback-NAS-Prompt" "Cisco-AVPair = shell:callback-dialstring=" "Reply-Message = say \"hi\"\n"]
plain x false false false [] []
hana old false false false [{"Client-Id" "==" "192.0.2.4"} {"Client-Port-Id" "==" "7"}] ["User-Service-Type = Dialback-Login-User" "Dialback-No = 9,1-800-555-1212" "Login-Host = 192.0.2.1" "Login-Service = PortMaster"]
DEFAULT  false false true [{"Framed-Protocol" "==" "PPP"} {"Calling-Station-Id" "=~" "^84\\d+$"} {"NAS-Port" "!=" "3"}] ["Framed-Protocol = PPP"]
5552001  false true false [{"Service-Type" "==" "Call-Check"} {"Connect-Info" "=*" ""} {"State" "!*" ""}] []
acc aA\ false false false [] ["USR-Callback-Type = Dynamic" "Acc-Callback-Mode = CLI-Callback" "Zyxel-Callback-Option = Mandatory" "Shiva-Dialback-Delay = 5" "Annex-Callback-Portlist = 3" "Ascend-Callback = Callback-Yes" "X-Ascend-CBCP-Mode = CBCP-User-Callback" "Framed-IP-Address = 192.0.2.9" "Attr-200 = 0x0102"]
DEFAULT  true false false [] ["Reply-Message = Login incorrect"]
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestParseUsersErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"bob\n", "authorize:1: bob has neither"},
		{"bob NAS-Port == 1\n", "authorize:1: bob has neither"},
		{"bob Cleartext-Password := \"x\n", "authorize:1: unterminated quoted string"},
		{"bob Cleartext-Password == \"x\"\n",
			"authorize:1: check item Cleartext-Password == …: write Cleartext-Password :="},
		{"bob Cleartext-Password := x,\n", "a comma after the last check item"},
		{"bob Cleartext-Password := x Auth-Type := Reject\n", "no comma before Auth-Type"},
		{"bob Clear-Password := x\n", "authorize:1: check item Clear-Password := …: only Cleartext-Password and " +
			"Auth-Type can be set"},
		{"bob Crypt-Password := x\n", "only Cleartext-Password is supported"},
		{"bob Huntgroup-Name == x\n", "huntgroups are not supported: compare NAS-IP-Address"},
		{"bob Simultaneous-Use := 1\n", "not supported by this test server"},
		{"bob Auth-Type := Rejct\n", "Auth-Type := Rejct is not supported: did you mean Reject?"},
		{"bob Auth-Type := System\n", "Auth-Type := System is not supported"},
		{"bob Cleartext-Password := x, NAS-Prt == 1\n",
			"authorize:1: NAS-Prt: unknown attribute: did you mean NAS-Port?"},
		{"bob Cleartext-Password := x, Service-Type == Login-Usr\n", "did you mean Login-User?"},
		{"bob Cleartext-Password := x, User-Name =~ \"(\"\n", "check item User-Name =~: error parsing regexp"},
		{"bob Cleartext-Password := x, Fall-Through = Yes\n", "Fall-Through is a reply item"},
		{"bob Cleartext-Password := x, Fall\n", "near \"Fall\": not of the form"},
		{"\tService-Type = Login-User\n", "authorize:1: reply items before the first user"},
		{"bob Cleartext-Password := x\n\tService-Typ = 1\n",
			"authorize:2: Service-Typ: unknown attribute: did you mean Service-Type?"},
		{"bob Cleartext-Password := x\n\tService-Type = Nothing\n",
			"authorize:2: Service-Type: \"Nothing\" is neither"},
		{"bob Cleartext-Password := x\n\tService-Type\n", "authorize:2: near \"Service-Type\""},
		{"bob Cleartext-Password := x\n\tService-Type == 1\n", "authorize:2: reply item Service-Type: operator =="},
		{"bob Cleartext-Password := x\n\tCleartext-Password = 1\n", "authorize:2: Cleartext-Password is a check item"},
		{"bob Cleartext-Password := x\n\tFall-Through = Perhaps\n", "authorize:2: Fall-Through = Perhaps"},
		{"bob Cleartext-Password := x\n\tClass = \"%{User-Nam}\"\n",
			"authorize:2: Class: %{User-Nam}: unknown attribute: did you mean User-Name?"},
		{"bob Cleartext-Password := x\n\tReply-Message = `date`\n", "authorize:2: commands in backquotes"},
		{"bob Cleartext-Password := x\n\tLogin-IP-Host = here\n", "is not an address"},
		{"bob Cleartext-Password := x\n\tCallback-Number = \"" + strings.Repeat("1", 254) + "\"\n",
			"Callback-Number: longer than 253 octets"},
		{"bob Cleartext-Password := x\n\tUSR-Last-Number-Dialed-Out = \"" + strings.Repeat("1", 246) + "\"\n",
			"USR-Last-Number-Dialed-Out: longer than 245 octets"},
		{"bob Cleartext-Password := x\n\tService-Type = 1\n\tClass = y\n",
			"authorize:3: the previous line ends without a comma"},
		{"bob Cleartext-Password := x\n\tService-Type = 1,\n", "authorize:2: no reply item after the last comma"},
		{"bob Cleartext-Password := x\n\tService-Type = 1,", "authorize:2: no reply item after the last comma"},
		{"bob Cleartext-Password := x\n\tService-Type = 1,\nal Cleartext-Password := x\n",
			"authorize:3: the previous reply items end with a comma"},
		{"bob Cleartext-Password := x\nbob Cleartext-Password := y\n",
			"authorize:2: this entry of bob is never used: the one in line 1 always answers"},
		{"$INCLUDE other\n", "authorize:1: $INCLUDE: open"},
		{"$INCLUDE\n", "authorize:1: $INCLUDE requires one file"},
	} {
		_, err := ParseUsers(namedReader{strings.NewReader(tt.in), "authorize"})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), "authorize:") != 1 {
			t.Errorf("%q: %v, want %q once", tt.in, err, tt.want)
		}
	}
	for in, want := range map[string][]string{
		// each bad entry is one error and does not hide another's
		"bob Cleartext-Password := \"x\n\tService-Type = 7,\n\tClass = y\nkim Auth-Type := " +
			"Rejct\n\tClas = z\n": {"1: unterminated quoted string", "4: Auth-Type := Rejct"},
		"bob Cleartext-Password := x, NAS-Prt == 1, NAS-Pt == " +
			"2\n\tClas = z\n": {"1: NAS-Prt: unknown attribute"},
		"bob Cleartext-Password \"x\"\n\tService-Type " +
			"7,\n\tfoo\nkim\n": {"1: near \"Cleartext-Password\"", "4: kim has neither"},
		"bob Cleartext-Password := x\n\tClas = z,\n\tfoo\n\tService-Type = 1,\nal Cleartext-Password " +
			":= x,\n": {"2: Clas: unknown attribute", "5: a comma after"},
		"kim\nbob Cleartext-Password " +
			":= \"x\n": {"2: unterminated quoted string", "1: kim has neither"},
		"bob Cleartext-Pasword := x\n": {"1: check item Cleartext-Pasword := …: only Cleartext-Password and " +
			"Auth-Type can be set; compare with ==: did you mean Cleartext-Password?"},
	} {
		_, err := ParseUsers(namedReader{strings.NewReader(in), "authorize"})
		lines := strings.Split(fmt.Sprint(err), "\n")
		if len(lines) != len(want) {
			t.Errorf("%q: %q, want %q", in, lines, want)
			continue
		}
		for i, w := range want {
			if !strings.HasPrefix(lines[i], "authorize:"+w) {
				t.Errorf("%q: %q, want %q", in, lines[i], w)
			}
		}
	}
	if _, err := ParseUsers(strings.NewReader("$INCLUDE other\n")); err == nil ||
		!strings.Contains(err.Error(), "in a text that is not a file") {
		t.Error(err)
	}
}

func TestParseUsersInclude(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"users":     "al Cleartext-Password := a\n$INCLUDE sub/more\nzoe Cleartext-Password := z\n",
		"sub/more":  "bob Cleartext-Password := b\n\tService-Type = Login-User\n$INCLUDE third",
		"sub/third": "cy Cleartext-Password := c",
		"bad":       "$INCLUDE sub/wrong\nal Cleartext-Password := a\nbob Cleartext-Password := b\n",
		"sub/wrong": "\n\nbob Cleartext-Password := b\n\tService-Typ = 1\nal Cleartext-Password := a\n",
		"ring":      "$INCLUDE ring\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	parse := func(name string) ([]User, error) {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		return ParseUsers(f)
	}
	users, err := parse("users")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range users {
		names = append(names, u.Name)
	}
	if got := strings.Join(names, " "); got != "al bob cy zoe" {
		t.Error(got)
	}
	_, err = parse("bad")
	for _, want := range []string{"sub/wrong:4: Service-Typ", "bad:2: this entry of al is never used: the one at " +
		filepath.Join(dir, "sub/wrong") + ":5"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := parse("ring"); err == nil || !strings.Contains(err.Error(), "nested more than 10 deep") {
		t.Error(err)
	}
}

// A request is matched as FreeRADIUS does it: entries in order, including DEFAULT, until one does not fall through.
func TestMatch(t *testing.T) {
	users, err := ParseUsers(strings.NewReader(`
DEFAULT	Framed-Protocol == PPP
	Framed-Protocol = PPP, Idle-Timeout = 60, Reply-Message = "at %{NAS-Port-Id}%{Connect-Info}", Fall-Through = Yes
DEFAULT NAS-Port >= 100, NAS-Port < 200
	Port-Limit = 2, Fall-Through = Yes
bob	Calling-Station-Id == "84001", Cleartext-Password := "home"
	Idle-Timeout = 300, Reply-Message += "home"
bob	Calling-Station-Id =~ "^84", Cleartext-Password := "town"
	Idle-Timeout := 300
bob	Calling-Station-Id !* ANY, Auth-Type := Reject
bob	Cleartext-Password := "away"
DEFAULT	Suffix == ".ppp", Cleartext-Password := "p"
DEFAULT	Auth-Type := Reject
	Reply-Message = "no"
`))
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		user    string
		request []Attribute
		want    string
	}{
		{"bob", []Attribute{{"Calling-Station-Id", "84001"}}, "home [Idle-Timeout = 300 Reply-Message = home]"},
		{"bob", []Attribute{{"Calling-Station-Id", "84002"}}, "town [Idle-Timeout = 300]"},
		{"bob", []Attribute{{"Calling-Station-Id", "55555"}}, "away []"},
		{"bob", nil, " reject []"},
		{"bob", []Attribute{{"Caller-ID", "84001"}, {"Framed-Protocol", "PPP"}, {"NAS-Port-Id", "tty65"},
			{"NAS-Port", "199"}},
			"home [Framed-Protocol = PPP Idle-Timeout = 60 Reply-Message = at tty65 Port-Limit = 2 Reply-Message " +
				"= home]"},
		{"bob", []Attribute{{"Calling-Station-Id", "84002"}, {"Framed-Protocol", "PPP"}, {"NAS-Port", "99"}},
			"town [Framed-Protocol = PPP Idle-Timeout = 300 Reply-Message = at ]"},
		{"al.ppp", nil, "p []"},
		{"al", nil, " reject [Reply-Message = no]"},
	} {
		p := radius.New(radius.CodeAccessRequest, []byte("x"))
		for _, a := range append([]Attribute{{"User-Name", tt.user}}, tt.request...) {
			typ, v, err := a.Encode()
			if err != nil {
				t.Fatal(err)
			}
			p.Add(typ, v)
		}
		u, ok := Match(users, p)
		got := string(u.Password)
		if u.Reject {
			got += " reject"
		}
		if got += fmt.Sprint(" ", u.Reply); got != tt.want || !ok || u.Name != tt.user {
			t.Errorf("%d: %s, want %s", i, got, tt.want)
		}
	}
}

func FuzzParseUsers(f *testing.F) {
	f.Add("bob Cleartext-Password := \"x\"\n\tService-Type = 9, Class = 0x00\n")
	f.Add("a:=b\n \"\\\",")
	f.Add("DEFAULT NAS-Port >= 1, User-Name =~ '.'\n\tReply-Message = \"%{User-Name}\", Fall-Through = Yes\n\\\nx " +
		"Password = 1")
	f.Fuzz(func(t *testing.T, s string) {
		users, err := ParseUsers(strings.NewReader(s))
		if err != nil {
			return
		}
		if _, err := NewRADIUS(RADIUSConfig{Secret: "x", Users: users}); err != nil {
			t.Fatalf("what was parsed cannot be served: %v", err)
		}
		p := radius.New(radius.CodeAccessRequest, []byte("x"))
		p.Add(1, []byte("bob"))
		Match(users, p)
	})
}
