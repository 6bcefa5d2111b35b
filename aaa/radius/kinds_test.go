package radius_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/lab/servers"
)

// said is one reply of a test server, valid or not, signed unless unsigned is set.
type said struct {
	code     byte
	attrs    []avp
	unsigned bool
}

// write encodes the reply to request according to RFC 2865 §3 and RFC 3579 §3.2, independently of the code under test.
func (s said) write(request []byte) []byte {
	b := append([]byte{s.code, request[1], 0, 0}, request[4:20]...)
	attrs := s.attrs
	if !s.unsigned {
		attrs = append([]avp{unsigned}, attrs...)
	}
	for _, a := range attrs {
		b = append(append(b, a.t, byte(2+len(a.v))), a.v...)
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	if !s.unsigned {
		h := hmac.New(md5.New, []byte(secret))
		h.Write(b)
		copy(b[22:], h.Sum(nil))
	}
	sum := md5.Sum(append(bytes.Clone(b), secret...))
	copy(b[4:], sum[:])
	return b
}

// asking runs f with a client whose server sends the replies in turn, and repeats the last one.
func asking(t *testing.T, mode string, replies []said, f func(*radius.Client, func() [][]byte)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &aaatest.Net{}
		conn, err := n.Listen("one:1812")
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var requests [][]byte
		var wg sync.WaitGroup
		wg.Go(func() {
			buf := make([]byte, 4096)
			for i := 0; ; i++ {
				size, from, err := conn.ReadFrom(buf)
				if err != nil {
					return
				}
				mu.Lock()
				requests = append(requests, bytes.Clone(buf[:size]))
				mu.Unlock()
				conn.WriteTo(replies[min(i, len(replies)-1)].write(buf[:size]), from)
			}
		})
		c, err := radius.New(radius.Config{NASIdentifier: "maui", Dial: n.Dial,
			Servers: []radius.ServerConfig{{Name: "one", Address: "one:1812", Secret: secret,
				MessageAuthenticator: mode, Retries: -1}}})
		if err != nil {
			t.Fatal(err)
		}
		f(c, func() [][]byte { mu.Lock(); defer mu.Unlock(); return requests })
		c.Close()
		conn.Close()
		wg.Wait()
	})
}

// eapOver returns an EAP packet as EAP-Messages.
func eapOver(packet ...byte) []avp {
	var attrs []avp
	for len(packet) > 0 {
		n := min(len(packet), 253)
		attrs, packet = append(attrs, avp{79, packet[:n]}), packet[n:]
	}
	return attrs
}

const proof = "S=407A5589115FD0D6209F510FE9C04566932CDA56"

