package radius

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
	"layeh.com/radius/rfc2865"
)

// maxDialstring is longer than any number with its punctuation; a longer one is a mistake or an attack.
const maxDialstring = 64

// ciscoVendor and ciscoAVPair are Cisco-AVPair's numbers.
const (
	ciscoVendor = 9
	ciscoAVPair = 1
)

// reading is one Access-Accept being read.
type reading struct {
	session aaa.Service
	a       aaa.Authorization
	seen    map[string]bool
	service *serviceType
	host    bool     // Login-IP-Host came
	priv    *int     // priv-lvl
	numbers []number // in the order of the reply
	notes   []string
}

// number is a dial string and the attribute that brought it.
type number struct{ attribute, s string }

// Authorize reads what the attributes of an Access-Accept grant to a session of the given kind ("" is EXEC). It never panics. Where
// they cannot be honoured Refuse is set, names the attribute, and nothing else is granted. Dial strings are taken as they came: they
// are still to pass the number plan.
func Authorize(session aaa.Service, attrs radius.Attributes) aaa.Authorization {
	if session == "" {
		session = aaa.EXEC
	}
	r := &reading{session: session, seen: map[string]bool{}}
	err := r.all(attrs)
	if err == nil {
		err = r.conclude()
	}
	r.a.Attributes = append(Describe(&radius.Packet{Attributes: attrs}), r.notes...)
	if err != nil {
		r.a.Refuse = err.Error()
		return r.a.Ungranted()
	}
	return r.a
}

// all reads every attribute in the order of the reply; the first that cannot be honoured ends it.
func (r *reading) all(attrs radius.Attributes) error {
	for _, a := range attrs {
		var err error
		if a.Type == rfc2865.VendorSpecific_Type {
			err = r.vendor(a.Attribute)
		} else {
			err = r.attribute(a)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) attribute(a *radius.AVP) error {
	for _, rule := range attributes {
		if rule.typ != a.Type {
			continue
		}
		if err := r.apply(rule, a.Attribute); err != nil {
			return fmt.Errorf("%s: %w", rule.name, err)
		}
		return nil
	}
	return nil
}

func (r *reading) apply(rule rule, octets radius.Attribute) error {
	if !rule.many {
		if err := r.once(rule.name); err != nil {
			return err
		}
	}
	v, err := rule.form.read(octets)
	if err != nil {
		return err
	}
	return rule.apply(r, v)
}

func (r *reading) once(name string) error {
	if r.seen[name] {
		return errors.New("it came twice")
	}
	r.seen[name] = true
	return nil
}

// read checks the octets against the form.
func (f form) read(octets radius.Attribute) (value, error) {
	if len(octets) == 0 {
		return value{}, errors.New("it is empty (RFC 2865 §5)")
	}
	v := value{s: string(octets)}
	switch f {
	case integer:
		n, err := radius.Integer(octets)
		if err != nil {
			return value{}, fmt.Errorf("it has %d octets, not 4", len(octets))
		}
		v.n = n
	case text:
		return v, oneLine(v.s)
	case prose:
		if strings.Contains(v.s, "\x00") {
			return value{}, errors.New("a NUL in it")
		}
	}
	return v, nil
}

// oneLine refuses control characters: what follows a CR would be another command to a modem, what follows a NUL is hidden.
func oneLine(s string) error {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] == 0x7f {
			return fmt.Errorf("the control character %#02x in it", s[i])
		}
	}
	return nil
}

// vendor reads a Vendor-Specific attribute (RFC 2865 §5.26). Of other vendors than Cisco nothing is read.
func (r *reading) vendor(octets radius.Attribute) error {
	id, data, err := radius.VendorSpecific(octets)
	switch {
	case err != nil:
		return errors.New("Vendor-Specific: it is cut")
	case id != ciscoVendor:
		return nil
	}
	for len(data) > 0 {
		if len(data) < 2 || data[1] < 2 || int(data[1]) > len(data) {
			return errors.New("Cisco-AVPair: it is cut")
		}
		if data[0] == ciscoAVPair {
			if err := r.pair(string(data[2:data[1]])); err != nil {
				return fmt.Errorf("Cisco-AVPair %w", err)
			}
		}
		data = data[data[1]:]
	}
	return nil
}

