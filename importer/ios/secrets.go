package ios

import (
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"

	"github.com/ringback/ringback/importer"
)

// type7Key is the key of IOS's password type 7, a published and reversible encoding.
const type7Key = "dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87"

// reveal decodes a password of type 7: two digits with the offset into the key, and the octets in hexadecimal, each
// combined with an octet of the key by exclusive or.
func reveal(text string) (password string, ok bool) {
	if len(text) < 4 {
		return "", false
	}
	at, err := strconv.Atoi(text[:2])
	octets, err2 := hex.DecodeString(text[2:])
	if err != nil || err2 != nil || at < 0 || at > 15 {
		return "", false
	}
	for i := range octets {
		octets[i] ^= type7Key[(at+i)%len(type7Key)]
		if octets[i] < ' ' || octets[i] > '~' {
			return "", false
		}
	}
	return string(octets), true
}

// secret is a password, key or hash of the text.
type secret struct {
	plain string
	hash  string // of type 5, 8 or 9, unchecked
	bad   string // why neither is known
}

// readSecret reads `[TYPE] TEXT`. In a `secret`, a digit selects a hash.
func readSecret(args []string) (s secret, wrong string) {
	const want = "the password is missing: is the line wrapped?"
	if len(args) == 0 || args[0] == "" {
		return s, want
	}
	kind, text := "0", args[0]
	if len(text) == 1 && text[0] >= '0' && text[0] <= '9' && len(args) > 1 {
		kind, text = text, args[1]
		args = args[1:]
	} else if len(text) == 1 && strings.Contains("0456789", text) {
		return s, want
	}
	if len(args) > 1 {
		return s, "words follow the password: are two lines joined? If it has blanks, write it as the router does " +
			"with `service password-encryption`, as type 7"
	}
	switch kind {
	case "0":
		s.plain = text
	case "7":
		var ok bool
		if s.plain, ok = reveal(text); !ok {
			s.bad = "not a password of type 7: was it removed or changed in the text?"
		}
	case "5", "8", "9":
		s.hash = text
	case "4":
		s.bad = "type 4 is an unsalted hash that Cisco has withdrawn: set the password again, as type 8 or 9"
	case "6":
		s.bad = "type 6 is encrypted with a key that is not in the text: write the password in the clear"
	default:
		s.bad = "there is no password type " + kind
	}
	return s, ""
}

// announces are words of commands behind which all may be a secret.
var announces = regexp.MustCompile(`(?i)^(pass|secret|key|server-key|key-string|community|md5|` +
	`authentication-key|message-digest-key|md5-key|pre-shared-key|pre-share|send-secret|shared-secret|psk|wpa-psk|` +
	`ascii|hex|credentials|auth|priv|token|pin|hash|[a-z0-9_-]*(password|passwd|passphrase))$`)

// hashed finds a hash of crypt(3), and located the user and the password of a URL.
var (
	hashed  = regexp.MustCompile(`\$[0-9a-z]{1,4}\$[^ "]{8,}`)
	located = regexp.MustCompile(`://[^ ]*@`)
)

// scrub hides what is a secret wherever it stands.
func scrub(text string) string {
	return located.ReplaceAllString(hashed.ReplaceAllString(text, importer.Hidden), "://"+importer.Hidden+"@")
}

// methodsOfLogin are words that follow `authentication` in commands without a secret.
var methodsOfLogin = regexp.MustCompile(`(?i)^(chap|pap|ms-chap|ms-chap-v2|eap|login|ppp|arap|enable|default|local|` +
	`radius|tacacs\+|group|none|line|krb5|if-needed|callin|message-digest|key-chain|mode|rsa-sig)$`)

// versions are words between the host of snmp-server and its community.
var versions = regexp.MustCompile(`(?i)^(traps|informs|version|1|2c|3|auth|noauth|priv)$`)

// mask hides what may be a secret in a command of which the import does not know where its secret is: all that follows
// a word that announces one.
func mask(raw string) string {
	words := split(raw)
	for i, w := range words {
		behind := words[i+1:]
		if strings.EqualFold(w.text, "snmp-server") && len(behind) > 2 && strings.EqualFold(behind[0].text, "host") {
			behind = behind[2:] // the community is behind the host, and words about the version
			for len(behind) > 1 && versions.MatchString(behind[0].text) {
				behind = behind[1:]
			}
			return raw[:behind[0].start] + importer.Hidden
		}
		if strings.EqualFold(w.text, "nopassword") || len(behind) > 1 && strings.EqualFold(w.text, "authentication") &&
			strings.EqualFold(behind[0].text, "failure") {
			continue
		}
		if strings.EqualFold(w.text, "authentication") {
			for len(behind) > 0 && methodsOfLogin.MatchString(behind[0].text) {
				behind = behind[1:]
			}
		} else if !announces.MatchString(w.text) {
			continue
		}
		if len(behind) > 0 {
			return raw[:behind[0].start] + importer.Hidden
		}
	}
	return raw
}

// hideFrom hides the line from the nth argument on.
func (in *input) hideFrom(n int) string {
	i := len(in.words) - len(in.args) + n
	if i >= len(in.words) {
		return in.raw
	}
	return in.raw[:in.words[i].start] + importer.Hidden
}

// hideSecret hides the secret of `[TYPE] TEXT` that begins at the nth argument.
func (in *input) hideSecret(n int) string {
	if t := in.arg(n); n+1 < len(in.args) && len(t) == 1 && t[0] >= '0' && t[0] <= '9' {
		n++
	}
	return in.hideFrom(n)
}

// asWritten is the hide of a command that has no secret.
func asWritten(in *input) string { return in.raw }
