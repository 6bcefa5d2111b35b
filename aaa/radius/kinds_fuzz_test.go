package radius

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
	"layeh.com/radius"
)

// FuzzKinds checks that, for every reply, the peer gets only complete EAP packets with the right code, only well-formed
// proofs, and only lines of text.
func FuzzKinds(f *testing.F) {
	f.Add(byte(2), []byte("\x4f\x06\x03\x01\x00\x04"))
	f.Add(byte(11), []byte("\x4f\x08\x01\x01\x00\x06\x04x\x4f\x03y"))
	f.Add(byte(2), []byte("\x1a\x33\x00\x00\x01\x37\x1a\x2d\x03S=407A5589115FD0D6209F510FE9C04566932CDA56"))
	f.Add(byte(3), []byte("\x1a\x12\x00\x00\x01\x37\x02\x0c\x03E=691 R=1"))
	f.Fuzz(func(t *testing.T, code byte, b []byte) {
		attrs, err := radius.ParseAttributes(b)
		if err != nil {
			return
		}
		kind := radius.CodeAccessAccept
		if code&1 == 1 {
			kind = radius.CodeAccessChallenge
		}
		if p, err := eapReply(kind, attrs, 9); err == nil {
			want := byte(eapSuccess)
			if kind == radius.CodeAccessChallenge {
				want = eapRequest
			}
			if len(p) < 4 || int(binary.BigEndian.Uint16(p[2:])) != len(p) || p[0] != want {
				t.Fatalf("%v passes %x", kind, p)
			}
		}
		m := aaa.MSCHAP{Version: 2, ID: 3}
		if s, err := mschapAccepted(m, attrs); err == nil && (len(s) < 42 || !strings.HasPrefix(s, "S=") ||
			pairs.OneLine(s) != nil) {
			t.Fatalf("the proof %q", s)
		}
		if s := mschapRefused(m, attrs); s != "" && (!strings.HasPrefix(s, "E=") || pairs.OneLine(s) != nil) {
			t.Fatalf("the error %q", s)
		}
		enabled(15, authorized(aaa.EXEC, attrs))
		withoutCallCheck(attrs)
	})
}
