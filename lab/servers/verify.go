package servers

import (
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"layeh.com/radius"
)

const statusServerCode = radius.Code(12)

// verify parses a request for a port and checks its Message-Authenticator and, for an Accounting-Request, its
// authenticator. The packet is nil if it does not parse; otherwise it is returned even with an error.
func (s *RADIUS) verify(b []byte, port radius.Code) (*radius.Packet, error) {
	p, err := radius.Parse(b, []byte(s.cfg.Secret))
	if err != nil {
		return nil, err
	}
	b = b[:binary.BigEndian.Uint16(b[2:])]
	good, at, first := s.signature(b)
	switch {
	case p.Code != port && p.Code != statusServerCode:
		return p, fmt.Errorf("code %v is not accepted on this port", p.Code)
	case at < 0 && countOf(p, 80) > 0:
		return p, errors.New("Message-Authenticator malformed, or more than one")
	case at >= 0 && !good:
		return p, errors.New("wrong Message-Authenticator (different secret?)")
	case p.Code == radius.CodeAccountingRequest:
		if want := digest(b, make([]byte, 16), s.cfg.Secret); !hmac.Equal(want, b[4:20]) {
			return p, errors.New("wrong Request Authenticator (different secret?)")
		}
	case at < 0 && p.Code == statusServerCode:
		return p, errors.New("Status-Server without Message-Authenticator")
	case at < 0 && countOf(p, 79) > 0:
		return p, errors.New("EAP without Message-Authenticator")
	case p.Code == radius.CodeAccessRequest && !first && !s.cfg.Lenient:
		return p, errors.New("the first attribute is not a Message-Authenticator")
	}
	return p, nil
}

func countOf(p *radius.Packet, t radius.Type) int {
	n := 0
	for _, a := range p.Attributes {
		if a.Type == t {
			n++
		}
	}
	return n
}

// signature finds and checks the one Message-Authenticator of a request; at is -1 if there is none that can be checked.
func (s *RADIUS) signature(b []byte) (good bool, at int, first bool) {
	at = -1
	for i := 20; i+1 < len(b) && b[i+1] >= 2; i += int(b[i+1]) {
		if b[i] != 80 {
			continue
		}
		if at >= 0 || b[i+1] != 18 || i+18 > len(b) {
			return false, -1, false
		}
		at = i + 2
	}
	if at < 0 {
		return false, -1, false
	}
	plain := slices.Clone(b)
	clear(plain[at : at+16])
	if radius.Code(b[0]) == radius.CodeAccountingRequest {
		clear(plain[4:20]) // as in RFC 5176 §2.3; RFC 2869 §5.14 does not say
	}
	return hmac.Equal(b[at:at+16], sign(plain, s.cfg.Secret)), at, at == 22
}

func (s *RADIUS) trace(e Event) {
	if s.cfg.Trace != nil {
		e.Time, e.Protocol = time.Now(), "radius"
		s.cfg.Trace(e)
	}
}

// seenEvent describes a received request; p is nil if it did not parse.
func (s *RADIUS) seenEvent(from net.Addr, b []byte, p *radius.Packet) Event {
	e := Event{Peer: from.String(), What: fmt.Sprintf("%d octets that are not a RADIUS packet", len(b))}
	if s.cfg.Trace == nil || p == nil {
		return e
	}
	e.Kind = codeName(p.Code)
	e.What = fmt.Sprintf("%s id %d of %d octets", e.Kind, p.Identifier, len(b))
	e.Attributes = printed(p)
	b = b[:binary.BigEndian.Uint16(b[2:])]
	if p.Code == radius.CodeAccountingRequest {
		e.Judged = append(e.Judged, judged("Request Authenticator",
			hmac.Equal(digest(b, make([]byte, 16), s.cfg.Secret), b[4:20])))
	}
	good, at, first := s.signature(b)
	switch {
	case at >= 0 && good && !first && p.Code == radius.CodeAccessRequest:
		e.Judged = append(e.Judged, "Message-Authenticator good, but not the first attribute")
	case at >= 0:
		e.Judged = append(e.Judged, judged("Message-Authenticator", good))
	case countOf(p, 80) > 0:
		e.Judged = append(e.Judged, "Message-Authenticator malformed, or more than one")
	case p.Code != radius.CodeAccountingRequest:
		e.Judged = append(e.Judged, "Message-Authenticator missing")
	}
	return e
}

