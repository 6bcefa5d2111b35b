package trace

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/ppptest"
)

func linesOf(f ppptest.Frame) []string {
	frame := ppp.Frame{Protocol: f.Protocol, Info: f.Info}
	return append(Lines(frame), Packet(frame)...)
}

// TestLines has the lines of `debug ppp`, in the terms of Cisco's "Understanding debug ppp negotiation Output".
func TestLines(t *testing.T) {
	for _, tt := range []struct {
		frame ppp.Frame
		topic string
		want  string
	}{
		{ppp.Frame{Out: true, Protocol: ppptest.LCP, State: fsm.ReqSent, Info: ppptest.Packet(1, 1,
			with("\x02\x06\x00\x0a\x00\x00\x03\x05\xc2\x23\x05\x05\x06\x06\xb6\xa5\xdc\x07\x02\x08\x02")...)},
			Negotiation,
			"LCP: O CONFREQ [REQsent] id 1 len 25; LCP:    ACCM 0x000A0000 (0x0206000A0000); " +
				"LCP:    AuthProto CHAP (0x0305C22305); LCP:    MagicNumber 0x06B6A5DC (0x050606B6A5DC); " +
				"LCP:    PFC (0x0702); LCP:    ACFC (0x0802)"},
		{ppp.Frame{Protocol: ppptest.LCP, State: fsm.Opened, Info: ppptest.Packet(4, 2,
			with("\x01\x04\x05\xdc\x0d\x03\x06\x11\x04\x05\xf4\x63\x03x")...)}, Negotiation,
			"LCP: I CONFREJ [Open] id 2 len 18; LCP:    MRU 1500 (0x010405DC); LCP:    Callback 6 (0x0D0306); " +
				"LCP:    MRRU 1524 (0x110405F4); LCP:    option 99 (0x630378)"},
		{ppp.Frame{Protocol: ppptest.LCP, State: fsm.AckSent, Info: ppptest.Packet(1, 2, 5, 1)}, Negotiation,
			"LCP: I CONFREQ [ACKsent] id 2 len 6; LCP:    damaged options"},
		{ppp.Frame{Protocol: ppptest.LCP, State: fsm.Opened, Info: ppptest.Packet(5, 9, with("bye\r")...)}, Negotiation,
			`LCP: I TERMREQ [Open] id 9 len 8 ("bye\r")`},
		{ppp.Frame{Out: true, Protocol: ppptest.LCP, State: fsm.Opened,
			Info: ppptest.Packet(8, 9, with("\x80\xfd\x01\x01\x00\x04")...)}, Negotiation,
			"LCP: O PROTREJ [Open] id 9 len 10 protocol 0x80FD"},
		{ppp.Frame{Protocol: ppptest.LCP, State: fsm.Opened,
			Info: ppptest.Packet(12, 3, with("\x01\x02\x03\x04MSRASV5.10")...)}, Negotiation,
			`LCP: I IDENTIFY [Open] id 3 len 18 magic 0x01020304 ("MSRASV5.10")`},
		{ppp.Frame{Out: true, Protocol: ppptest.LCP, State: fsm.Opened,
			Info: ppptest.Packet(13, 3, with("\x01\x02\x03\x04\x00\x00\x01\x2c")...)}, Negotiation,
			"LCP: O TIMEREMAINING [Open] id 3 len 12 magic 0x01020304 300 s"},
		{ppp.Frame{Protocol: ppptest.LCP, Info: ppptest.Packet(99, 3)}, Negotiation,
			"LCP: I code 99 [Initial] id 3 len 4"},
		{ppp.Frame{Protocol: ppptest.LCP, Info: []byte{1, 2, 0}}, Negotiation, "LCP: I a damaged packet of 3 octets"},
		{ppp.Frame{Protocol: ppptest.IPCP, State: fsm.ReqSent, Info: ppptest.Packet(1, 1,
			with("\x03\x06\x0a\x08\x00\x0a\x81\x06\x00\x00\x00\x00\x02\x06\x00\x2d\x0f\x01")...)}, Negotiation,
			"IPCP: I CONFREQ [REQsent] id 1 len 22; IPCP:    Address 10.8.0.10 (0x03060A08000A); " +
				"IPCP:    PrimaryDNS 0.0.0.0 (0x810600000000); IPCP:    CompressType (0x0206002D0F01)"},
		{ppp.Frame{Out: true, Protocol: ppptest.IPV6CP, State: fsm.AckRcvd,
			Info: ppptest.Packet(2, 1, with("\x01\x0a\x02\x05\xf4\xff\xfe\x12\x34\x56")...)}, Negotiation,
			"IPV6CP: O CONFACK [ACKrcvd] id 1 len 14; " +
				"IPV6CP:    Interface-Id 0205:F4FF:FE12:3456 (0x010A0205F4FFFE123456)"},
		{ppp.Frame{Protocol: ppptest.PAP, Info: ppptest.Packet(1, 7, with("\x03kim\x06sesame")...)}, Authentication,
			`PAP: I AUTH-REQ id 7 len 15 from "kim"`},
		{ppp.Frame{Out: true, Protocol: ppptest.PAP, Info: ppptest.Packet(3, 7, with("\x02no")...)}, Authentication,
			`PAP: O AUTH-NAK id 7 len 7 msg is "no"`},
		{ppp.Frame{Out: true, Protocol: ppptest.PAP, Info: ppptest.Packet(2, 7, 0)}, Authentication,
			`PAP: O AUTH-ACK id 7 len 5`},
		{ppp.Frame{Out: true, Protocol: ppptest.CHAP, Info: ppptest.Packet(1, 7, with("\x04wxyznas")...)},
			Authentication,
			`CHAP: O CHALLENGE id 7 len 12 from "nas"`},
		{ppp.Frame{Protocol: ppptest.CHAP, Info: ppptest.Packet(2, 7, with("\x10", stars(16), "kim")...)},
			Authentication,
			`CHAP: I RESPONSE id 7 len 24 from "kim"`},
		{ppp.Frame{Out: true, Protocol: ppptest.CHAP, Info: ppptest.Packet(3, 7,
			with("S=407A5589115FD0D6209F510FE9C04566932CDA56 M=hello")...)}, Authentication,
			`CHAP: O SUCCESS id 7 len 54 msg is "S=[secret] M=hello"`},
		{ppp.Frame{Out: true, Protocol: ppptest.CHAP, Info: ppptest.Packet(4, 7, with("E=691 R=0")...)}, Authentication,
			`CHAP: O FAILURE id 7 len 13 msg is "E=691 R=0"`},
		{ppp.Frame{Protocol: ppptest.EAP, Info: ppptest.Packet(2, 7, with("\x01kim")...)}, Authentication,
			`EAP: I RESPONSE IDENTITY id 7 len 8 from "kim"`},
		{ppp.Frame{Protocol: ppptest.EAP, Info: ppptest.Packet(2, 7, with("\x1asesame")...)}, Authentication,
			`EAP: I RESPONSE type 26 id 7 len 11`},
		{ppp.Frame{Out: true, Protocol: ppptest.EAP, Info: ppptest.Packet(3, 7)}, Authentication,
			`EAP: O SUCCESS id 7 len 4`},
		{ppp.Frame{Out: true, Protocol: ppptest.CBCP, Info: ppptest.Packet(1, 1,
			with("\x01\x02\x02\x05\x00\x01\x00")...)},
			Callback, "MCB: O Request id 1 len 11; MCB:    type 1 (none) (0x0102); " +
				"MCB:    type 2 (user) delay 0 (0x0205000100)"},
		{ppp.Frame{Protocol: ppptest.CBCP, Info: ppptest.Packet(2, 1, with("\x02\x0b\x0c\x01555123\x00")...)}, Callback,
			`MCB: I Response id 1 len 15; MCB:    type 2 (user) delay 12 number "555123" (0x020B0C0135353531323300)`},
		{ppp.Frame{Protocol: ppptest.CBCP, Info: ppptest.Packet(2, 1, 2, 0)}, Callback,
			"MCB: I Response id 1 len 6; MCB:    damaged options"},
	} {
		got := strings.Join(Lines(tt.frame), "; ")
		if got != tt.want || Topic(tt.frame.Protocol, tt.frame.Info) != tt.topic {
			t.Errorf("%s:\n got %s\nwant %s", Topic(tt.frame.Protocol, tt.frame.Info), got, tt.want)
		}
	}
}

