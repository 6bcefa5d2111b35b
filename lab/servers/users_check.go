package servers

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

// Check is a comparison with the request: ==, !=, <, <=, >, >=, =~, !~, =* (present) and !* (absent). If the request
// has several attributes of that name, one that matches is enough. Prefix and Suffix compare with the ends of
// User-Name.
type Check struct{ Name, Op, Value string }

// controls are check items that are not compared; the text says why an item is not supported.
var controls = map[string]string{
	"cleartext-password": "", "password": "", "user-password": "", "auth-type": "", "fall-through": "",
	"crypt-password": hashed, "md5-password": hashed, "smd5-password": hashed, "sha-password": hashed,
	"ssha-password": hashed, "nt-password": hashed, "lm-password": hashed,
	"huntgroup-name":   "huntgroups are not supported: compare NAS-IP-Address == …, NAS-Port == … instead",
	"hint":             "hints are not supported: compare Prefix == … or Suffix == … instead",
	"simultaneous-use": unkept, "expiration": unkept, "login-time": unkept, "pool-name": unkept,
	"group": "system groups are not supported", "group-name": "system groups are not supported",
}

const (
	hashed = "only Cleartext-Password is supported, because CHAP requires it"
	unkept = "not supported by this test server: remove it"
)

func isControl(name string) bool { _, ok := controls[strings.ToLower(name)]; return ok }

var authTypes = []string{"Accept", "Reject", "Local", "PAP", "CHAP", "MS-CHAP", "MSCHAP", "EAP"}

// TakeCheck adds a check item to an entry, or returns what is wrong with it or why it is not supported.
func (u *User) TakeCheck(it Item) error {
	name := strings.ToLower(it.Name)
	switch name {
	case "cleartext-password", "password", "user-password":
		return u.password(name, it)
	case "auth-type":
		return u.authType(it)
	case "fall-through":
		return errors.New("Fall-Through is a reply item: write it in the lines below")
	}
	if why := controls[name]; why != "" {
		return fmt.Errorf("check item %s: %s", it.Name, why)
	}
	if it.Op == "=" {
		it.Op = "==" // as in Livingston's server
	}
	c := Check{it.Name, it.Op, it.Value}
	if err := c.valid(); err != nil {
		return err
	}
	u.Check = append(u.Check, c)
	return nil
}

func (u *User) password(name string, it Item) error {
	// Livingston compares the password: Password = "x". FreeRADIUS sets it: Cleartext-Password := "x".
	ops := []string{":=", "="}
	if name != "cleartext-password" {
		ops = append(ops, "==")
	}
	switch {
	case !slices.Contains(ops, it.Op):
		return fmt.Errorf(`check item %s %s …: write Cleartext-Password := "…"`, it.Name, it.Op)
	case it.Value == "":
		return fmt.Errorf("check item %s: it is empty", it.Name)
	case name == "password" && (it.Value == "UNIX" || it.Value == "SYSTEM"):
		return fmt.Errorf("check item %s = %s: system passwords are not supported", it.Name, it.Value)
	}
	u.Password = aaa.Secret(it.Value)
	return nil
}

func (u *User) authType(it Item) error {
	i := slices.IndexFunc(authTypes, func(s string) bool { return strings.EqualFold(s, it.Value) })
	switch {
	case !slices.Contains([]string{":=", "=", "=="}, it.Op):
		return fmt.Errorf("check item Auth-Type: operator %s is not supported", it.Op)
	case i < 0:
		return fmt.Errorf("Auth-Type := %s is not supported%s (supported: %s)", it.Value,
			didYouMean(it.Value, authTypes), strings.Join(authTypes, ", "))
	case authTypes[i] == "Reject":
		u.Reject, u.Accept = true, false
	case authTypes[i] == "Accept":
		u.Accept, u.Reject = true, false
	}
	return nil
}

// valid returns what is wrong with a comparison.
func (c Check) valid() error {
	switch c.Op {
	case "==", "!=", "<", "<=", ">", ">=":
		if c.affix() {
			return nil
		}
		return Attribute{c.Name, c.Value}.checkValue()
	case "=~", "!~":
		if _, err := regexp.Compile(c.Value); err != nil {
			return fmt.Errorf("check item %s %s: %w", c.Name, c.Op, err)
		}
	case "=*", "!*":
	case ":=", "+=":
		return fmt.Errorf("check item %s %s …: only Cleartext-Password and Auth-Type can be set; compare with ==%s",
			c.Name, c.Op,
			didYouMean(c.Name, []string{"Cleartext-Password", "Auth-Type"}))
	default:
		return fmt.Errorf("check item %s: unknown operator %s", c.Name, c.Op)
	}
	if lookup(c.Name) == nil && !c.affix() {
		return Attribute{c.Name, "0"}.checkValue()
	}
	return nil
}

func (c Check) affix() bool {
	return strings.EqualFold(c.Name, "Prefix") || strings.EqualFold(c.Name, "Suffix")
}

