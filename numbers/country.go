package numbers

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Country is the place of a site in the telephone network. With it a Plan reads a number in any notation and returns
// its one canonical form: the digits of ITU-T E.164 without +, or those of an extension. The zero value is unused.
type Country struct {
	Code string // country code, as 33; "" for no Country
	// Region is the country (ISO 3166, as "US") where several share Code; "" for the main one of Code.
	Region string
	Area   string // area code of numbers that are dialed without one; "" if there are none
	// Digits are the possible lengths of a number in the country, without prefix and country code.
	Digits []int
	// International and National are the prefixes, as 00 and 0; the first of each is dialed. "" in National: a number
	// in the country is also written without a prefix.
	International, National []string
	Private                 Patterns // of extensions
}

// The lengths of a number in E.164 with country code. A shorter one is a service or emergency number of a network.
const (
	leastE164 = 7
	mostE164  = DefaultMaxDigits
)

// canonical returns the canonical digits of a number in any notation, or an error if it has no reading or two. They
// must still pass check.
func (c Country) canonical(s string) (string, error) {
	digits, plus, err := c.separate(s)
	if err != nil {
		return "", err
	}
	return c.read(digits, plus)
}

// check returns the dialed digits of a canonical number, and an error unless they mean this number: without it, a
// number in the country could begin with the rest of an international prefix.
func (c Country) check(digits string) (dialed string, err error) {
	dialed = c.dialed(digits)
	if again, err := c.read(dialed, false); err != nil {
		return "", fmt.Errorf("%s would be dialed as %s: %w", digits, dialed, err)
	} else if again != digits {
		return "", fmt.Errorf("%s would be dialed as %s, which is the number %s", digits, dialed, again)
	}
	return dialed, nil
}

// dialed returns what an exchange at the site connects: an extension as it is, a number in the country with the
// national prefix, any other with the international prefix.
func (c Country) dialed(digits string) string {
	rest, inside := strings.CutPrefix(digits, c.Code)
	switch {
	case c.private(digits) != "":
		return digits
	case inside && slices.Contains(c.Digits, len(rest)) && len(c.National) > 0:
		return c.National[0] + rest
	case inside && slices.Contains(c.Digits, len(rest)):
		return rest
	}
	return c.International[0] + digits
}

func (c Country) private(digits string) string {
	pattern, _ := c.Private.Longest(Number{digits})
	return pattern
}

// read returns the canonical digits that the digits of a dial string mean at the site.
func (c Country) read(digits string, plus bool) (string, error) {
	if digits == "" {
		return "", fmt.Errorf("the dial string is empty")
	}
	if plus {
		return c.public(digits)
	}
	public, err := c.readPrefixed(digits)
	switch {
	case c.private(digits) == "":
		return public, err
	case err == nil:
		return "", fmt.Errorf("%s is an extension (numbers.private) and also the number %s", digits, public)
	}
	return digits, nil
}

// readPrefixed reads digits as an exchange does: the longest prefix that they begin with decides.
func (c Country) readPrefixed(digits string) (string, error) {
	international, national := longestPrefix(digits, c.International), longestPrefix(digits, c.National)
	switch {
	case international > max(national, 0):
		return c.public(digits[international:])
	case national > 0:
		return c.inside(digits[national:])
	}
	whole, local := "", ""
	if (national == 0 || len(c.National) == 0) && slices.Contains(c.Digits, len(digits)) {
		whole, _ = c.inside(digits)
	}
	if c.Area != "" && slices.Contains(c.Digits, len(c.Area)+len(digits)) {
		local, _ = c.inside(c.Area + digits)
	}
	switch {
	case whole == "" && local == "":
		return "", noReading{digits, c.Code}
	case whole != "" && local != "":
		return "", fmt.Errorf("%s means %s or %s (write it with + and the country code)", digits, whole, local)
	}
	return whole + local, nil
}

// noReading is the error about digits that mean no number. Every extension has it, so its text is only made for those
// that are none.
type noReading struct{ digits, code string }

func (e noReading) Error() string {
	return fmt.Sprintf("%s is neither a number of this country nor an extension (write it as +%s..., or with the "+
		"national or international prefix)", e.digits, e.code)
}

// longestPrefix returns the length of the longest prefix that digits begin with, or -1.
func longestPrefix(digits string, prefixes []string) int {
	n := -1
	for _, p := range prefixes {
		if len(p) > n && strings.HasPrefix(digits, p) {
			n = len(p)
		}
	}
	return n
}

// inside reads a number in the country, without prefix.
func (c Country) inside(digits string) (string, error) {
	if !slices.Contains(c.Digits, len(digits)) {
		return "", fmt.Errorf("a number in country %s has %d digits; %s has %d", c.Code, c.Digits, digits, len(digits))
	}
	return c.public(c.Code + digits)
}

