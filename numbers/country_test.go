package numbers

import (
	"bufio"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

var (
	france = Plan{Country: Country{Code: "33", Area: "1", Digits: []int{9}, International: []string{"00"},
		National: []string{"0"}, Private: PatternsOf("84*")}}
	america = Plan{Country: Country{Code: "1", Area: "408", Digits: []int{10}, International: []string{"011"},
		National: []string{"1", ""}, Private: PatternsOf("84001")}}
	germany = Plan{Country: Country{Code: "49", Area: "89", Digits: []int{7, 8, 9, 10, 11},
		International: []string{"00"}, National: []string{"0"}, Private: PatternsOf("84001")}}
	russia = Plan{Country: Country{Code: "7", Digits: []int{10}, International: []string{"810"},
		National: []string{"8"}}}
	spain = Plan{Country: Country{Code: "34", Digits: []int{9}, International: []string{"00"}}}
)

var origins = []Origin{OriginAAA, OriginPlace, OriginCaller, OriginCallerID}

func TestCountry(t *testing.T) {
	for _, tt := range []struct {
		plan         Plan
		in           string
		want, dialed string
		err          string
	}{
		{plan: france, in: "+33 1 40 20 50 51", want: "33140205051", dialed: "0140205051"},
		{plan: france, in: "0033 1 40-20-50-51", want: "33140205051", dialed: "0140205051"},
		{plan: france, in: "01.40.20.50.51", want: "33140205051", dialed: "0140205051"},
		{plan: france, in: "+33 (0) 1 40 20 50 51", want: "33140205051", dialed: "0140205051"},
		{plan: france, in: "(01) 40 20 50 51", want: "33140205051", dialed: "0140205051"},
		{plan: france, in: "40 20 50 51", want: "33140205051", dialed: "0140205051"},
		{plan: france, in: "＋３３１４０２０５０５１", want: "33140205051", dialed: "0140205051"},
		{plan: france, in: "٠١٤٠٢٠٥٠٥١", want: "33140205051", dialed: "0140205051"},
		{plan: france, in: "۰۱۴۰۲۰۵۰۵۱", want: "33140205051", dialed: "0140205051"},
		{plan: france, in: "+44 20 7946 0000", want: "442079460000", dialed: "00442079460000"},
		{plan: france, in: "84001", want: "84001", dialed: "84001"},
		{plan: france, in: "84-001", want: "84001", dialed: "84001"},
		{plan: france, in: "84012345", err: "is an extension (numbers.private) and also the number 33184012345"},
		{plan: france, in: "+84912345678", err: `has the same digits as an extension ("84*" in numbers.private)`},
		{plan: france, in: "+33 012345678", err: "would be dialed as 0012345678"},
		{plan: france, in: "+33 (0) 899 123456", want: "33899123456", dialed: "0899123456"},
		{plan: france, in: "００３３８９９１２３４５６", want: "33899123456", dialed: "0899123456"},
		{plan: france, in: "0033 (0) 899 123456", err: "a number in country 33 has [9] digits; 0899123456 has 10"},
		{plan: france, in: "+44 (0) 20 7946 0000", err: "is dialed in some countries only"},
		{plan: france, in: "33140205051", err: "is neither a number of this country nor an extension"},
		{plan: france, in: "+3314020505", err: "a number in country 33 has [9] digits; 14020505 has 8"},
		{plan: france, in: "+0140205051", err: "no country code begins with 0"},
		{plan: france, in: "0140;205051", err: `';' at position 5 of`},
		{plan: france, in: "(01", err: "is not closed"},
		{plan: france, in: strings.Repeat("5", 33), err: "more than 32 digits"},

		{plan: america, in: "+1 408 555 1212", want: "14085551212", dialed: "14085551212"},
		{plan: america, in: "(408) 555-1212", want: "14085551212", dialed: "14085551212"},
		{plan: america, in: "555-1212", want: "14085551212", dialed: "14085551212"},
		{plan: america, in: "011 33 1 40 20 50 51", want: "33140205051", dialed: "01133140205051"},
		{plan: america, in: "84001", want: "84001", dialed: "84001"},

		{plan: germany, in: "089 1234567", want: "49891234567", dialed: "0891234567"},
		{plan: germany, in: "+49 0 89 1234567", err: "may contain the national prefix"},
		{plan: germany, in: "84001", err: "is an extension (numbers.private) and also the number 498984001"},

		// national numbers that begin with the national prefix, and an international prefix that begins with it
		{plan: russia, in: "8 812 123 45 67", want: "78121234567", dialed: "88121234567"},
		{plan: russia, in: "+7 812 123 45 67", want: "78121234567", dialed: "88121234567"},
		{plan: russia, in: "8 10 33 140205051", want: "33140205051", dialed: "81033140205051"},

		{plan: spain, in: "612 34 56 78", want: "34612345678", dialed: "612345678"},
	} {
		for _, o := range origins {
			n, err := tt.plan.Canonical(tt.in, o)
			dialed := tt.plan.Dialed(n).String()
			if tt.err == "" && (err != nil || n.String() != tt.want || dialed != tt.dialed) {
				t.Errorf("%q from %s is %q, dialed as %q, %v; want %q and %q", tt.in, o, n, dialed, err,
					tt.want, tt.dialed)
			}
			if tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || !n.IsZero()) {
				t.Errorf("%q from %s is %q, %v; want the error %q", tt.in, o, n, err, tt.err)
			}
		}
	}
}

