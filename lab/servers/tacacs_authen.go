package servers

import (
	"fmt"
	"strings"

	"github.com/ringback/ringback/aaa"
)

// asciiLogin is an ASCII authentication under way (RFC 8907 §5.4.2.1).
type asciiLogin struct {
	user   string
	enable bool
	asked  byte // authenGetUser, authenGetPass or authenGetData
	answer aaa.Secret
	any    bool // any answer is accepted
}

// authenticate answers a START or CONTINUE.
func (s *TACACS) authenticate(ses *tacSession, h tacHeader, body []byte, f TACACSFaults, e *Event) (*tacReply, error) {
	if ses.login != nil {
		c, err := decodeContinue(body)
		if err != nil {
			return nil, err
		}
		e.What += ": CONTINUE"
		if c.flags&continueAbort != 0 {
			e.Note = "aborted: " + quote(string(c.data))
			return nil, nil
		}
		return s.proceed(ses.login, c, f, e), nil
	}
	st, err := decodeStart(body)
	if err != nil {
		return nil, err
	}
	e.What += fmt.Sprintf(": START %s, service %s", named8(authenTypes, st.kind), named8(authenService, st.service))
	e.Attributes = []string{"user " + quote(st.user), "port " + quote(st.port), "rem_addr " + quote(st.remote),
		fmt.Sprintf("priv_lvl %d", st.priv)}
	if f.broken() {
		return f.authenReply(), nil
	}
	if err := st.check(h.version & 0x0f); err != nil {
		return nil, err
	}
	if st.kind == typeASCII {
		ses.login = &asciiLogin{user: st.user, enable: st.service == serviceEnable}
		return s.ask(ses.login, f), nil
	}
	chain := s.known().chain(st.user)
	return verdict(st.proven(chain), chain, ""), nil
}

// check rejects what RFC 8907 §5.4.2 does not allow: PAP, CHAP and MS-CHAP require minor version 1, ASCII 0.
func (st tacStart) check(minor byte) error {
	switch {
	case st.action != actionLogin:
		return fmt.Errorf("action %d is not supported", st.action)
	case authenTypes[st.kind] == "" || st.kind == 0:
		return fmt.Errorf("authentication type %d is not supported", st.kind)
	case (st.kind == typeASCII) != (minor == 0):
		return fmt.Errorf("minor version %d with authentication type %s", minor, authenTypes[st.kind])
	}
	return nil
}

// proven checks the credentials in START's data (RFC 8907 §5.4.2.2–5.4.2.5).
func (st tacStart) proven(chain []Profile) string {
	switch st.kind {
	case typePAP:
		want := first(chain, func(p Profile) aaa.Secret { return p.PAP })
		if want == "" {
			want = first(chain, func(p Profile) aaa.Secret { return p.Login })
		}
		return compare(want, aaa.Secret(st.data))
	case typeCHAP:
		want := first(chain, func(p Profile) aaa.Secret { return p.CHAP })
		if len(st.data) < 18 {
			return "CHAP data of fewer than 18 octets"
		}
		end := len(st.data) - 16
		return judge(want, "chap", func() bool {
			return sameOctets(st.data[end:],
				chapResponse(st.data[0], want, st.data[1:end]))
		})
	}
	want := first(chain, func(p Profile) aaa.Secret { return p.MSCHAP })
	if len(st.data) < 51 {
		return "MS-CHAP data of fewer than 51 octets"
	}
	end := len(st.data) - 49
	return judge(want, "ms-chap", func() bool {
		if st.kind == typeMSCHAP {
			return mschap1(want, st.data[1:end], st.data[end:])
		}
		_, ok := mschap2(st.user, want, st.data[1:end], st.data[end:])
		return ok
	})
}

// compare is "" if got is the password, otherwise the reason.
func compare(want, got aaa.Secret) string {
	return judge(want, "", func() bool { return want == got })
}

func judge(want aaa.Secret, kind string, right func() bool) string {
	switch {
	case want == "":
		return strings.TrimSpace("unknown user, or one without " + kind + " password")
	case !right():
		return "wrong password"
	}
	return ""
}

