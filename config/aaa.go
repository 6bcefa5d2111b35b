package config

import (
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/schema"
)

// The lengths of RADIUS secrets, in octets.
const (
	minRadiusSecret  = 16 // RFC 2865 §3
	goodRadiusSecret = 24
)

func (l *loader) radius() {
	l.cfg.RADIUS = radius.Config{Name: MethodRADIUS, NASIdentifier: l.cfg.Hostname}
	names := map[string]*schema.Value{}
	for _, v := range l.v.Get("aaa", "radius").Items() {
		if name := v.Get("name"); name.IsSet() {
			if first, ok := names[name.Text()]; ok {
				l.errorAt(name, "give it another name", "RADIUS server %q is already on line %d", name.Text(), first.Line)
			}
			names[name.Text()] = name
		}
		l.radiusServer(v)
	}
}

func (l *loader) radiusServer(v *schema.Value) {
	get := func(name string) *schema.Value { return or(v, radiusKeys, name) }
	s := radius.ServerConfig{
		Name: get("name").Text(), Address: get("address").Text(), Accounting: get("accounting").Text(),
		Timeout: get("timeout").Duration(), Retries: get("retries").Int(),
		MessageAuthenticator: get("message_authenticator").Text(), Source: get("source").Text(),
	}
	if s.Retries == 0 {
		s.Retries = -1 // to the client zero is its default
	}
	if s.MessageAuthenticator == radius.Off {
		l.warnAt(v.Get("message_authenticator"), "mend the server, then write require", "replies of %s can be forged by who stands on the way (CVE-2024-3596)", s.Name)
	}
	file := v.Get("secret_file")
	if !file.IsSet() {
		return
	}
	secret, ok := l.secret(file)
	if !ok {
		return
	}
	s.Secret = secret
	l.secretLength(file, len(secret), get("insecure").Bool(false))
	if err := s.Check(); err != nil && v.Get("address").IsSet() && s.Name != "" {
		l.errorAt(v, "", "%v", err)
	}
	l.cfg.RADIUS.Servers = append(l.cfg.RADIUS.Servers, s)
}

func (l *loader) secretLength(file *schema.Value, n int, insecure bool) {
	const hint = "make one: openssl rand -base64 24"
	switch {
	case n < minRadiusSecret && !insecure:
		l.errorAt(file, hint+"; or set insecure: true", "the shared secret has %d octets, and RFC 2865 wants %d or more", n, minRadiusSecret)
	case n < goodRadiusSecret:
		l.warnAt(file, hint, "the shared secret has %d octets; under %d it can be guessed from one packet", n, goodRadiusSecret)
	}
}

var methods = []string{MethodRADIUS, MethodLocal, MethodNone}

func (l *loader) logins() {
	lists := l.v.Get("aaa", "lists", "login")
	for _, name := range lists.Names() {
		list := lists.Get(name)
		if len(list.Items()) == 0 && !l.broken(list.Path) {
			l.errorAt(list, "write [radius, local]", "the list is empty: nobody would be let in")
		}
		seen := map[string]bool{}
		for _, m := range list.Items() {
			l.method(m, seen)
		}
		l.cfg.Logins = append(l.cfg.Logins, MethodList{Name: name, Methods: list.Texts()})
	}
}

func (l *loader) method(m *schema.Value, seen map[string]bool) {
	name := m.Text()
	switch {
	case !contains(methods, name):
		hint := schema.Suggest(name, methods)
		if hint == "" {
			hint = "there are " + strings.Join(methods, ", ")
		}
		l.errorAt(m, hint, "unknown method %q", cut(name))
	case seen[name]:
		l.errorAt(m, "remove one of the two", "method %q is in the list twice", name)
	case name == MethodRADIUS && len(l.v.Get("aaa", "radius").Items()) == 0 && !l.broken("aaa.radius"):
		l.errorAt(m, "add a server to aaa.radius", "there is no RADIUS server")
	case name == MethodLocal && len(l.v.Get("users").Items()) == 0 && !l.broken("users"):
		l.warnAt(m, "add users, or remove the method", "there are no local users: the method refuses everybody")
	case name == MethodNone:
		l.warnAt(m, "remove it, unless that is what you want", "lets everybody in whenever the methods before it are silent")
	}
	seen[name] = true
}

