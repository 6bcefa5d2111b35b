package numbers

import (
	"fmt"
	"strings"
)

// MostDialed is the maximum length of a Dialstring: behind "ATDT " it fits in the 40 octets that every modem accepts.
const MostDialed = 35

// Dialstring is what replaces \T in a chat script: the digits of a Number within a Template. The zero value is none.
// Only Plan.Dialstring makes one, so it consists of digits and the characters of the operator's template.
type Dialstring struct {
	number   Number
	digits   string // of the number, as they are dialed
	template Template
	plan     *Plan
}

// Number returns the canonical number that is dialed.
func (d Dialstring) Number() Number { return d.number }

// IsZero reports whether there is no dial string.
func (d Dialstring) IsZero() bool { return d.number.IsZero() }

// String returns the digits of the number for logs, without the template, which may contain a PIN.
func (d Dialstring) String() string { return d.digits }

// Text returns what is sent to the modem.
func (d Dialstring) Text() string { return d.template.before + d.digits + d.template.after }

// Secrets returns the parts of the text that may be PINs or codes of a carrier: what follows the number, and what
// precedes it unless that is only the digit of an outside line.
func (d Dialstring) Secrets() (secrets []string) {
	if d.template.after != "" {
		secrets = append(secrets, d.digits+d.template.after)
	}
	if len(strings.Trim(d.template.before, pauses)) > 1 {
		secrets = append(secrets, d.template.before+d.digits)
	}
	return secrets
}

// Template is the operator's dial template of a trunk, such as `9,{national}`. The zero value is `{number}`.
type Template struct{ before, form, after string }

// The forms of a number in a template.
const (
	asNumber        = ""              // {number}: as an exchange at the site connects it, with the prefix that it needs
	asNational      = "national"      // a number in the country, with the national prefix
	asInternational = "international" // any number of E.164, with the international prefix
	asE164          = "e164"          // the same without prefix
	asExtension     = "extension"     // an extension
)

const (
	pauses = ",W@!"
	// dialable are the characters that a template may have besides digits: the keys of a telephone, and the modifiers
	// of modems that neither end the dial command nor dial a stored number (V.250 6.3.1: not ; L and S=).
	dialable = "0123456789*#ABCD" + pauses
)

// ParseTemplate reads a template: the form of the number in braces, and around it digits, the keys * # A B C D, and the
// pauses and signals , W @ !.
func ParseTemplate(s string) (Template, error) {
	before, rest, opened := strings.Cut(s, "{")
	form, after, closed := strings.Cut(rest, "}")
	if !opened || !closed {
		return Template{}, fmt.Errorf("the template %q has no number (write 9,{number})", s)
	}
	switch form {
	case "number":
		form = asNumber
	case asNational, asInternational, asE164, asExtension:
	default:
		return Template{}, fmt.Errorf("{%s} is no form of a number (write {number}, {national}, {international}, "+
			"{e164} or {extension})", form)
	}
	literal := before + after
	if i := strings.IndexFunc(literal, func(r rune) bool { return !strings.ContainsRune(dialable, r) }); i >= 0 {
		return Template{}, fmt.Errorf("the template has %q (it may have one number in braces, digits, * # A B C D, "+
			"and the pauses and signals , W @ !)", literal[i:i+1])
	}
	if len(literal) >= MostDialed-leastE164 {
		return Template{}, fmt.Errorf("the template has %d characters besides the number; a modem's command has room "+
			"for %d", len(literal), MostDialed-leastE164-1)
	}
	return Template{before, form, after}, nil
}

// CheckTemplate returns an error unless ParseTemplate accepts s.
func CheckTemplate(s string) error {
	_, err := ParseTemplate(s)
	return err
}

// NeedsCountry reports whether the form of the number depends on the site's country.
func (t Template) NeedsCountry() bool { return t.form != asNumber }

// Dialstring returns what is dialed for a number through a template. It returns an error if the template has no form of
// this number or if the text is too long, and a JoinedError if an exchange could read an emergency number in it, an own
// number of the site or a number of a denied class.
func (p Plan) Dialstring(n Number, t Template) (Dialstring, error) {
	if n.IsZero() {
		return Dialstring{}, fmt.Errorf("the dial string is empty")
	}
	digits, err := p.form(n, t.form)
	if err != nil {
		return Dialstring{}, err
	}
	d := Dialstring{n, digits, t, &p}
	if m := len(d.Text()); m > MostDialed && t != (Template{}) {
		return Dialstring{}, fmt.Errorf("the dial string has %d characters; the maximum is %d", m, MostDialed)
	}
	if t.before+t.form+t.after == "" {
		return d, nil // the policies have checked it
	}
	if err := p.joined(n, t.before, digits, t.after); err != nil {
		return Dialstring{}, err
	}
	return d, nil
}

// Joined returns a JoinedError if a chat script must not dial this between before and after (see Plan.Dialstring).
func (d Dialstring) Joined(before, after string) error {
	if before+after == "" {
		return nil
	}
	return d.plan.joined(d.number, before+d.template.before, d.digits, d.template.after+after)
}

// CheckLiteral returns an error if what a template has before the number begins with an emergency number.
func (p Plan) CheckLiteral(t Template) error { return p.literal(t.before) }

// form returns the digits of a number in a form of templates.
func (p Plan) form(n Number, form string) (string, error) {
	dialed := p.Dialed(n).digits
	extension := p.Country.Code != "" && p.Country.private(n.digits) != ""
	inside := !extension && p.Country.Code != "" && strings.HasPrefix(n.digits, p.Country.Code)
	switch {
	case form == asNumber || form == asExtension && extension || form == asNational && inside:
		return dialed, nil
	case form == asE164 && !extension:
		return n.digits, nil
	case form == asInternational && !extension && p.Country.Code != "":
		return p.Country.International[0] + n.digits, nil
	}
	return "", fmt.Errorf("%s is no number for {%s}", n, form)
}
