package numbers

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nyaruka/phonenumbers"
)

// numbering is the numbering plan of a country, from the metadata of libphonenumber. The functions of the library give
// the same answers (TestLikeTheLibrary), but compose and look up the text of each expression for each number.
type numbering struct {
	region  string     // ISO 3166; "001" for a service without a country
	leading *automaton // what the country's numbers begin with; nil: all tells them from those of its neighbors
	all     format
	first   []kind // the first that a number is decides
	rest    []kind // else a number is all these
}

// kind is a kind of numbers, and its class.
type kind struct {
	class ClassSet
	format
}

// format tells whether the digits of a number, without country code, are of a kind.
type format struct {
	digits  *automaton // nil: there are no such numbers
	lengths []int32    // none: those of the country's numbers
}

func formatOf(d *phonenumbers.PhoneNumberDesc) format {
	if d.GetNationalNumberPattern() == "" {
		return format{}
	}
	a := newAutomaton(d.GetNationalNumberPattern())
	return format{&a, d.GetPossibleLength()}
}

func (f format) matches(digits string) bool {
	return f.digits != nil && (len(f.lengths) == 0 || slices.Contains(f.lengths, int32(len(digits)))) &&
		f.digits.matches(digits)
}

func newNumbering(m *phonenumbers.PhoneMetadata) numbering {
	n := numbering{region: m.GetId(), all: formatOf(m.GetGeneralDesc())}
	if m.GetLeadingDigits() != "" {
		a := newAutomaton(m.GetLeadingDigits())
		n.leading = &a
	}
	for _, k := range []struct {
		class Class
		desc  *phonenumbers.PhoneNumberDesc
	}{
		{Premium, m.GetPremiumRate()}, {TollFree, m.GetTollFree()}, {SharedCost, m.GetSharedCost()},
		{VoIP, m.GetVoip()}, {Personal, m.GetPersonalNumber()}, {Pager, m.GetPager()}, {UAN, m.GetUan()},
		{Voicemail, m.GetVoicemail()},
	} {
		if f := formatOf(k.desc); f.digits != nil {
			n.first = append(n.first, kind{SetOf(k.class), f})
		}
	}
	n.rest = []kind{{SetOf(Fixed), formatOf(m.GetFixedLine())}, {SetOf(Mobile), formatOf(m.GetMobile())}}
	return n
}

// classes returns the classes of the digits of a number without country code; none if it is not one of the country. A
// range that fixed lines and mobiles share is in both classes.
func (n numbering) classes(digits string) (s ClassSet) {
	if !n.all.matches(digits) {
		return 0
	}
	for _, k := range n.first {
		if k.matches(digits) {
			return k.class
		}
	}
	for _, k := range n.rest {
		if k.matches(digits) {
			s |= k.class
		}
	}
	return s
}

// numberings are the numbering plans of all country codes. Those of a code are compiled when a number has it, and
// kept: there are no more than the metadata has, whatever callers type.
var numberings = sync.OnceValue(func() map[int]func() []numbering {
	collection, err := phonenumbers.MetadataCollection()
	if err != nil {
		panic("the metadata of libphonenumber: " + err.Error()) // it is in the binary, and the library reads it first
	}
	byCode := map[int][]*phonenumbers.PhoneMetadata{}
	for _, m := range collection.GetMetadata() {
		byCode[int(m.GetCountryCode())] = append(byCode[int(m.GetCountryCode())], m)
	}
	all := map[int]func() []numbering{}
	for code, list := range byCode {
		order := phonenumbers.GetRegionCodesForCountryCode(code)
		slices.SortStableFunc(list, func(a, b *phonenumbers.PhoneMetadata) int {
			return slices.Index(order, a.GetId()) - slices.Index(order, b.GetId())
		})
		all[code] = sync.OnceValue(func() (plans []numbering) {
			for _, m := range list {
				plans = append(plans, newNumbering(m))
			}
			return plans
		})
	}
	return all
})

