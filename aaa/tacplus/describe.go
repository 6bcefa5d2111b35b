package tacplus

import (
	"fmt"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
)

const masked = "[secret]"

// statusName is the name of an authentication status in RFC 8907.
func statusName(s authenStatus) string {
	return [...]string{"", "PASS", "FAIL", "GETDATA", "GETUSER", "GETPASS", "RESTART", "ERROR"}[s]
}

var typeNames = map[authenType]string{typeASCII: "ASCII", typePAP: "PAP", typeCHAP: "CHAP", typeMSCHAP: "MS-CHAP",
	typeMSCHAPv2: "MS-CHAPv2",
	typeNotSet:   "not set"}

var serviceNames = map[authenService]string{serviceNone: "NONE", serviceLogin: "LOGIN", serviceEnable: "ENABLE",
	servicePPP: "PPP"}

var methodNames = map[authenMethod]string{methodNotSet: "not set", methodNone: "NONE", methodEnable: "ENABLE",
	methodLocal:  "LOCAL",
	methodTACACS: "TACACSPLUS", methodRADIUS: "RADIUS"}

// show reports a packet to the trace, if anyone reads it. Only then does it call lines.
func (p *peer) show(about aaa.About, sent bool, what string, lines func() []string) {
	if p.trace != nil && (p.traced == nil || p.traced(about)) {
		p.trace(Event{Server: p.Name, Sent: sent, About: about, What: what, Lines: lines()})
	}
}

func (p *peer) showStart(about aaa.About, st start) {
	p.show(about, true, "Authentication START", func() []string {
		b := st.body
		lines := []string{"action = LOGIN", fmt.Sprintf("priv_lvl = %d", b.priv), "authen_type = " + typeNames[b.kind],
			"authen_service = " + serviceNames[b.service],
			"user = " + pairs.Quoted(b.user), "port = " + pairs.Quoted(b.port),
			"rem_addr = " + pairs.Quoted(b.remoteAddr)}
		if b.data != "" {
			lines = append(lines, "data = "+masked)
		}
		return lines
	})
}

// showContinue masks every answer except a user name: what GETDATA requests may be a one-time password.
func (p *peer) showContinue(about aaa.About, s *session, asked authenStatus, answer string) {
	p.show(about, true, fmt.Sprintf("Authentication CONTINUE, session %08x", s.id), func() []string {
		if asked != authenGetUser {
			answer = masked
		}
		return []string{"user_msg = " + pairs.Quoted(answer)}
	})
}

func (p *peer) showReply(about aaa.About, s *session, r authenReply) {
	what := fmt.Sprintf("Authentication REPLY %s, session %08x", statusName(r.status), s.id)
	p.show(about, false, what, func() []string {
		var lines []string
		if r.noEcho {
			lines = append(lines, "flags = NOECHO")
		}
		return append(lines, messages(r.message, r.data)...)
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

// describePair prints an argument and masks the value of a secret one.
func describePair(s string) string { return pairs.Printable(pairs.Masked(s)) }

func describePairs(pairs []string) []string {
	lines := make([]string, 0, len(pairs))
	for _, s := range pairs {
		lines = append(lines, describePair(s))
	}
	return lines
}
