// Package accounts makes local users, and the policies that their groups need, of what another system's configuration
// grants: the importers of AAA servers and access servers use it. It knows no format of an input.
package accounts

import (
	"cmp"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/importer"
)

// Grant is what one user has for one service, with the password that proves it: Password or Hash.
type Grant struct {
	Service  aaa.Service
	Auth     aaa.Authorization
	Password string
	Hash     string
	Connect  *Connect // not nil: an EXEC session is for nothing else
}

// Connect is the host that a user is connected to, by a command that the user types. The zero value is any host that
// the configuration allows.
type Connect struct {
	Host netip.Addr
	Port int // 0: 23
}

// Accounts collects users. The zero value is ready.
type Accounts struct {
	Extends string // the group that all policies extend; "" none
	PPP     bool   // lines serve PPP, with or without users

	users    []importer.User
	policies []importer.Policy
	terms    map[string]terms // of the policies, by group
	prefixes []string         // of the trunk
	bare     bool             // a number has no prefix
	hosts    []string         // that users may connect to
}

// terms are what the policy of a user's group must say, because a local user cannot.
type terms struct {
	base          string // the group in the input; "" none
	noVerify      bool
	typed         bool
	level0        bool
	connect       bool
	host          netip.Addr
	session, idle time.Duration
	wait          time.Duration
}

