package trunks

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/tariff"
)

var plan = numbers.Plan{Country: numbers.Country{Code: "33", Digits: []int{9}, International: []string{"00"},
	National: []string{"0"}, Private: numbers.PatternsOf("84*")}}

func number(t *testing.T, s string) numbers.Number {
	t.Helper()
	n, err := plan.Canonical(s, numbers.OriginAAA)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func template(t *testing.T, s string) numbers.Template {
	t.Helper()
	p, err := numbers.ParseTemplate(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func prices(t *testing.T, rates string) *tariff.Table {
	t.Helper()
	p, problems := tariff.Parse("t.csv", []byte("prefix,per_minute,granularity\n"+rates), "EUR")
	if p == nil {
		t.Fatal(problems)
	}
	return p
}

func TestTaking(t *testing.T) {
	pbx := Trunk{Name: "pbx", Template: template(t, "{extension}")}
	local := Trunk{Name: "local", Template: template(t, "9,{national}"), Numbers: numbers.PatternsOf("331*", "332*"),
		Tariff: prices(t, "33,0.05,60/60\n332,0.01,60/60\n")}
	cheap := Trunk{Name: "cheap", Template: template(t, "1010321,{international}"),
		Tariff: prices(t, "33,0.02,60/60\n44,0.03,60/60\n")}
	any := Trunk{Name: "any", Template: template(t, "8,{number}")}
	for _, tt := range []struct {
		trunks       List
		number, want string
		why          string
	}{
		{List{pbx, local, cheap}, "84001", "pbx", "trunk local: 84001 matches none of its numbers; trunk cheap: " +
			"84001 is no number for {international}"},
		{List{pbx, local, cheap}, "0140205051", "cheap local", ""}, // the cheapest first
		{List{pbx, local, cheap}, "0240205051", "local cheap", ""},
		{List{any, local, cheap}, "0140205051", "any local cheap", ""}, // one has no price: the order decides
		{List{cheap, local, any}, "0140205051", "cheap local any", ""},
		{List{cheap, local, any}, "+442079460000", "cheap any", ""},
		{List{local, cheap}, "+14085551212", "", "trunk cheap: its tariff has no rate for 14085551212"},
		{nil, "0140205051", "", ""},
	} {
		taking, why := tt.trunks.Taking(plan, number(t, tt.number))
		if got := strings.Join(taking.Names(), " "); got != tt.want || !strings.Contains(why, tt.why) {
			t.Errorf("%s: %q (%s), want %q (%s)", tt.number, got, why, tt.want, tt.why)
		}
	}
}

func TestDearest(t *testing.T) {
	dear := Trunk{Name: "dear", Tariff: prices(t, "33,0.05,60/60\n")}
	cheap := Trunk{Name: "cheap", Tariff: prices(t, "33,0.01,60/60\n")}
	rate, _ := prices(t, "33,0.02,60/60\n").Find(number(t, "0140205051"))
	for _, tt := range []struct {
		trunks List
		want   string
	}{{nil, "0.20"}, {List{cheap}, "0.10"}, {List{cheap, dear}, "0.50"}, {List{cheap, {Name: "site"}}, "0.20"}} {
		got := tt.trunks.Dearest(plan, number(t, "0140205051"), rate, 10*time.Minute)
		if want, err := tariff.ParseMoney(tt.want); err != nil || got != want {
			t.Errorf("%v: %v, want %v", tt.trunks.Names(), got, want)
		}
	}
}

func TestDialstring(t *testing.T) {
	l := List{{Name: "pbx", Template: template(t, "9,{national}"), Numbers: numbers.PatternsOf("331*")}}
	for _, tt := range []struct{ number, trunk, want, err string }{
		{"0140205051", "pbx", "9,0140205051", ""}, {"0140205051", "", "0140205051", ""},
		{"0140205051", "isdn", "", "trunk isdn is no longer in the configuration"},
		{"0240205051", "pbx", "", "33240205051 matches none of its numbers"}, // since the promise
	} {
		d, err := l.Dialstring(plan, number(t, tt.number), tt.trunk)
		if d.Text() != tt.want || (err == nil) != (tt.err == "") ||
			err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s through %s: %q, %v", tt.number, tt.trunk, d.Text(), err)
		}
	}
}

func TestUnfit(t *testing.T) {
	l := List{{Name: "pbx", Lines: []int{65, 66}}, {Name: "any"}}
	for _, tt := range []struct {
		trunk string
		tty   int
		want  string
	}{
		{"pbx", 65, ""}, {"pbx", 67, "does not lead to trunk pbx"}, {"any", 67, ""}, {"", 67, ""},
		{"gone", 65, "trunk gone is no longer in the configuration"},
	} {
		if got := l.Unfit(tt.trunk, tt.tty); got != tt.want {
			t.Errorf("tty %d for %q: %q, want %q", tt.tty, tt.trunk, got, tt.want)
		}
	}
}
