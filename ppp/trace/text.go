package trace

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/auth"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ncp"
)

// The topics of `debug ppp`.
const (
	Negotiation    = "ppp negotiation"    // phases, LCP, IPCP, IPV6CP
	Authentication = "ppp authentication" // PAP, CHAP, EAP, and what AAA is asked
	Callback       = "ppp cbcp"           // CBCP, and what the broker is asked
	Packets        = "ppp packet"         // every frame, and the keepalive
)

// Topic returns the topic of a frame, beside Packets; "" for none.
func Topic(protocol uint16, info []byte) string {
	switch protocol {
	case lcp.Protocol:
		if len(info) > 0 && keepalive(info[0]) {
			return ""
		}
		return Negotiation
	case ncp.IPCPProtocol, ncp.IPV6CPProtocol:
		return Negotiation
	case auth.PAPProtocol, auth.CHAPProtocol, auth.EAPProtocol:
		return Authentication
	case cbcp.Protocol:
		return Callback
	}
	return ""
}

// keepalive reports whether a code of LCP is an Echo-Request, an Echo-Reply or a Discard-Request.
func keepalive(code byte) bool { return code >= lcp.EchoRequest && code <= lcp.DiscardRequest }

// protocols has the control protocols by number: their names, and those of their codes.
var protocols = map[uint16]struct {
	name  string
	codes []string
}{
	lcp.Protocol: {"LCP", []string{1: "CONFREQ", "CONFACK", "CONFNAK", "CONFREJ", "TERMREQ", "TERMACK", "CODEREJ",
		"PROTREJ", "ECHOREQ", "ECHOREP", "DISCREQ", "IDENTIFY", "TIMEREMAINING"}},
	ncp.IPCPProtocol: {"IPCP", []string{1: "CONFREQ", "CONFACK", "CONFNAK", "CONFREJ", "TERMREQ", "TERMACK",
		"CODEREJ"}},
	ncp.IPV6CPProtocol: {"IPV6CP", []string{1: "CONFREQ", "CONFACK", "CONFNAK", "CONFREJ", "TERMREQ", "TERMACK",
		"CODEREJ"}},
	auth.PAPProtocol:  {"PAP", []string{papRequest: "AUTH-REQ", "AUTH-ACK", "AUTH-NAK"}},
	auth.CHAPProtocol: {"CHAP", []string{chapChallenge: "CHALLENGE", "RESPONSE", "SUCCESS", "FAILURE"}},
	auth.EAPProtocol:  {"EAP", []string{eapRequest: "REQUEST", "RESPONSE", "SUCCESS", "FAILURE"}},
	cbcp.Protocol:     {"MCB", []string{1: "Request", "Response", "Ack"}},
}

// states has the names of the automaton's states in IOS.
var states = [...]string{fsm.Initial: "Initial", fsm.Starting: "Starting", fsm.Closed: "Closed",
	fsm.Stopped: "Stopped", fsm.Closing: "TERMsent", fsm.Stopping: "Stopping", fsm.ReqSent: "REQsent",
	fsm.AckRcvd: "ACKrcvd", fsm.AckSent: "ACKsent", fsm.Opened: "Open"}

// State returns the name of a state in IOS.
func State(s fsm.State) string {
	if int(s) < len(states) {
		return states[s]
	}
	return s.String()
}

func direction(out bool) string {
	if out {
		return "O"
	}
	return "I"
}

// Packet describes a frame for the topic Packets: its direction, protocol and the length of its information field, and
// the packets of the keepalive.
func Packet(f ppp.Frame) []string {
	lines := []string{fmt.Sprintf("PPP: %s pkt type 0x%04X, datagramsize %d", direction(f.Out), f.Protocol,
		len(f.Info))}
	p, ok := fsm.ParsePacket(f.Info)
	if f.Protocol == lcp.Protocol && ok && keepalive(p.Code) {
		lines = append(lines, title(f, p)+magic(p.Data))
	}
	return lines
}

