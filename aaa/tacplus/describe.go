package tacplus

import (
	"fmt"

	tq "github.com/facebookincubator/tacquito"
	"github.com/ringback/ringback/aaa/pairs"
)

const masked = "[secret]"

// statusName is an authentication status as RFC 8907 spells it.
func statusName(s tq.AuthenStatus) string {
	return [...]string{"", "PASS", "FAIL", "GETDATA", "GETUSER", "GETPASS", "RESTART", "ERROR"}[s]
}

var typeNames = map[tq.AuthenType]string{tq.AuthenTypeASCII: "ASCII", tq.AuthenTypePAP: "PAP", tq.AuthenTypeCHAP: "CHAP", tq.AuthenTypeMSCHAP: "MS-CHAP", tq.AuthenTypeMSCHAPV2: "MS-CHAPv2",
	tq.AuthenTypeNotSet: "not set"}

var serviceNames = map[tq.AuthenService]string{tq.AuthenServiceNone: "NONE", tq.AuthenServiceLogin: "LOGIN", tq.AuthenServiceEnable: "ENABLE", tq.AuthenServicePPP: "PPP"}

var methodNames = map[tq.AuthenMethod]string{tq.AuthenMethodNotSet: "not set", tq.AuthenMethodNone: "NONE", tq.AuthenMethodEnable: "ENABLE", tq.AuthenMethodLocal: "LOCAL",
	tq.AuthenMethodTacacsPlus: "TACACSPLUS", tq.AuthenMethodRadius: "RADIUS"}

// show tells the trace of a packet, where there is one. lines is called only then.
func (p *peer) show(sent bool, what string, lines func() []string) {
	if p.trace != nil {
		p.trace(Event{Server: p.Name, Sent: sent, What: what, Lines: lines()})
	}
}

func (p *peer) showStart(st start) {
	p.show(true, "Authentication START", func() []string {
		b := st.body
		lines := []string{"action = LOGIN", fmt.Sprintf("priv_lvl = %d", b.PrivLvl), "authen_type = " + typeNames[b.Type], "authen_service = " + serviceNames[b.Service],
			"user = " + pairs.Quoted(string(b.User)), "port = " + pairs.Quoted(string(b.Port)), "rem_addr = " + pairs.Quoted(string(b.RemAddr))}
		if b.Data != "" {
			lines = append(lines, "data = "+masked)
		}
		return lines
	})
}

// showContinue masks every answer but a user name: what GETDATA asks for may be a one-time password.
func (p *peer) showContinue(s *session, asked tq.AuthenStatus, answer string) {
	p.show(true, fmt.Sprintf("Authentication CONTINUE, session %08x", s.id), func() []string {
		if asked != tq.AuthenStatusGetUser {
			answer = masked
		}
		return []string{"user_msg = " + pairs.Quoted(answer)}
	})
}

func (p *peer) showReply(s *session, r tq.AuthenReply) {
	p.show(false, fmt.Sprintf("Authentication REPLY %s, session %08x", statusName(r.Status), s.id), func() []string {
		var lines []string
		if r.Flags.Has(tq.AuthenReplyFlagNoEcho) {
			lines = append(lines, "flags = NOECHO")
		}
		return append(lines, messages(string(r.ServerMsg), string(r.Data))...)
	})
}

func messages(msg, data string) []string {
	var lines []string
	if msg != "" {
		lines = append(lines, "server_msg = "+pairs.Quoted(msg))
	}
	if data != "" {
		lines = append(lines, "data = "+pairs.Quoted(data))
	}
	return lines
}

// describePair prints an argument; the value of a secret one is masked.
func describePair(s string) string { return pairs.Printable(pairs.Masked(s)) }

func describePairs(pairs []string) []string {
	lines := make([]string, 0, len(pairs))
	for _, s := range pairs {
		lines = append(lines, describePair(s))
	}
	return lines
}
