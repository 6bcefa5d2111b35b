package aaa

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/crypto/scrypt"
)

// Hash is a password as it is stored. The zero Hash matches nothing. It prints its kind, never its value.
type Hash struct {
	kind  string
	cost  int // approximate duration of a check in microseconds
	max   int // longest password in octets
	match func(password []byte) bool
}

// Kind is "bcrypt", "argon2id", "type 5", "type 8", "type 9" or "plain"; "" for the zero Hash.
func (h Hash) Kind() string { return h.kind }

func (h Hash) String() string             { return "[" + h.kind + " hash]" }
func (h Hash) GoString() string           { return h.String() }
func (h Hash) Format(f fmt.State, _ rune) { fmt.Fprint(f, h.String()) }

// Verify reports whether password is the one that was hashed; a wrong one takes as long as the right one. An empty
// password never matches, nor one of 255 octets or more (bcrypt: 73 or more, which it would truncate), nor one with a
// NUL inside: bcrypt and HMAC-based kinds (8, 9) cannot distinguish it from a shorter one.
func (h Hash) Verify(password Secret) bool {
	if h.match == nil || !usablePassword(password, h.max) {
		return false
	}
	return h.match([]byte(password))
}

func usablePassword(p Secret, max int) bool {
	return p != "" && len(p) <= max && !strings.Contains(string(p), "\x00")
}

// PlainHash is a password stored in the clear.
func PlainHash(p Secret) Hash {
	want := sha256.Sum256([]byte(p))
	return Hash{kind: "plain", cost: 1, max: maxPassword, match: func(password []byte) bool {
		got := sha256.Sum256(password)
		return subtle.ConstantTimeCompare(got[:], want[:]) == 1
	}}
}

// ParseHash reads a password hash: bcrypt ($2a$, $2b$, $2y$), argon2id in its PHC string, and IOS types 5 ($1$,
// MD5-crypt), 8 ($8$, PBKDF2-SHA256) and 9 ($9$, scrypt), with or without IOS's type digit before it (`9 $9$…`). The
// error says what is wrong with it and never contains the hash.
func ParseHash(s string) (Hash, error) {
	h, err := parseHash(withoutType(s))
	if err != nil {
		return Hash{}, fmt.Errorf("password hash: %w", err)
	}
	return h, nil
}

// withoutType drops the digit of `secret 9 $9$…` if it agrees with the hash.
func withoutType(s string) string {
	for _, p := range [][2]string{{"5 ", "$1$"}, {"8 ", "$8$"}, {"9 ", "$9$"}} {
		if rest, ok := strings.CutPrefix(s, p[0]); ok && strings.HasPrefix(rest, p[1]) {
			return rest
		}
	}
	return s
}

var type7 = regexp.MustCompile(`^(7 )?[01][0-9]([0-9A-F]{2})+$`)

func parseHash(s string) (Hash, error) {
	switch {
	case s == "":
		return Hash{}, errors.New("it is empty")
	case type7.MatchString(s):
		return Hash{}, errors.New("IOS type 7 is not a hash (anyone can decrypt it): write the password to a " +
			"file and " +
			"name it in password_file")
	case strings.ContainsAny(s, " \t\r\n"):
		return Hash{}, errors.New("contains white space (is the line end part of it?)")
	case strings.HasPrefix(s, "$2a$"), strings.HasPrefix(s, "$2b$"), strings.HasPrefix(s, "$2y$"):
		return parseBcrypt(s)
	case strings.HasPrefix(s, "$argon2id$"):
		return parseArgon2id(s)
	case strings.HasPrefix(s, "$argon2"):
		return Hash{}, errors.New("argon2 variant not supported (use argon2id)")
	case strings.HasPrefix(s, "$1$"):
		return parseType5(s)
	case strings.HasPrefix(s, "$8$"):
		return parseCisco(s, "type 8", 8000, pbkdf2Key)
	case strings.HasPrefix(s, "$9$"):
		return parseCisco(s, "type 9", 12000, scryptKey)
	}
	return Hash{}, errors.New("unknown kind; supported are $2a$, $2b$, $2y$ (bcrypt), $argon2id$, $1$ (IOS type 5), " +
		"$8$ and $9$ (IOS types 8 and 9)")
}

func parseBcrypt(s string) (Hash, error) {
	hash := []byte(s)
	cost, err := bcrypt.Cost(hash)
	if err != nil || len(hash) != 60 {
		return Hash{}, errors.New("not a bcrypt hash of 60 characters ($2b$COST$ and 53 more)")
	}
	if cost > 18 {
		return Hash{}, fmt.Errorf("bcrypt cost %d: a login would take more than half a minute (at most 18)", cost)
	}
	const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	encoding := base64.NewEncoding(alphabet).WithPadding(base64.NoPadding)
	if _, err := encoding.DecodeString(s[7:29]); err != nil {
		return Hash{}, errors.New("bcrypt: invalid character in the salt")
	}
	return Hash{kind: "bcrypt", cost: 60 << cost, max: 72, match: func(p []byte) bool {
		return bcrypt.CompareHashAndPassword(hash, p) == nil
	}}, nil
}

