package servers_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/lab/servers"
)

const testSecret = "a secret of 24 octets..."

// listening starts a server on loopback that runs until the test ends.
func listening(t *testing.T, c servers.RADIUSConfig) *servers.RADIUS {
	t.Helper()
	c.Secret, c.Log = testSecret, t.Logf
	s, err := servers.NewRADIUS(c)
	if err == nil {
		err = s.Listen(":0", ":0")
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return s
}

// radclient sends a request and returns the reply's name and attributes as FreeRADIUS's own dictionary prints them,
// sorted, without signatures.
func radclient(t *testing.T, server, secret, kind, request string) string {
	t.Helper()
	path, err := exec.LookPath("radclient")
	if err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal("needs radclient: apt-get install freeradius-utils")
		}
		t.Skip("needs radclient: apt-get install freeradius-utils")
	}
	cmd := exec.Command(path, "-x", "-r", "1", "-t", "5", server, kind, secret)
	cmd.Stdin = strings.NewReader(request)
	out, _ := cmd.CombinedOutput() // its status is 1 for a Reject
	_, reply, ok := strings.Cut(string(out), "\nReceived ")
	if !ok {
		t.Fatalf("%s: no reply\n%s", request, out)
	}
	lines := strings.Split(strings.TrimRight(reply, "\n"), "\n")
	code, _, _ := strings.Cut(lines[0], " ")
	var attrs []string
	for _, l := range lines[1:] {
		if strings.HasPrefix(l, "\t") && !strings.Contains(l, "Message-Authenticator") {
			attrs = append(attrs, strings.TrimSpace(l))
		}
	}
	slices.Sort(attrs)
	return code + "\n" + strings.Join(attrs, "\n")
}

// peerUsers is read by FreeRADIUS and by this server.
const peerUsers = `# every dialect, and every way to match
DEFAULT	Framed-Protocol == PPP, NAS-Port < 100
	Framed-Compression = Van-Jacobson-TCP-IP, Idle-Timeout = 60, Fall-Through = Yes

rfc	Cleartext-Password := "pw 1"
	Service-Type = Callback-NAS-Prompt, Callback-Number = "84001", Callback-Id = "home",
	Session-Timeout = 3600, Idle-Timeout = 300, Port-Limit = 1, Class = 0x00ff,
	Reply-Message = "one", Reply-Message = "two \"quoted\" \\ end", Reply-Message += "three",
	Login-IP-Host = 192.0.2.1, Login-Service = Telnet, Login-TCP-Port = 2323, Filter-Id = "G:sales:D{84001}",
	Framed-IP-Address = 255.255.255.254, Framed-IPv6-Prefix = "2001:db8:1::/48", Framed-Interface-Id = 0:1:2:abcd

old	Cleartext-Password := "pw"
	User-Service-Type = Dialback-Login-User, Dialback-No = "9,1-800-555-1212", Dialback-Name = "place", Login-Host = 192.0.2.1, Framed-Netmask = 255.255.255.0

cisco	Cleartext-Password := "pw"
	Cisco-AVPair = "lcp:callback-dialstring=5551004", Cisco-AVPair += "shell:priv-lvl=15", Cisco-AVPair += "shell:callback-dialstring=", Cisco-Idle-Limit = 60

ascend	Cleartext-Password := "pw"
	Ascend-Callback = Callback-Yes, Ascend-Dial-Number = "5551234", Ascend-CBCP-Mode = CBCP-User-Callback, Ascend-CBCP-Trunk-Group = 9, Ascend-Callback-Delay = 15,
	Ascend-Send-Secret = "sixteen-octets-x", Ascend-Data-Svc = Switched-64KR

raw	Cleartext-Password := "pw"
	X-Ascend-Callback = Callback-Yes, X-Ascend-Dial-Number = "5551234", X-Ascend-Idle-Limit = 7

lucent	Cleartext-Password := "pw"
	Lucent-Callback = 1, Lucent-CBCP-Mode = 2

usr	Cleartext-Password := "pw"
	USR-Callback-Type = Dynamic, USR-Last-Number-Dialed-Out = "5551234", USR-Port-Tap-Format = 3

acc	Cleartext-Password := "pw"
	Acc-Callback-Mode = CLI-Callback, Acc-Callback-Num-Valid = "555*", Acc-Callback-CBCP-Type = CBCP-User-Specified, Acc-Callback-Delay = 3

boxes	Cleartext-Password := "pw"
	Zyxel-Callback-Option = Mandatory, Zyxel-Callback-Phone-Source = User, Shiva-Dialback-Delay = 20, Annex-Callback-Portlist = 5, MS-CHAP-Domain = "d"

multi	Cleartext-Password := "here", Calling-Station-Id == "84001"
	Reply-Message = "exact"
multi	Cleartext-Password := "there", Calling-Station-Id =~ "^84"
	Reply-Message = "pattern at %{NAS-Port-Id}, caller %{Calling-Station-Id}", Idle-Timeout := 30
multi	Cleartext-Password := "port", NAS-Port > 50, NAS-Port <= 60
	Reply-Message = "range"
multi	Cleartext-Password := "else", NAS-Port != 9, Connect-Info !* ANY
	Reply-Message = "no connect-info"
multi	Auth-Type := Reject

5552001	Auth-Type := Accept, Service-Type == Call-Check
	Callback-Number = "84001"

fall	Cleartext-Password := "one"
	Reply-Message = "first", Session-Timeout = 1, Port-Limit = 1, Fall-Through = Yes
fall	Cleartext-Password := "two"
	Reply-Message = "second", Session-Timeout := 2, Port-Limit += 2, Fall-Through = No
DEFAULT	Suffix == ".ppp", Cleartext-Password := "pw"
	Framed-Protocol = PPP
DEFAULT	Auth-Type := Reject
	Reply-Message = "no"
`

