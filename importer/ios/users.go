package ios

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/numbers"
)

// enable is the password of privileged levels.
type enable struct {
	secret
	row int
}

// user is a user of the text; several lines make one user.
type user struct {
	name     string
	rows     []int
	secret   *secret
	hashed   bool // by `secret`, which takes precedence
	priv     int
	bad      string // why the user is not imported; "": it is
	callback *callback
}

type callback struct {
	number   *string // "": the caller is asked; nil: none is said
	noVerify bool
	lines    string
	rotary   *int
}

func usersTable() []command {
	return []command{
		{mode: global, syntax: "username NAME …", kind: importer.Imported, note: "users", do: doUsername,
			hide: hideUsername, anywhere: true},
	}
}

// callbackOf returns the callback of a user, which an option has begun.
func (u *user) callbackOf() *callback {
	if u.callback == nil {
		u.callback = &callback{}
	}
	return u.callback
}

// userOption is an option of `username`. do gets its arguments; a false return means that the user cannot be imported.
type userOption struct {
	word string
	args int // after it; -1: the rest of the line
	do   func(u *user, args []string) (r result)
}

// userOptions are the options of `username NAME`.
var userOptions = []userOption{
	{"password", -1, (*user).password},
	{"secret", -1, (*user).password},
	{"nopassword", 0, func(u *user, _ []string) result {
		u.bad = "a user without a password cannot log in; give the user one"
		return result{}
	}},
	{"callback-dialstring", 1, func(u *user, args []string) result {
		u.callbackOf().number = &args[0]
		return result{}
	}},
	{"callback-rotary", 1, func(u *user, args []string) result {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 0 || n > 100 {
			return wrong("callback-rotary has no number from 0 to 100")
		}
		u.callbackOf().rotary = &n
		return result{}
	}},
	{"nocallback-verify", 0, func(u *user, _ []string) result {
		u.callbackOf().noVerify = true
		return result{}
	}},
	{"privilege", 1, func(u *user, args []string) result {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 0 || n > 15 {
			return wrong("privilege has no level from 0 to 15")
		}
		if u.priv = max(n, 1); n == 0 {
			return result{}.warning("level 0 becomes level 1, which has more commands")
		}
		return result{}
	}},
	{"access-class", 1, func(*user, []string) result {
		return result{}.warning("access-class is not imported: exec: {hosts: {allow}} says where sessions may " +
			"connect to")
	}},
	{"autocommand", -1, func(u *user, _ []string) result {
		u.bad = "local users have no autocommand, and without it the user would reach the EXEC; use an AAA server " +
			"(Login-IP-Host, autocmd)"
		return result{}
	}},
	{"nohangup", 0, ignoredOption("nohangup")},
	{"noescape", 0, ignoredOption("noescape")},
	{"user-maxlinks", 1, ignoredOption("user-maxlinks")},
	{"dnis", 0, ignoredOption("dnis")},
	{"view", 1, ignoredOption("view")},
	{"one-time", 0, ignoredOption("one-time")},
}

func ignoredOption(name string) func(*user, []string) result {
	return func(*user, []string) result { return result{}.warning("%s is not imported", name) }
}

// hideUsername hides the password.
func hideUsername(in *input) string {
	for i, a := range in.args {
		if i > 0 && oneOf(a, []string{"password", "secret"}) && i+1 < len(in.args) {
			return in.hideSecret(i + 1)
		}
	}
	return mask(in.raw)
}

// maxWanted is the maximum of lines that all users together may name by callback-line.
const maxWanted = 1 << 20

func doUsername(p *parser, in *input) result {
	name := in.args[0]
	if err := aaa.CheckUser(name); err != nil {
		return unsupported("%v", err)
	}
	if len(in.args) == 1 {
		return wrong("no option follows the name: is the line wrapped?")
	}
	u := p.users[name]
	if u == nil {
		u = &user{name: name}
		p.users[name] = u
		p.names = append(p.names, name)
	}
	u.rows = append(u.rows, in.row)
	var all result
	lines := ""
	if u.callback != nil {
		lines = u.callback.lines
	}
	for args := in.args[1:]; len(args) > 0; {
		r, n := u.option(args)
		if r.wrong != "" {
			return r
		}
		all = all.warning("%s", r.warn)
		args = args[n:]
	}
	if u.callback != nil && u.callback.lines != lines {
		first, last := ends(u.callback.lines)
		if p.wanted += last - first + 1; p.wanted > maxWanted {
			return wrong("the ranges of callback-line have more than %d lines altogether", maxWanted)
		}
	}
	return all
}