func (l *loader) users() {
	names := map[string]*schema.Value{}
	for _, v := range l.v.Get("users").Items() {
		if name := v.Get("name"); name.IsSet() {
			if first, ok := names[name.Text()]; ok {
				l.errorAt(name, "remove one of the two", "user %q is already on line %d", cut(name.Text()), first.Line)
				continue
			}
			names[name.Text()] = name
		}
		l.user(v)
	}
}

func (l *loader) user(v *schema.Value) {
	before := len(l.problems.Only(schema.Error))
	u := aaa.User{Name: v.Get("name").Text(), PrivLevel: or(v, userKeys, "priv_lvl").Int(), Groups: v.Get("groups").Texts()}
	if name := v.Get("name"); u.Name != "" {
		if err := aaa.CheckUser(u.Name); err != nil {
			l.errorAt(name, "", "%v", err)
		}
	}
	l.password(v, &u)
	u.Callback = l.userCallback(v.Get("callback"))
	if len(l.problems.Only(schema.Error)) > before || u.Name == "" || u.Password == "" && u.PasswordHash == "" {
		return
	}
	if _, err := aaa.NewLocal([]aaa.User{u}); err != nil { // what only that package knows of names and passwords
		l.errorAt(v, "", "%v", err)
		return
	}
	l.cfg.Users = append(l.cfg.Users, u)
}

func (l *loader) password(v *schema.Value, u *aaa.User) {
	file, hash := v.Get("password_file"), v.Get("password_hash")
	switch {
	case file.IsSet() && hash.IsSet():
		l.errorAt(hash, "remove one of the two", "a password file and a password hash")
	case file.IsSet():
		u.Password, _ = l.secret(file)
	case hash.IsSet():
		if _, err := aaa.ParseHash(hash.Text()); err != nil {
			l.errorAt(hash, "", "%v", err)
		}
		u.PasswordHash = hash.Text()
	case !l.broken(v.Path + ".password"):
		l.errorAt(v, "add password_file: or password_hash:", "user %q has no password", cut(u.Name))
	}
}

// userCallback returns nil where the user is not called back.
func (l *loader) userCallback(v *schema.Value) *aaa.UserCallback {
	if !v.IsSet() {
		return nil
	}
	dial := v.Get("dialstring")
	c := &aaa.UserCallback{NoVerify: v.Get("no_verify").Bool(false)}
	if dial.IsSet() {
		c.Dialstring = aaa.DialstringOf(dial.Text())
	}
	if !c.Dialstring.IsNull() && dial.IsSet() {
		l.number(dial, policies.OriginAAA)
	}
	if line := v.Get("line"); line.IsSet() {
		first, last, _ := parseTTY(line.Text()) // the table checked it
		for tty := first; tty <= last; tty++ {
			c.Lines = append(c.Lines, tty)
		}
	}
	if r := v.Get("rotary"); r.IsSet() {
		n := r.Int()
		c.Rotary = &n
	}
	return c
}

// number reports a number that would never be dialled.
func (l *loader) number(v *schema.Value, origin policies.Origin) {
	n, err := policies.Canonical(v.Text(), origin, l.cfg.Plan)
	if err != nil {
		l.errorAt(v, "", "%v", err)
	} else if p := l.cfg.Plan.IsEmergency(n); p != "" {
		l.errorAt(v, "numbers.emergency has the patterns", "an emergency number (%q) is never dialled", p)
	}
}

func (l *loader) places() {
	names := map[string]*schema.Value{}
	for _, v := range l.v.Get("places").Items() {
		name, number := v.Get("name"), v.Get("number")
		if !name.IsSet() || !number.IsSet() {
			continue
		}
		if first, ok := names[name.Text()]; ok {
			l.errorAt(name, "remove one of the two", "place %q is already on line %d", cut(name.Text()), first.Line)
			continue
		}
		names[name.Text()] = name
		l.number(number, policies.OriginPlace)
		l.cfg.Places[name.Text()] = number.Text()
	}
}