// Lines describes a frame for its Topic. It shows no secret.
func Lines(f ppp.Frame) []string {
	f.Info = Mask(f.Protocol, f.Info, false)
	p, ok := fsm.ParsePacket(f.Info)
	if !ok {
		return []string{fmt.Sprintf("%s: %s a damaged packet of %d octets", protocols[f.Protocol].name,
			direction(f.Out), len(f.Info))}
	}
	head := title(f, p)
	switch f.Protocol {
	case lcp.Protocol, ncp.IPCPProtocol, ncp.IPV6CPProtocol:
		return append([]string{head + remark(f.Protocol, p)}, options(f.Protocol, p)...)
	case auth.PAPProtocol:
		head += papText(p)
	case auth.CHAPProtocol:
		head += chapText(p)
	case auth.EAPProtocol:
		head += eapText(p)
	case cbcp.Protocol:
		return append([]string{head}, callbackOptions(p.Data)...)
	}
	return []string{head}
}

// title is the beginning of a line: "LCP: O CONFREQ [REQsent] id 1 len 24".
func title(f ppp.Frame, p fsm.Packet) string {
	known := protocols[f.Protocol]
	code := fmt.Sprintf("code %d", p.Code)
	if int(p.Code) < len(known.codes) && p.Code > 0 {
		code = known.codes[p.Code]
	}
	switch f.Protocol {
	case lcp.Protocol, ncp.IPCPProtocol, ncp.IPV6CPProtocol:
		code += " [" + State(f.State) + "]"
	case auth.EAPProtocol:
		if len(p.Data) > 0 {
			code += " " + eapType(p.Data[0])
		}
	}
	return fmt.Sprintf("%s: %s %s id %d len %d", known.name, direction(f.Out), code, p.ID, headerLen+len(p.Data))
}

func magic(data []byte) string {
	if len(data) < 4 {
		return ""
	}
	return fmt.Sprintf(" magic 0x%08X", binary.BigEndian.Uint32(data))
}

// remark is what a packet of a control protocol says beside options.
func remark(protocol uint16, p fsm.Packet) string {
	switch {
	case p.Code == fsm.TerminateRequest && len(p.Data) > 0:
		return fmt.Sprintf(" (%q)", p.Data)
	case protocol != lcp.Protocol:
	case p.Code == lcp.ProtocolReject && len(p.Data) >= 2:
		return fmt.Sprintf(" protocol 0x%04X", binary.BigEndian.Uint16(p.Data))
	case p.Code == lcp.Identification && len(p.Data) > 4: // Identification, RFC 1570 §1.1
		return fmt.Sprintf("%s (%q)", magic(p.Data), p.Data[4:])
	case p.Code == lcp.TimeRemaining && len(p.Data) >= 8: // Time-Remaining, RFC 1570 §1.2
		return fmt.Sprintf("%s %d s", magic(p.Data), binary.BigEndian.Uint32(p.Data[4:]))
	}
	return ""
}

// options describes the options of a Configure packet.
func options(protocol uint16, p fsm.Packet) []string {
	if p.Code < fsm.ConfigureRequest || p.Code > fsm.ConfigureReject {
		return nil
	}
	opts, ok := fsm.ParseOptions(p.Data)
	if !ok {
		return []string{fmt.Sprintf("%s:    damaged options", protocols[protocol].name)}
	}
	var lines []string
	for _, o := range opts {
		lines = append(lines, fmt.Sprintf("%s:    %s (0x%X)", protocols[protocol].name, option(protocol, o),
			fsm.AppendOptions(nil, o)))
	}
	return lines
}

// optionNames has the names of options in IOS, by protocol and type.
var optionNames = map[uint16]map[byte]string{
	lcp.Protocol: {1: "MRU", 2: "ACCM", 3: "AuthProto", 4: "QualityType", 5: "MagicNumber", 7: "PFC", 8: "ACFC",
		13: "Callback", 17: "MRRU", 18: "SSHF", 19: "EndpointDisc", 23: "BACP"},
	ncp.IPCPProtocol: {1: "Addresses", 2: "CompressType", 3: "Address", 129: "PrimaryDNS", 130: "PrimaryWINS",
		131: "SecondaryDNS", 132: "SecondaryWINS"},
	ncp.IPV6CPProtocol: {1: "Interface-Id", 2: "CompressType"},
}

// authNames has the names of methods in IOS, by the data of LCP's option.
var authNames = map[string]string{"\xc0\x23": "PAP", "\xc2\x23\x05": "CHAP", "\xc2\x23\x80": "MS-CHAP",
	"\xc2\x23\x81": "MS-CHAP-V2", "\xc2\x27": "EAP"}