// FreeRADIUS and this server answer the same requests with the same users file in the same way.
func TestPeerFreeRADIUSUsers(t *testing.T) {
	b, err := os.ReadFile("../../testdata/peers/freeradius/radiusd.conf.in")
	if err != nil {
		t.Fatal(err)
	}
	conf := strings.NewReplacer(
		"modules {\n", "modules {\n\tchap {\n\t}\n\tmschap {\n\t\tuse_mppe = no\n\t}\n",
		"\t\tfiles\n\t\tpap\n", "\t\tfiles\n\t\tchap\n\t\tmschap\n\t\tpap\n",
		"\tauthenticate {\n", "\tauthenticate {\n\t\tAuth-Type CHAP {\n\t\t\tchap\n\t\t}\n\t\tAuth-Type MS-CHAP "+
			"{\n\t\t\tmschap\n\t\t}\n",
	).Replace(string(b))
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Config: conf, Users: peerUsers})
	users, err := servers.ParseUsers(strings.NewReader(peerUsers))
	if err != nil {
		t.Fatal(err)
	}
	s := listening(t, servers.RADIUSConfig{Users: users, Lenient: true})
	login := func(user, password, more string) string {
		return fmt.Sprintf("User-Name=%q,%s,Message-Authenticator=0x00%s\n", user, password, more)
	}
	pap := func(p string) string { return fmt.Sprintf("User-Password=%q", p) }
	accepts := 0
	for _, request := range []string{
		login("rfc", pap("pw 1"), ""), login("rfc", pap("pw 2"), ""),
		login("rfc", pap("pw 1"), ",Framed-Protocol=PPP,NAS-Port=5"),
		login("rfc", pap("pw 1"), ",Framed-Protocol=PPP,NAS-Port=500"),
		login("rfc", `CHAP-Password="pw 1"`, ""), login("rfc", `CHAP-Password="pw 2"`, ""),
		login("rfc", `MS-CHAP-Password="pw 1"`, ""), login("rfc", `MS-CHAP-Password="pw 2"`, ""),
		login("old", pap("pw"), ""), login("cisco", pap("pw"), ""), login("ascend", pap("pw"), ""),
		login("raw", pap("pw"), ""), login("lucent", pap("pw"), ""),
		login("usr", pap("pw"), ""), login("acc", pap("pw"), ""), login("boxes", pap("pw"), ""),
		login("", pap("pw"), ""), login("nobody", pap("pw"), ""),
		login("multi", pap("here"), ",Calling-Station-Id=84001"),
		login("multi", pap("there"), ",Calling-Station-Id=84002,NAS-Port-Id=tty65"),
		login("multi", pap("there"), ",Calling-Station-Id=84001"),
		login("multi", pap("port"), ",NAS-Port=60"), login("multi", pap("port"), ",NAS-Port=50"),
		login("multi", pap("else"), ",NAS-Port=50"), login("multi", pap("else"), ""),
		login("multi", pap("else"), ",NAS-Port=9"),
		login("multi", pap("else"), ",NAS-Port=10,Connect-Info=x"),
		login("5552001", pap("cisco"), ",Service-Type=Call-Check"), login("5552001", pap("cisco"), ""),
		login("fall", pap("one"), ""), login("fall", pap("two"), ""), login("zoe.ppp", pap("pw"), ""),
		login("zoe.slip", pap("pw"), ""),
	} {
		want := radclient(t, f.Auth, string(f.Secret), "auth", request)
		got := radclient(t, s.AuthAddr(), testSecret, "auth", request)
		// this FreeRADIUS keeps all reply items in a Reject, this server only Reply-Message
		if strings.HasPrefix(want, "Access-Reject") {
			want, got = want[:len("Access-Reject")], got[:min(len(got), len("Access-Reject"))]
		} else {
			accepts++
		}
		if got != want {
			t.Errorf("%s\nFreeRADIUS: %s\n\nours: %s", request, want, got)
		}
	}
	if accepts < 20 {
		t.Errorf("only %d of the requests were accepted", accepts)
	}
}