// parseArgon2id reads $argon2id$v=19$m=KIB,t=PASSES,p=LANES$salt$key, with salt and key in base64 without padding (PHC
// string format).
func parseArgon2id(s string) (Hash, error) {
	f := strings.Split(s, "$")
	if len(f) != 6 {
		return Hash{}, errors.New("argon2id: expected $argon2id$v=19$m=…,t=…,p=…$salt$key")
	}
	if f[2] != "v=19" {
		return Hash{}, errors.New("argon2id: only version 19 (v=19) is supported")
	}
	m, t, p, err := argonParams(f[3])
	if err != nil {
		return Hash{}, err
	}
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(f[4])
	want, err2 := base64.RawStdEncoding.Strict().DecodeString(f[5])
	if err1 != nil || err2 != nil {
		return Hash{}, errors.New("argon2id: salt or key is not base64 without padding")
	}
	if len(salt) < 8 || len(want) < 16 || len(want) > 64 {
		return Hash{}, errors.New("argon2id: salt shorter than 8 octets, or key not 16 to 64 octets")
	}
	return Hash{kind: "argon2id", cost: 1 + int(m)*int(t)/2, max: maxPassword, match: func(pw []byte) bool {
		return subtle.ConstantTimeCompare(argon2.IDKey(pw, salt, t, m, p, uint32(len(want))), want) == 1
	}}, nil
}

func argonParams(s string) (m, t uint32, p uint8, err error) {
	f := strings.Split(s, ",")
	if len(f) != 3 {
		return 0, 0, 0, errors.New("argon2id: expected the parameters m=…,t=…,p=…")
	}
	var v [3]uint64
	for i, limit := range []struct {
		key      string
		min, max uint64
	}{{"m=", 8, 1 << 20}, {"t=", 1, 64}, {"p=", 1, 64}} {
		n, ok := strings.CutPrefix(f[i], limit.key)
		v[i], err = strconv.ParseUint(n, 10, 32)
		if !ok || err != nil || v[i] < limit.min || v[i] > limit.max {
			return 0, 0, 0, fmt.Errorf("argon2id: %s is not a number from %d to %d", limit.key[:1], limit.min,
				limit.max)
		}
	}
	return uint32(v[0]), uint32(v[1]), uint8(v[2]), nil
}

func parseType5(s string) (Hash, error) {
	salt, want, ok := strings.Cut(s[3:], "$")
	if !ok || len(salt) < 1 || len(salt) > 8 || len(want) != 22 || strings.Trim(want, cryptAlphabet) != "" {
		return Hash{}, errors.New("type 5: expected $1$, a salt of 1 to 8 characters, $ and 22 characters")
	}
	return Hash{kind: "type 5", cost: 400, max: maxPassword, match: func(p []byte) bool {
		return subtle.ConstantTimeCompare([]byte(md5Crypt(p, []byte(salt))), []byte(want)) == 1
	}}, nil
}

// cryptAlphabet is the alphabet of crypt(3), which Cisco's base64 uses too.
const cryptAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// parseCisco reads IOS types 8 and 9: $N$, a salt of 14 characters used literally, $, and 32 octets in base64 with
// crypt's alphabet.
func parseCisco(s, kind string, cost int, key func(password, salt []byte) []byte) (Hash, error) {
	salt, b64, ok := strings.Cut(s[3:], "$")
	if !ok || len(salt) != 14 || len(b64) != 43 {
		return Hash{}, fmt.Errorf("%s: expected $%s$, a salt of 14 characters, $ and 43 characters", kind, s[1:2])
	}
	want, err := base64.NewEncoding(cryptAlphabet).WithPadding(base64.NoPadding).DecodeString(b64)
	if err != nil {
		return Hash{}, fmt.Errorf("%s: character not in ./0-9A-Za-z", kind)
	}
	return Hash{kind: kind, cost: cost, max: maxPassword, match: func(p []byte) bool {
		got := key(p, []byte(salt))
		return got != nil && subtle.ConstantTimeCompare(got, want) == 1
	}}, nil
}

func pbkdf2Key(p, salt []byte) []byte {
	k, err := pbkdf2.Key(sha256.New, string(p), salt, 20000, 32)
	if err != nil {
		return nil
	}
	return k
}

func scryptKey(p, salt []byte) []byte {
	k, err := scrypt.Key(p, salt, 16384, 1, 1, 32)
	if err != nil {
		return nil
	}
	return k
}
