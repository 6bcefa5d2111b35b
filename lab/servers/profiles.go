package servers

import (
	"regexp"
	"strings"

	"github.com/ringback/ringback/aaa"
)

// Profiles are the users and groups of a TACACS+ test server, as ParseTACACS reads them. The zero Profiles have none.
type Profiles struct {
	Key    aaa.Secret // `key = …`; "" none
	Permit bool       // `default authorization = permit`: unknown users are granted everything
	Users  []Profile
	Groups []Profile
}

// Profile is a user or a group. What a user does not define is taken from the group.
type Profile struct {
	Name   string
	Member string // its group
	Login  aaa.Secret
	PAP    aaa.Secret // "" is Login
	CHAP   aaa.Secret // of CHAP; "" none
	MSCHAP aaa.Secret // of MS-CHAPv1 and v2; "" none
	Enable aaa.Secret

	NoPassword bool   // `login = nopassword`: nothing is asked
	Message    string // sent with PASS

	Question string // asked after the right password (GETDATA)
	Answer   aaa.Secret

	Default  string           // `default service = permit|deny`; "" is deny
	Services []ServiceProfile // in order; the first that fits answers
	Commands []CommandProfile
}

// ServiceProfile says what is granted for a service, and for its protocol if it has one.
type ServiceProfile struct {
	Service  string // "exec", "ppp", …
	Protocol string // "lcp", "ip", …; "" none
	Permit   bool   // `default attribute = permit`: requested pairs that are not listed here are allowed
	Pairs    []Pair
}

// Pair is one argument of TACACS+.
type Pair struct {
	Name     string
	Optional bool // written with *, not =
	Value    string
}

func (p Pair) String() string {
	if p.Optional {
		return p.Name + "*" + p.Value
	}
	return p.Name + "=" + p.Value
}

// parsePair splits an argument at its first = or *.
func parsePair(s string) (Pair, bool) {
	i := strings.IndexAny(s, "=*")
	if i < 1 {
		return Pair{}, false
	}
	return Pair{s[:i], s[i] == '*', s[i+1:]}, true
}

// CommandProfile says which arguments a command may have: the first rule that matches decides; otherwise deny.
type CommandProfile struct {
	Command string
	Rules   []CommandRule
}

// CommandRule is a regular expression over a command's arguments, joined by blanks.
type CommandRule struct {
	Permit bool
	Match  *regexp.Regexp
}

func findProfile(list []Profile, name string) (Profile, bool) {
	for _, p := range list {
		if p.Name == name {
			return p, true
		}
	}
	return Profile{}, false
}

// chain is a user's profile and those of their groups, nearest first; a cycle of groups is cut. DEFAULT applies to
// unknown users.
func (p Profiles) chain(user string) []Profile {
	at, ok := findProfile(p.Users, user)
	if !ok {
		at, ok = findProfile(p.Users, "DEFAULT")
	}
	seen := map[string]bool{}
	var all []Profile
	for ok {
		all = append(all, at)
		if at.Member == "" || seen[at.Member] {
			break
		}
		seen[at.Member] = true
		at, ok = findProfile(p.Groups, at.Member)
	}
	return all
}

// first is the first value that is not zero.
func first[T comparable](chain []Profile, of func(Profile) T) T {
	var zero T
	for _, p := range chain {
		if v := of(p); v != zero {
			return v
		}
	}
	return zero
}
