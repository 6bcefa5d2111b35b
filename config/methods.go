package config

import (
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/schema"
)

// The methods that a list may name besides server groups.
const (
	MethodRADIUS          = "radius"
	MethodTACACS          = "tacacs"
	MethodLocal           = "local"
	MethodEnable          = "enable"
	MethodNone            = "none"
	MethodIfAuthenticated = "if-authenticated"
)

// MethodList is a list of method names; the daemon's wiring converts the names to methods.
type MethodList struct {
	Name    string
	Methods []string
	Recording
}

// Recording is what an accounting list records; it is zero in other lists.
type Recording struct {
	Record   string        // start-stop, stop-only, wait-start, none
	Interim  time.Duration // 0: as AAA says
	Commands bool
}

// Lists are the method lists by the name of their kind (ListKinds), in the file's order. There is no `default`
// unless the operator wrote one or defaultLists adds it.
type Lists map[string][]MethodList

// Find returns the list of a kind with this name; false if there is none.
func (l Lists) Find(kind, name string) (MethodList, bool) {
	for _, list := range l[kind] {
		if list.Name == name {
			return list, true
		}
	}
	return MethodList{}, false
}

// ForDialOut returns the lists of users and sites who dial out by the login list with this name: `aaa.lists.dial_out`
// of the same name authorizes them, if there is one.
func (l Lists) ForDialOut(name string) ListNames {
	names := ListNames{"login": name}
	if _, ok := l.Find("dial_out", name); ok {
		names["dial_out"] = name
	}
	return names
}

// Group is a server group, a method with a name of its own.
type Group struct {
	Name    string
	Method  string // MethodRADIUS or MethodTACACS: the protocol of all its servers
	Servers []string
	Balance bool
}

// Protocol returns the protocol of a method: MethodRADIUS, MethodTACACS, or "" if it has no servers.
func (c *Config) Protocol(method string) string {
	if method == MethodRADIUS || method == MethodTACACS {
		return method
	}
	for _, g := range c.Groups {
		if g.Name == method {
			return g.Method
		}
	}
	return ""
}

// reserved are names that a group cannot have.
var reserved = []string{MethodRADIUS, MethodTACACS, MethodLocal, MethodEnable, MethodNone, MethodIfAuthenticated}

func (l *loader) groups() {
	protocols := map[string]string{}
	for _, method := range []string{MethodRADIUS, MethodTACACS} {
		for _, v := range l.v.Get("aaa", method).Items() {
			protocols[v.Get("name").Text()] = method
		}
	}
	seen := map[string]bool{}
	for _, v := range l.v.Get("aaa", "groups").Items() {
		g := Group{Name: v.Get("name").Text(), Servers: v.Get("servers").Texts(), Balance: v.Get("balance").Bool(false)}
		switch {
		case slices.Contains(reserved, g.Name):
			l.errorAt(v.Get("name"), "give it another name", "%q is a method already", g.Name)
		case seen[g.Name]:
			l.errorAt(v.Get("name"), "give it another name", "there are two groups %q", cut(g.Name))
		}
		seen[g.Name] = true
		l.members(v, &g, protocols)
		l.cfg.Groups = append(l.cfg.Groups, g)
	}
}

// members reads the servers of a group and the protocol that they must share.
func (l *loader) members(v *schema.Value, g *Group, protocols map[string]string) {
	if s := v.Get("servers"); s.IsSet() && len(s.Items()) == 0 {
		l.errorAt(s, "write [primary]", "the group has no servers")
	}
	members := map[string]bool{}
	for _, s := range v.Get("servers").Items() {
		method, ok := protocols[s.Text()]
		switch {
		case !ok:
			l.errorAt(s, schema.Suggest(s.Text(), sortedKeys(protocols)), "there is no server %q", cut(s.Text()))
		case members[s.Text()]:
			l.errorAt(s, "remove one of the two", "server %q is in the group twice", s.Text())
		case g.Method != "" && g.Method != method:
			l.errorAt(s, "make a group for each protocol", "server %q uses %s, but those before it use %s", s.Text(),
				method, g.Method)
		default:
			g.Method = method
		}
		members[s.Text()] = true
	}
	if g.Balance && g.Method == MethodTACACS {
		l.errorAt(v.Get("balance"), "remove it", "only RADIUS servers are balanced")
	}
}

