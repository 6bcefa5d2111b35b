package auth

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/ringback/ringback/aaa"
)

// maxRetries is how often a peer may try again on one link after an MS-CHAP failure.
const maxRetries = 2

// errAuthentication is ERROR_AUTHENTICATION_FAILURE (RFC 2433 §8), the only error after which a retry helps.
const errAuthentication = "691"

// msResponseLen is the length of a response's value in both versions (RFC 2433 §6, RFC 2759 §4).
const msResponseLen = 49

// msStyle is MS-CHAP of a version, 1 (RFC 2433) or 2 (RFC 2759). Its response has no identifier in its hash: after a
// failure that allows a retry, the peer's next response answers the challenge in the failure, with the next identifier
// (RFC 2433 appendix B.1, RFC 2759 §9.1).
func msStyle(version int) style {
	s := style{
		challengeLen: 8,
		responseLen:  msResponseLen,
		credentials: func(id byte, challenge, value []byte) Credentials {
			return Credentials{MSCHAP: &aaa.MSCHAP{Version: version, ID: id, Challenge: challenge, Response: value}}
		},
		reflected: func(_, _ []byte) bool { return false },
		success:   func(res aaa.Result) string { return text(res.Message) },
		failure: func(res aaa.Result, next []byte, mayRetry bool) (string, bool) {
			f, retry := failureOf(res, mayRetry)
			return fmt.Sprintf("E=%s R=%d C=%X V=2", f.code, flag(retry), next), retry
		},
	}
	if version == 2 {
		s.challengeLen = 16
		s.reflected = func(challenge, value []byte) bool { return bytes.Equal(challenge, value[:len(challenge)]) }
		s.success = func(res aaa.Result) string { return text(res.Success) }
		s.failure = func(res aaa.Result, next []byte, mayRetry bool) (string, bool) {
			f, retry := failureOf(res, mayRetry)
			return fmt.Sprintf("E=%s R=%d C=%X V=3 M=%s", f.code, flag(retry), next, f.message), retry
		}
	}
	return s
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// failure is the text of an MS-CHAP Failure (RFC 2433 §8, RFC 2759 §6) as an AAA server sends it.
type failure struct {
	code    string // E=, 1 to 10 digits
	retry   bool   // R=1
	message string // M=
}

// parseFailure reads "E=691 R=1 C=… V=3 M=…". The challenge and the version are ours, so they are ignored. ok is false
// if it does not begin with an error code.
func parseFailure(s string) (f failure, ok bool) {
	fields, message, _ := strings.Cut(s, " M=")
	f.message = message
	for i, field := range strings.Fields(fields) {
		key, value, _ := strings.Cut(field, "=")
		switch {
		case i == 0 && (key != "E" || !isCode(value)):
			return failure{}, false
		case i == 0:
			f.code, ok = value, true
		case key == "R":
			f.retry = value == "1"
		}
	}
	return f, ok
}

func isCode(s string) bool {
	return s != "" && len(s) <= 10 && only(s, "0123456789")
}

// failureOf returns what the peer is told of a result that does not grant, and whether it may try again: only if AAA
// says so, and the password was wrong.
func failureOf(res aaa.Result, mayRetry bool) (f failure, retry bool) {
	f, ok := parseFailure(res.Success)
	if res.Kind != aaa.Refused || !ok {
		f = failure{code: errAuthentication}
	}
	if f.message = text(f.message); f.message == "" {
		f.message = failureText(res)
	}
	return f, f.retry && mayRetry && f.code == errAuthentication
}

// only reports whether s has no other characters than those of set.
func only(s, set string) bool { return strings.Trim(s, set) == "" }

// isProof reports whether s begins with an authenticator response, "S=" and 40 hexadecimal digits (RFC 2759 §5), alone
// or with a message after it.
func isProof(s string) bool {
	const digits = 40
	rest, found := strings.CutPrefix(s, "S=")
	if !found || len(rest) < digits || !only(rest[:digits], "0123456789ABCDEFabcdef") {
		return false
	}
	return len(rest) == digits || rest[digits] == ' '
}