// option does the option that begins at args, and returns the number of its words.
func (u *user) option(args []string) (r result, n int) {
	if strings.EqualFold(args[0], "callback-line") {
		return u.line(args)
	}
	for _, o := range userOptions {
		if !strings.EqualFold(args[0], o.word) {
			continue
		}
		if o.args < 0 {
			return o.do(u, args[1:]), len(args)
		}
		if len(args) <= o.args {
			return wrong("nothing follows `%s`: is the line wrapped?", o.word), 0
		}
		return o.do(u, args[1:1+o.args]), 1 + o.args
	}
	return wrong("it has an option that IOS does not have, or none: are lines joined or wrapped?"), 0
}

// line reads `callback-line [tty] FIRST [LAST]`.
func (u *user) line(args []string) (r result, n int) {
	n = 1
	if n < len(args) && strings.EqualFold(args[n], "tty") {
		n++
	}
	text := ""
	for ; n < len(args) && number.MatchString(args[n]); n++ {
		text = strings.TrimSpace(text + " " + args[n])
	}
	if _, err := aaa.ParseCallbackLine(text, maxTTY); err != nil {
		return wrong("callback-line has no line or range of lines"), 0
	}
	u.callbackOf().lines = strings.Replace(text, " ", "-", 1)
	return result{}, n
}

var number = regexp.MustCompile(`^[0-9]{1,9}$`)

// password reads what follows `password` or `secret`.
func (u *user) password(args []string) result {
	s, bad := readSecret(args)
	if bad != "" {
		return wrong("%s", bad)
	}
	s.check("a password")
	if u.secret == nil || !u.hashed || s.hash != "" {
		u.secret, u.hashed = &s, s.hash != ""
	}
	return result{}
}

// check looks at a secret as the configuration will.
func (s *secret) check(what string) {
	switch {
	case s.bad != "":
	case s.hash != "":
		if _, err := aaa.ParseHash(s.hash); err != nil {
			s.bad = strings.TrimPrefix(err.Error(), "password hash: ") + "; was it removed or changed in the text?"
		}
	case len(s.plain) > 254:
		s.bad = what + " has at most 254 octets"
	}
}

// makeUsers makes the local users of the site and the groups that they need.
func (p *parser) makeUsers(site *importer.Site) {
	prefix := p.trunkPrefix(site)
	for _, name := range p.names {
		u := p.users[name]
		if u.secret == nil && u.bad == "" {
			u.bad = "the user has no password: a line is missing, or is wrapped"
		}
		if u.bad == "" {
			u.bad = u.secret.bad
		}
		made := importer.User{Name: name, PrivLvl: u.priv}
		note := "a user who is not called back"
		if u.bad == "" && u.callback != nil {
			note = p.makeCallback(u, &made, prefix)
		}
		where := ""
		if u.bad == "" {
			where = "; the password is in a file of its own"
			if u.secret.hash != "" {
				where = "; the hash is used as it is"
			}
		}
		for _, row := range u.rows {
			if u.bad != "" {
				p.amend(row, unsupported("the user is not imported, and cannot log in: %s", u.bad))
				continue
			}
			p.rows[row].Note = note + where
		}
		if u.bad != "" {
			continue
		}
		made.Password, made.Hash = u.secret.plain, u.secret.hash
		if made.Hash != "" {
			made.Password = ""
			if p.servesPPP {
				p.warn(u.rows[0], "PPP authenticates the user by PAP only: CHAP needs the password, not its hash")
			}
		}
		site.Users = append(site.Users, made)
	}
}

