package tacplus

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/tty"
)

// start is the first packet of an authentication.
type start struct {
	minor     byte // of the version: 1 for PAP, CHAP and MS-CHAP (RFC 8907 §5.4.2)
	converses bool // the server may ask
	body      authenStart
}

// start makes the START of a request from the credentials in it.
func (e *Entry) start(r aaa.Request) (start, error) {
	if r.User != "" || r.CHAP != nil || r.MSCHAP != nil || r.Service == aaa.PPP {
		if err := checkUser(r.User); err != nil {
			return start{}, err
		}
	}
	switch {
	case r.EAP != nil:
		return start{}, errors.New("TACACS+ does not support EAP")
	case r.Enable < 0 || r.Enable > 15:
		return start{}, fmt.Errorf("privilege level %d out of range (1 to 15)", r.Enable)
	case r.CHAP != nil:
		data, err := chapData(*r.CHAP)
		return e.direct(r, typeCHAP, data, err)
	case r.MSCHAP != nil:
		data, err := mschapData(*r.MSCHAP)
		t := typeMSCHAP
		if r.MSCHAP.Version == 2 {
			t = typeMSCHAPv2
		}
		return e.direct(r, t, data, err)
	case r.Enable == 0 && (r.Service == aaa.PPP || e.cfg.Authentication == PAP):
		return e.pap(r)
	}
	return e.ascii(r)
}

// other returns the START for the other way to send a name and a password, for a server that requires it (RESTART).
func (e *Entry) other(st start, r aaa.Request) (start, bool) {
	if r.CHAP != nil || r.MSCHAP != nil || r.Password == "" {
		return start{}, false
	}
	other, err := e.pap(r)
	if st.body.kind == typePAP {
		other, err = e.ascii(r)
	}
	return other, err == nil
}

// ascii begins a conversation (RFC 8907 §5.4.2.1), also for enable (§5.4.2.6).
func (e *Entry) ascii(r aaa.Request) (start, error) {
	return start{converses: true, body: e.startBody(r, typeASCII, "")}, checkAnswer(r.Password)
}

// pap sends name and password in one packet (RFC 8907 §5.4.2.2).
func (e *Entry) pap(r aaa.Request) (start, error) {
	var err error
	switch {
	case len(r.Password) > maxField:
		err = fmt.Errorf("password of %d octets: the limit for PAP over TACACS+ is %d", len(r.Password), maxField)
	case strings.Contains(string(r.Password), "\x00"):
		err = errors.New("password contains a NUL")
	}
	return e.direct(r, typePAP, string(r.Password), err)
}

// direct is a START that the server answers with PASS or FAIL.
func (e *Entry) direct(r aaa.Request, t authenType, data string, err error) (start, error) {
	if err == nil && r.User == "" {
		err = errors.New("user name is empty")
	}
	return start{minor: minorOne, body: e.startBody(r, t, data)}, err
}

func (e *Entry) startBody(r aaa.Request, t authenType, data string) authenStart {
	b := authenStart{priv: 1, kind: t, service: serviceLogin, user: r.User, port: port(r.TTY),
		remoteAddr: field(r.Caller), data: data}
	switch {
	case r.Enable > 0:
		b.service, b.priv = serviceEnable, byte(r.Enable)
	case r.Service == aaa.PPP:
		b.service = servicePPP
	}
	return b
}

// chapData is PPP identifier, challenge and response (RFC 8907 §5.4.2.3).
func chapData(c aaa.CHAP) (string, error) {
	switch {
	case len(c.Response) != 16:
		return "", fmt.Errorf("CHAP response of %d octets, expected 16", len(c.Response))
	case len(c.Challenge) == 0 || 1+len(c.Challenge)+16 > maxField:
		return "", fmt.Errorf("CHAP challenge of %d octets: TACACS+ allows 1 to %d", len(c.Challenge), maxField-17)
	}
	return string([]byte{c.ID}) + string(c.Challenge) + string(c.Response), nil
}

// mschapData is PPP identifier, challenge and response (RFC 8907 §5.4.2.4 and §5.4.2.5).
func mschapData(m aaa.MSCHAP) (string, error) {
	if err := m.Check(); err != nil {
		return "", err
	}
	return string([]byte{m.ID}) + string(m.Challenge) + string(m.Response), nil
}

// checkUser returns why a name cannot be sent. RFC 8907 §3.7 allows UTF-8, but some servers (tacquito) answer ERROR to
// anything except US-ASCII. That counts as silence: a caller who types such a name must not be able to select the next
// method or have the server skipped.
func checkUser(name string) error {
	if err := aaa.CheckUser(name); err != nil {
		return err
	}
	if !printable(name) {
		return errors.New("user name is not US-ASCII, which TACACS+ requires here")
	}
	return nil
}

// checkAnswer returns why a typed answer cannot be sent in a conversation (RFC 8907 §3.7: printable US-ASCII). The
// error never contains what was typed.
func checkAnswer(typed aaa.Secret) error {
	switch {
	case len(typed) > maxAnswer:
		return fmt.Errorf("answer of %d octets: the limit is %d", len(typed), maxAnswer)
	case !printable(string(typed)):
		return errors.New("answer is not printable US-ASCII, which a TACACS+ conversation requires (PAP does not)")
	}
	return nil
}

// maxAnswer is the limit of the 16-bit length field of CONTINUE, and of its packet.
const maxAnswer = 1<<16 - 1 - 5

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' })
}

// port is the port field, for example tty65 or vty0.
func port(line int) string {
	if line <= 0 {
		return ""
	}
	return tty.Port(line)
}

// field fits a foreign text into a field: it replaces what is not printable US-ASCII and cuts what is too long. The
// server only displays the text.
func field(s string) string {
	return cut(strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, s))
}

func cut(s string) string { return s[:min(len(s), maxField)] }
