package pppclient

import (
	"crypto/des"
	"crypto/sha1"
	"fmt"
	"strings"
	"unicode/utf16"

	"golang.org/x/crypto/md4" //lint:ignore SA1019 MS-CHAP requires it
)

// msResponse returns the value of a Response of MS-CHAPv2, and the proof in upper-case hex with which the server must
// answer (RFC 2759 §4, §8.1, §8.7). The name is hashed without a domain.
func msResponse(challenge, peer []byte, user, password string) (value []byte, proof string) {
	if i := strings.LastIndexByte(user, '\\'); i >= 0 {
		user = user[i+1:]
	}
	hashed := sum1(peer, challenge, []byte(user))[:8]
	key := ntHash(password)
	nt := encryptThrice(hashed, key)
	value = make([]byte, 49)
	copy(value, peer)
	copy(value[24:], nt)
	digest := sum1(md4Sum(key), nt, []byte("Magic server to client signing constant"))
	digest = sum1(digest, hashed, []byte("Pad to make it do more than one iteration"))
	return value, fmt.Sprintf("%X", digest)
}

func ntHash(password string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(password)) {
		b = append(b, byte(u), byte(u>>8))
	}
	return md4Sum(b)
}

func md4Sum(b []byte) []byte {
	h := md4.New()
	h.Write(b)
	return h.Sum(nil)
}

func sum1(parts ...[]byte) []byte {
	h := sha1.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// encryptThrice encrypts 8 octets with the three DES keys in a hash of 16 octets (RFC 2759 §8.5).
func encryptThrice(clear, hash []byte) []byte {
	bits := append(append([]byte{}, hash...), 0, 0, 0, 0, 0)
	out := make([]byte, 24)
	for i := range 3 {
		var key [8]byte
		for bit := range 56 { // the lowest bit of each octet is parity, which DES ignores
			if bits[7*i+bit/8]>>(7-bit%8)&1 == 1 {
				key[bit/7] |= 1 << (7 - bit%7)
			}
		}
		block, err := des.NewCipher(key[:])
		if err != nil {
			return nil // every key of 8 octets is valid
		}
		block.Encrypt(out[8*i:], clear)
	}
	return out
}
