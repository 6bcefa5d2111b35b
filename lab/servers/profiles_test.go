package servers

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

type namedReader struct {
	io.Reader
	name string
}

func (n namedReader) Name() string { return n.name }

// The callback sample of the tac_plus users' guide; the text is original, only the numbers are changed.
func TestParseTACACS(t *testing.T) {
	p, err := ParseTACACS(strings.NewReader(`key = fookey # of the access server
user = foobar {
   arap = cleartext AAAA
   login = cleartext LLLL
   chap = cleartext CCCC
   pap = cleartext PPPP
   opap = cleartext OOOO
   service = ppp protocol = lcp {
        callback-dialstring=84001
   }
   service = arap {
        callback-dialstring=84002
   }
   service = exec {
        callback-dialstring=84003
        callback-line=7
        nocallback-verify=1
   }
}
user = tremens { default service = permit
  login = cleartext "ci \"s\" co"   global = cleartext all
  service = ppp protocol = lcp { callback-dialstring = ""  send-secret = "cisco" }
  cmd = show { permit "^ip\.route$" deny {.*} } }
`))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	fmt.Fprintf(&got, "%s\n", string(p.Key))
	for _, u := range p.Users {
		fmt.Fprintf(&got, "%s %s %s %s %s %s %v %v\n", u.Name, string(u.Login), string(u.PAP), string(u.CHAP),
			string(u.MSCHAP), u.Default, u.Services, u.Commands)
	}
	want := `fookey
foobar LLLL PPPP CCCC   [{ppp lcp false [callback-dialstring=84001]} {arap  false [callback-dialstring=84002]} {exec  false [callback-dialstring=84003 callback-line=7 nocallback-verify=1]}] []
tremens ci "s" co all all all permit [{ppp lcp false [callback-dialstring= send-secret=cisco]}] [{show [{true ^ip\.route$} {false {.*}}]}]
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

func TestParseTACACSErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"ky = x", "f:1: unknown word ky here: did you mean key? (valid: "},
		{"user = bob {\n logn = cleartext x }", "f:2: unknown word logn in the profile of bob: did you mean login?"},
		{"user = bob {\n login = des XQj4892fjk }",
			"f:2: login = des: only `cleartext PASSWORD` is supported, because CHAP"},
		{"user = bob { login = cleartext \"\" }", "f:1: login = cleartext: the password must have 1 to 254 octets"},
		{"user = bob { member = admin }\ngroup = admins { }",
			"f:1: bob is a member of admin: there is no such group: did you mean admins?"},
		{"user = bob { }\nuser = bob { }", "f:2: user bob is defined twice"},
		{"user = bob {\n", "f:2: unexpected end of file, expected the } of user bob"},
		{"user bob { }", "f:1: unexpected bob, expected = after user"},
		{"user = bob { service = ppp protocol = lcp x }", "f:1: unexpected x, expected { after service = ppp"},
		{"user = bob { service = ppp protocol = lcp { addr*1 = 2 } }", "write `optional addr1 = …`"},
		{"user = bob { cmd = show { allow .* } }", "f:1: unknown word allow in cmd = show (valid: permit, deny)"},
		{"user = bob { cmd = show { permit (  } }", "f:1: permit (: error parsing regexp"},
		{"user = bob { default service = maybe }", "f:1: default service = maybe: must be permit or deny"},
		{"user = bob { default sevice = permit }", "f:1: default sevice: only `default service"},
		{"user = bob { login = \"x\n\" }", "f:1: quoted string without end in its line"},
		{"key = \"", "f:1: unterminated quoted string"},
		{"key = }", "f:1: unexpected }, expected the value of key"},
		{"key =", "f:1: unexpected end of file, expected the value of key"},
		{"user = bob { login = cleartxt \"pw\" cmd = show { permit ( } }",
			"f:1: login = cleartxt: only `cleartext PASSWORD`"},
		{"accounting line = x", "only `accounting file = …` is supported"},
		{"user = bob { service = exec { a = \"" + strings.Repeat("x", 254) + "\" } }",
			"attribute a: longer than 255 octets"},
	} {
		_, err := ParseTACACS(namedReader{strings.NewReader(tt.in), "f"})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), "f:") != 1 {
			t.Errorf("%q: %v, want %q once", tt.in, err, tt.want)
		}
	}
}

// Each bad user is one error and does not hide another's.
func TestParseTACACSErrorPerUser(t *testing.T) {
	_, err := ParseTACACS(namedReader{strings.NewReader("user = a {\n login = crypt abc\n cmd = show { permit ( " +
		"}\n}\nuser = b { login = cleartext pw }\nuser = c { default service = maybe }\n"), "f"})
	lines := strings.Split(fmt.Sprint(err), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "f:2: login = crypt: only") ||
		!strings.HasPrefix(lines[1], "f:6: default service = maybe") {
		t.Errorf("%q", lines)
	}
}

func FuzzParseTACACS(f *testing.F) {
	f.Add(tacTestConfig)
	f.Add("user={service=exec{optional a=\"\\\"}cmd=x{permit .*}")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParseTACACS(strings.NewReader(s))
		if err != nil {
			if strings.Count(err.Error(), "tac_plus.conf:") > 10+strings.Count(s, "tac_plus.conf:") {
				t.Fatalf("more than ten errors: %v", err)
			}
			return
		}
		if _, err := NewTACACS(TACACSConfig{Profiles: p}); err != nil {
			t.Fatalf("what was parsed cannot be served: %v", err)
		}
		for _, u := range p.Users {
			p.decide(tacRequest{user: u.Name, args: []string{"service=shell", "cmd=show", "cmd-arg=x"}})
		}
	})
}

// No client may crash the server.
func FuzzTACACSBodies(f *testing.F) {
	f.Add(byte(tacAuthen), []byte("\x01\x01\x01\x01\x03\x00\x00\x00bob"))
	f.Add(byte(tacAuthor), []byte("\x06\x01\x01\x01\x03\x00\x00\x02\x0d\x04bobservice=shellcmd="))
	f.Add(byte(tacAcct), []byte("\x02\x06\x01\x01\x01\x03\x00\x00\x01\x09bobtask_id=1"))
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		p, err := ParseTACACS(strings.NewReader(tacTestConfig))
		if err != nil {
			t.Fatal(err)
		}
		s, err := NewTACACS(TACACSConfig{Profiles: p})
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		ses := &tacSession{}
		switch kind % 3 {
		case 0:
			s.authenticate(ses, tacHeader{version: 0xc0}, body, TACACSFaults{}, &e)
			s.authenticate(ses, tacHeader{version: 0xc1}, body, TACACSFaults{}, &e)
		case 1:
			s.authorize(body, TACACSFaults{}, &e)
		case 2:
			s.account("peer", body, TACACSFaults{}, &e)
		}
	})
}

// TestParseTACACSEachEntry: a bad entry is one error and does not hide the errors after it; a bad group is not reported
// as missing.
func TestParseTACACSEachEntry(t *testing.T) {
	const text = `user = ann { bogus = 3 service = exec { a = b } also = 4 }
group = staff { bogus }
user = bob { member = staff }
user = cid { login = des x }
user = dan { cmd = show { permt "}" } }
user = eve { logn = x }
`
	_, err := ParseTACACS(namedReader{strings.NewReader(text), "f"})
	if err == nil {
		t.Fatal("no error")
	}
	var lines []string
	for _, l := range strings.Split(err.Error(), "\n") {
		lines = append(lines, l[:3])
	}
	if got := strings.Join(lines, " "); got != "f:1 f:2 f:4 f:5 f:6" {
		t.Errorf("errors at %s:\n%v", got, err)
	}
}
