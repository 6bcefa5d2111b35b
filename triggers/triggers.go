// Package triggers has the texts by which a user asks for a callback without a call: how they are signed, and who may
// send them. It is pure.
//
//	RB1 USER TIME [NUMBER] SIGNATURE
//
// TIME is in seconds since 1970, UTC. SIGNATURE is base32 (RFC 4648) of the first ten octets of HMAC-SHA-256 (RFC 2104)
// with the user's key over all that is before it, with single spaces and without the space before SIGNATURE.
package triggers

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
)

// MaxText is the longest text: one short message of the GSM 7 bit alphabet.
const MaxText = 160

// macSize is the number of octets of a signature: 80 bits, the least that RFC 2104 (§5) recommends.
const macSize = 10

const version = "RB1"

// Request is what a text asks for.
type Request struct {
	User   string
	At     time.Time // when it was signed, in whole seconds
	Number string    // to call, digits with at most a plus before them; "": the one that AAA or the policy fixes
}

// text is what is signed.
func (r Request) text() string {
	s := version + " " + r.User + " " + strconv.FormatInt(r.At.Unix(), 10)
	if r.Number != "" {
		s += " " + r.Number
	}
	return s
}

// CheckUser returns an error if no signed text can name the user.
func CheckUser(user string) error {
	if err := aaa.CheckUser(user); err != nil {
		return err
	}
	if strings.ContainsFunc(user, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return fmt.Errorf("user %q: a signed text names only users without spaces, in ASCII", user)
	}
	return nil
}

// check returns an error if no text can have the request.
func (r Request) check() error {
	if err := CheckUser(r.User); err != nil {
		return err
	}
	if n := strings.TrimPrefix(r.Number, "+"); r.Number != "" && (len(n) == 0 || len(n) > 20 ||
		strings.Trim(n, "0123456789") != "") {
		return fmt.Errorf("number %q: write 1 to 20 digits, with at most a + before them", r.Number)
	}
	if s := r.At.Unix(); s < 1e8 || s >= 1e11 {
		return errors.New("the time is not one of this century in seconds since 1970")
	}
	return nil
}

// Sign returns the text of a request. The error says what in the request a text cannot have.
func Sign(r Request, key aaa.Secret) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	text := r.text()
	text += " " + base32.StdEncoding.EncodeToString(mac(text, key))
	if len(text) > MaxText {
		return "", fmt.Errorf("the text has %d characters, and a short message has %d", len(text), MaxText)
	}
	return text, nil
}

func mac(text string, key aaa.Secret) []byte {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return h.Sum(nil)[:macSize]
}

// Signed is a text that was read. Nothing in it counts before By is true.
type Signed struct {
	Request
	mac []byte
}

// ErrNotSigned is wrapped by the errors of Parse.
var ErrNotSigned = errors.New("not a signed text")

// Parse reads a text. Telephones and people add spaces and change capitals: neither matters, except in the user's name.
func Parse(text string) (Signed, error) {
	bad := func(why string) (Signed, error) { return Signed{}, fmt.Errorf("%w: %s", ErrNotSigned, why) }
	if len(text) > 4*MaxText {
		return bad("it is too long")
	}
	f := strings.Fields(text)
	if len(f) < 4 || len(f) > 5 || !strings.EqualFold(f[0], version) {
		return bad("it is not RB1 USER TIME [NUMBER] SIGNATURE")
	}
	seconds, err := strconv.ParseInt(f[2], 10, 64)
	if err != nil || strconv.FormatInt(seconds, 10) != f[2] {
		return bad("its time is not a number of seconds")
	}
	s := Signed{Request: Request{User: f[1], At: time.Unix(seconds, 0)}}
	if len(f) == 5 {
		s.Number = f[3]
	}
	if err := s.check(); err != nil {
		return bad(err.Error())
	}
	s.mac, err = base32.StdEncoding.DecodeString(strings.ToUpper(f[len(f)-1]))
	if err != nil || len(s.mac) != macSize {
		return bad("its signature is not 16 characters of base32")
	}
	return s, nil
}

// By reports whether the text was signed with the key. It takes the same time whatever the signature is.
func (s Signed) By(key aaa.Secret) bool {
	return key != "" && hmac.Equal(s.mac, mac(s.text(), key))
}