// allowed is the one prefix that a policy allows in the tests of evasions.
var allowed = PatternsOf("3314020*")

func TestEvasions(t *testing.T) {
	if rows := checkEvasions(t, france, allowed, "../testdata/numbers/evasions.tsv"); rows < 500 {
		t.Errorf("%d evasions, want at least 500", rows)
	}
}

// Sites with other plans; the first lines of each file describe them.
func TestEvasionsElsewhere(t *testing.T) {
	britain := Plan{Country: Country{Code: "44", Area: "20", Digits: []int{9, 10}, International: []string{"00"},
		National: []string{"0"}, Private: PatternsOf("84*")}}
	italy := Plan{Country: Country{Code: "39", Digits: []int{6, 7, 8, 9, 10, 11}, International: []string{"00"}}}
	moscow := russia
	moscow.Country.Area = "495"
	taiwan := Plan{Country: Country{Code: "886", Area: "2", Digits: []int{8, 9}, International: []string{"002", "009"},
		National: []string{"0"}}}
	norway := Plan{Country: Country{Code: "47", Digits: []int{5, 8}, International: []string{"00"}}}
	pbx := Plan{Country: Country{Code: "33", Digits: []int{9}, International: []string{"00"}, National: []string{"0"},
		Private: PatternsOf("2*")}, TrunkPrefixes: []string{"9", "0,"}}
	rows := 0
	for name, site := range map[string]struct {
		plan    Plan
		allowed string
	}{
		"1": {america, "1408946*"}, "44": {britain, "442079460*"}, "49": {germany, "498955512*"},
		"39": {italy, "390655501*"}, "7": {moscow, "7495123*"}, "886": {taiwan, "886227200*"},
		"47": {norway, "472200*"}, "33": {pbx, "3314020*"},
	} {
		if key, err := site.plan.Country.Validate(); err != nil {
			t.Errorf("%s: %s: %v", name, key, err)
		}
		rows += checkEvasions(t, site.plan, PatternsOf(site.allowed), "../testdata/numbers/elsewhere/"+name+".tsv")
	}
	if rows < 350 {
		t.Errorf("%d evasions, want at least 350", rows)
	}
}