// One reply to each kind of login: what is granted or refused, and what the peer receives.
func TestKindsReplies(t *testing.T) {
	chap := aaa.Request{User: "bob", CHAP: &aaa.CHAP{ID: 1, Challenge: make([]byte, 16), Response: make([]byte, 16)}}
	v1 := aaa.Request{User: "bob", MSCHAP: &aaa.MSCHAP{Version: 1, ID: 3, Challenge: make([]byte, 8),
		Response: make([]byte, 49)}}
	v2 := aaa.Request{User: "bob", MSCHAP: &aaa.MSCHAP{Version: 2, ID: 3, Challenge: make([]byte, 16),
		Response: make([]byte, 49)}}
	eap := aaa.Request{User: "bob", EAP: []byte{2, 9, 0, 8, 1, 'b', 'o', 'b'}}
	pap := aaa.Request{User: "bob", Password: canary}
	enable := aaa.Request{User: "bob", Password: canary, Enable: 15}
	ms := func(t byte, s string) avp { return vsa(311, t, []byte(s)) }
	prompt, number := word(6, 7), str(19, "84001")
	success, failure, request := []byte{3, 9, 0, 4}, []byte{4, 9, 0, 4}, []byte{1, 10, 0, 6, 4, 'x'}
	for name, tt := range map[string]struct {
		r       aaa.Request
		reply   said
		kind    aaa.Kind
		reason  string
		success string
		eap     []byte
	}{
		"chap accept": {chap, said{code: 2, attrs: []avp{prompt}}, aaa.Granted, "", "", nil},
		"chap reject": {chap, said{code: 3, attrs: []avp{number, word(6, 9)}}, aaa.Refused, "refused", "", nil},
		"chap challenge": {chap, said{code: 11, attrs: []avp{str(24, "st"), str(18, "Token?")}}, aaa.Refused,
			"cannot be answered here", "", nil},

		"v1 accept": {v1, said{code: 2, attrs: []avp{prompt}}, aaa.Granted, "", "", nil},
		"v1 challenge": {v1, said{code: 11, attrs: []avp{str(24, "st")}}, aaa.Refused, "cannot be answered here", "",
			nil},
		"v1 keys": {v1, said{code: 2, attrs: []avp{prompt, vsa(311, 7, []byte{0, 0, 0, 1}),
			vsa(311, 12, make([]byte, 32))}}, aaa.Granted, "", "", nil},
		"v1 cut policy": {v1, said{code: 2, attrs: []avp{prompt, vsa(311, 7, []byte{0, 0, 2})}}, aaa.Refused, "", "",
			nil},
		"v1 error": {v1, said{code: 3, attrs: []avp{ms(2, "\x03E=691 R=1"), number}}, aaa.Refused, "refused",
			"E=691 R=1", nil},
		"v1 error of 4": {v1, said{code: 3, attrs: []avp{ms(2, "\x04E=691 R=1")}}, aaa.Refused, "refused", "", nil},
		"v1 two errors": {v1, said{code: 3, attrs: []avp{ms(2, "\x03E=691"), ms(2, "\x03E=648")}}, aaa.Refused,
			"refused", "", nil},
		"v1 odd error":   {v1, said{code: 3, attrs: []avp{ms(2, "\x03E=691\r")}}, aaa.Refused, "refused", "", nil},
		"v1 empty error": {v1, said{code: 3, attrs: []avp{ms(2, "")}}, aaa.Refused, "refused", "", nil},
		"v1 cut vendor": {v1, said{code: 3, attrs: []avp{{26, []byte{0, 0, 1, 0x37, 2, 60, 3, 'E', '='}}}},
			aaa.Refused, "refused", "", nil},

		"v2 accept": {v2, said{code: 2, attrs: []avp{prompt, ms(26, "\x03"+proof)}}, aaa.Granted, "", proof, nil},
		"v2 message": {v2, said{code: 2, attrs: []avp{prompt, ms(26, "\x03"+proof+" M=welcome")}}, aaa.Granted, "",
			proof + " M=welcome", nil},
		"v2 no proof": {v2, said{code: 2, attrs: []avp{prompt}}, aaa.Refused, "MS-CHAP2-Success is missing", "", nil},
		"v2 two proofs": {v2, said{code: 2, attrs: []avp{prompt, ms(26, "\x03"+proof), ms(26, "\x03"+proof)}},
			aaa.Refused, "is repeated (2 times)", "", nil},
		"v2 of 4": {v2, said{code: 2, attrs: []avp{prompt, ms(26, "\x04"+proof)}}, aaa.Refused,
			"answers response 4", "", nil},
		"v2 cut": {v2, said{code: 2, attrs: []avp{prompt, ms(26, "\x03"+proof[:41])}}, aaa.Refused,
			"40 hexadecimal", "", nil},
		"v2 no digits": {v2, said{code: 2, attrs: []avp{prompt, ms(26, "\x03"+strings.Repeat("S=", 21))}}, aaa.Refused,
			"40 hexadecimal", "", nil},
		"v2 NUL": {v2, said{code: 2, attrs: []avp{prompt, ms(26, "\x03"+proof+"\x00")}}, aaa.Refused,
			"40 hexadecimal", "", nil},
		"v2 reject": {v2, said{code: 3, attrs: []avp{ms(2, "\x03E=691 R=0 C=00 V=3 M=no"), ms(26, "\x03"+proof)}},
			aaa.Refused, "refused", "E=691 R=0 C=00 V=3 M=no", nil},

		"eap accept": {eap, said{code: 2, attrs: append(eapOver(success...), prompt)}, aaa.Granted, "", "",
			success},
		"eap bare": {eap, said{code: 2, attrs: []avp{prompt}}, aaa.Granted, "", "", success},
		"eap fails": {eap, said{code: 2, attrs: append(eapOver(failure...), prompt)}, aaa.Refused, "code 4, not 3",
			"", failure},
		"eap request": {eap, said{code: 2, attrs: append(eapOver(request...), prompt)}, aaa.Refused, "code 1, not 3",
			"", failure},
		"eap unservable": {eap, said{code: 2, attrs: append(eapOver(success...), word(6, 5))}, aaa.Refused, "Outbound",
			"", failure},
		"eap reject": {eap, said{code: 3, attrs: append(eapOver(failure...), number)}, aaa.Refused, "refused", "",
			failure},
		"eap contradiction": {eap, said{code: 3, attrs: eapOver(success...)}, aaa.Refused, "refused", "", failure},
		"eap no failure":    {eap, said{code: 3}, aaa.Refused, "refused", "", failure},
		"eap challenge": {eap, said{code: 11, attrs: append(eapOver(request...), str(24, "st"), word(27, 30))},
			aaa.Prompt, "sent a challenge", "", request},
		"eap two states": {eap, said{code: 11, attrs: append(eapOver(request...), str(24, "st"), str(24, "st"))},
			aaa.Refused, "2 State attributes", "", failure},
		"eap nothing": {eap, said{code: 11, attrs: []avp{str(24, "st")}}, aaa.Refused, "without EAP-Message", "",
			failure},
		"eap answers": {eap, said{code: 11, attrs: eapOver(success...)}, aaa.Refused, "code 3, not 1", "", failure},
		"eap cut": {eap, said{code: 11, attrs: eapOver(1, 10, 0, 7, 4, 'x')}, aaa.Refused,
			"EAP length 7, but the packet has 6 octets", "", failure},
		"eap of three": {eap, said{code: 11, attrs: eapOver(1, 10, 0)}, aaa.Refused, "shorter than its header (4)",
			"", failure},
		"eap in separate parts": {eap,
			said{code: 11, attrs: []avp{{79, request[:3]}, str(24, "st"), {79, request[3:]}}},
			aaa.Refused, "other attributes between", "", failure},
		"eap empty": {eap, said{code: 11, attrs: []avp{{79, nil}}}, aaa.Refused, "", "", failure},
		"eap unsigned": {eap, said{code: 2, attrs: append(eapOver(success...), prompt), unsigned: true}, aaa.Silent,
			"without Message-Authenticator", "", nil},
		// the mode is off here
		"pap unsigned": {pap, said{code: 2, attrs: []avp{prompt}, unsigned: true}, aaa.Granted, "", "", nil},

		"pap names twice": {pap, said{code: 2, attrs: []avp{prompt, str(1, "a"), str(1, "b")}}, aaa.Refused,
			"User-Name: it is repeated", "", nil},
		"pap with proof": {pap, said{code: 2, attrs: []avp{prompt, ms(26, "\x03"+proof)}}, aaa.Granted, "", "", nil},

		"enable bare":   {enable, said{code: 2}, aaa.Granted, "", "", nil},
		"enable prompt": {enable, said{code: 2, attrs: []avp{prompt}}, aaa.Granted, "", "", nil},
		"enable admin":  {enable, said{code: 2, attrs: []avp{word(6, 6)}}, aaa.Granted, "", "", nil},
		"enable 15":     {enable, said{code: 2, attrs: []avp{pair("shell:priv-lvl=15")}}, aaa.Granted, "", "", nil},
		"enable 14": {enable, said{code: 2, attrs: []avp{pair("shell:priv-lvl=14")}}, aaa.Refused, "priv-lvl 14",
			"", nil},
		"enable 1": {enable, said{code: 2, attrs: []avp{word(6, 6), pair("shell:priv-lvl=1")}}, aaa.Refused,
			"priv-lvl 1", "", nil},
		"enable callback": {enable, said{code: 2, attrs: []avp{word(6, 11), number}}, aaa.Refused,
			"requires a callback", "", nil},
		"enable framed": {enable, said{code: 2, attrs: []avp{word(6, 2)}}, aaa.Refused, "", "", nil},
		"enable reject": {enable, said{code: 3, attrs: []avp{pair("shell:priv-lvl=15")}}, aaa.Refused, "refused", "",
			nil},
	} {
		asking(t, radius.Off, []said{tt.reply}, func(c *radius.Client, _ func() [][]byte) {
			tt.r.Service, tt.r.TTY = aaa.EXEC, 65
			conv, res := c.Start(context.Background(), tt.r)
			if res.Kind != tt.kind || !strings.Contains(res.Reason, tt.reason) || res.Success != tt.success ||
				!bytes.Equal(res.EAP, tt.eap) || (conv != nil) != (tt.kind == aaa.Prompt) {
				t.Errorf("%s: %+v", name, res)
			}
			if tt.kind == aaa.Granted && res.Identity != (aaa.Identity{Entry: "radius", User: "bob"}) ||
				tt.kind == aaa.Granted && tt.r.Enable > 0 && res.Auth.PrivLevel != 15 {
				t.Errorf("%s: %+v", name, res)
			}
			if tt.kind != aaa.Granted && (res.Auth.Callback || res.Auth.Dialstring.IsSet() || res.Auth.PrivLevel > 1 ||
				res.Identity != (aaa.Identity{})) {
				t.Errorf("%s: %v grants %+v", name, res.Kind, res)
			}
			if name == "eap challenge" && res.Wait != 30*time.Second {
				t.Errorf("%s: waits %v", name, res.Wait)
			}
		})
	}
}