// pair reads one Cisco-AVPair. A mandatory one that cannot be honoured refuses, an optional one is left.
func (r *reading) pair(s string) error {
	if s == "" {
		return errors.New("is empty")
	}
	full, v, mandatory := cutPair(s)
	prefix, name, ok := strings.Cut(strings.ToLower(full), ":")
	full = printable(full)
	if !ok {
		return r.unprefixed(strings.ToLower(full))
	}
	session, known := pairPrefixes[prefix]
	if !known || session != r.session {
		r.note("%s: not for %s sessions, left", full, r.session)
		return nil
	}
	err := r.applyPair(name, v)
	if err != nil && mandatory {
		return fmt.Errorf("%s: %w", full, err)
	}
	if err != nil {
		r.note("%s: %v; optional, left", full, err)
	}
	return nil
}

// printable quotes what a terminal would obey.
func printable(s string) string {
	if q := strconv.QuoteToASCII(s); len(q) != len(s)+2 {
		return q
	}
	return s
}

// cutPair splits at the first = or *; a pair without either is mandatory and without value.
func cutPair(s string) (name, v string, mandatory bool) {
	i := strings.IndexAny(s, "=*")
	if i < 0 {
		return s, "", true
	}
	return s[:i], s[i+1:], s[i] == '='
}

// unprefixed refuses a callback pair that lacks its prefix: leaving it would let somebody in who is to be called back.
func (r *reading) unprefixed(name string) error {
	for _, p := range pairs {
		if p.name == name && strings.Contains(name, "callback") {
			return fmt.Errorf("%s: it has no prefix; write shell:%s", name, name)
		}
	}
	r.note("%s: no prefix, left", name)
	return nil
}

func (r *reading) applyPair(name, v string) error {
	for _, p := range pairs {
		if p.name != name {
			continue
		}
		if err := oneLine(v); err != nil {
			return err
		}
		if err := r.once("pair " + name); err != nil {
			return err
		}
		return p.apply(r, v)
	}
	return errors.New("it is unknown and mandatory (with * for = it would be optional)")
}

func (r *reading) note(format string, args ...any) {
	r.notes = append(r.notes, "# "+fmt.Sprintf(format, args...))
}

// number takes a dial string; two must agree, punctuation aside.
func (r *reading) number(attribute, s string) error {
	if len(s) > maxDialstring {
		return fmt.Errorf("%d octets: a dial string has at most %d", len(s), maxDialstring)
	}
	for _, other := range r.numbers {
		if bare(other.s) != bare(s) {
			return fmt.Errorf("it says another number than %s does", other.attribute)
		}
	}
	r.numbers = append(r.numbers, number{attribute, s})
	return nil
}

// bare is s without what the number plan drops.
func bare(s string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(" -().", c) {
			return -1
		}
		return c
	}, s)
}

// conclude judges the attributes together.
func (r *reading) conclude() error {
	switch {
	case r.session == aaa.PPP:
		return errors.New("PPP is not served")
	case r.host && (r.service == nil || r.service.host):
		return errors.New("Login-IP-Host: login to a host is not served yet")
	case r.a.CallbackID != "" && len(r.numbers) > 0:
		return fmt.Errorf("Callback-Id names another place than %s may mean: send one of them", r.numbers[0].attribute)
	}
	r.a.PrivLevel = 1
	if r.service != nil {
		r.a.Callback = r.service.callback
		r.a.PrivLevel = max(1, r.service.priv)
	}
	if r.priv != nil {
		r.a.PrivLevel = *r.priv
	}
	r.concludeNumber()
	return nil
}

// concludeNumber: a number or a place demands a callback, whatever the Service-Type (IOS); a callback type without either is NULL.
func (r *reading) concludeNumber() {
	switch {
	case len(r.numbers) > 0:
		r.a.Callback = true
		r.a.Dialstring = aaa.DialstringOf(r.numbers[0].s)
	case r.a.CallbackID != "":
		r.a.Callback = true
	case r.a.Callback:
		r.a.Dialstring = aaa.DialstringOf("")
	}
}
