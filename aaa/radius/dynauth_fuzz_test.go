package radius

import (
	"net/netip"
	"testing"
	"time"

	"layeh.com/radius"
)

// FuzzDynAuth checks that no datagram without the secret is accepted, and that an accepted request identifies a
// session, changes no number, makes no callback earlier, and does not both cancel and delay a callback.
func FuzzDynAuth(f *testing.F) {
	f.Add(byte(43),
		[]byte("\x2c\x04s1\x37\x06\x00\x00\x00\x01\x1a\x22\x00\x00\x00\x09\x01\x1cringback:callback-delay=90"))
	f.Add(byte(40), []byte("\x01\x05bob\x37\x06\x00\x00\x00\x01\x57\x07tty65"))
	f.Add(byte(43), []byte("\x2c\x04s1\x37\x06\x00\x00\x00\x01\x13\x05900"))
	f.Add(byte(43), []byte("\x2c\x04s1\x37\x06\x00\x00\x00\x01\x1a\x0c\x00\x00\x02\x11\x6c\x06\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, code byte, b []byte) {
		if len(b) > 4000 {
			return
		}
		datagram := append([]byte{code, 1, byte((20 + len(b)) >> 8), byte(20 + len(b)), 19: 0}, b...)
		if _, err := readDynAuth(datagram, []byte("a secret of 24 octets..."), false); err == nil {
			t.Fatalf("%x was accepted", datagram)
		}
		attrs, err := radius.ParseAttributes(b)
		if err != nil {
			return
		}
		kind := radius.CodeDisconnectRequest
		if code&1 == 1 {
			kind = radius.CodeCoARequest
		}
		asked, refused := readAsked(kind, attrs, func(netip.Addr) bool { return true }, "maui")
		if refused != nil {
			if refused.cause < 401 || refused.why == "" {
				t.Fatalf("refused by %d, %q", refused.cause, refused.why)
			}
			return
		}
		c := asked.change
		switch {
		case asked.selector == (Selector{}):
			t.Fatal("no session identified")
		case c.DelayCallback < 0 || c.DelayCallback > maxCallbackDelay || c.CancelCallback && c.DelayCallback != 0:
			t.Fatalf("%+v", c)
		case kind == radius.CodeDisconnectRequest && c != (Change{}):
			t.Fatalf("a Disconnect-Request changes %+v", c)
		case len(values(attrs, 19))+len(values(attrs, 20)) > 0:
			t.Fatal("a number was accepted")
		}
	})
}

// If no more requests can be stored, no more are accepted. Accepted ones stay stored until their window is over.
func TestSeenRequestsFull(t *testing.T) {
	var s seenRequests
	now := time.Unix(1000, 0)
	auth := func(i int) authenticator { return authenticator{byte(i), byte(i >> 8), byte(i >> 16)} }
	for i := range dynAuthMaxSeen {
		if _, f := s.take(auth(i), "a:1", 1, now, time.Minute); f != fresh {
			t.Fatal(i, f)
		}
	}
	if _, f := s.take(auth(dynAuthMaxSeen), "a:1", 1, now, time.Minute); f != full {
		t.Error(f)
	}
	if _, f := s.take(auth(0), "a:1", 1, now.Add(time.Minute), time.Minute); f != repeated {
		t.Error(f)
	}
	if _, f := s.take(auth(0), "a:1", 1, now.Add(time.Minute+1), time.Minute); f != fresh || len(s.known) != 1 ||
		len(s.order) != 1 {
		t.Error(f, len(s.known), len(s.order))
	}
}