// radclient, which checks authenticators itself, accepts the accounting and status replies.
func TestPeerRadclient(t *testing.T) {
	s := listening(t, servers.RADIUSConfig{})
	if got := radclient(t, s.AuthAddr(), testSecret, "status",
		"Message-Authenticator=0x00\n"); got != "Access-Accept\n" {
		t.Error(got)
	}
	if got := radclient(t, s.AcctAddr(), testSecret, "status",
		"Message-Authenticator=0x00\n"); got != "Accounting-Response\n" {
		t.Error(got)
	}
	for _, status := range []string{"Accounting-On", "Start", "Interim-Update", "Stop", "Accounting-Off"} {
		if got := radclient(t, s.AcctAddr(), testSecret, "acct", "Acct-Session-Id=s1,Acct-Status-Type="+status+
			",Acct-Input-Octets=7\n"); got != "Accounting-Response\n" {
			t.Error(got)
		}
	}
	var got []string
	for _, r := range s.Records() {
		got = append(got, r.Get("Acct-Status-Type"))
	}
	if strings.Join(got, " ") != "Accounting-On Start Interim-Update Stop Accounting-Off" {
		t.Error(got)
	}
}

// radeapclient, which implements EAP itself, logs in with EAP-MD5.
func TestPeerRadeapclient(t *testing.T) {
	path, err := exec.LookPath("radeapclient")
	if err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal("needs radeapclient: apt-get install freeradius-utils")
		}
		t.Skip("needs radeapclient: apt-get install freeradius-utils")
	}
	s := listening(t, servers.RADIUSConfig{Lenient: true,
		Users: []servers.User{{Name: "bob", Password: "pw", Reply: []servers.Attribute{{"Callback-Number", "84001"}}}}})
	for password, want := range map[string]string{"pw": `Callback-Number = "84001"`, "no": "Received Access-Reject"} {
		cmd := exec.Command(path, "-x", "-r", "1", s.AuthAddr(), "auth", testSecret)
		cmd.Stdin = strings.NewReader(fmt.Sprintf("User-Name = \"bob\"\nCleartext-Password = %q\nEAP-Code = "+
			"Response\nEAP-Id = 210\nEAP-Type-Identity = \"bob\"\nMessage-Authenticator = 0x00\nNAS-Port = 0\n",
			password))
		out, _ := cmd.CombinedOutput() // its status is not used
		if !strings.Contains(string(out), want) {
			t.Errorf("%s: no %s:\n%s", password, want, out)
		}
	}
}