// Add adds a user with all grants, of services that differ. Two services with the same grant and password are one
// local user. group is the user's group in the input, "" for none. It returns the groups of the policies that the user
// belongs to. The grants must have passed Check.
func (a *Accounts) Add(name, group string, grants []Grant) (groups []string) {
	var users []importer.User
	for _, g := range grants {
		u := a.user(name, group, g)
		at := slices.IndexFunc(users, func(other importer.User) bool {
			other.Services = nil
			same := u
			same.Services = nil
			return reflect.DeepEqual(same, other)
		})
		if at >= 0 {
			users[at].Services = append(users[at].Services, u.Services...)
			continue
		}
		users = append(users, u)
	}
	for _, u := range users {
		if len(u.Services) == 2 {
			u.Services = nil // all
		}
		a.users = append(a.users, u)
		groups = append(groups, u.Groups...)
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

func (a *Accounts) user(name, group string, g Grant) importer.User {
	auth := &g.Auth
	for _, n := range auth.Numbers() {
		a.Number(n)
	}
	u := importer.User{Name: name, Password: g.Password, Hash: g.Hash, Services: []string{string(g.Service)}}
	if auth.PrivLevel > 1 {
		u.PrivLvl = auth.PrivLevel
	}
	t := terms{base: group, level0: auth.PrivLevel == 0 && g.Service == aaa.EXEC, session: auth.SessionTimeout,
		idle: auth.IdleTimeout}
	if g.Connect != nil {
		t.connect, t.host = true, g.Connect.Host
		at := netip.AddrPortFrom(t.host, uint16(cmp.Or(g.Connect.Port, 23))).String()
		if t.host.IsValid() && !slices.Contains(a.hosts, at) {
			a.hosts = append(a.hosts, at)
		}
	}
	if auth.Callback {
		u.Callback = &importer.Callback{Numbers: auth.Numbers(), Place: auth.CallbackID, NoVerify: auth.NoVerify,
			Line: lines(auth.Lines), Rotary: auth.Rotary}
		t.noVerify, t.wait = auth.NoVerify, auth.CallbackDelay
		t.typed = auth.CallbackID == "" && auth.Dialstring.Value() == ""
	}
	u.Groups = slices.Clone(auth.Groups)
	for _, hint := range u.Groups {
		a.policy(terms{base: hint})
	}
	if t != (terms{}) {
		u.Groups = append([]string{a.policy(t)}, u.Groups...)
	}
	return u
}

// lines returns lines as a range, which they are after aaa.ParseCallbackLine.
func lines(ttys []int) string {
	switch len(ttys) {
	case 0:
		return ""
	case 1:
		return fmt.Sprint(ttys[0])
	}
	return fmt.Sprintf("%d-%d", ttys[0], ttys[len(ttys)-1])
}

// policy returns the group of the policy with these terms, which it adds if it is new.
func (a *Accounts) policy(t terms) string {
	name := t.name()
	if a.terms == nil {
		a.terms = map[string]terms{}
	}
	for n := 2; ; n++ {
		switch other, taken := a.terms[name]; {
		case taken && other == t:
			return name
		case !taken:
			a.terms[name] = t
			a.policies = append(a.policies, importer.Policy{Group: name, About: t.about(), Keys: t.keys(a.Extends)})
			return name
		}
		name = fmt.Sprintf("%s-%d", t.name(), n)
	}
}

// name is the name of the group: that of the input with what differs, in letters that a file name may have.
func (t terms) name() string {
	var parts []string
	add := func(is bool, text string) {
		if is {
			parts = append(parts, text)
		}
	}
	base := strings.Map(plain, t.base)
	if len(base) > 40 {
		base = base[:40]
	}
	if strings.EqualFold(base, "default") {
		base += "-imported" // `default` is for users that no group claims
	}
	add(t.base != "", base)
	add(t.typed, "typed")
	add(t.noVerify, "no-verify")
	add(t.level0, "level-0")
	add(t.session > 0, "session-"+brief(t.session))
	add(t.idle > 0, "idle-"+brief(t.idle))
	add(t.wait > 0, "wait-"+brief(t.wait))
	switch {
	case t.host.IsValid():
		add(true, "host-"+strings.Map(plain, t.host.String()))
	case t.connect:
		add(true, "connect")
	}
	return strings.Join(parts, "-")
}

// plain replaces what a name of a group must not have.
func plain(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
		return r
	}
	return '_'
}

// brief is a time in minutes or seconds.
func brief(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

func (t terms) about() string {
	text := "Users that the input has with the same terms."
	if t.base != "" {
		text = "Users of the group " + t.base + " of the input."
	}
	if t.typed {
		text += "\nThey type the number at which they are called back: ANY number is allowed, as it was " +
			"before. Write\n" +
			`the numbers that you want into allow, such as ["84*"].`
	}
	return text
}

func (t terms) keys(extends string) (m importer.Map) {
	m.Set("extends", extends)
	m.Set("callback", importer.Word("optional"))
	if t.noVerify {
		m.Set("no_verify", importer.Word("allow"))
	}
	if t.typed {
		m.Set("numbers", importer.Map{{Key: "from", Value: []string{"aaa", "caller"}},
			{Key: "allow", Value: []string{"*"}}})
	}
	if t.wait > 0 {
		m.Set("wait", t.wait)
	}
	var limits importer.Map
	if t.session > 0 {
		limits.Set("session_time", t.session)
	}
	if t.idle > 0 {
		limits.Set("idle_time", t.idle)
	}
	m.Set("limits", limits)
	var exec importer.Map
	if t.level0 {
		exec.Set("privilege", 0)
	}
	if t.connect {
		exec.Set("privilege", 1)
		exec.Set("commands", []string{"connect", "telnet"})
	}
	if t.host.IsValid() {
		exec.Set("hosts", []string{t.host.String()})
	}
	m.Set("exec", exec)
	return m
}

// Number notes the trunk prefix of a number, which the number plan removes.
func (a *Accounts) Number(n string) {
	p := TrunkPrefix(n)
	a.bare = a.bare || p == ""
	if p != "" && !slices.Contains(a.prefixes, p) {
		a.prefixes = append(a.prefixes, p)
	}
}

// Fill adds the users, their policies and the method lists that ask them to a site.
func (a *Accounts) Fill(s *importer.Site) {
	local := []string{"local"}
	lists := importer.Map{{Key: "login", Value: importer.Map{{Key: "default", Value: local}}}}
	if a.PPP || slices.ContainsFunc(a.users, func(u importer.User) bool {
		return len(u.Services) == 0 || slices.Contains(u.Services, string(aaa.PPP))
	}) {
		lists = append(lists, importer.Pair{Key: "ppp", Value: importer.Map{{Key: "default", Value: local}}})
	}
	if len(a.prefixes) > 0 {
		about := "These prefixes are removed from the numbers below. The chat script or the trunks must dial them."
		dialed := len(a.prefixes) == 1 && !a.bare && !strings.ContainsAny(a.prefixes[0], "wW")
		if dialed {
			about = "All numbers below begin with this prefix: the trunk dials it."
		}
		s.Keys.SetAbout(about, "numbers", importer.Map{{Key: "trunk_prefixes", Value: a.prefixes}})
		if dialed {
			s.Keys.Set("trunks", []importer.Map{{{Key: "name", Value: "pbx"},
				{Key: "template", Value: a.prefixes[0] + "{number}"}}})
		}
	}
	if len(a.hosts) > 0 {
		s.Keys = append(s.Keys, importer.Pair{Key: "exec", Value: importer.Map{{Key: "hosts",
			Value: importer.Map{{Key: "allow", Value: a.hosts}}}}})
	}
	s.Keys = append(s.Keys, importer.Pair{Key: "aaa", Value: importer.Map{{Key: "lists", Value: lists}}})
	s.Users = append(s.Users, a.users...)
	s.Policies = append(s.Policies, a.policies...)
}

// Nobody is the warning of a report without users.
const Nobody = "no user could be imported: nobody can log in with this configuration"

// Empty reports whether there are no users.
func (a *Accounts) Empty() bool { return len(a.users) == 0 }
