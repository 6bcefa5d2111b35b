package numbers

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestDialstring(t *testing.T) {
	for _, tt := range []struct {
		plan             Plan
		number, template string
		want             string // "": an error that contains err
		err              string
	}{
		{france, "33140205051", "9,{national}", "9,0140205051", ""},
		{france, "33140205051", "{number}", "0140205051", ""},
		{france, "33140205051", "{international}", "0033140205051", ""},
		{france, "33140205051", "1010321,{e164},,4711#", "1010321,33140205051,,4711#", ""},
		{france, "442079460000", "9,{number}", "9,00442079460000", ""},
		{france, "442079460000", "9W{international}", "9W00442079460000", ""},
		{france, "442079460000", "9,{national}", "", "442079460000 is no number for {national}"},
		{france, "84001", "{extension}", "84001", ""},
		{france, "84001", "{number}", "84001", ""},
		{france, "84001", "9,{national}", "", "84001 is no number for {national}"},
		{france, "84001", "{e164}", "", "84001 is no number for {e164}"},
		{france, "84001", "{international}", "", "84001 is no number for {international}"},
		{france, "33140205051", "{extension}", "", "33140205051 is no number for {extension}"},
		{america, "14085551212", "9,{national}", "9,14085551212", ""},
		{spain, "34911234567", "{national}", "", `may be the emergency number "911*"`},
		{france, "911123456789", "{e164}", "", `may be the emergency number "911*"`}, // of India
		{Plan{}, "1133", "9,{number}", "", `may be the emergency number "911*"`},
		{Plan{}, "5551234", "9,{number}", "9,5551234", ""},
		{Plan{MaxDigits: 32}, strings.Repeat("5", 32), "9,,,{number}", "", "has 36 characters; the maximum is 35"},
		{Plan{}, "", "{number}", "", "the dial string is empty"},
	} {
		template, err := ParseTemplate(tt.template)
		if err != nil {
			t.Fatal(err)
		}
		d, err := tt.plan.Dialstring(Number{tt.number}, template)
		switch {
		case tt.want == "" && (err == nil || !strings.Contains(err.Error(), tt.err) || !d.IsZero()):
			t.Errorf("%s through %s: %q, %v; want %q", tt.number, tt.template, d.Text(), err, tt.err)
		case tt.want != "" && (err != nil || d.Text() != tt.want || d.Number() != number(tt.number)):
			t.Errorf("%s through %s: %q, %v; want %q", tt.number, tt.template, d.Text(), err, tt.want)
		}
	}
}

func TestParseTemplate(t *testing.T) {
	for text, want := range map[string]string{
		"": "has no number", "9,": "has no number", "9,{national": "has no number", "{}": "{} is no form of a number",
		"{nat}": "{nat} is no form", "{number}{number}": `has "{"`, "{number};ATH": `has ";"`, "L{number}": `has "L"`,
		"S=1{number}": `has "S"`, "\r{number}": `has "\r"`, "{number}\nATD0900": `has "\n"`, "P{number}": `has "P"`,
		"9 {number}": `has " "`, "٩{number}": "the template has", "{number}>": `has ">"`, "&{number}": `has "&"`,
		strings.Repeat("9", 28) + "{number}": "has 28 characters besides the number",
	} {
		if err := CheckTemplate(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for template, secrets := range map[string]string{"9,{number}": "", "{number}": "",
		"{number},,4711": "5551234,,4711", "1010321{number}": "10103215551234", "88,{number}#": "5551234# 88,5551234"} {
		p, err := ParseTemplate(template)
		if err != nil {
			t.Fatal(err)
		}
		d, err := Plan{}.Dialstring(number("5551234"), p)
		if got := strings.Join(d.Secrets(), " "); err != nil || got != secrets || d.String() != "5551234" {
			t.Errorf("%s: secrets %q, shown as %q, %v; want %q", template, got, d, err, secrets)
		}
	}
}

// Whatever the template and the number: what is sent are the template's characters and digits, in this order.
func TestDialstringHasOnlyTheTemplate(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	octets := dialable + dialable + ";LPTS=\r\n\x00\xff {}&^>+"
	random := func(n int) string {
		b := make([]byte, r.IntN(n))
		for i := range b {
			b[i] = octets[r.IntN(len(octets))]
		}
		return string(b)
	}
	forms := []string{"{number}", "{national}", "{international}", "{e164}", "{extension}", "{x}", ""}
	made := 0
	for range 20_000 {
		before, after := random(4), random(4)
		template, err := ParseTemplate(before + forms[r.IntN(len(forms))] + after)
		if err != nil {
			continue
		}
		for _, n := range []Number{number("33140205051"), number("442079460000"), number("84001")} {
			d, err := france.Dialstring(n, template)
			if err != nil {
				continue
			}
			made++
			digits, ok := strings.CutPrefix(strings.TrimSuffix(d.Text(), after), before)
			if !ok || digits == "" || strings.Trim(digits, "0123456789") != "" ||
				strings.Trim(d.Text(), dialable) != "" || len(d.Text()) > MostDialed {
				t.Fatalf("%q between %q and %q is dialed as %q", n, before, after, d.Text())
			}
		}
	}
	if made < 1000 {
		t.Errorf("%d dial strings", made)
	}
}
