package aaa

import (
	"bytes"
	"crypto/md5"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"layeh.com/radius/rfc2759"
)

// Answer returns the response to the challenge by a peer that has this password (RFC 1994 §4.1).
func (c CHAP) Answer(password Secret) []byte {
	sum := md5.Sum(bytes.Join([][]byte{{c.ID}, []byte(password), c.Challenge}, nil))
	return sum[:]
}

// answers reports whether the response is that of a peer with this password.
func (c CHAP) answers(password Secret) bool {
	return subtle.ConstantTimeCompare(c.Answer(password), c.Response) == 1
}

// The fields of an MS-CHAP response (RFC 2433 §4, RFC 2759 §4).
const (
	msResponseLen   = 49
	msPeerChallenge = 16 // the first octets of version 2
	msNT            = 24 // where the NT response begins, in both versions
	msFlags         = 48
	msUseNT         = 1 // flag of version 1: the NT response is present
)

// Check returns what is wrong with the form of the challenge or the response; nil if they can be checked with a
// password.
func (m MSCHAP) Check() error {
	challenge := 8
	switch m.Version {
	case 1:
	case 2:
		challenge = 16
	default:
		return fmt.Errorf("MS-CHAP version %d: expected 1 or 2", m.Version)
	}
	switch {
	case len(m.Challenge) != challenge:
		return fmt.Errorf("MS-CHAPv%d challenge of %d octets, expected %d", m.Version, len(m.Challenge), challenge)
	case len(m.Response) != msResponseLen:
		return fmt.Errorf("MS-CHAPv%d response of %d octets, expected %d", m.Version, len(m.Response), msResponseLen)
	}
	flags := m.Response[msFlags]
	switch {
	case m.Version == 1 && flags > msUseNT:
		return fmt.Errorf("MS-CHAPv1 response with flags %#02x, expected 0 or 1 (RFC 2433 §4)", flags)
	case m.Version == 2 && flags != 0:
		return fmt.Errorf("MS-CHAPv2 response with flags %#02x, expected 0 (RFC 2759 §4)", flags)
	case m.Version == 2 && !bytes.Equal(m.Response[msPeerChallenge:msNT], make([]byte, msNT-msPeerChallenge)):
		return errors.New("MS-CHAPv2 response with nonzero reserved octets (RFC 2759 §4)")
	}
	return nil
}

// Answer returns the NT response to the challenge by a peer that has this password, and for version 2 the "S=…" by
// which a server that has it too proves itself (RFC 2433 §A.5, RFC 2759 §8.1 and §8.7). Version 2 takes the peer's
// challenge from the first 16 octets of the response. The error says why the password cannot be used.
func (m MSCHAP) Answer(user string, password Secret) (nt []byte, proof string, err error) {
	if !utf8.ValidString(string(password)) {
		return nil, "", errors.New("the password is not UTF-8, so MS-CHAP cannot use it")
	}
	if m.Version == 1 {
		unicode, err := rfc2759.ToUTF16([]byte(password))
		if err != nil {
			return nil, "", err
		}
		return rfc2759.ChallengeResponse(m.Challenge, rfc2759.NTPasswordHash(unicode)), "", nil
	}
	peer, name := m.Response[:msPeerChallenge], []byte(account(user))
	if nt, err = rfc2759.GenerateNTResponse(m.Challenge, peer, name, []byte(password)); err != nil {
		return nil, "", err
	}
	proof, err = rfc2759.GenerateAuthenticatorResponse(m.Challenge, peer, nt, name, []byte(password))
	return nt, proof, err
}

// account is the part of a user name that MS-CHAPv2 hashes: without a Windows domain before it (RFC 2759 §4).
func account(user string) string { return user[strings.LastIndexByte(user, '\\')+1:] }

// answers reports whether the response, whose form has been checked, is that of a peer with this password, and for
// version 2 the server's proof. The LAN Manager response of version 1 is not accepted, because it is easy to break.
func (m MSCHAP) answers(user string, password Secret) (proof string, ok bool, err error) {
	if m.Version == 1 && m.Response[msFlags] != msUseNT {
		return "", false, errors.New("the peer sent only a LAN Manager response, which is not accepted")
	}
	nt, proof, err := m.Answer(user, password)
	return proof, err == nil && subtle.ConstantTimeCompare(nt, m.Response[msNT:msFlags]) == 1, err
}
