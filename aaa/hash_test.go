package aaa

import (
	"fmt"
	"strings"
	"testing"
)

// hashes are test vectors from other sources: each row names the program or document it comes from.
var hashes = []struct{ hash, password, kind string }{
	// Cisco type 9, public example
	{"$9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM", "cisco", "type 9"},
	{"9 $9$nhEmQVczB7dqsO$X.HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM", "cisco", "type 9"}, // as in `secret 9 …`
	// Cisco type 8, public example
	{"$8$dsYGNam3K1SIJO$7nv/35M/qr6t.dVc7UY9zrJDWRVqncHub1PE9UlMQFs", "cisco", "type 8"},
	{"$1$abcd$2hDGYdE0UrwK2pqoiF6BB1", "cisco", "type 5"}, // openssl passwd -1
	{"$1$saltstri$TBtPsEwrDfXdHd3xSxSXy0", "a longer password of 40 octets, at least", "type 5"},
	{"$1$x$hiN0EG1U2OVhvWQBid7j81", "p", "type 5"},
	// libxcrypt
	{"$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "secret", "bcrypt"},
	// libxcrypt
	{"$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "secret", "bcrypt"},
	// same password, no 8-bit letters
	{"$2a$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "secret", "bcrypt"},
	// argon2's own test.c
	{"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4", "password", "argon2id"},
}

func TestHashVectors(t *testing.T) {
	for _, tt := range hashes {
		h, err := ParseHash(tt.hash)
		if err != nil {
			t.Errorf("%s: %v", tt.hash, err)
			continue
		}
		if h.Kind() != tt.kind {
			t.Errorf("%s: kind %s", tt.hash, h.Kind())
		}
		if !h.Verify(Secret(tt.password)) {
			t.Errorf("%s: the right password does not match", tt.hash)
		}
		for _, wrong := range []string{"", tt.password + "x", strings.ToUpper(tt.password), tt.password + "\x00",
			tt.password + "\x00" + tt.password, strings.Repeat(tt.password, 300), strings.Repeat("\x00", 255)} {
			if h.Verify(Secret(wrong)) {
				t.Errorf("%s: %q matches", tt.hash, wrong)
			}
		}
		if s := fmt.Sprintf("%v %+v %#v %x", h, h, h, h); strings.Contains(s, tt.hash[len(tt.hash)-10:]) {
			t.Errorf("printed: %s", s)
		}
	}
}

func TestHashLimits(t *testing.T) {
	long := strings.Repeat("a", 254)
	if !PlainHash(Secret(long)).Verify(Secret(long)) || PlainHash(Secret(long+"a")).Verify(Secret(long+"a")) {
		t.Error("254 octets match, 255 do not")
	}
	if (Hash{}).Verify("") || (Hash{}).Verify("x") || PlainHash("").Verify("") {
		t.Error("an empty hash or password matches")
	}
	// bcrypt reads 72 octets: a longer password must not match its first 72 octets.
	h, err := ParseHash("$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW")
	if err != nil || h.max != 72 {
		t.Errorf("max %d, %v", h.max, err)
	}
}

func TestParseHashErrors(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"", "empty"},
		{"hello", "unknown kind"},
		{"$6$abc$def", "unknown kind"},
		{"$1$abcd$2hDGYdE0UrwK2pqoiF6BB1\n", "white space"},
		{"5 $9$x", "white space"},
		{"0822455D0A16", "type 7"},
		{"7 0822455D0A16", "type 7"},
		{"$1$$2hDGYdE0UrwK2pqoiF6BB1", "type 5"},
		{"$1$toolongsalt$2hDGYdE0UrwK2pqoiF6BB1", "type 5"},
		{"$1$abcd$2hDGYdE0UrwK2pqoiF6B!1", "type 5"},
		{"$8$short$7nv/35M/qr6t.dVc7UY9zrJDWRVqncHub1PE9UlMQFs", "salt of 14"},
		{"$9$nhEmQVczB7dqsO$X_HsgL6x1il0RxkOSSvyQYwucySCt7qFm4v7pqCxkKM", "character not in"},
		{"$2b$04$abc", "60 characters"},
		{"$2b$03$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "bcrypt"},
		{"$2b$30$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "half a minute"},
		{"$2b$04$abcdefghijklmnopqrst!!2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW", "invalid character in the salt"},
		{"$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65", "argon2 variant not supported"},
		{"$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65", "version 19"},
		{"$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHQ$nf65", "m is not"},
		{"$argon2id$v=19$m=256,t=0,p=1$c29tZXNhbHQ$nf65", "t is not"},
		{"$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$nf65", "parameters"},
		{"$argon2id$v=19$m=256,t=2,p=1$c2$nf65", "salt"},
		{"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ", "expected $argon2id$"},
	} {
		_, err := ParseHash(tt.in)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %v, want %q", tt.in, err, tt.want)
		}
		if err != nil && len(tt.in) > 20 && strings.Contains(err.Error(), tt.in) {
			t.Errorf("the hash is in the error: %v", err)
		}
	}
}

func FuzzParseHash(f *testing.F) {
	for _, tt := range hashes {
		f.Add(tt.hash)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHash(s)
		if (err == nil) != (h.Kind() != "") {
			t.Fatalf("kind %q with %v", h.Kind(), err)
		}
		if err == nil && h.Kind() == "type 5" && h.Verify("") {
			t.Fatal("empty password matches")
		}
	})
}
