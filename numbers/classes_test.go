package numbers

import "testing"

// The classes of real numbering plans: those of regulators (Arcep, Ofcom, Bundesnetzagentur, NANPA) for national
// numbers, and ITU-T E.164's list of country codes.
func TestClasses(t *testing.T) {
	for canonical, want := range map[string]string{
		"33899123456": "premium", "33820123456": "shared_cost", "33612345678": "mobile", "33140205051": "fixed",
		"33801234567": "toll_free", "33912345678": "voip", "84001": "none", // an extension
		"881612345678": "satellite, mobile, international", "870773123456": "satellite, mobile, international",
		"882161234567": "satellite, voip, international", "883510012345": "satellite, voip, international",
		"979123456789": "premium, international", "80812345678": "shared_cost, international",
		"19005551212": "premium, international", "14085551212": "mobile, fixed, international",
		"447012345678": "personal, international", "447400900123": "mobile, international",
		"442079460000": "fixed, international", "4917612345678": "mobile, international",
		"4990012345678": "unknown, international", // no such number: 0900 has one more digit for the content
		"390612345678":  "fixed, international",   // the 0 belongs to the number
		"18095551234":   "fraud, mobile, fixed, international", "22222123456": "fraud, mobile, international",
		"33012345678":  "unknown",                // the library's Parse would drop the 0
		"871123456789": "unknown, international", // a spare code
		"2101234567":   "unknown, international", // a spare code
		"8005551212":   "unknown, international",
		"33555":        "unknown",
	} {
		if got := france.Classes(number(canonical)).String(); got != want {
			t.Errorf("%s is %q, want %q", canonical, got, want)
		}
	}
	if c := (Plan{}).Classes(number("33899123456")); c != 0 {
		t.Errorf("without a country a number is %q", c)
	}
}

func TestDenied(t *testing.T) {
	for _, tt := range []struct {
		allow, deny []string
		want        string
	}{
		{nil, nil, "unknown, fraud, premium, personal, satellite"},
		{[]string{"premium", "fraud"}, nil, "unknown, personal, satellite"},
		{[]string{"premium"}, []string{"premium", "mobile"}, "unknown, fraud, premium, personal, satellite, mobile"},
		{[]string{"unknown", "nonsense"}, nil, "unknown, fraud, premium, personal, satellite"},
	} {
		if got := Denied(tt.allow, tt.deny).String(); got != tt.want {
			t.Errorf("allow %q, deny %q: %q, want %q", tt.allow, tt.deny, got, tt.want)
		}
	}
	if SetOf("unknown", "international").First() != Unknown || ClassSet(0).First() != "" {
		t.Error("First is wrong")
	}
}

// The emergency numbers of a country are no extensions, whatever the site's list says.
func TestEmergencyOfCountry(t *testing.T) {
	plan := france
	plan.Country.Private = PatternsOf("1*")
	plan.Emergency = PatternsOf("999")
	for digits, want := range map[string]string{"15": "15", "17": "17", "112": "112", "1500": "", "16": ""} {
		n, err := plan.Canonical(digits, OriginCaller)
		if err != nil {
			t.Fatal(err)
		}
		if got := plan.IsEmergency(n); got != want {
			t.Errorf("%s: %q, want %q", digits, got, want)
		}
	}
}

// The built-in fraud ranges name whole countries, for which calls in the country are no fraud. A site's file says what
// it means.
func TestFraudAtHome(t *testing.T) {
	mauritania := Plan{Country: Country{Code: "222"}}
	dominica := Plan{Country: Country{Code: "1", Region: "DO"}}
	for _, tt := range []struct {
		plan   Plan
		number string
		fraud  bool
	}{
		{mauritania, "22222123456", false}, {mauritania, "18095551234", true}, {dominica, "18095551234", false},
		{dominica, "18769261234", true}, {dominica, "22222123456", true}, {america, "18095551234", true},
		{america, "14085551212", false},
	} {
		if got := tt.plan.Classes(number(tt.number)); (got&SetOf(Fraud) != 0) != tt.fraud {
			t.Errorf("%s at a site in %s %s: %s", tt.number, tt.plan.Country.Code, tt.plan.Country.Region, got)
		}
	}
	own, err := ParseRanges([]byte(`ranges: [{class: fraud, source: s, date: "2026-11-29", prefixes: ["222"]}]`))
	if err != nil {
		t.Fatal(err)
	}
	mauritania.Ranges = own
	if got := mauritania.Classes(number("22222123456")); got&SetOf(Fraud) == 0 {
		t.Errorf("a range of the site's file is %s", got)
	}
}

// TestSharedCountryCode: several countries have +1, +44 and +7. The classes are those of the numbering plans: NANPA,
// Ofcom (01481 is Guernsey), and that of Kazakhstan.
func TestSharedCountryCode(t *testing.T) {
	for _, tt := range []struct {
		country, region, number string
		international           bool
	}{
		{"1", "", "14085551212", false}, {"1", "US", "18005551212", false},
		{"1", "", "18769261234", true}, {"1", "", "18095551234", true}, {"1", "", "12423221234", true},
		{"1", "", "16644911234", true}, {"1", "", "14165551234", true},
		{"1", "CA", "14165551234", false}, {"1", "CA", "14085551212", true}, {"1", "CA", "18005551212", false},
		{"44", "", "442079460000", false}, {"44", "", "441481960194", true}, {"44", "GG", "441481960194", false},
		{"7", "", "74951234567", false}, {"7", "", "77172123456", true},
		{"33", "", "33140205051", false}, {"33", "FR", "442079460000", true},
	} {
		p := Plan{Country: Country{Code: tt.country, Region: tt.region}}
		if got := p.Classes(Number{digits: tt.number}); (got&SetOf(International) != 0) != tt.international {
			t.Errorf("%s at a site in %s %q: %s", tt.number, tt.country, tt.region, got)
		}
	}
	us := Country{Code: "1", Region: "FR", Digits: []int{10}, International: []string{"011"}}
	if key, err := us.Validate(); key != "region" || err == nil {
		t.Errorf("%s: %v", key, err)
	}
}
