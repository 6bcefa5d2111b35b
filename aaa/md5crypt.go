package aaa

import (
	"crypto/md5"
	"strings"
)

// md5Crypt is crypt(3)'s method 1 (Poul-Henning Kamp, FreeBSD 1994), IOS type 5: the 22 characters after the salt.
func md5Crypt(password, salt []byte) string {
	inner := md5.New()
	inner.Write(password)
	inner.Write(salt)
	inner.Write(password)
	alt := inner.Sum(nil)

	h := md5.New()
	h.Write(password)
	h.Write([]byte("$1$"))
	h.Write(salt)
	for n := len(password); n > 0; n -= len(alt) {
		h.Write(alt[:min(n, len(alt))])
	}
	for n := len(password); n > 0; n >>= 1 {
		if n&1 == 1 {
			h.Write([]byte{0})
		} else {
			h.Write(password[:1])
		}
	}
	sum := h.Sum(nil)
	for i := range 1000 {
		sum = md5Round(i, password, salt, sum)
	}
	return md5CryptText(sum)
}

// md5Round is one of the thousand rounds that make the method slow.
func md5Round(i int, password, salt, sum []byte) []byte {
	first, last := sum, password
	if i&1 == 1 {
		first, last = password, sum
	}
	h := md5.New()
	h.Write(first)
	if i%3 != 0 {
		h.Write(salt)
	}
	if i%7 != 0 {
		h.Write(password)
	}
	h.Write(last)
	return h.Sum(nil)
}

// md5CryptText writes the sum in the method's own order of octets, six bits a character, least first.
func md5CryptText(sum []byte) string {
	var b strings.Builder
	put := func(v uint32, chars int) {
		for range chars {
			b.WriteByte(cryptAlphabet[v&63])
			v >>= 6
		}
	}
	for _, i := range [5][3]int{{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}} {
		put(uint32(sum[i[0]])<<16|uint32(sum[i[1]])<<8|uint32(sum[i[2]]), 4)
	}
	put(uint32(sum[11]), 2)
	return b.String()
}