// public checks a number of E.164.
func (c Country) public(digits string) (string, error) {
	rest, inside := strings.CutPrefix(digits, c.Code)
	switch {
	case len(digits) < leastE164 || len(digits) > mostE164:
		return "", fmt.Errorf("the international number %s has %d digits; the range is %d to %d", digits,
			len(digits), leastE164, mostE164)
	case digits[0] == '0':
		return "", fmt.Errorf("%s is not an international number: no country code begins with 0", digits)
	case inside && !slices.Contains(c.Digits, len(rest)):
		return "", fmt.Errorf("a number in country %s has %d digits; %s has %d", c.Code, c.Digits, rest, len(rest))
	case c.private(digits) != "":
		return "", fmt.Errorf("the number +%s has the same digits as an extension (%q in numbers.private)", digits,
			c.private(digits))
	}
	if n := longestPrefix(rest, c.National); inside && n > 0 && slices.Contains(c.Digits, len(rest)-n) {
		return "", fmt.Errorf("+%s may contain the national prefix after the country code (leave it out)", digits)
	}
	return digits, nil
}

// separate returns the digits of a text and whether a + precedes them. It drops separators, and the national prefix in
// brackets after +, this country's code.
func (c Country) separate(s string) (digits string, plus bool, err error) {
	kept := make([]byte, 0, MostDigits)
	open := -1       // what was kept before the open bracket
	omitted := false // a national prefix was in brackets
	for i, r := range s {
		d, isDigit := digitOf(r)
		switch {
		case isDigit && len(kept) == cap(kept):
			return "", false, fmt.Errorf("the dial string has more than %d digits", cap(kept))
		case isDigit:
			kept = append(kept, d)
		case (r == '+' || r == '＋') && len(kept) == 0 && !plus:
			plus = true
		case r == '(' && open < 0:
			open = len(kept)
		case r == ')' && open >= 0:
			before := len(kept)
			if kept, err = c.bracket(kept, open, plus); err != nil {
				return "", false, err
			}
			if len(kept) < before && omitted {
				return "", false, fmt.Errorf("the national prefix is in brackets twice")
			}
			omitted, open = omitted || len(kept) < before, -1
		case r == ' ' || r == '-' || r == '.':
		default:
			return "", false, badChar(s, i)
		}
	}
	if open >= 0 {
		return "", false, fmt.Errorf("a bracket of the dial string is not closed")
	}
	return string(kept), plus, nil
}

// bracket ends a pair of brackets that contains kept[open:].
func (c Country) bracket(kept []byte, open int, plus bool) ([]byte, error) {
	inner := string(kept[open:])
	if !plus || open == 0 || inner == "" || strings.Trim(inner, "0") != "" && !slices.Contains(c.National, inner) {
		return kept, nil
	}
	if string(kept[:open]) != c.Code || !slices.Contains(c.National, inner) {
		return nil, fmt.Errorf("(%s) in the international number is dialed in some countries only (leave it out)",
			inner)
	}
	return kept[:open], nil
}

// digitOf returns the ASCII digit of a decimal digit: ASCII, full-width, Arabic-Indic or extended Arabic-Indic.
func digitOf(r rune) (byte, bool) {
	for _, zero := range []rune{'0', '０', '٠', '۰'} {
		if r >= zero && r <= zero+9 && r != utf8.RuneError {
			return byte('0' + r - zero), true
		}
	}
	return 0, false
}

// Validate returns an error that names the key, without "numbers.", unless a Plan can use c.
func (c Country) Validate() (key string, err error) {
	switch {
	case len(c.Code) < 1 || len(c.Code) > 3 || c.Code[0] == '0' || strings.Trim(c.Code, "0123456789") != "":
		return "country", fmt.Errorf(`%q is not a country code (write the digits, as "33" or "1")`, c.Code)
	case c.Region != "" && !slices.Contains(regions(c.Code), c.Region):
		return "region", fmt.Errorf("%q does not have country code %s (write one of %s)", c.Region, c.Code,
			strings.Join(regions(c.Code), ", "))
	case strings.Trim(c.Area, "0123456789") != "":
		return "area", fmt.Errorf("%q is not an area code (write digits only)", c.Area)
	case len(c.Digits) == 0:
		return "digits", fmt.Errorf("the length of a number in the country is missing (write digits: [9])")
	case len(c.International) == 0:
		return "international", fmt.Errorf(`the international prefix is missing (write international: ["00"])`)
	}
	for _, d := range c.Digits {
		if d <= len(c.Area) || len(c.Code)+d < leastE164 || len(c.Code)+d > mostE164 {
			return "digits", fmt.Errorf("%d digits after country code %s and area code %q are not possible", d, c.Code,
				c.Area)
		}
	}
	for _, p := range c.International {
		if p == "" || strings.Trim(p, "0123456789") != "" || slices.Contains(c.National, p) {
			return "international", fmt.Errorf("%q is not an international prefix (write digits that are no national "+
				"prefix)", p)
		}
	}
	for _, p := range c.National {
		if strings.Trim(p, "0123456789") != "" {
			return "national", fmt.Errorf("%q is not a national prefix (write digits only)", p)
		}
	}
	return "", nil
}
