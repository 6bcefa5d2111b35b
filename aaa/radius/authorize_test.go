package radius

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

// a returns an attribute with a text value, n one with an integer.
func a(t radius.Type, v string) *radius.AVP {
	return &radius.AVP{Type: t, Attribute: radius.Attribute(v)}
}

func n(t radius.Type, v uint32) *radius.AVP {
	return &radius.AVP{Type: t, Attribute: binary.BigEndian.AppendUint32(nil, v)}
}

// authorized calls Authorize of the zero Dialects.
func authorized(session aaa.Service, attrs radius.Attributes) aaa.Authorization {
	if session == aaa.Outbound && attrs.Get(6) == nil { // without this nothing is granted
		attrs = append(radius.Attributes{n(6, 5)}, attrs...)
	}
	return Dialects{}.Authorize(session, attrs)
}

func avpair(s string) *radius.AVP {
	return a(26, "\x00\x00\x00\x09\x01"+string([]byte{byte(len(s) + 2)})+s)
}

// show returns the grant in one line, for comparison.
func show(z aaa.Authorization) string {
	if z.Refuse != "" {
		return "refuse " + z.Refuse
	}
	s := fmt.Sprintf("type %d priv %d", z.ServiceType, z.PrivLevel)
	if z.Callback {
		s += " callback " + z.Dialstring.String()
		if len(z.Further) > 0 {
			s += fmt.Sprintf(" or %q", z.Further)
		}
	}
	if z.CallbackID != "" {
		s += " place " + z.CallbackID
	}
	if z.Lines != nil {
		s += fmt.Sprint(" line ", z.Lines)
	}
	if z.Rotary != nil {
		s += fmt.Sprint(" rotary ", *z.Rotary)
	}
	if z.NoVerify {
		s += " no-verify"
	}
	if z.SessionTimeout+z.IdleTimeout > 0 {
		s += fmt.Sprintf(" session %s idle %s", z.SessionTimeout, z.IdleTimeout)
	}
	if h := z.Host; h != nil {
		if h.Address == "" {
			h.Address = `""`
		}
		s += fmt.Sprintf(" host %s %s %d", h.Service, h.Address, h.Port)
	}
	if z.CallerID {
		s += " caller-id"
	}
	if z.CallbackDelay > 0 {
		s += " delay " + z.CallbackDelay.String()
	}
	if z.Groups != nil {
		s += fmt.Sprintf(" groups %v", z.Groups)
	}
	if z.ReplyMessage != "" {
		s += fmt.Sprintf(" says %q", z.ReplyMessage)
	}
	if z.Class != nil {
		s += fmt.Sprintf(" class %q", z.Class)
	}
	return s
}

