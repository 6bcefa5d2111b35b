package servers

import (
	"bytes"
	"crypto/des"
	"crypto/md5"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"unicode/utf16"

	"github.com/ringback/ringback/aaa"
	"golang.org/x/crypto/md4" //lint:ignore SA1019 MS-CHAP requires it
)

// chapResponse is RFC 1994 §4.1: MD5 over identifier, password and challenge.
func chapResponse(id byte, password aaa.Secret, challenge []byte) []byte {
	sum := md5.Sum(append(append([]byte{id}, password...), challenge...))
	return sum[:]
}

func sameOctets(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// ntHash is MD4 over the password in UTF-16, little endian (RFC 2433 §A.4).
func ntHash(password aaa.Secret) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(string(password))) {
		b = append(b, byte(u), byte(u>>8))
	}
	return md4Sum(b)
}

func md4Sum(b []byte) []byte {
	h := md4.New()
	h.Write(b)
	return h.Sum(nil)
}

// ntResponse encrypts an 8-octet challenge with three DES keys derived from the hash (RFC 2433 §A.5).
func ntResponse(challenge, hash []byte) []byte {
	keys := make([]byte, 21)
	copy(keys, hash)
	out := make([]byte, 24)
	for i := range 3 {
		c, err := des.NewCipher(withParity(keys[7*i : 7*i+7]))
		if err != nil {
			return nil // every key of 8 octets is valid
		}
		c.Encrypt(out[8*i:], challenge)
	}
	return out
}

// withParity spreads 56 bits over 8 octets; DES ignores the lowest bit of each.
func withParity(k []byte) []byte {
	var n uint64
	for _, b := range k {
		n = n<<8 | uint64(b)
	}
	out := make([]byte, 8)
	for i := range out {
		out[i] = byte(n>>(49-7*i)) << 1
	}
	return out
}

// mschap1 checks a Response value of 49 octets (24 LM, 24 NT, flags; RFC 2433 §5) by its NT half; the LM half alone is
// not accepted.
func mschap1(password aaa.Secret, challenge, response []byte) bool {
	if len(challenge) != 8 || len(response) != 49 || response[48] != 1 {
		return false
	}
	return sameOctets(response[24:48], ntResponse(challenge, ntHash(password)))
}

// mschap2 checks a Response value of 49 octets (16 peer challenge, 8 zero, 24 NT, flags; RFC 2759 §4) and returns the
// "S=…" with which the server authenticates itself.
func mschap2(user string, password aaa.Secret, challenge, response []byte) (success string, ok bool) {
	if len(challenge) != 16 || len(response) != 49 {
		return "", false
	}
	short := challengeHash(response[:16], challenge, user)
	hash := ntHash(password)
	nt := response[24:48]
	if !sameOctets(nt, ntResponse(short, hash)) {
		return "", false
	}
	return authenticatorResponse(hash, nt, short), true
}

// challengeHash is RFC 2759 §8.2, without a domain before the user's name.
func challengeHash(peer, ours []byte, user string) []byte {
	if i := strings.LastIndexByte(user, '\\'); i >= 0 {
		user = user[i+1:]
	}
	sum := sha1.Sum(bytes.Join([][]byte{peer, ours, []byte(user)}, nil))
	return sum[:8]
}

// authenticatorResponse is RFC 2759 §8.7.
func authenticatorResponse(hash, nt, short []byte) string {
	const magic1, magic2 = "Magic server to client signing constant", "Pad to make it do more than one iteration"
	first := sha1.Sum(bytes.Join([][]byte{md4Sum(hash), nt, []byte(magic1)}, nil))
	second := sha1.Sum(bytes.Join([][]byte{first[:], short, []byte(magic2)}, nil))
	return "S=" + strings.ToUpper(hex.EncodeToString(second[:]))
}
