package numbers

import (
	"strings"
	"testing"
)

// TestJoined: what a template or a chat script adds makes no number that must not be dialed. The emergency numbers are
// those of the countries' regulators: 112 and 15 in France, 911 in the United States.
func TestJoined(t *testing.T) {
	pbx := france
	pbx.Country.Private = PatternsOf("84*", "1*", "2*", "5*", "23456")
	nanp := america
	nanp.Country.Private = PatternsOf("84*")
	australia := Plan{Country: Country{Code: "61", Digits: []int{9}, International: []string{"0011"},
		National: []string{"0"}}}
	turin := Plan{Country: Country{Code: "39", Digits: []int{6, 7, 8, 9, 10, 11}, International: []string{"00"}}}
	for _, tt := range []struct {
		plan             Plan
		number, template string
		err              string // "": it is dialed
	}{
		{pbx, "11", "9,9{extension}", `11 may be the emergency number "911*"`},
		{pbx, "11", "9W9{extension}", `"911*"`},
		{pbx, "11", "99{extension}", `"911*"`},
		{pbx, "11", "9,99{extension}", `"999*"`},
		{pbx, "11", "*679{extension}", `"911*"`},
		{pbx, "1", "9,91{extension}", `"911*"`},
		{pbx, "1", "9,9!{extension}1", `"911*"`},
		{pbx, "1", "9,9{extension},1", `"911*"`},
		{pbx, "12", "0,1{extension}", `"112*"`},
		{pbx, "2", "0,11{extension}", `"112*"`},
		{pbx, "5", "0,1{extension}", `emergency number "15"`},   // the SAMU
		{pbx, "51", "0,1{extension}", `emergency number "151"`}, // connected after 15
		{pbx, "1500", "88{extension}", ""},                      // an extension of another exchange
		{pbx, "5", "1,0{extension}", ""},
		{pbx, "12", "9{extension}", ""},
		{Plan{}, "11", "9,9{number}", `"911*"`}, // without a country
		{Plan{}, "12025551212", "1010321{number}", ""},
		{nanp, "12025551212", "1010321,{national}", ""}, // 112 is at the end of the carrier's code
		{nanp, "12025551212", "9,1010321{national}", ""},
		{nanp, "20225551212", "9011{e164}", ""}, // Egypt: 011 is one prefix, not 0 and 112
		{nanp, "20225551212", "011{e164}", ""},
		{turin, "390112345678", "0,{national}", ""},           // Turin: 011
		{pbx, "23456", "0,08991{extension}", "class premium"}, // +33 8 99 12 34 56
		{pbx, "33140205051", "0,{national}", ""},
		{pbx, "33140205051", "0,00{e164}", ""}, // not Australia's 000
		{pbx, "442079460000", "0,{international}", ""},
		{australia, "442079460000", "0,{international}", `"000*"`},
		{australia, "442079460000", "9,{international}", ""},
	} {
		template, err := ParseTemplate(tt.template)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tt.plan.Dialstring(Number{tt.number}, template)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s through %s: %v, want %q", tt.number, tt.template, err, tt.err)
		}
	}
}