// checkEvasions reads a table and returns the number of its rows.
func checkEvasions(t *testing.T, plan Plan, allowed Patterns, file string) (rows int) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for in := bufio.NewScanner(f); in.Scan(); {
		if strings.HasPrefix(in.Text(), "#") {
			continue
		}
		rows++
		row := strings.Split(in.Text(), "\t")
		s, err := strconv.Unquote(row[1])
		if err != nil || len(row) != 4 {
			t.Fatalf("%s: %s: %v", file, in.Text(), err)
		}
		n, err := plan.Canonical(s, Origin(row[0]))
		got := n.String()
		if err != nil {
			got = "rejected"
		}
		if got != row[2] {
			t.Errorf("%s: %s: %q from %s is %s, %v; want %s", file, row[3], s, row[0], got, err, row[2])
		}
		if pattern, _ := allowed.Longest(n); pattern != "" {
			t.Errorf("%s: %s: %q from %s is allowed", file, row[3], s, row[0])
		}
	}
	return rows
}

// Every octet at every position of a number, from every origin.
func TestCountryEveryByteEverywhere(t *testing.T) {
	const number = "0140205051"
	for pos := range len(number) + 1 {
		for c := range 256 {
			s := number[:pos] + string([]byte{byte(c)}) + number[pos:]
			want := ""
			switch {
			case c == ' ' || c == '-' || c == '.':
				want = "33140205051"
			case c == '0' && pos <= 1:
				want = "140205051" // the international prefix
			}
			for _, o := range origins {
				if n, err := france.Canonical(s, o); n.String() != want || (err == nil) != (want != "") {
					t.Fatalf("%q from %s is %q, %v; want %q", s, o, n, err, want)
				}
			}
		}
	}
}

// checkDialed checks what holds for every text: what is allowed is dialed as a number of the allowed prefix, and the
// dialed digits mean the canonical number.
func checkDialed(t *testing.T, s string, o Origin) {
	t.Helper()
	n, err := france.Canonical(s, o)
	if err != nil {
		if !n.IsZero() {
			t.Fatalf("%q is %q with the error %v", s, n, err)
		}
		return
	}
	dialed := france.Dialed(n).String()
	pattern, _ := allowed.Longest(n)
	if (pattern != "") != (strings.HasPrefix(dialed, "014020") && len(dialed) == 10) {
		t.Fatalf("%q is %s, dialed as %s, and allowed by %q", s, n, dialed, pattern)
	}
	if again, err := france.Canonical(dialed, OriginCaller); again != n || err != nil {
		t.Fatalf("%q is %s, dialed as %s, which is %s, %v", s, n, dialed, again, err)
	}
	if err := france.Check(n); err != nil {
		t.Fatalf("%q is %s: %v", s, n, err)
	}
}

func TestRandomDialStrings(t *testing.T) {
	parts := []string{"0", "00", "+", "33", "(0)", "140205051", "1", "40", "20", "5", "84", "8", " ", "-", "(", ")",
		";", "\r", "٠", "０", "1234567", "\xff"}
	texts := 20_000
	if os.Getenv("RINGBACK_LONG") != "" { // scripts/long
		texts = 1_000_000
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range texts {
		var b strings.Builder
		for range 1 + r.IntN(12) {
			b.WriteString(parts[r.IntN(len(parts))])
		}
		checkDialed(t, b.String(), origins[r.IntN(len(origins))])
	}
}

func FuzzCountry(f *testing.F) {
	f.Add("+33 (0) 1 40 20 50 51", uint8(2))
	f.Add("0033012345678", uint8(0))
	f.Add("84001", uint8(1))
	f.Fuzz(func(t *testing.T, s string, o uint8) { checkDialed(t, s, origins[int(o)%len(origins)]) })
}

func TestOwn(t *testing.T) {
	p := Plan{Own: PatternsOf("3314020505*")}
	if p.IsOwn(number("33140205051")) != "3314020505*" || p.IsOwn(number("33140205061")) != "" {
		t.Error("the patterns of own numbers are not in force")
	}
	// India's 91 1 begins as 911, but is dialed behind the international prefix.
	n, err := france.Canonical("+91 11 2345 6789", OriginAAA)
	if err != nil || france.IsEmergency(n) != "" {
		t.Errorf("a number of India is %q, %v, emergency %q", n, err, france.IsEmergency(n))
	}
}