// Fits compares the check item with a request.
func (c Check) Fits(p *radius.Packet) bool {
	if c.affix() {
		cut := strings.CutSuffix
		if strings.EqualFold(c.Name, "Prefix") {
			cut = strings.CutPrefix
		}
		_, ok := cut(string(p.Get(1)), c.Value)
		return ok == (c.Op != "!=")
	}
	values := valuesOf(p, c.Name)
	if c.Op == "!*" {
		return len(values) == 0
	}
	return slices.ContainsFunc(values, c.fitsOne)
}

func (c Check) fitsOne(have string) bool {
	switch c.Op {
	case "=*":
		return true
	case "=~", "!~":
		re, err := regexp.Compile(c.Value)
		return err == nil && re.MatchString(have) == (c.Op == "=~")
	}
	d := c.compare(have)
	switch c.Op {
	case "==":
		return d == 0
	case "!=":
		return d != 0
	case "<":
		return d < 0
	case "<=":
		return d <= 0
	case ">":
		return d > 0
	}
	return d >= 0
}

// compare orders the request's value and the check item's: numbers as numbers, everything else as octets.
func (c Check) compare(have string) int {
	_, a, err1 := Attribute{c.Name, have}.Encode()
	_, b, err2 := Attribute{c.Name, c.Value}.Encode()
	if err1 != nil || err2 != nil {
		return strings.Compare(have, c.Value)
	}
	return strings.Compare(string(a), string(b)) // integers are in network order
}

// valuesOf prints all values of an attribute in a request, under any of its names.
func valuesOf(p *radius.Packet, name string) []string {
	var list []string
	want := lookup(name)
	for _, a := range p.Attributes {
		have := decode(a.Type, a.Attribute)
		e := lookup(have.Name)
		if strings.EqualFold(have.Name, name) || want != nil && e != nil && want.vendor == e.vendor &&
			want.number == e.number {
			list = append(list, have.Value)
		}
	}
	return list
}

var expansion = regexp.MustCompile(`%\{[^}]*\}`)

// checkValue returns what is wrong with an attribute of a users file. The values of %{…} are known only at a request.
func (a Attribute) checkValue() error {
	if strings.Contains(a.Value, "\x00") && strings.Contains(a.Value, "%{") {
		return fmt.Errorf("%s: a NUL and %%{…} in one value", a.Name)
	}
	for _, x := range expansion.FindAllString(a.Value, -1) {
		name := expanded(x)
		if lookup(name) == nil {
			return fmt.Errorf("%s: %s: unknown attribute%s", a.Name, x, didYouMean(name, dictionary().names))
		}
	}
	plain := expansion.ReplaceAllString(a.Value, "0")
	_, _, err := Attribute{a.Name, plain}.Encode()
	return err
}

// expanded is the attribute that %{…} names.
func expanded(x string) string {
	return strings.TrimPrefix(x[2:len(x)-1], "request:")
}

// expand replaces %{Attribute} by the request's attribute, or by nothing if the request does not have it.
func (a Attribute) expand(p *radius.Packet) Attribute {
	if !strings.Contains(a.Value, "%{") {
		return a
	}
	a.Value = expansion.ReplaceAllStringFunc(a.Value, func(x string) string {
		if v := valuesOf(p, expanded(x)); len(v) > 0 && lookup(expanded(x)) != nil && lookup(expanded(x)).encrypt == 0 {
			return v[0]
		}
		return ""
	})
	return a
}

// Match applies the entries to a request as FreeRADIUS does; ok reports whether one matched. u is the merged result.
func Match(users []User, p *radius.Packet) (u User, ok bool) {
	u.Name = string(p.Get(1))
	for _, e := range users {
		if e.Name != u.Name && e.Name != "DEFAULT" ||
			slices.ContainsFunc(e.Check, func(c Check) bool { return !c.Fits(p) }) {
			continue
		}
		u.add(e)
		ok = true
		if !e.FallThrough {
			break
		}
	}
	for i, a := range u.Reply {
		u.Reply[i] = a.expand(p)
	}
	return u, ok
}

// add merges an entry into the result of the earlier ones.
func (u *User) add(e User) {
	if e.Password != "" {
		u.Password = e.Password
	}
	if e.Reject || e.Accept {
		u.Reject, u.Accept = e.Reject, e.Accept
	}
	if e.Challenge != "" {
		u.Challenge, u.Answer, u.Echo = e.Challenge, e.Answer, e.Echo
	}
	u.Unsigned = u.Unsigned || e.Unsigned
	earlier := len(u.Reply)
	for i, a := range e.Reply {
		op := "+="
		if i < len(e.Ops) && e.Ops[i] != "" {
			op = e.Ops[i]
		}
		at := slices.IndexFunc(u.Reply[:earlier], func(b Attribute) bool { return strings.EqualFold(a.Name, b.Name) })
		switch {
		case at < 0 || op == "+=":
			u.Reply = append(u.Reply, a)
		case op == ":=":
			u.Reply[at] = a
		}
	}
}