// TestPacket has the lines of `debug ppp packet`.
func TestPacket(t *testing.T) {
	for _, tt := range []struct {
		frame ppp.Frame
		want  string
	}{
		{ppp.Frame{Out: true, Protocol: ppptest.IPv4, Info: make([]byte, 84)},
			"PPP: O pkt type 0x0021, datagramsize 84"},
		{ppp.Frame{Protocol: ppptest.LCP, State: fsm.Opened, Info: ppptest.Packet(9, 1, 0, 0, 0, 1)},
			"PPP: I pkt type 0xC021, datagramsize 8; LCP: I ECHOREQ [Open] id 1 len 8 magic 0x00000001"},
		{ppp.Frame{Protocol: ppptest.LCP, Info: nil}, "PPP: I pkt type 0xC021, datagramsize 0"},
		{ppp.Frame{Protocol: ppptest.LCP, Info: ppptest.Packet(1, 1)}, "PPP: I pkt type 0xC021, datagramsize 4"},
	} {
		if got := strings.Join(Packet(tt.frame), "; "); got != tt.want {
			t.Errorf("\n got %s\nwant %s", got, tt.want)
		}
	}
	for protocol, info := range map[uint16][]byte{ppptest.IPv4: nil, ppptest.LCP: {10}, 0x80fd: {1}} {
		if got := Topic(protocol, info); got != "" {
			t.Errorf("%04x belongs to %q", protocol, got)
		}
	}
	if got := State(fsm.State(99)); got != "99?" {
		t.Error(got)
	}
}
