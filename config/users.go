package config

import (
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
)

func (l *loader) users() {
	type account struct {
		name    string
		service aaa.Service
	}
	l.passwords()
	names, defaults := map[account]*schema.Value{}, schema.Defaults(userKeys)
next:
	for _, v := range l.v.Get("users").Items() {
		if name := v.Get("name"); name.IsSet() {
			for _, s := range []aaa.Service{aaa.EXEC, aaa.PPP} {
				at := account{name.Text(), s}
				if !l.userOf(v).Serves(s) {
					continue
				}
				if first, ok := names[at]; ok {
					l.errorAt(name, "remove one of the two, or give each `services` of its own",
						"user %q is already on line %d", cut(name.Text()), first.Line)
					continue next
				}
				names[at] = name
			}
		}
		l.user(v, defaults)
	}
}

func (l *loader) user(v, defaults *schema.Value) {
	before := len(l.problems)
	u := l.userOf(v)
	u.PrivLevel, u.Groups = or(v, defaults, "priv_lvl").Int(), v.Get("groups").Texts()
	u.DialOut = v.Get("dial_out").Bool(false)
	if name := v.Get("name"); u.Name != "" {
		if err := aaa.CheckUser(u.Name); err != nil {
			l.errorAt(name, "", "%v", err)
		}
	}
	l.password(v, &u)
	u.Callback = l.userCallback(v.Get("callback"))
	if l.problems[before:].HasErrors() || u.Name == "" || u.Password == "" && u.PasswordHash == "" {
		return
	}
	if _, err := aaa.NewLocal([]aaa.User{u}); err != nil { // that package checks names and passwords
		l.errorAt(v, "", "%v", err)
		return
	}
	l.cfg.Users = append(l.cfg.Users, u)
}

// userOf returns the user's name and services.
func (l *loader) userOf(v *schema.Value) aaa.User {
	u := aaa.User{Name: v.Get("name").Text()}
	for _, s := range v.Get("services").Texts() {
		u.Services = append(u.Services, aaa.Service(s))
	}
	return u
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
	case l.stored[u.Name] != "":
		u.Password = l.stored[u.Name]
	case !l.broken(v.Path+".password") && !l.broken("passwords_file"):
		l.errorAt(v, "add password_file: or password_hash:", "user %q has no password", cut(u.Name))
	}
}

// maxPasswords is the maximum size of the file of passwords, in octets.
const maxPasswords = 16 << 20

// passwords reads passwords_file: a user's name, a tab and the password on each line.
func (l *loader) passwords() {
	v := l.v.Get("passwords_file")
	if !v.IsSet() {
		return
	}
	path, ok := l.credential(v)
	if !ok {
		return
	}
	data, access, err := l.read(path, maxPasswords)
	if err != nil {
		l.errorAt(v, secretHint(v.Text(), err), "%s: %s", path, schema.Reason(err))
		return
	}
	l.trust(v, path, access, noRead)
	l.stored = map[string]aaa.Secret{}
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		name, password, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "\t")
		why := ""
		switch {
		case !ok || name == "" || password == "" || strings.ContainsAny(password, "\r\x00"):
			why = "the line is not a name, a tab and a password"
		case l.stored[name] != "":
			why = "the user has a password on an earlier line"
		}
		if why != "" { // the line itself may be a password
			l.problem(Problem{File: path, Line: n, Msg: why, Severity: schema.Error, Key: v.Path})
			continue
		}
		l.stored[name] = aaa.Secret(password)
	}
}

// userCallback returns nil if the user is not called back.
func (l *loader) userCallback(v *schema.Value) *aaa.UserCallback {
	if !v.IsSet() {
		return nil
	}
	dial, list, place := v.Get("dialstring"), v.Get("numbers"), v.Get("place")
	c := &aaa.UserCallback{NoVerify: v.Get("no_verify").Bool(false)}
	switch {
	case place.IsSet() && (dial.IsSet() || list.IsSet()):
		l.errorAt(place, "remove one of the two", "both a place and a number")
	case place.IsSet():
		c.Place = place.Text()
		if _, ok := l.site.Places[c.Place]; !ok && !l.broken("places") {
			l.errorAt(place, "add it to places", "%q is not a known place", cut(c.Place))
		}
	case dial.IsSet() && list.IsSet():
		l.errorAt(list, "write all numbers there, and remove dialstring", "both dialstring and numbers")
	case dial.IsSet():
		c.Dialstring = aaa.DialstringOf(dial.Text())
		if !c.Dialstring.IsNull() {
			l.number(dial, numbers.OriginAAA)
		}
	case len(list.Items()) > 0:
		for _, n := range list.Items() {
			l.number(n, numbers.OriginAAA)
		}
		all := list.Texts()
		c.Dialstring, c.Further = aaa.DialstringOf(all[0]), all[1:]
	case !l.broken(v.Path):
		l.errorAt(v, `add numbers: ["84001"], place: NAME, or dialstring: "" to ask the caller`, "the callback has no number")
	}
	if line := v.Get("line"); line.IsSet() {
		c.Lines, _ = aaa.ParseCallbackLine(line.Text(), schema.MaxTTY) // checked by the table
	}
	if r := v.Get("rotary"); r.IsSet() {
		n := r.Int()
		c.Rotary = &n
	}
	return c
}

// number reports a number that would never be dialed.
func (l *loader) number(v *schema.Value, origin numbers.Origin) {
	if l.broken("numbers") {
		return
	}
	n, err := l.site.Plan.Canonical(v.Text(), origin)
	if err != nil {
		l.errorAt(v, "", "%v", err)
	} else if p := l.site.Plan.IsEmergency(n); p != "" {
		l.errorAt(v, "numbers.emergency has the patterns", "an emergency number (%q) is never dialed", p)
	} else if p := l.site.Plan.IsOwn(n); p != "" {
		l.errorAt(v, "numbers.own has the patterns", "an own number (%q) is never dialed", p)
	}
}

func (l *loader) places() {
	l.site.Places = map[string]string{}
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
		l.number(number, numbers.OriginPlace)
		l.site.Places[name.Text()] = number.Text()
	}
}