// lists reads the method lists of each kind.
func (l *loader) lists() {
	l.cfg.Lists = Lists{}
	for _, k := range ListKinds {
		read := l.methodList
		if k.Purpose == Accounting {
			read = l.accountingList
		}
		values := l.v.Get("aaa", "lists", k.Name)
		for _, name := range values.Names() {
			l.cfg.Lists[k.Name] = append(l.cfg.Lists[k.Name], read(k, name, values.Get(name)))
		}
	}
	l.defaultLists()
}

// defaultLists adds the lists that exist if the operator wrote none: the enable password, and accounting to
// RADIUS.
func (l *loader) defaultLists() {
	at := l.cfg.Lists
	enable, _ := KindOf(Authentication, aaa.Enable)
	if _, ok := at.Find(enable.Name, defaultList); !ok && l.cfg.Enable != nil {
		at[enable.Name] = append(at[enable.Name], MethodList{Name: defaultList, Methods: []string{MethodEnable}})
	}
	if len(at[AccountingLists]) == 0 && l.anyAccounts(nil) {
		at[AccountingLists] = []MethodList{
			{Name: defaultList, Methods: []string{MethodRADIUS}, Recording: Recording{Record: "start-stop"}},
		}
	}
}

// methodList reads a list for authentication or authorization.
func (l *loader) methodList(k ListKind, name string, list *schema.Value) MethodList {
	if len(list.Items()) == 0 && !l.broken(list.Path) {
		l.errorAt(list, "write "+k.example, "the list is empty: every login would be rejected")
	}
	seen := map[string]bool{}
	last := ""
	for _, m := range list.Items() {
		l.method(m, k, seen)
		if last != "" && !l.broken(m.Path) {
			l.warnAt(m, "write it before "+last, "unreachable: %q always answers, so later methods are never tried",
				last)
		} else if slices.Contains(answering, m.Text()) {
			last = m.Text()
		}
	}
	return MethodList{Name: name, Methods: list.Texts()}
}

// answering are the methods that always answer: methods after them are never tried.
var answering = []string{MethodLocal, MethodEnable, MethodNone, MethodIfAuthenticated}

func (l *loader) method(m *schema.Value, k ListKind, seen map[string]bool) {
	name := m.Text()
	switch {
	case !l.isMethod(m, k):
	case seen[name]:
		l.errorAt(m, "remove one of the two", "method %q is in the list twice", name)
	case name == MethodLocal && len(l.v.Get("users").Items()) == 0 && !l.broken("users"):
		l.warnAt(m, "add users, or remove the method", "there are no local users: the method rejects every login")
	case name == MethodEnable && l.cfg.Enable == nil && !l.broken("enable"):
		l.errorAt(m, "write enable: {password_hash: …}", "there is no enable password")
	case name == MethodNone && k.Purpose == Authentication:
		l.warnAt(m, "remove it, unless this is intended", "admits every user%s",
			map[bool]string{false: " whenever the methods before it are silent"}[len(seen) == 0])
	case (name == MethodNone || name == MethodIfAuthenticated) && k.grantsSession() && len(seen) > 0:
		l.warnAt(m, "remove it, unless this is intended",
			"admits users without the required callback whenever the methods before it are silent")
	}
	seen[name] = true
}

// isMethod reports a name that is not a method of the kind, or a method without servers.
func (l *loader) isMethod(m *schema.Value, k ListKind) bool {
	name := m.Text()
	known := slices.Clone(k.Methods)
	for _, g := range l.cfg.Groups {
		if slices.Contains(k.Methods, g.Method) || g.Method == "" {
			known = append(known, g.Name)
		}
	}
	if !slices.Contains(known, name) {
		hint := schema.Suggest(name, known)
		if hint == "" {
			hint = "valid: " + strings.Join(known, ", ")
		}
		if slices.Contains(reserved, name) || l.cfg.Protocol(name) != "" {
			l.errorAt(m, hint, "method %q is not valid in a list of %s", name, k.Name)
		} else {
			l.errorAt(m, hint, "unknown method %q", cut(name))
		}
		return false
	}
	if (name == MethodRADIUS || name == MethodTACACS) && len(l.v.Get("aaa", name).Items()) == 0 &&
		!l.broken("aaa."+name) {
		l.errorAt(m, "add a server to aaa."+name, "there is no %s server",
			map[string]string{MethodRADIUS: "RADIUS", MethodTACACS: "TACACS+"}[name])
		return false
	}
	return true
}

