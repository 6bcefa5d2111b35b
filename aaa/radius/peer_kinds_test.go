package radius_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
)

// kinds starts a FreeRADIUS that supports every kind of authentication, and its client.
func kinds(t *testing.T, dialects ...string) (*aaatest.FreeRADIUS, *radius.Client) {
	t.Helper()
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("testdata", "freeradius", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Config: read("kinds.conf.in"),
		Users: read("kinds.users")})
	c, err := radius.New(radius.Config{NASIdentifier: "maui-nas-04",
		Trace: func(e radius.Event) { t.Log(e.Server, e.What, strings.Join(e.Lines, ", ")) },
		Servers: []radius.ServerConfig{
			{Name: "freeradius", Address: f.Auth, Accounting: f.Acct, Secret: f.Secret,
				Timeout: 1500 * time.Millisecond,
				Retries: 3, Dialects: dialects}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return f, c
}

func hexOf(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPeerFreeRADIUSCHAP(t *testing.T) {
	t.Parallel()
	_, c := kinds(t)
	for _, size := range []int{5, 16, 100, 253} {
		challenge := bytes.Repeat([]byte{0xa5}, size)
		for password, want := range map[string]aaa.Kind{"pw-plain": aaa.Granted, "wrong": aaa.Refused} {
			sum := md5.Sum([]byte("\x07" + password + string(challenge)))
			conv, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "plain", TTY: 65,
				CHAP: &aaa.CHAP{ID: 7, Challenge: challenge, Response: sum[:]}})
			if conv != nil || res.Kind != want || want == aaa.Granted && string(res.Auth.Class[0]) != "class of plain" {
				t.Errorf("challenge of %d, %s: %+v", size, password, res)
			}
		}
	}
}

// The responses are the examples of the RFCs; FreeRADIUS checks them against the RFCs' passwords.
func TestPeerFreeRADIUSMSCHAP(t *testing.T) {
	t.Parallel()
	_, c := kinds(t)
	// RFC 2433 §B.2
	const nt1 = "4E 9D 3C 8F 9C FD 38 5D 5B F4 D3 24 67 91 95 6C A4 C3 51 AB 40 9A 3D 61"
	// RFC 2759 §9.2
	const v2 = "21402324255E262A28295F2B3A337C7E 0000000000000000 82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF 00"
	v1 := &aaa.MSCHAP{Version: 1, ID: 9, Challenge: hexOf(t, "10 2D B5 DF 08 5D 30 41"),
		Response: hexOf(t, strings.Repeat("00", 24)+nt1+"01")}
	two := &aaa.MSCHAP{Version: 2, ID: 3, Challenge: hexOf(t, "5B5D7C7D7B3F2F3E3C2C602132262628"),
		Response: hexOf(t, v2)}
	wrong := &aaa.MSCHAP{Version: 2, ID: 3, Challenge: hexOf(t, "5B5D7C7D7B3F2F3E3C2C602132262629"),
		Response: hexOf(t, v2)}
	for _, tt := range []struct {
		user    string
		service aaa.Service
		m       *aaa.MSCHAP
		kind    aaa.Kind
		success string
	}{
		{"lm", aaa.EXEC, v1, aaa.Granted, ""},
		{"encrypted", aaa.PPP, v1, aaa.Refused, ""},
		{"plain", aaa.EXEC, v1, aaa.Refused, "E=691 R=1"},
		{"User", aaa.EXEC, two, aaa.Granted, "S=407A5589115FD0D6209F510FE9C04566932CDA56"},
		{"User", aaa.EXEC, wrong, aaa.Refused, "E=691 R=1"},
	} {
		conv, res := c.Start(context.Background(), aaa.Request{Service: tt.service, User: tt.user, TTY: 65,
			MSCHAP: tt.m})
		if conv != nil || res.Kind != tt.kind || !strings.HasPrefix(res.Success, tt.success) {
			t.Errorf("%s v%d: %+v", tt.user, tt.m.Version, res)
		}
		if tt.kind == aaa.Granted && res.Success != tt.success {
			t.Errorf("%s: %q, want %q", tt.user, res.Success, tt.success)
		}
		if tt.user == "encrypted" && !strings.Contains(res.Reason, "MPPE is not supported") {
			t.Errorf("%s: %s", tt.user, res.Reason)
		}
		if seen := strings.Join(res.Auth.Attributes, "\n"); strings.Contains(seen, "MPPE") &&
			!strings.Contains(seen, "[secret]") {
			t.Errorf("a key in %s", seen)
		}
	}
}

// md5Peer returns the response of a minimal EAP peer: its name, then MD5-Challenge (RFC 3748 §5.1, §5.4).
func md5Peer(request []byte, user, password string) []byte {
	id := request[1]
	data := []byte{1}
	switch request[4] {
	case 1:
		data = append(data, user...)
	case 4:
		n := request[5]
		sum := md5.Sum([]byte(string([]byte{id}) + password + string(request[6:6+n])))
		data = append(append([]byte{4, 16}, sum[:]...), user...)
	default:
		data = []byte{3, 4} // Nak: requests MD5-Challenge
	}
	return append([]byte{2, id, 0, byte(4 + len(data))}, data...)
}

func TestPeerFreeRADIUSEAP(t *testing.T) {
	t.Parallel()
	_, c := kinds(t)
	for password, want := range map[string]aaa.Kind{"pw-plain": aaa.Granted, "wrong": aaa.Refused} {
		for name, first := range map[string][]byte{"identity": md5Peer([]byte{1, 1, 0, 5, 1}, "plain", ""),
			"padded": append(md5Peer([]byte{1, 1, 0, 5, 1}, "plain", ""), 0, 0, 0)} {
			conv, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "plain", TTY: 65,
				EAP: first})
			for range 4 {
				if res.Kind != aaa.Prompt {
					break
				}
				if len(res.EAP) < 5 || res.EAP[0] != 1 {
					t.Fatalf("%s: %x", name, res.EAP)
				}
				res = conv.Answer(context.Background(), aaa.Secret(md5Peer(res.EAP, "plain", password)))
			}
			code := byte(3)
			if want == aaa.Refused {
				code = 4
			}
			if res.Kind != want || len(res.EAP) != 4 || res.EAP[0] != code {
				t.Errorf("%s, %s: %+v", name, password, res)
			}
			if want == aaa.Granted && (res.Identity.User != "plain" || string(res.Auth.Class[0]) != "class of plain") {
				t.Errorf("%+v", res)
			}
		}
	}
}

