package tariff

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestMoneyText(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Money
		out  string
	}{
		{"0", 0, "0.00"},
		{"12", 12_000_000, "12.00"},
		{"0.5", 500_000, "0.50"},
		{"0.0125", 12_500, "0.0125"},
		{"1.000001", 1_000_001, "1.000001"},
		{"007.10", 7_100_000, "7.10"},
		{"9223372036854.775807", MaxMoney, "9223372036854.775807"},
	} {
		got, err := ParseMoney(c.in)
		if err != nil || got != c.want || got.String() != c.out {
			t.Errorf("%q: %d, %q, %v; want %d, %q", c.in, got, got, err, c.want, c.out)
		}
	}
	if s := Money(-1_500_000).String(); s != "-1.50" {
		t.Errorf("a negative amount is %q", s)
	}
}

func TestMoneyInvalid(t *testing.T) {
	for in, want := range map[string]string{
		"":                            "the amount is empty",
		"-1":                          "is negative",
		"1,5":                         "has a comma",
		"1,000.00":                    "has a comma",
		".5":                          "is not an amount",
		"5.":                          "is not an amount",
		"+5":                          "is not an amount",
		"1e3":                         "is not an amount",
		"0x10":                        "is not an amount",
		"1.2.3":                       "is not an amount",
		" 1":                          "is not an amount",
		"€1":                          "is not an amount",
		"1_000":                       "is not an amount",
		"٣":                           "is not an amount",
		"0.0000001":                   "has 7 decimals",
		"9223372036854.775808":        "is too large",
		"10000000000000":              "is too large",
		strings.Repeat("9", 1<<16):    "is too large",
		"1." + strings.Repeat("0", 9): "has 9 decimals",
	} {
		if m, err := ParseMoney(in); err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 200 {
			t.Errorf("%.40q: %v, %v; want an error with %q", in, m, err, want)
		}
	}
}

func TestMoneyJSON(t *testing.T) {
	type row struct{ Cost Money }
	out, err := json.Marshal(row{70_000})
	if err != nil || string(out) != `{"Cost":"0.07"}` {
		t.Errorf("%s, %v", out, err)
	}
	var r row
	if err := json.Unmarshal(out, &r); err != nil || r.Cost != 70_000 {
		t.Errorf("%v, %v", r, err)
	}
	if err := json.Unmarshal([]byte(`{"Cost":0.07}`), &r); err == nil {
		t.Error("a JSON number, which readers take for a float, is accepted")
	}
}

func TestMoneySaturates(t *testing.T) {
	for _, c := range []struct{ got, want Money }{
		{Money(1).Plus(2), 3},
		{MaxMoney.Plus(0), MaxMoney},
		{MaxMoney.Plus(1), MaxMoney},
		{MaxMoney.Plus(MaxMoney), MaxMoney},
		{Money(3).Times(4), 12},
		{MaxMoney.Times(0), 0},
		{MaxMoney.Times(2), MaxMoney},
		{(MaxMoney / 2).Times(3), MaxMoney},
		{scaled(MaxMoney, 1<<63, 60), MaxMoney},
		{scaled(MaxMoney, 60, 60), MaxMoney},
		{scaled(1, 1, 60), 1},
		{scaled(60, 1, 60), 1},
		{scaled(61, 1, 60), 2},
	} {
		if c.got != c.want {
			t.Errorf("%d, want %d", c.got, c.want)
		}
	}
}