func TestAuthorize(t *testing.T) {
	long := strings.Repeat("5", 65)
	for _, tt := range []struct {
		want string
		in   radius.Attributes
	}{
		{"type 0 priv 1", nil},
		// Service-Type, RFC 2865 §5.6
		{"type 1 priv 1", radius.Attributes{n(6, 1)}},
		{"refuse Service-Type: 2 (Framed) is treated as a reject: PPP is not supported in an EXEC session",
			radius.Attributes{n(6, 2)}},
		{"type 3 priv 1 callback NULL", radius.Attributes{n(6, 3)}},
		{"refuse Service-Type: 4 (Callback-Framed) is treated as a reject: PPP is not supported",
			radius.Attributes{n(6, 4), a(19, "84001")}},
		{"refuse Service-Type: 5 (Outbound)", radius.Attributes{n(6, 5)}},
		{"type 6 priv 15", radius.Attributes{n(6, 6)}},
		{"type 7 priv 1", radius.Attributes{n(6, 7)}},
		{"refuse Service-Type: 8 (Authenticate-Only)", radius.Attributes{n(6, 8)}},
		{`type 9 priv 1 callback "84001"`, radius.Attributes{n(6, 9), a(19, "84001")}},
		{"refuse Service-Type: 10 (Call-Check)", radius.Attributes{n(6, 10)}},
		{"type 11 priv 15 callback NULL", radius.Attributes{n(6, 11)}},
		{"refuse Service-Type: unknown value 12", radius.Attributes{n(6, 12)}},
		{"refuse Service-Type: unknown value 0", radius.Attributes{n(6, 0)}},
		{"refuse Service-Type: unknown value 4294967295", radius.Attributes{n(6, 1<<32-1)}},
		{"type 7 priv 1", radius.Attributes{n(6, 7), n(6, 7)}},
		{"refuse Service-Type: it is repeated with different values", radius.Attributes{n(6, 7), n(6, 6)}},
		{"refuse Service-Type: it has 3 octets, not 4", radius.Attributes{a(6, "\x00\x00\x07")}},
		{"refuse Service-Type: it is empty", radius.Attributes{a(6, "")}},
		{"refuse Service-Type: 18 (Framed-Management)", radius.Attributes{n(6, 18)}},
		// a host, RFC 2865 §5.14 to 5.16
		{"type 1 priv 1 host telnet 0.0.0.1 23", radius.Attributes{n(6, 1), n(14, 1)}},
		{`type 3 priv 1 callback "84001" host telnet 0.0.0.1 23`, radius.Attributes{n(14, 1), n(6, 3), a(19, "84001")}},
		{"type 0 priv 1 host telnet 0.0.0.1 23", radius.Attributes{n(14, 1)}},
		{"type 7 priv 1", radius.Attributes{n(14, 1), n(6, 7), n(15, 1)}},
		{"type 1 priv 1", radius.Attributes{n(6, 1), n(15, 1), n(16, 513)}},
		// FreeRADIUS's sample users file
		{`type 3 priv 1 callback "9,5551212" host telnet "" 23`,
			radius.Attributes{n(6, 3), n(14, 0), a(19, "9,5551212"), n(15, 0), n(16, 23)}},
		// the same
		{"refuse Login-Service: 3 (PortMaster) is not supported", radius.Attributes{n(6, 3), n(14, 1), n(15, 3),
			a(19, "9,1-800-555-1212")}},
		{"type 1 priv 1 host telnet any 2323", radius.Attributes{n(6, 1), n(14, 1<<32-1), n(16, 2323)}},
		{"type 1 priv 1 host tcp-clear 10.0.0.1 5000", radius.Attributes{n(6, 1), n(14, 0x0a000001), n(14, 2), n(15, 2),
			n(16, 5000)}},
		{"refuse Login-Service: TCP-Clear requires a Login-TCP-Port", radius.Attributes{n(6, 1), n(14, 1), n(15, 2)}},
		{"refuse Login-Service: 1 (Rlogin)", radius.Attributes{n(14, 1), n(15, 1)}},
		{"refuse Login-Service: 4 (LAT)", radius.Attributes{n(14, 1), n(15, 4)}},
		{"refuse Login-Service: 99 ()", radius.Attributes{n(14, 1), n(15, 99)}},
		{"refuse Login-TCP-Port: 0 is not a TCP port", radius.Attributes{n(14, 1), n(16, 0)}},
		{"refuse Login-TCP-Port: 65536 is not a TCP port", radius.Attributes{n(14, 1), n(16, 65536)}},
		{"refuse Login-IP-Host: it has 3 octets, not 4", radius.Attributes{a(14, "abc")}},
		{"type 0 priv 1 host telnet 2001:db8::1 23",
			radius.Attributes{a(98, "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01")}},
		{"refuse Login-IP-Host: Cisco-AVPair shell:autocmd runs a command",
			radius.Attributes{n(14, 1), avpair("shell:autocmd=show clock")}},
		// numbers
		{`type 0 priv 1 callback "84001"`, radius.Attributes{a(19, "84001")}},
		// FreeRADIUS's sample users file
		{`type 3 priv 1 callback "9,1-800-555-1212"`, radius.Attributes{n(6, 3), a(19, "9,1-800-555-1212")}},
		{"type 3 priv 1 callback unset place office", radius.Attributes{n(6, 3), a(20, "office")}},
		{"refuse Callback-Number: it is empty", radius.Attributes{n(6, 9), a(19, "")}},
		{"refuse Callback-Number: contains the control character 0x0d",
			radius.Attributes{n(6, 9), a(19, "84001\rATH")}},
		{"refuse Callback-Number: contains the control character 0x00", radius.Attributes{n(6, 9), a(19, "84001\x00")}},
		{"refuse Callback-Number: 65 octets", radius.Attributes{n(6, 9), a(19, long)}},
		{`type 9 priv 1 callback "84001"`, radius.Attributes{n(6, 9), a(19, "84001"), a(19, "84001")}},
		{"refuse Callback-Number: it is repeated with different values",
			radius.Attributes{n(6, 9), a(19, "84001"), a(19, "84002")}},
		{"refuse Callback-Id: contains the control character", radius.Attributes{n(6, 9), a(20, "off\nice")}},
		{"refuse Callback-Id: it names a place, but Callback-Number gives a number",
			radius.Attributes{n(6, 9), a(19, "84001"), a(20, "office")}},
		// Cisco-AVPair
		{`type 0 priv 1 callback "84001"`, radius.Attributes{avpair("shell:callback-dialstring=84001")}},
		{`type 0 priv 1 callback "84001"`, radius.Attributes{avpair("exec:callback-dialstring*84001")}},
		{`type 9 priv 1 callback NULL`, radius.Attributes{n(6, 9), avpair("shell:callback-dialstring=")}},
		{`type 0 priv 1 callback NULL`, radius.Attributes{avpair("shell:callback-dialstring=")}},
		{`type 7 priv 1 callback "84001" line [4] rotary 100 no-verify`,
			radius.Attributes{n(6, 7), avpair("shell:callback-dialstring=84001"), avpair("shell:callback-line=4"),
				avpair("shell:callback-rotary=100"), avpair("shell:nocallback-verify=1")}},
		{`type 9 priv 1 callback "84001" no-verify`,
			radius.Attributes{n(6, 9), a(19, "84001"), avpair("Shell:NoCallback-Verify=true")}},
		{`type 9 priv 1 callback "84001"`,
			radius.Attributes{n(6, 9), a(19, "84001"), avpair("shell:nocallback-verify=0")}},
		{`type 9 priv 1 callback "8-4001"`,
			radius.Attributes{n(6, 9), a(19, "8-4001"), avpair("shell:callback-dialstring=84 001")}},
		{"refuse Cisco-AVPair shell:callback-dialstring: it gives a different number than Callback-Number",
			radius.Attributes{n(6, 9), a(19, "84001"), avpair("shell:callback-dialstring=84002")}},
		{"refuse Cisco-AVPair shell:callback-dialstring: it lets the caller choose the number, but Callback-Number " +
			"gives a number", radius.Attributes{n(6, 9), a(19, "84001"), avpair("shell:callback-dialstring=")}},
		{"refuse Callback-Number: it gives a different number than Cisco-AVPair shell:callback-dialstring",
			radius.Attributes{avpair("shell:callback-dialstring=84002"), a(19, "84001")}},
		{`type 0 priv 1 callback "1"`, radius.Attributes{avpair("shell:callback-dialstring=1"),
			avpair("shell:callback-dialstring=1")}},
		{`type 0 priv 1 callback "1" or ["2"]`, radius.Attributes{avpair("shell:callback-dialstring=1"),
			avpair("exec:callback-dialstring*1"), avpair("shell:callback-dialstring*2")}},
		{`type 0 priv 1 callback "1" or ["2"]`,
			radius.Attributes{avpair("shell:callback-dialstring=1"), avpair("shell:callback-dialstring=2")}},
		{`type 0 priv 1 callback "1" or ["2"]`,
			radius.Attributes{avpair("shell:dial-number=1"), avpair("shell:dial-number=2"),
				avpair("outbound:dial-number=3")}},
		{`type 9 priv 1 callback "1" or ["2"]`, radius.Attributes{n(6, 9), a(19, "1"),
			avpair("shell:callback-dialstring=1"), avpair("shell:callback-dialstring=2")}},
		{"refuse Callback-Number: it gives a different number than Cisco-AVPair shell:callback-dialstring",
			radius.Attributes{avpair("shell:callback-dialstring=1"), avpair("shell:callback-dialstring=2"),
				a(19, "2")}},
		{`type 0 priv 15 callback "84001" no-verify`, radius.Attributes{avpair("shell:priv-lvl=15"),
			avpair("shell:callback-dialstring=84001"), avpair("shell:nocallback-verify=1"),
			avpair("shell:priv-lvl=15"), avpair("shell:callback-dialstring=84001"),
			avpair("shell:nocallback-verify=1")}},
		{"refuse Cisco-AVPair: contains the control character",
			radius.Attributes{avpair("shell:callback-dialstring=1\r")}},
		{"refuse Cisco-AVPair shell:callback-dialstring: 65 octets",
			radius.Attributes{avpair("shell:callback-dialstring=" + long)}},
		// another kind of session
		{"type 7 priv 1", radius.Attributes{n(6, 7), avpair("lcp:callback-dialstring=84001")}},
		{"type 7 priv 1", radius.Attributes{n(6, 7), avpair("arap:callback-dialstring=84001")}},
		{"refuse Cisco-AVPair callback-dialstring: it has no prefix (write shell:callback-dialstring)",
			radius.Attributes{avpair("callback-dialstring=84001")}},
		{"type 0 priv 1", radius.Attributes{avpair("something=else")}},
		{"refuse Cisco-AVPair shell:callback-line: \"x\" is not a line from 1 to 65535, or a range such as 65-70",
			radius.Attributes{avpair("shell:callback-line=x")}},
		{"type 0 priv 1", radius.Attributes{avpair("shell:callback-line*x")}},
		{"refuse Cisco-AVPair shell:callback-line:", radius.Attributes{avpair("shell:callback-line")}},
		{"refuse Cisco-AVPair shell:callback-line:", radius.Attributes{avpair("shell:callback-line=+4")}},
		{"refuse Cisco-AVPair shell:callback-rotary:", radius.Attributes{avpair("shell:callback-rotary=101")}},
		{"refuse Cisco-AVPair shell:callback-rotary:",
			radius.Attributes{avpair("shell:callback-rotary=99999999999999999999")}},
		{"refuse Cisco-AVPair shell:nocallback-verify:", radius.Attributes{avpair("shell:nocallback-verify=yes")}},
		{"refuse Cisco-AVPair shell:zonelist: it is unknown and mandatory",
			radius.Attributes{avpair("shell:zonelist=5")}},
		{"type 0 priv 1", radius.Attributes{avpair("shell:zonelist*5")}},
		{"type 7 priv 15", radius.Attributes{n(6, 7), avpair("shell:priv-lvl=15")}},
		{"type 6 priv 0", radius.Attributes{avpair("shell:priv-lvl=0"), n(6, 6)}},
		{"refuse Cisco-AVPair shell:priv-lvl:", radius.Attributes{avpair("shell:priv-lvl=16")}},
		{"type 0 priv 1 session 2m0s idle 1m0s",
			radius.Attributes{avpair("shell:timeout=2"), avpair("shell:idletime=1"), n(27, 3600)}},
		{"refuse Cisco-Attr: truncated", radius.Attributes{a(26, "\x00\x00\x00\x09\x01\x50shell:")}},
		{"refuse Cisco-Attr: truncated", radius.Attributes{a(26, "\x00\x00\x00\x09\x01")}},
		{"refuse Cisco-AVPair: it is empty", radius.Attributes{avpair("")}},
		{"refuse Vendor-Specific: truncated", radius.Attributes{a(26, "\x00\x00\x09")}},
		{"type 0 priv 1", radius.Attributes{a(26, "\x00\x00\x02\x37\x01\xff")}}, // another vendor
		// the rest
		{"type 0 priv 1 session 1h0m0s idle 5m0s", radius.Attributes{n(27, 3600), n(28, 300)}},
		{"refuse Session-Timeout: it has 2 octets", radius.Attributes{a(27, "60")}},
		{"type 0 priv 1 session 0s idle 1s", radius.Attributes{n(28, 1), n(28, 1)}},
		{"refuse Idle-Timeout: it is repeated with different values", radius.Attributes{n(28, 1), n(28, 2)}},
		{`type 0 priv 1 says "one\ntwo\r\n"`, radius.Attributes{a(18, "one"), a(18, "two\r\n")}},
		{`type 0 priv 1 says "ab\nbye"`, radius.Attributes{a(18, "a\x00b"), a(18, "bye\x00")}},
		{"type 0 priv 1", radius.Attributes{a(18, "\x00")}},
		{"refuse Reply-Message: it is empty", radius.Attributes{a(18, "")}},
		{`type 0 priv 1 class ["a" "\x00\xff"]`, radius.Attributes{a(25, "a"), a(25, "\x00\xff")}},
		{"refuse Class: it is empty", radius.Attributes{a(25, "")}},
		{"type 0 priv 1", radius.Attributes{a(222, "what\x00ever")}},
	} {
		if got := show(authorized(aaa.EXEC, tt.in)); !strings.HasPrefix(got, tt.want) ||
			!strings.HasPrefix(tt.want, "refuse") && got != tt.want {
			t.Errorf("%v:\n got  %s\n want %s", describe(&radius.Packet{Attributes: tt.in}), got, tt.want)
		}
	}
	// A refusal grants nothing, even if valid attributes come before it.
	z := authorized(aaa.EXEC, radius.Attributes{n(6, 9), a(19, "84001"), avpair("shell:nocallback-verify=1"), n(27, 5),
		avpair("shell:bad=1")})
	if z.Callback || z.Dialstring.IsSet() || z.NoVerify || z.SessionTimeout != 0 || z.ServiceType != 9 ||
		z.Kind != "Callback-NAS-Prompt" {
		t.Errorf("%+v", z)
	}
	if z := authorized("", radius.Attributes{n(6, 7), avpair("lcp:callback-line=3")}); z.Refuse != "" ||
		!strings.Contains(strings.Join(z.Attributes, "\n"), "# Cisco-AVPair lcp:callback-line: not for exec sessions") {
		t.Errorf("%+v", z)
	}
}

