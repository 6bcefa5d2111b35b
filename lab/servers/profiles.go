package servers

import (
	"regexp"
	"strings"

	"github.com/ringback/ringback/aaa"
)

// Profiles are what a TACACS+ test server knows, as ParseTACACS reads it. The zero Profiles know nobody.
type Profiles struct {
	Key    aaa.Secret // `key = …`; "" none
	Permit bool       // `default authorization = permit`: unknown users may have everything
	Users  []Profile
	Groups []Profile
}

// Profile is a user or a group. What a user does not say their group says.
type Profile struct {
	Name   string
	Member string // of that group
	Login  aaa.Secret
	PAP    aaa.Secret // "" is Login
	CHAP   aaa.Secret // of CHAP; "" none
	MSCHAP aaa.Secret // of MS-CHAPv1 and v2; "" none
	Enable aaa.Secret

	NoPassword bool   // `login = nopassword`: nothing is asked
	Message    string // told with PASS

	Question string // asked after the right password (GETDATA)
	Answer   aaa.Secret

	Default  string           // `default service = permit|deny`; "" is deny
	Services []ServiceProfile // in order; the first that fits answers
	Commands []CommandProfile
}

// ServiceProfile is what is granted for a service, and its protocol where it has one.
type ServiceProfile struct {
	Service  string // "exec", "ppp", …
	Protocol string // "lcp", "ip", …; "" none
	Permit   bool   // `default attribute = permit`: pairs of the request that are not here are let through
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

// CommandProfile says which arguments a command may have: the first rule that matches, else deny.
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

// chain is a user's profile and those of their groups, nearest first; a ring of groups ends where it closes. DEFAULT is
// who no other name is.
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