// A conversation with EAP: fragments of a kilobyte in both directions, each with the State of the last challenge; then
// invalid packets from the peer.
func TestEAPConversation(t *testing.T) {
	big := func(code, id byte, n int) []byte {
		b := bytes.Repeat([]byte{13}, n)
		b[0], b[1], b[2], b[3] = code, id, byte(n>>8), byte(n)
		return b
	}
	asking(t, radius.Require, []said{{code: 11, attrs: append(eapOver(big(1, 1, 1400)...), str(24, "one"))},
		{code: 11, attrs: append(eapOver(big(1, 2, 300)...), str(24, "two"))},
		{code: 2, attrs: append(eapOver(3, 2, 0, 4), word(6, 7))}}, func(c *radius.Client, requests func() [][]byte) {
		conv, res := c.Start(context.Background(),
			aaa.Request{Service: aaa.EXEC, User: "bob", EAP: []byte{2, 0, 0, 5, 1}})
		if res.Kind != aaa.Prompt || !bytes.Equal(res.EAP, big(1, 1, 1400)) {
			t.Fatalf("%+v", res)
		}
		if res = conv.Answer(context.Background(), aaa.Secret(big(2, 1, 1024))); res.Kind != aaa.Prompt ||
			!bytes.Equal(res.EAP, big(1, 2, 300)) {
			t.Fatalf("%+v", res)
		}
		if res = conv.Answer(context.Background(), aaa.Secret(big(2, 2, 6))); res.Kind != aaa.Granted ||
			!bytes.Equal(res.EAP, []byte{3, 2, 0, 4}) {
			t.Fatalf("%+v", res)
		}
		if res = conv.Answer(context.Background(), aaa.Secret(big(2, 2, 6))); res.Kind != aaa.Refused {
			t.Errorf("after the end: %+v", res)
		}
		for i, want := range []string{"", "one", "two"} {
			var state, eap []byte
			for at := 20; at < len(requests()[i]); at += int(requests()[i][at+1]) {
				v := requests()[i][at+2 : at+int(requests()[i][at+1])]
				switch requests()[i][at] {
				case 24:
					state = v
				case 79:
					eap = append(eap, v...)
				case 2:
					t.Errorf("request %d: a User-Password in addition to EAP", i)
				}
			}
			if string(state) != want || len(eap) != []int{5, 1024, 6}[i] {
				t.Errorf("request %d: State %q, EAP of %d octets", i, state, len(eap))
			}
		}
	})
	for _, bad := range []aaa.Secret{"", "\x02\x01", "\x02\x01\x00\x09\x01", "\x01\x01\x00\x05\x01"} {
		asking(t, radius.Require, []said{{code: 11, attrs: append(eapOver(big(1, 1, 9)...), str(24, "one"))}},
			func(c *radius.Client, requests func() [][]byte) {
				conv, _ := c.Start(context.Background(),
					aaa.Request{Service: aaa.EXEC, User: "bob", EAP: []byte{2, 0, 0, 5, 1}})
				if res := conv.Answer(context.Background(), bad); res.Kind != aaa.Refused || len(requests()) != 1 {
					t.Errorf("%x: %+v", string(bad), res)
				}
			})
	}
}

