package numbers

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

// kinds has the classes of what libphonenumber says about a number. Its UNKNOWN, also of digits that are no number of a
// country, is in no row.
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

// national returns the library's form of a number. The library's Parse is not used: it changes digits that are not a
// number into one that is, as a prefix into nothing.
func national(code int, digits string) *phonenumbers.PhoneNumber {
	country, number, zeros := int32(code), uint64(0), int32(0)
	for i := range len(digits) {
		if number == 0 && digits[i] == '0' && i < len(digits)-1 {
			zeros++
		}
		number = 10*number + uint64(digits[i]-'0')
	}
	leading := zeros > 0
	return &phonenumbers.PhoneNumber{CountryCode: &country, NationalNumber: &number, ItalianLeadingZero: &leading,
		NumberOfLeadingZeros: &zeros}
}

// checkLibrary compares what a number is here with what the library says, at a site in a region of its country code.
func checkLibrary(t *testing.T, code int, rest, site string) {
	t.Helper()
	n, digits := national(code, rest), fmt.Sprint(code, rest)
	if phonenumbers.GetNationalSignificantNumber(n) != rest {
		t.Fatalf("the library's form of %s is %v", digits, n)
	}
	region, got := classify(digits)
	if want := kinds[phonenumbers.GetNumberType(n)]; got != want {
		t.Fatalf("%d %s: %v, want %v", code, rest, got, want)
	}
	if valid := phonenumbers.IsValidNumber(n); valid != (got != 0) ||
		valid && region != phonenumbers.GetRegionCodeForNumber(n) {
		t.Fatalf("%d %s: %v in %q, want %q, %v", code, rest, got, region, phonenumbers.GetRegionCodeForNumber(n), valid)
	}
	has := Country{Code: fmt.Sprint(code), Region: site}.has(digits, region, got)
	want := len(phonenumbers.GetRegionCodesForCountryCode(code)) < 2 ||
		phonenumbers.IsValidNumberForRegion(n, site) || !phonenumbers.IsValidNumber(n)
	if has != want {
		t.Fatalf("%d %s is a number of %s: %v, want %v", code, rest, site, has, want)
	}
}

// The library's answer is the law, for each number: example numbers of every kind in every country, their neighbors,
// and random digits.
func TestLikeTheLibrary(t *testing.T) {
	rounds := 5
	if os.Getenv("RINGBACK_LONG") != "" { // scripts/long
		rounds = 1000
	}
	r := rand.New(rand.NewPCG(1, 2))
	random := func(s string, from int) string {
		b := []byte(s)
		for i := from; i < len(b); i++ {
			b[i] = byte('0' + r.IntN(10))
		}
		return string(b)
	}
	for code := range phonenumbers.GetSupportedCallingCodes() {
		sites := phonenumbers.GetRegionCodesForCountryCode(code)
		for _, site := range sites {
			examples := []string{"1", "0", "00000000", "1234567"}
			for kind := range kinds {
				example := phonenumbers.GetExampleNumberForType(site, kind)
				if site == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY {
					example = phonenumbers.GetExampleNumberForNonGeoEntity(code)
				}
				if example != nil {
					examples = append(examples, phonenumbers.GetNationalSignificantNumber(example))
				}
			}
			for _, s := range examples {
				checkLibrary(t, code, s, site)
				checkLibrary(t, code, "0"+s, site)
				for range rounds {
					cut := r.IntN(len(s) + 1)
					checkLibrary(t, code, random(s, cut), site)
					checkLibrary(t, code, random(s+"000"[:r.IntN(4)], cut), site)
					checkLibrary(t, code, s[:max(1, cut)], site)
					checkLibrary(t, code, random(strings.Repeat("0", 1+r.IntN(14)), 0), site)
				}
			}
		}
	}
}

func FuzzLikeTheLibrary(f *testing.F) {
	f.Add(uint16(1), uint64(8769261234), uint8(10), uint8(3))
	f.Add(uint16(39), uint64(612345678), uint8(10), uint8(0))
	f.Fuzz(func(t *testing.T, code uint16, number uint64, length, site uint8) {
		sites := phonenumbers.GetRegionCodesForCountryCode(int(code))
		if len(sites) == 0 {
			return
		}
		rest := fmt.Sprintf("%0*d", min(length, 17), number%1e17)
		checkLibrary(t, int(code), rest, sites[int(site)%len(sites)])
	})
}

// Many logins may be the first with a country code.
func TestClassifyConcurrently(t *testing.T) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if region, s := classify("358412345678"); region == "" || s == 0 {
				t.Errorf("a number of Finland is %s in %q", s, region)
			}
		})
	}
	wg.Wait()
}

// The numbering plans of all countries, which callers may have compiled one after the other, take little memory.
func TestSizeOfNumberings(t *testing.T) {
	states := 0
	count := func(f format) {
		if f.digits != nil {
			states += len(f.digits.next)
		}
	}
	for _, plans := range numberings() {
		for _, p := range plans() {
			count(p.all)
			for _, k := range slices.Concat(p.first, p.rest) {
				count(k.format)
			}
		}
	}
	if states > 100_000 { // of 41 octets
		t.Errorf("%d states", states)
	}
}

// The answers about extensions stay those of the library, also when more are asked for than are kept.
func TestEmergencyAnswers(t *testing.T) {
	for range 2 {
		for i := range 3000 {
			for code, want := range map[string]string{"33": "FR", "49": "DE"} {
				digits := fmt.Sprint(i)
				if got := emergencyOf(code, digits); got != phonenumbers.IsEmergencyNumber(digits, want) {
					t.Fatalf("%s in %s: %v", digits, want, got)
				}
			}
		}
	}
}

func BenchmarkClasses(b *testing.B) {
	for _, digits := range []string{"33140205051", "33899123456", "14085551212", "18769261234", "12345550000",
		"442079460000", "441481960194", "4915112345678", "77172123456", "390612345678"} {
		b.Run(digits, func(b *testing.B) {
			b.ReportAllocs()
			n := number(digits)
			for b.Loop() {
				america.Classes(n)
			}
		})
	}
}

func BenchmarkEmergencyExtension(b *testing.B) {
	b.ReportAllocs()
	n := number("84001")
	for b.Loop() {
		america.IsEmergency(n)
	}
}