func TestDescribe(t *testing.T) {
	p := &radius.Packet{Attributes: radius.Attributes{a(1, "bob"), a(2, "0123456789abcdef"), n(6, 9),
		a(4, "\x7f\x00\x00\x01"), n(5, 65), a(25, "class"), a(24, "state"), n(55, 0), a(222, "\x01"),
		avpair("lcp:send-secret=hush"), avpair("shell:callback-dialstring="), a(26, "\x00\x00\x01\x37\x10\x04ke"),
		a(26, "\x00\x00\x02\x37\x10\x04ke"), a(26, "\x00\x00\x01\xad\x00\x00\x98\x6a\x00\x00\x00\x02"), n(246, 1),
		a(18, "a\x1b[2J\xff"), a(26, "x"), a(6, "xx"),
		{Type: 26, Attribute: radius.Attribute("\x00\x00\x00\x09\x02\x03x\x01")}}}
	want := `User-Name = "bob"
User-Password = [secret]
Service-Type = Callback-NAS-Prompt
NAS-IP-Address = 127.0.0.1
NAS-Port = 65
Class = [secret]
State = [secret]
Event-Timestamp = 1970-01-01T00:00:00Z
Attr-222 = 0x01
Cisco-AVPair = "lcp:send-secret=[secret]"
Cisco-AVPair = "shell:callback-dialstring="
MS-MPPE-Send-Key = [secret]
Vendor-567 = [secret]
USR-Callback-Type = ANI
X-Ascend-Callback = Callback-Yes
Reply-Message = "a\x1b[2J\xff"
Vendor-Specific = (truncated, 1 octets)
Service-Type = 0x7878
Cisco-NAS-Port = "x"
Cisco-Attr = (truncated, 1 octets)`
	if got := strings.Join(describe(p), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestJitterAndBackoff(t *testing.T) {
	for range 1000 {
		w := jitter(2 * time.Second)
		if w < 1800*time.Millisecond || w > 2200*time.Millisecond {
			t.Fatal(w)
		}
		for range 5 {
			next := nextWait(w, 2*time.Second)
			if next < 3400*time.Millisecond || next > 4700*time.Millisecond {
				t.Fatal(w, next)
			}
			w = next
		}
	}
}

// A server that may send several Callback-Number sends the numbers of the user; any other contradicts itself.
func TestSeveralCallbackNumbers(t *testing.T) {
	many := radius.Attributes{a(19, "0")}
	for i := range 10 {
		many = append(many, a(19, fmt.Sprint(i+1)))
	}
	for _, tt := range []struct {
		want  string
		attrs radius.Attributes
	}{
		{`type 0 priv 1 callback "1" or ["2" "3"]`, radius.Attributes{a(19, "1"), a(19, "2"), a(19, "1"), a(19, "3")}},
		{`type 0 priv 1 callback "1" or ["2"]`,
			radius.Attributes{a(19, "1"), a(19, "2"), avpair("shell:callback-dialstring=1")}},
		{`refuse Cisco-AVPair shell:callback-dialstring: it gives a different number than Callback-Number`,
			radius.Attributes{a(19, "1"), a(19, "2"), avpair("shell:callback-dialstring=2")}},
		{`refuse Cisco-AVPair shell:callback-dialstring: it lets the caller choose the number, but Callback-Number ` +
			`gives a number`, radius.Attributes{a(19, "1"), a(19, "2"), avpair("shell:callback-dialstring=")}},
		{`refuse Callback-Id: it names a place, but Callback-Number gives a number`,
			radius.Attributes{a(19, "1"), a(19, "2"), a(20, "office")}},
		{`refuse Callback-Number: it is one number too many: the maximum is 10`, many},
		{`type 0 priv 1 callback "0" or ["1" "2" "3" "4" "5" "6" "7" "8" "9"]`, many[:10]},
	} {
		got := Dialects{SeveralNumbers: true}.Authorize(aaa.EXEC, tt.attrs)
		if !strings.HasPrefix(show(got), tt.want) {
			t.Errorf("%v\ngot  %s\nwant %s", got.Attributes, show(got), tt.want)
		}
		if err := (Dialects{}).Authorize(aaa.EXEC, tt.attrs).Refuse; !strings.HasPrefix(err, "Callback-Number: it is "+
			"repeated with different values; RFC 2865 §5.44 allows one (several_numbers: true") {
			t.Errorf("without several_numbers: %s", err)
		}
	}
}