// After EAP-Start, the server begins with the identity request.
func TestPeerFreeRADIUSEAPStart(t *testing.T) {
	t.Parallel()
	_, c := kinds(t)
	conv, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "plain", TTY: 65, EAP: []byte{}})
	for range 5 {
		if res.Kind != aaa.Prompt {
			break
		}
		res = conv.Answer(context.Background(), aaa.Secret(md5Peer(res.EAP, "plain", "pw-plain")))
	}
	if res.Kind != aaa.Granted {
		t.Errorf("%+v", res)
	}
}

func TestPeerFreeRADIUSEnable(t *testing.T) {
	t.Parallel()
	_, c := kinds(t)
	for _, tt := range []struct {
		level    int
		password aaa.Secret
		kind     aaa.Kind
		reason   string
	}{{15, "pw-enable", aaa.Granted, ""}, {7, "pw-enable", aaa.Granted, ""}, {15, "wrong", aaa.Refused, "refused"},
		{9, "pw-enable", aaa.Refused, "requires a callback"}, {3, "pw-enable", aaa.Refused, "refused"}} {
		_, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "bob", Password: tt.password,
			TTY: 65, Enable: tt.level})
		if res.Kind != tt.kind || !strings.Contains(res.Reason, tt.reason) || tt.kind == aaa.Granted &&
			(res.Auth.PrivLevel != tt.level || res.Identity.User != "bob") {
			t.Errorf("%d: %+v", tt.level, res)
		}
	}
	// It is not a login: an ordinary login gets the level from the users file.
	if _, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "plain",
		Password: "pw-plain"}); res.Auth.PrivLevel != 1 {
		t.Errorf("%+v", res)
	}
}

