package servers

import (
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
	"layeh.com/radius/rfc2866"
)

const testSecret = "a secret of 24 octets..."

// real starts a server on UDP and returns a socket to each of its ports.
func real(t *testing.T, c RADIUSConfig) (s *RADIUS, auth, acct net.Conn) {
	t.Helper()
	c.Secret, c.Log = testSecret, t.Logf
	s, err := NewRADIUS(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(":0", ":0"); err != nil {
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
	dial := func(address string) net.Conn {
		c, err := net.Dial("udp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	return s, dial(s.AuthAddr()), dial(s.AcctAddr())
}

func exchange(t *testing.T, c net.Conn, request []byte) []byte {
	t.Helper()
	if _, err := c.Write(request); err != nil {
		t.Fatal(err)
	}
	c.SetReadDeadline(time.Now().Add(time.Minute))
	b := make([]byte, 4096)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

// login is an Access-Request whose password layeh's code hides; the signature is first.
func login(t *testing.T, user, password string) []byte {
	t.Helper()
	p := radius.New(radius.CodeAccessRequest, []byte(testSecret))
	p.Add(80, make([]byte, 16))
	if err := rfc2865.UserName_SetString(p, user); err != nil {
		t.Fatal(err)
	}
	if err := rfc2865.UserPassword_SetString(p, password); err != nil {
		t.Fatal(err)
	}
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	copy(b[22:], sign(b, testSecret))
	return b
}

func TestServerOnRealUDP(t *testing.T) {
	var detail strings.Builder
	long := strings.Repeat("long ", 20)
	s, auth, acct := real(t, RADIUSConfig{Detail: &detail, Users: []User{
		{Name: "bob", Password: "pw", Reply: []Attribute{{"Callback-Number", "84001"}, {"Reply-Message", ""}}},
		{Name: "long", Password: "x"},
		{Name: "DEFAULT", Reject: true, Reply: []Attribute{{"Reply-Message", "no"}, {"Callback-Number", "1"}}}}})
	if err := s.SetUsers([]User{{Name: "bob", Password: "pw", Reply: []Attribute{{"Callback-Number", "84001"},
		{"Reply-Message", ""}}}, {Name: "long", Password: "x"}, {Name: "DEFAULT", Reject: true,
		Reply: []Attribute{{"Reply-Message", "no"}, {"Callback-Number", "1"}}}}); err != nil {
		t.Fatal(err)
	}
	request := login(t, "bob", "pw")
	reply := exchange(t, auth, request)
	// layeh's check verifies the authenticator; the signature is the first attribute.
	if !radius.IsAuthenticResponse(reply, request, []byte(testSecret)) || reply[0] != 2 || reply[20] != 80 ||
		int(binary.BigEndian.Uint16(reply[2:])) != len(reply) {
		t.Errorf("%x", reply)
	}
	if !strings.HasSuffix(string(reply), "\x13\x0784001") {
		t.Errorf("%q: an attribute without a value was sent, or one with a value was not", reply)
	}
	if again := exchange(t, auth, request); string(again) != string(reply) {
		t.Error("a duplicate has a different answer")
	}
	if all, dup := s.Requests(); all != 2 || dup != 1 {
		t.Errorf("%d requests, %d duplicates", all, dup)
	}
	for _, tt := range [][2]string{{"bob", "no"}, {"bob", ""}, {"who", "pw"}, {"long", long}} {
		request := login(t, tt[0], tt[1])
		reply := exchange(t, auth, request)
		p, err := radius.Parse(reply, []byte(testSecret))
		if err != nil || reply[0] != 3 || !radius.IsAuthenticResponse(reply, request, []byte(testSecret)) ||
			p.Get(19) != nil { // a Callback-Number
			t.Errorf("%v: %q, %v", tt, reply, err)
		}
	}
	p := radius.New(radius.CodeAccountingRequest, []byte(testSecret))
	p.Add(40, radius.NewInteger(2))
	p.Add(rfc2866.AcctTerminateCause_Type, radius.NewInteger(16))
	p.Add(rfc2866.AcctSessionID_Type, radius.Attribute("s1"))
	b, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if reply := exchange(t, acct, b); reply[0] != 5 || !radius.IsAuthenticResponse(reply, b, []byte(testSecret)) {
			t.Errorf("%x", reply)
		}
	}
	if recs := s.Records(); len(recs) != 1 || recs[0].Get("Acct-Terminate-Cause") != "Callback" {
		t.Errorf("%v", recs)
	}
	if !strings.Contains(detail.String(),
		"\n\tAcct-Status-Type = Stop\n\tAcct-Terminate-Cause = Callback\n\tAcct-Session-Id = \"s1\"\n\tTimestamp = ") {
		t.Errorf("detail:\n%s", detail.String())
	}
}

// A request with another secret or without a signature is not answered.
func TestServerDropsForgedRequests(t *testing.T) {
	s, err := NewRADIUS(RADIUSConfig{Secret: testSecret})
	if err != nil {
		t.Fatal(err)
	}
	good := login(t, "bob", "pw")
	if _, err := s.verify(good, radius.CodeAccessRequest); err != nil {
		t.Error(err)
	}
	for i := range good {
		bad := append([]byte(nil), good...)
		bad[i] ^= 1
		if _, err := s.verify(bad, radius.CodeAccessRequest); err == nil {
			t.Errorf("octet %d changed, and the request is accepted", i)
		}
	}
	if _, err := s.verify(good, radius.CodeAccountingRequest); err == nil {
		t.Error("an Access-Request on the accounting port")
	}
}