// option describes an option without its octets.
func option(protocol uint16, o fsm.Option) string {
	name := optionNames[protocol][o.Type]
	if name == "" {
		return fmt.Sprintf("option %d", o.Type)
	}
	if value := optionValue(protocol, o); value != "" {
		return name + " " + value
	}
	return name
}

func optionValue(protocol uint16, o fsm.Option) string {
	switch n := len(o.Data); {
	case protocol == lcp.Protocol && o.Type == 3:
		return authNames[string(o.Data)]
	case protocol == lcp.Protocol && o.Type == 13 && n > 0:
		return fmt.Sprint(o.Data[0])
	case protocol == lcp.Protocol && n == 2:
		return fmt.Sprint(binary.BigEndian.Uint16(o.Data))
	case protocol == lcp.Protocol && n == 4:
		return fmt.Sprintf("0x%08X", binary.BigEndian.Uint32(o.Data))
	case protocol == ncp.IPCPProtocol && n == 4 && o.Type != 2:
		return netip.AddrFrom4([4]byte(o.Data)).String()
	case protocol == ncp.IPV6CPProtocol && n == 8:
		return fmt.Sprintf("%04X:%04X:%04X:%04X", o.Data[:2], o.Data[2:4], o.Data[4:6], o.Data[6:])
	}
	return ""
}

func papText(p fsm.Packet) string {
	text, _, ok := field(p.Data)
	switch {
	case !ok:
		return ""
	case p.Code == papRequest:
		return fmt.Sprintf(" from %q", text)
	case len(text) > 0:
		return fmt.Sprintf(" msg is %q", text)
	}
	return ""
}

func chapText(p fsm.Packet) string {
	switch p.Code {
	case chapChallenge, chapResponse:
		if _, name, ok := field(p.Data); ok {
			return fmt.Sprintf(" from %q", name)
		}
	case chapSuccess, chapFailure:
		text := p.Data
		if proof, ok := bytes.CutPrefix(text, []byte("S=")); ok {
			text = append([]byte("S=[secret]"), bytes.TrimLeft(proof, string(filler))...)
		}
		if len(text) > 0 {
			return fmt.Sprintf(" msg is %q", text)
		}
	}
	return ""
}

// eapType returns the name of a type of EAP.
func eapType(t byte) string {
	switch t {
	case eapIdentity:
		return "IDENTITY"
	case eapNotification:
		return "NOTIFICATION"
	case eapNak:
		return "NAK"
	case eapMD5:
		return "MD5"
	case eapOTP:
		return "OTP"
	case eapGTC:
		return "GTC"
	case eapTLS:
		return "TLS"
	case eapTTLS:
		return "TTLS"
	case eapPEAP:
		return "PEAP"
	}
	return fmt.Sprintf("type %d", t)
}

func eapText(p fsm.Packet) string {
	if p.Code == eapResponse && len(p.Data) > 1 && p.Data[0] == eapIdentity {
		return fmt.Sprintf(" from %q", p.Data[1:])
	}
	return ""
}

// callbackOptions describes the options of a packet of CBCP (MS-CBCP §2.2.2): each with its type, its length, and for
// most types a delay and addresses.
func callbackOptions(b []byte) []string {
	opts, ok := fsm.ParseOptions(b)
	if !ok {
		return []string{"MCB:    damaged options"}
	}
	var lines []string
	for _, o := range opts {
		text := fmt.Sprintf("MCB:    type %d%s", o.Type, callbackTypes[o.Type])
		if len(o.Data) > 0 {
			text += fmt.Sprintf(" delay %d", o.Data[0])
		}
		if len(o.Data) > 2 && o.Data[2] != 0 {
			text += fmt.Sprintf(" number %q", trimNUL(o.Data[2:]))
		}
		lines = append(lines, fmt.Sprintf("%s (0x%X)", text, fsm.AppendOptions(nil, o)))
	}
	return lines
}

var callbackTypes = map[byte]string{1: " (none)", 2: " (user)", 3: " (admin)", 4: " (list)"}

func trimNUL(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == 0 {
		b = b[:len(b)-1]
	}
	return b
}