// accountingList reads an accounting list.
func (l *loader) accountingList(k ListKind, name string, v *schema.Value) MethodList {
	a := MethodList{Name: name, Methods: v.Get("methods").Texts(), Recording: Recording{
		Record: v.Get("record").Text(), Interim: v.Get("interim").Duration(), Commands: v.Get("commands").Bool(false),
	}}
	if len(a.Methods) == 0 && a.Record != "none" && !l.broken(v.Path) {
		l.errorAt(v, "write methods: [radius]", "no method receives the records")
	}
	seen := map[string]bool{}
	for _, m := range v.Get("methods").Items() {
		l.method(m, k, seen)
		l.accounts(m)
	}
	speaksTACACS := func(m string) bool { return l.cfg.Protocol(m) == MethodTACACS }
	if a.Commands && !slices.ContainsFunc(a.Methods, speaksTACACS) && !l.broken(v.Path) {
		l.errorAt(v.Get("commands"), "write methods: [tacacs]",
			"commands are accounted via TACACS+, but none of the methods uses it")
	}
	if a.Interim > 0 && a.Interim < time.Minute {
		l.errorAt(v.Get("interim"), "write 1m or more",
			"interim interval %v is too short: RFC 2869 §5.16 requires 1 minute or more", a.Interim)
	}
	return a
}

// accounts reports an accounting method of RADIUS without a server for accounting.
func (l *loader) accounts(m *schema.Value) {
	name := m.Text()
	var members []string
	for _, g := range l.cfg.Groups {
		if g.Name == name {
			members = g.Servers
		}
	}
	if l.cfg.Protocol(name) == MethodRADIUS && !l.anyAccounts(members) && !l.broken("aaa.radius") {
		l.errorAt(m, "give a server accounting: HOST:1813", "no server of %s has an accounting address", name)
	}
}

// anyAccounts reports whether one of the named RADIUS servers, or of all if names is nil, has an accounting
// address.
func (l *loader) anyAccounts(names []string) bool {
	for _, s := range l.cfg.RADIUS.Servers {
		if s.Accounting != "" && (names == nil || slices.Contains(names, s.Name)) {
			return true
		}
	}
	return false
}

// enable reads the password of the method enable.
func (l *loader) enable() {
	v := l.v.Get("enable")
	if !v.IsSet() {
		return
	}
	file, hash := v.Get("password_file"), v.Get("password_hash")
	switch {
	case file.IsSet() && hash.IsSet():
		l.errorAt(hash, "remove one of the two", "a password file and a password hash")
	case file.IsSet():
		if s, ok := l.secret(file); ok {
			e := aaa.NewEnableSecret(aaa.PlainHash(s))
			l.cfg.Enable = &e
		}
	case hash.IsSet():
		h, err := aaa.ParseHash(hash.Text())
		if err != nil {
			l.errorAt(hash, "", "%v", err)
		}
		e := aaa.NewEnableSecret(h)
		l.cfg.Enable = &e
	case !l.broken(v.Path):
		l.errorAt(v, "add password_file: or password_hash:", "there is no password")
	}
}

// CallCheck configures requests about a number or a user without the user's password.
type CallCheck struct {
	Method   string     // a RADIUS method; "" for none
	Password aaa.Secret // sent in these requests; may be empty
}

// callCheck checks that aaa.call_check names a RADIUS method.
func (l *loader) callCheck() {
	name := l.text("aaa.call_check.method")
	v := l.v.Get("aaa", "call_check")
	at := v.Get("method")
	switch {
	case name == "":
		return
	case l.cfg.Protocol(name) != MethodRADIUS:
		l.errorAt(at, "write radius, or a group of RADIUS servers",
			"%q is not a RADIUS method, and TACACS+ has no Call-Check", cut(name))
	case name == MethodRADIUS && len(l.v.Get("aaa", "radius").Items()) == 0:
		l.errorAt(at, "add a server to aaa.radius", "there is no RADIUS server")
	}
	l.cfg.CallCheck.Method = name
	if file := v.Get("password_file"); file.IsSet() {
		l.cfg.CallCheck.Password, _ = l.secret(file)
	}
}