func TestPeerFreeRADIUSCallCheck(t *testing.T) {
	t.Parallel()
	_, c := kinds(t)
	for _, tt := range []struct {
		r     aaa.Request
		kind  aaa.Kind
		check func(aaa.Authorization) bool
	}{
		{aaa.Request{Caller: "84001", Called: "5552"}, aaa.Granted,
			func(a aaa.Authorization) bool { return !a.Callback && a.SessionTimeout == 10*time.Minute }},
		{aaa.Request{User: "84001"}, aaa.Granted, nil},
		{aaa.Request{Caller: "84002"}, aaa.Granted, func(a aaa.Authorization) bool {
			return a.Callback &&
				a.Dialstring.Value() == "84002"
		}},
		{aaa.Request{Caller: "84005"}, aaa.Granted, func(a aaa.Authorization) bool {
			return a.Callback && a.Dialstring.Value() == "84005" && a.AccountingUser == "kim" && a.ServiceType == 4
		}},
		{aaa.Request{Caller: "84003", Password: "of the lookups"}, aaa.Granted, nil},
		{aaa.Request{Caller: "84003"}, aaa.Refused, nil},
		{aaa.Request{Caller: "84004"}, aaa.Refused, nil},
		{aaa.Request{User: "plain"}, aaa.Refused, nil}, // not a lookup in the users file
		{aaa.Request{Caller: "84\x00001"}, aaa.Refused, nil},
		{aaa.Request{}, aaa.Refused, nil},
	} {
		tt.r.TTY = 65
		res := c.CallCheck(context.Background(), tt.r)
		if res.Kind != tt.kind || res.Identity != (aaa.Identity{}) || tt.check != nil && !tt.check(res.Auth) {
			t.Errorf("%+v: %+v", tt.r, res)
		}
	}
	// An entry for lookups accepts no login.
	if _, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "84001"}); res.Kind != aaa.Refused {
		t.Errorf("%+v", res)
	}
}

// A site is asked about with Service-Type Outbound, by which the server selects its profile; the same name is no user.
func TestPeerFreeRADIUSOutbound(t *testing.T) {
	t.Parallel()
	_, c := kinds(t)
	site := aaa.Request{Service: aaa.Outbound, User: "harbor-out", Password: "cisco"}
	_, res := c.Start(context.Background(), site)
	if a := res.Auth; res.Kind != aaa.Granted || a.DialOut == nil || a.Callback || a.Dialstring.Value() != "84007" ||
		a.DialOut.SystemScript != "^harbor-login$" || a.DialOut.SendName != "maui-nas-04" ||
		a.SendSecret != "piliwale" || a.SessionTimeout != 10*time.Minute {
		t.Errorf("%+v", res)
	}
	for _, r := range []aaa.Request{
		{Service: aaa.EXEC, User: "harbor-out", Password: "cisco"},
		{Service: aaa.Outbound, User: "harbor-out", Password: "other"},
		{Service: aaa.Outbound, User: "plain", Password: "pw"},
	} {
		if _, res := c.Start(context.Background(), r); res.Kind != aaa.Refused || res.Auth.DialOut != nil {
			t.Errorf("%+v: %+v", r, res)
		}
	}
}

func TestPeerFreeRADIUSAccountingUser(t *testing.T) {
	t.Parallel()
	_, c := kinds(t)
	_, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "typed", Password: "pw-typed"})
	if res.Kind != aaa.Granted || res.Identity.User != "typed" || res.Auth.AccountingUser != "typed@isp.example" {
		t.Errorf("%+v", res)
	}
}

func TestPeerFreeRADIUSChallengeWait(t *testing.T) {
	t.Parallel()
	_, c := kinds(t)
	conv, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "otp", Password: "any"})
	if res.Kind != aaa.Prompt || res.Wait != 45*time.Second || res.EAP != nil {
		t.Fatalf("%+v", res)
	}
	if res := conv.Answer(context.Background(), "123456"); res.Kind != aaa.Granted {
		t.Errorf("%+v", res)
	}
	// With CHAP the user cannot be asked: a challenge is a refusal.
	conv, res = c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "otp",
		CHAP: &aaa.CHAP{ID: 1, Challenge: make([]byte, 16), Response: make([]byte, 16)}})
	if conv != nil || res.Kind != aaa.Refused || !strings.Contains(res.Reason, "cannot be answered here") {
		t.Errorf("%+v", res)
	}
}