// makeCallback sets the callback of a user and returns the note about it. It sets u.bad if the user could be called
// back otherwise than IOS does.
func (p *parser) makeCallback(u *user, made *importer.User, prefix string) string {
	c := u.callback
	last := u.rows[len(u.rows)-1]
	if p.execCallback == 0 && p.arapCallback == 0 && !p.pppCallback { // IOS does not call back
		p.warn(last, "the callback is not imported: the text has neither service exec-callback nor ppp callback "+
			"accept, so IOS does not call back either")
		return "a user who is not called back"
	}
	out := &importer.Callback{NoVerify: c.noVerify, Line: c.lines, Rotary: c.rotary}
	asks := c.number == nil || *c.number == ""
	if !asks {
		why := undialed(*c.number, prefix)
		if why != "" {
			u.bad = "it cannot be called back: " + why
			return ""
		}
		out.Numbers = []string{*c.number}
	}
	if c.rotary != nil && c.lines != "" {
		p.warn(last, "callback-line and callback-rotary: the line is preferred")
	}
	if first, last := ends(c.lines); first > 0 && p.silent[first] <= last {
		u.bad = "callback-line " + c.lines + ": line " + itoa(p.silent[first]) + " is no line with a modem that dials"
		return ""
	}
	if c.rotary != nil && !p.rotaries[*c.rotary] {
		u.bad = "callback-rotary " + itoa(*c.rotary) + ": no line with a modem that dials is in that rotary"
		return ""
	}
	made.Callback, made.Groups = out, []string{p.groupFor(asks, c.noVerify)}
	if c.number == nil {
		p.warn(last, "the text has no callback-dialstring: the caller is asked for the number")
	}
	if c.noVerify {
		p.warn(last, "no second login on the callback: anyone who answers the telephone is let in. Remove no_verify "+
			"if "+
			"that is not intended")
	}
	if p.execCallback == 0 && p.arapCallback == 0 {
		p.warn(last, "without service exec-callback, IOS lets the user into the EXEC; here the user is rejected "+
			"there, "+
			"and called back over PPP")
	}
	return "a user who is called back; group " + made.Groups[0]
}

// The groups of users whose callbacks are alike.
const (
	groupFixed    = "callback"
	groupNoVerify = "callback-no-verify"
	groupAny      = "callback-any-number"
	groupAnyNo    = "callback-any-number-no-verify"
)

func (p *parser) groupFor(asks, noVerify bool) string {
	group := map[[2]bool]string{{false, false}: groupFixed, {false, true}: groupNoVerify, {true, false}: groupAny,
		{true, true}: groupAnyNo}[[2]bool{asks, noVerify}]
	if !slices.Contains(p.groups, group) {
		p.groups = append(p.groups, group)
	}
	return group
}

// prefixed matches a number with the access code of a PBX, and a pause.
var prefixed = regexp.MustCompile(`^([0-9]{1,3}[,wW])[0-9]`)

// trunkPrefix returns the access code that all numbers of the users begin with, such as `9,`; "" if there is none. It
// becomes a trunk then.
func (p *parser) trunkPrefix(site *importer.Site) string {
	prefix, first := "", true
	for _, name := range p.names {
		c := p.users[name].callback
		if c == nil || c.number == nil || *c.number == "" {
			continue
		}
		own := ""
		if m := prefixed.FindStringSubmatch(*c.number); m != nil {
			own = m[1]
		}
		if !first && own != prefix {
			return ""
		}
		prefix, first = own, false
	}
	if prefix == "" || strings.ContainsAny(prefix, "wW") {
		return ""
	}
	site.Keys.SetAbout("All numbers of the original begin with "+prefix+": the trunk dials that.", "numbers",
		importer.Map{{Key: "trunk_prefixes", Value: []string{prefix}}})
	site.Keys.Set("trunks", []importer.Map{{{Key: "name", Value: "pbx"}, {Key: "template", Value: prefix +
		"{number}"}}})
	return prefix
}

// undialed says why a number would not be dialed; "" if it would.
func undialed(text, prefix string) string {
	plan := numbers.Plan{}
	if prefix != "" {
		plan.TrunkPrefixes = []string{prefix}
	}
	n, err := plan.Canonical(text, numbers.OriginAAA)
	if err != nil {
		return "its number is not dialed: it has characters other than digits, or too many"
	}
	if pattern := plan.IsEmergency(n); pattern != "" {
		return "its number is an emergency number (" + pattern + ")"
	}
	return ""
}