// classify returns the country of the digits of a number of E.164 and the classes that its numbering plan gives them;
// none if no numbering plan has the number.
func classify(digits string) (region string, s ClassSet) {
	code, n := countryCode(digits)
	if n == 0 || len(digits) == n {
		return "", 0
	}
	plans := numberings()[code]()
	for _, p := range plans {
		if p.leading != nil && len(plans) > 1 {
			if p.leading.begins(digits[n:]) {
				return p.region, p.classes(digits[n:])
			}
		} else if s := p.classes(digits[n:]); s != 0 {
			return p.region, s
		}
	}
	return "", 0
}

// countryCode returns the country code that digits begin with, and its length; 0 if there is none. No code of E.164 is
// the beginning of another.
func countryCode(digits string) (code, length int) {
	for i := range min(3, len(digits)) {
		code = 10*code + int(digits[i]-'0')
		if phonenumbers.GetRegionCodeForCountryCode(code) != phonenumbers.UNKNOWN_REGION {
			return code, i + 1
		}
	}
	return 0, 0
}

// emergencyOf reports whether digits are an emergency number of a country with this code, as 15 in France.
func emergencyOf(code, digits string) bool { return emergencies().of(code, digits) }

// emergencyAnswers remembers the latest answers about extensions, for which the library reads the text of every
// country's expression. It has a fixed size: an attacker who tries many extensions only has them looked up again.
type emergencyAnswers struct {
	seed maphash.Seed // of this process, so that no caller can choose extensions with the same place
	kept [1024]atomic.Pointer[emergencyAnswer]
}

type emergencyAnswer struct {
	code, digits string
	emergency    bool
}

var emergencies = sync.OnceValue(func() *emergencyAnswers { return &emergencyAnswers{seed: maphash.MakeSeed()} })

func (e *emergencyAnswers) of(code, digits string) bool {
	place := &e.kept[maphash.String(e.seed, digits)%uint64(len(e.kept))]
	if a := place.Load(); a != nil && a.digits == digits && a.code == code {
		return a.emergency
	}
	n, _ := countryCode(code)
	found := slices.ContainsFunc(phonenumbers.GetRegionCodesForCountryCode(n), func(region string) bool {
		return phonenumbers.IsEmergencyNumber(digits, region)
	})
	place.Store(&emergencyAnswer{code, digits, found})
	return found
}

// connects reports whether an exchange in the country connects an emergency number as soon as it has some of these
// digits, as 1500 in France.
func (c Country) connects(digits string) bool {
	return phonenumbers.ConnectsToEmergencyNumber(digits[:min(len(digits), longEmergency)], c.region())
}

// longEmergency is the length of the longest emergency numbers, as 116117 in France.
const longEmergency = 6

// region returns the country of the site; "" without one.
func (c Country) region() string {
	if all := regions(c.Code); c.Region == "" && len(all) > 0 {
		return all[0]
	}
	return c.Region
}

// regions returns the countries that share a country code, the main one first.
func regions(code string) []string {
	n, length := countryCode(code)
	if length != len(code) {
		return nil
	}
	return phonenumbers.GetRegionCodesForCountryCode(n)
}

// has reports whether a number of E.164, which classify found in a region, is one of the country. One of another
// country that shares the country code is not: +1 876 is Jamaica. A number that no country has counts as one of the
// country; it is Unknown.
func (c Country) has(digits, region string, s ClassSet) bool {
	rest, inside := strings.CutPrefix(digits, c.Code)
	if !inside || len(regions(c.Code)) < 2 || s == 0 {
		return inside
	}
	ours := c.region()
	if region == ours {
		return true
	}
	// A number may be in the plans of several countries: +1 800 is one of each.
	code, _ := countryCode(c.Code)
	for _, p := range numberings()[code]() {
		if p.region == ours {
			return p.classes(rest) != 0
		}
	}
	return false
}