// FreeRADIUS's detail file shows every type of record as intended.
func TestPeerFreeRADIUSAccountingTypes(t *testing.T) {
	t.Parallel()
	f, c := kinds(t, radius.DialectAscend, radius.DialectCisco)
	on := aaa.Record{ID: "1", Type: aaa.On, Time: time.Now(), SessionID: "boot"}
	start := aaa.Record{ID: "2", Type: aaa.Start, Time: time.Now(), SessionID: "s1", MultiSessionID: "m1",
		Entry: "radius", User: "typed@isp.example", Service: aaa.PPP, TTY: 65, Caller: "84\x00001", Called: "5552",
		Connect: "CONNECT 33600/V34/LAPM/V42BIS"}
	interim := start
	interim.ID, interim.Type, interim.SessionTime = "3", aaa.Interim, 600*time.Second
	interim.OctetsIn, interim.PacketsIn, interim.OctetsOut, interim.PacketsOut = 100, 3, 2<<32+1, 4
	interim.FramedAddress, interim.FramedInterfaceID = netip.MustParseAddr("10.8.0.10"), "307d:0:a2fe:77"
	interim.FramedPrefixes = []netip.Prefix{netip.MustParsePrefix("2001:db8:8::/64")}
	stop := interim
	stop.ID, stop.Type, stop.SessionTime, stop.Cause, stop.CallbackNumber = "4", aaa.Stop, 700*time.Second,
		aaa.CauseCallback, "84001"
	off := on
	off.ID, off.Type = "5", aaa.Off
	for _, r := range []aaa.Record{on, start, interim, stop, off} {
		if err := c.Send(context.Background(), r); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(f.Detail)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSpace(string(b)), "\n\n")
	if len(blocks) != 5 {
		t.Fatalf("%d records:\n%s", len(blocks), b)
	}
	used := []string{"Acct-Session-Time = 600", "Acct-Input-Octets = 100", "Acct-Output-Octets = 1",
		"Acct-Output-Gigawords = 2", "Acct-Input-Packets = 3", "Acct-Output-Packets = 4",
		"Framed-Protocol = PPP", "Framed-IP-Address = 10.8.0.10", "Framed-IPv6-Prefix = 2001:db8:8::/64",
		"Framed-Interface-Id = 307d:0:a2fe:77"}
	for i, tt := range []struct{ has, not []string }{
		{[]string{"Acct-Status-Type = Accounting-On"}, []string{"User-Name", "NAS-Port "}},
		{[]string{"Acct-Status-Type = Start", `User-Name = "typed@isp.example"`, "Framed-Protocol = PPP",
			"Service-Type = Framed-User", `Calling-Station-Id = "84?001"`,
			`Connect-Info = "CONNECT 33600/V34/LAPM/V42BIS"`}, []string{"Acct-Session-Time", "Cisco", "Ascend"}},
		{append([]string{"Acct-Status-Type = Interim-Update", `Acct-Multi-Session-Id = "m1"`}, used...),
			[]string{"Acct-Terminate-Cause", "Cisco", "Ascend"}},
		{append([]string{"Acct-Status-Type = Stop", "Acct-Session-Time = 700", "Acct-Terminate-Cause = Callback",
			`Cisco-AVPair = "disc-cause-ext=1102"`, "Ascend-Disconnect-Cause = Disconnect-Due-To-Callback",
			`Callback-Number = "84001"`}, used[1:]...), nil},
		{[]string{"Acct-Status-Type = Accounting-Off", `Acct-Session-Id = "boot"`}, []string{"User-Name"}},
	} {
		for _, w := range tt.has {
			if !strings.Contains(blocks[i], w) {
				t.Errorf("record %d: no %s in\n%s", i, w, blocks[i])
			}
		}
		for _, w := range tt.not {
			if strings.Contains(blocks[i], w) {
				t.Errorf("record %d: %s in\n%s", i, w, blocks[i])
			}
		}
	}
}
