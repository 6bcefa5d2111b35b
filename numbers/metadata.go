package numbers

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// kinds has the classes of what libphonenumber knows about a number. Its UNKNOWN, also of digits that are no number of
// a country, is in no row. A range that fixed lines and mobiles share is in both classes.
var kinds = map[phonenumbers.PhoneNumberType]ClassSet{
	phonenumbers.FIXED_LINE:           SetOf(Fixed),
	phonenumbers.MOBILE:               SetOf(Mobile),
	phonenumbers.FIXED_LINE_OR_MOBILE: SetOf(Fixed, Mobile),
	phonenumbers.TOLL_FREE:            SetOf(TollFree),
	phonenumbers.PREMIUM_RATE:         SetOf(Premium),
	phonenumbers.SHARED_COST:          SetOf(SharedCost),
	phonenumbers.VOIP:                 SetOf(VoIP),
	phonenumbers.PERSONAL_NUMBER:      SetOf(Personal),
	phonenumbers.PAGER:                SetOf(Pager),
	phonenumbers.UAN:                  SetOf(UAN),
	phonenumbers.VOICEMAIL:            SetOf(Voicemail),
}

// classify returns the classes that the metadata of libphonenumber gives the digits of a number of E.164; none if it
// does not know the number.
func classify(digits string) ClassSet {
	code, n := countryCode(digits)
	if n == 0 {
		return 0
	}
	return kinds[phonenumbers.GetNumberType(national(code, digits[n:]))]
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

// national returns the library's form of a number. The library's Parse is not used: it changes digits that are not a
// number into one that is, as a prefix into nothing.
func national(code int, digits string) *phonenumbers.PhoneNumber {
	country, number, zeros := int32(code), uint64(0), int32(0)
	for i := range len(digits) {
		if number == 0 && digits[i] == '0' {
			zeros++
		}
		number = 10*number + uint64(digits[i]-'0')
	}
	leading := zeros > 0
	return &phonenumbers.PhoneNumber{CountryCode: &country, NationalNumber: &number, ItalianLeadingZero: &leading,
		NumberOfLeadingZeros: &zeros}
}

// emergencyOf reports whether digits are an emergency number of a country with this code, as 15 in France.
func emergencyOf(code, digits string) bool {
	n, _ := countryCode(code)
	return slices.ContainsFunc(phonenumbers.GetRegionCodesForCountryCode(n), func(region string) bool {
		return phonenumbers.IsEmergencyNumber(digits, region)
	})
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

// has reports whether a number of E.164 is one of the country. One of another country that shares the country code is
// not: +1 876 is Jamaica. A number that no country has counts as one of the country; it is Unknown.
func (c Country) has(digits string) bool {
	rest, inside := strings.CutPrefix(digits, c.Code)
	shared := regions(c.Code)
	if !inside || len(shared) < 2 {
		return inside
	}
	code, _ := countryCode(c.Code)
	n := national(code, rest)
	return phonenumbers.IsValidNumberForRegion(n, c.region()) || !phonenumbers.IsValidNumber(n)
}