// codeName is a packet's name in its RFC.
func codeName(c radius.Code) string {
	if c == statusServerCode {
		return "Status-Server"
	}
	return c.String()
}

func judged(what string, good bool) string {
	if good {
		return what + " good"
	}
	return what + " wrong (different secret?)"
}

// tell traces a genuine reply: the reason of a refusal, and the faults applied to it.
func (s *RADIUS) tell(to net.Addr, b []byte, why string, request *radius.Packet, f Faults) {
	if s.cfg.Trace == nil {
		return
	}
	e := Event{Peer: to.String(), Sent: true, What: fmt.Sprintf("a reply of %d octets to id %d", len(b),
		request.Identifier), Note: f.String()}
	if p, err := radius.Parse(b, []byte(s.cfg.Secret)); err == nil {
		e.Kind = codeName(p.Code)
		e.What = fmt.Sprintf("%s id %d of %d octets", e.Kind, p.Identifier, len(b))
		e.Attributes = printed(p)
	}
	if why != "" {
		e.What += " (" + why + ")"
	}
	s.trace(e)
}

// String names the faults of single replies, as text; "" if there are none.
func (f Faults) String() string {
	var list []string
	for _, x := range []struct {
		on   bool
		text string
	}{
		{f.Unsigned, "without Message-Authenticator"}, {f.WrongMAC, "wrong Message-Authenticator"},
		{f.DoubleMAC, "two Message-Authenticators"},
		{f.ShortMAC, "a Message-Authenticator of 15 octets"}, {f.LastMAC, "Message-Authenticator last"},
		{f.WrongAuth, "wrong Response Authenticator"},
		{f.Padding, "octets after its Length"}, {f.Truncate > 0, "cut"}, {f.WrongID, "wrong identifier"},
		{f.WrongCode, "wrong code"},
		{f.WrongPort, "from another port"}, {f.Twice, "twice"}, {f.Delay > 0, "late"},
	} {
		if x.on {
			list = append(list, x.text)
		}
	}
	if len(list) == 0 {
		return ""
	}
	return strings.Join(list, ", ") + ", as configured"
}

// secretAttributes are the attributes whose values are secrets or prove a secret.
var secretAttributes = []string{"User-Password", "CHAP-Password", "State", "Class", "EAP-Message", "MS-CHAP-Response",
	"MS-CHAP2-Response", "MS-CHAP2-Success",
	"Ascend-Send-Secret", "Ascend-Receive-Secret", "X-Ascend-Send-Secret", "X-Ascend-Receive-Secret",
	"Ascend-Send-Passwd", "X-Ascend-Send-Passwd",
	"MS-MPPE-Send-Key", "MS-MPPE-Recv-Key", "MS-CHAP-MPPE-Keys", "Old-Password", "Message-Authenticator"}

// printed are a packet's attributes as text.
func printed(p *radius.Packet) []string {
	var list []string
	for _, a := range p.Attributes {
		list = append(list, decode(a.Type, a.Attribute).print())
	}
	return list
}

func (a Attribute) print() string {
	pair := strings.ToLower(a.Value)
	switch {
	case a.Name == "Message-Authenticator":
		return a.Name
	case slices.Contains(secretAttributes, a.Name):
		a.Value = masked
	case a.Name == "Cisco-AVPair" && (strings.Contains(pair, "secret") || strings.Contains(pair, "password")):
		name, _, _ := strings.Cut(a.Value, "=")
		a.Value = name + "=" + masked
	case quotedKind(a.Name):
		a.Value = quote(a.Value)
	}
	return a.String()
}