// verdict is PASS if why is "", otherwise FAIL.
func verdict(why string, chain []Profile, data string) *tacReply {
	if why != "" {
		return authenReply(tacAuthenReply{status: authenFail}, why)
	}
	return authenReply(tacAuthenReply{status: authenPass,
		message: first(chain, func(p Profile) string { return p.Message }), data: data}, "")
}

func authenReply(r tacAuthenReply, why string) *tacReply {
	out := &tacReply{body: r.encode(), what: named8(authenStatus, r.status), kind: named8(authenStatus, r.status)}
	if why != "" {
		out.what += " (" + why + ")"
	}
	if r.message != "" {
		out.says = append(out.says, "server-msg "+quote(r.message))
	}
	if r.flags&replyNoEcho != 0 {
		out.says = append(out.says, "no echo")
	}
	switch r.status {
	case authenGetData, authenGetPass, authenGetUser:
	default:
		out.ended = true
	}
	return out
}

// ask makes the next question of an ASCII login.
func (s *TACACS) ask(l *asciiLogin, f TACACSFaults) *tacReply {
	if l.user == "" && !l.enable {
		l.asked = authenGetUser
		return authenReply(tacAuthenReply{status: authenGetUser, message: "Username: "}, "")
	}
	chain := s.known().chain(l.user)
	if !l.enable && first(chain, func(p Profile) bool { return p.NoPassword }) {
		return s.passed(l, chain, f)
	}
	l.asked = authenGetPass
	return authenReply(tacAuthenReply{status: authenGetPass, flags: replyNoEcho, message: "Password: "}, "")
}

// proceed handles the answer to the last question.
func (s *TACACS) proceed(l *asciiLogin, c tacContinue, f TACACSFaults, e *Event) *tacReply {
	said := c.message
	e.Attributes = []string{"user-msg " + masked}
	if l.asked == authenGetUser {
		e.Attributes = []string{"user-msg " + quote(said)}
	}
	if f.broken() {
		return f.authenReply()
	}
	chain := s.known().chain(l.user)
	switch l.asked {
	case authenGetUser:
		if said == "" {
			return verdict("no user name", nil, "")
		}
		l.user = said
		return s.ask(l, f)
	case authenGetData:
		if l.any {
			return verdict("", chain, "")
		}
		return verdict(compare(l.answer, aaa.Secret(said)), chain, "")
	}
	if why := compare(s.password(l, chain), aaa.Secret(said)); why != "" {
		return verdict(why, chain, "")
	}
	return s.passed(l, chain, f)
}

// password is the password that an ASCII login must give. For `enable` it is the user's own, otherwise that of the user
// $enab15$, as in tac_plus.
func (s *TACACS) password(l *asciiLogin, chain []Profile) aaa.Secret {
	if !l.enable {
		return first(chain, func(p Profile) aaa.Secret { return p.Login })
	}
	if own := first(chain, func(p Profile) aaa.Secret { return p.Enable }); own != "" {
		return own
	}
	all, _ := findProfile(s.known().Users, "$enab15$")
	return all.Login
}

// passed is PASS, or the question after the right password.
func (s *TACACS) passed(l *asciiLogin, chain []Profile, f TACACSFaults) *tacReply {
	question := first(chain, func(p Profile) string { return p.Question })
	l.answer = first(chain, func(p Profile) aaa.Secret { return p.Answer })
	if f.AskFirst != "" {
		question, l.any = f.AskFirst, true
	}
	if question == "" || l.enable {
		return verdict("", chain, "")
	}
	l.asked = authenGetData
	return authenReply(tacAuthenReply{status: authenGetData, flags: replyNoEcho, message: question}, "")
}

// broken reports whether the status of every reply is a fault.
func (f TACACSFaults) broken() bool { return f.Error || f.Restart || f.Follow != "" }

func (f TACACSFaults) authenReply() *tacReply {
	switch {
	case f.Error:
		return authenReply(tacAuthenReply{status: authenError, message: "as configured"}, "as configured")
	case f.Follow != "":
		return authenReply(tacAuthenReply{status: statusFollow, message: f.Follow}, "as configured")
	}
	return authenReply(tacAuthenReply{status: authenRestart}, "as configured")
}