// An endless login is ended after 64 challenges to an EAP peer.
func TestEAPRounds(t *testing.T) {
	asking(t, radius.Require, []said{{code: 11, attrs: append(eapOver(1, 1, 0, 6, 4, 'x'), str(24, "st"))}},
		func(c *radius.Client, requests func() [][]byte) {
			conv, res := c.Start(context.Background(),
				aaa.Request{Service: aaa.EXEC, User: "bob", EAP: []byte{2, 0, 0, 5, 1}})
			for res.Kind == aaa.Prompt {
				res = conv.Answer(context.Background(), "\x02\x01\x00\x05\x03")
			}
			if res.Kind != aaa.Refused || len(requests()) != 65 || !bytes.Equal(res.EAP, []byte{4, 1, 0, 4}) {
				t.Errorf("%d requests, %+v", len(requests()), res)
			}
		})
}

// With EAP, the user is the one that the server names: the name that the peer sends first proves nothing, nor does its
// realm. Other methods authenticate the name that they send.
func TestEAPUser(t *testing.T) {
	first := []byte{2, 9, 0, 17, 1, 'b', 'o', 'b', '@', 'a', 'd', 'm', 'i', 'n', 's', '.', 'x'}
	success := eapOver(3, 9, 0, 4)
	for _, tt := range []struct {
		eap    bool
		names  []avp
		user   string // "": refused
		groups string
	}{
		{true, nil, "bob@admins.x", "admins.x"},
		{true, []avp{str(1, "eve@guests.x")}, "eve@guests.x", "guests.x"},
		{true, []avp{str(1, "eve")}, "eve", ""},
		{true, []avp{str(1, " eve")}, "", ""},
		{true, []avp{str(1, "eve\x00")}, "", ""},
		{true, []avp{str(1, "eve"), str(1, "bob@admins.x")}, "", ""},
		{false, []avp{str(1, "eve")}, "bob@admins.x", "admins.x"},
	} {
		asking(t, radius.Require, []said{{code: 2, attrs: append(append([]avp{}, success...), tt.names...)}},
			func(c *radius.Client, _ func() [][]byte) {
				r := aaa.Request{Service: aaa.PPP, User: "bob@admins.x", Password: canary}
				if tt.eap {
					r.Password, r.EAP = "", first
				}
				_, res := c.Start(context.Background(), r)
				if res.Identity.User != tt.user || strings.Join(res.Auth.Groups, " ") != tt.groups ||
					(res.Kind == aaa.Granted) != (tt.user != "") {
					t.Errorf("%+v: %+v", tt, res)
				}
				if tt.user == "" && (!strings.Contains(res.Reason, "User-Name") || res.EAP[0] != 4) {
					t.Errorf("%+v: %q, %x", tt, res.Reason, res.EAP)
				}
			})
	}
}

func TestRealmIsTheLastGroup(t *testing.T) {
	for user, want := range map[string]string{"bob": "staff", "bob@isp.example": "staff isp.example",
		`DOM\bob`: "staff DOM", "bob@staff": "staff"} {
		asking(t, radius.Require, []said{{code: 2, attrs: []avp{word(6, 7), pair("ringback:group=staff"),
			word(85, 600)}}}, func(c *radius.Client, _ func() [][]byte) {
			_, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: user, Password: canary})
			if got := strings.Join(res.Auth.Groups, " "); got != want || res.Identity.User != user {
				t.Errorf("%s: %q, %+v", user, got, res)
			}
		})
	}
}

// A lookup authenticates no user, and only an Accept grants it.
func TestCallCheckReplies(t *testing.T) {
	for name, tt := range map[string]struct {
		reply said
		kind  aaa.Kind
	}{
		"bare":      {said{code: 2}, aaa.Granted},
		"itself":    {said{code: 2, attrs: []avp{word(6, 10)}}, aaa.Granted},
		"a reject":  {said{code: 3, attrs: []avp{word(6, 10), str(19, "84001")}}, aaa.Refused},
		"a prompt":  {said{code: 11, attrs: []avp{str(24, "st")}}, aaa.Refused},
		"no server": {said{code: 2, unsigned: true}, aaa.Silent},
		"outbound":  {said{code: 2, attrs: []avp{word(6, 5)}}, aaa.Refused},
	} {
		asking(t, radius.Require, []said{tt.reply}, func(c *radius.Client, requests func() [][]byte) {
			res := c.CallCheck(context.Background(), aaa.Request{Service: aaa.EXEC, Caller: "5551", TTY: 65})
			if res.Kind != tt.kind || res.Identity != (aaa.Identity{}) || res.Auth.Callback {
				t.Errorf("%s: %+v", name, res)
			}
			if b := requests()[0]; !bytes.Contains(b, []byte("\x01\x065551")) ||
				!bytes.Contains(b, []byte{6, 6, 0, 0, 0, 10}) || !bytes.Contains(b, []byte{2, 18}) {
				t.Errorf("%s: %x", name, b)
			}
		})
	}
	c, err := radius.New(radius.Config{Servers: []radius.ServerConfig{{Address: "127.0.0.1:1", Secret: secret}}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, r := range []aaa.Request{{}, {Caller: "1", Enable: 15}, {Caller: "1", Entry: "radius"},
		{Caller: "1", EAP: []byte{}}, {User: " x"}} {
		if res := c.CallCheck(context.Background(), r); res.Kind != aaa.Refused {
			t.Errorf("%+v: %+v", r, res)
		}
	}
}

// A challenge belongs to its server, not to its connection: State is sent back on the next one.
func TestChallengeAcrossReconnect(t *testing.T) {
	for name, set := range map[string]func(*tlsTown, *radius.ServerConfig){"RADIUS/1.0": off, "RADIUS/1.1": nil} {
		inTLSTown(t, servers.RadSec{CloseOn: 2, SignReplies: true}, set, func(w *tlsTown) {
			conv, res := w.login("otp")
			if res.Kind != aaa.Prompt {
				t.Fatalf("%s: %+v", name, res)
			}
			if res = conv.Answer(context.Background(), "123456"); res.Kind != aaa.Granted || w.streams.Dialed() != 2 {
				t.Errorf("%s: %d connections, %+v", name, w.streams.Dialed(), res)
			}
		})
	}
}

// A request that does not fit into a packet is refused: after silence, the next method would be asked.
func TestRequestTooLong(t *testing.T) {
	asking(t, radius.Require, []said{{code: 2}}, func(c *radius.Client, requests func() [][]byte) {
		packet := make([]byte, 3000)
		packet[0], packet[2], packet[3] = 2, 3000>>8, 3000&0xff
		long := strings.Repeat("x", 253)
		_, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: long, Caller: long, Called: long,
			Connect: long, CallID: long, EAP: packet})
		if res.Kind != aaa.Refused || len(requests()) != 0 {
			t.Errorf("%d requests, %+v", len(requests()), res)
		}
	})
}

// An EAP packet may contain a password in clear (EAP-GTC), so it is masked.
func TestEAPIsMasked(t *testing.T) {
	asking(t, radius.Require, []said{{code: 3, attrs: eapOver(4, 0, 0, 4)}}, func(c *radius.Client, _ func() [][]byte) {
		packet := append([]byte{2, 0, 0, byte(5 + len(canary)), 6}, canary...)
		_, res := c.Start(context.Background(), aaa.Request{Service: aaa.EXEC, User: "bob", EAP: packet})
		if seen := strings.Join(res.Auth.Attributes, "\n"); res.Kind != aaa.Refused ||
			!strings.Contains(seen, "EAP-Message = [secret]") {
			t.Errorf("%+v", res)
		}
	})
}
