package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/schema"
)

const prices = "prefix,per_minute,granularity,currency\n49,0.02,60/60,EUR\n"

// loadTariff loads the full sample with another section tariff and another price list.
func loadTariff(t *testing.T, section, csv string, over ...Overrides) (*Config, Problems) {
	t.Helper()
	dir := samples(t)
	file := filepath.Join(dir, "full.yaml")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	was := "tariff:\n  file: tariff.csv                         # prices by prefix, CSV or YAML\n  currency: EUR\n"
	if !strings.Contains(string(text), was) {
		t.Fatal("the sample has another tariff")
	}
	cheap := strings.NewReplacer(", money: 60.00", "", ", money: 250.00", "", ", money: 2500.00", "", was, section,
		"    tariff: tariff.yaml                    # its prices\n", "")
	for name, text := range map[string]string{file: cheap.Replace(string(text)),
		filepath.Join(dir, "tariff.csv"): csv} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Load(file, append(over, nil)[0])
}

func TestTariff(t *testing.T) {
	for _, c := range []struct{ section, csv, want string }{
		{"tariff: {file: tariff.csv}\n", prices, ""},
		{"tariff: {file: tariff.csv, currency: EUR}\n", prices, ""},
		{"", prices, ""},
		{"tariff: {file: tariff.csv, currency: USD}\n", prices, "tariff.csv:2:15: currency: EUR where USD is expected"},
		{"tariff: {file: tariff.csv}\n", prices + "49,1,1/1,EUR\n",
			"tariff.csv:3:1: prefix: prefix 49 is already on line 2"},
		{"tariff: {currency: EUR}\n", prices, "tariff.currency: a currency without a tariff"},
		{"tariff: {file: none.csv}\n", prices, "tariff.file: "},
		{"tariff: {file: \"\\e.csv\"}\n", prices, `tariff.file: "\x1b.csv" is not the name of a file`},
		{"tariff: {file: tariff.csv, currency: euro}\n", prices, `tariff.currency: "euro" is not a currency`},
	} {
		cfg, problems := loadTariff(t, c.section, c.csv)
		if c.want == "" {
			if len(problems) > 0 || (cfg.Tariff != nil) != (c.section != "") {
				t.Errorf("%s: %v", c.section, problems)
			}
		} else if cfg != nil || len(problems) != 1 || !strings.Contains(problems.String(), c.want) {
			t.Errorf("%s:\n%v\nwant %s", c.section, problems, c.want)
		}
	}
}

// TestCeilingsInMoney: they need a tariff, and an amount.
func TestCeilingsInMoney(t *testing.T) {
	const priced = "tariff: {file: tariff.csv}\n"
	for _, c := range []struct{ section, money, want string }{
		{priced, "1.5", ""},
		{"", "1.5", "money is limited, and there is no tariff (write tariff: {file: tariff.csv})"},
		{priced, "0", "ceilings.day.money: 0 limits nothing"},
		{priced, "1,5", `ceilings.day.money: "1,5" has a comma`},
	} {
		cfg, problems := loadTariff(t, c.section, prices, Overrides{"ceilings.day.money": c.money})
		if c.want == "" {
			want := journal.Amount{Calls: 400, Time: 12000 * time.Minute, Money: 1_500_000}
			if len(problems) > 0 || cfg.Ceilings[1].Period != journal.Day || cfg.Ceilings[1].Amount != want {
				t.Errorf("%s: %v, %+v", c.money, problems, cfg)
			}
		} else if cfg != nil || !strings.Contains(problems.String(), c.want) {
			t.Errorf("%s:\n%v\nwant %s", c.money, problems, c.want)
		}
	}
}

// The digest in the log tells price lists apart.
func TestTariffIsInTheDigest(t *testing.T) {
	section := "tariff: {file: tariff.csv}\n"
	a, _ := loadTariff(t, section, prices)
	b, _ := loadTariff(t, section, strings.Replace(prices, "0.02", "0.03", 1))
	if a == nil || b == nil || a.Digest == b.Digest {
		t.Error("another price, the same digest")
	}
}

// A policy that compares prices needs a tariff.
func TestCheaperWithoutTariff(t *testing.T) {
	dir := samples(t)
	travel := filepath.Join(dir, "policies.d", "travel.yaml")
	text := "group: travel\ncallback: when_cheaper\nnumbers: {from: [aaa, caller_id], allow: [\"49*\"]}\n"
	if err := os.WriteFile(travel, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := Load(filepath.Join(dir, "full.yaml"), nil)
	if cfg == nil || cfg.Tariff == nil || cfg.Policies.Site().Tariff != cfg.Tariff {
		t.Errorf("%v", problems.Only(schema.Error))
	}
	file := Overrides{"tariff.file": filepath.Join(dir, "tariff.csv")}
	_, problems = Load(filepath.Join(dir, "minimal.yaml"), file)
	if strings.Contains(problems.String(), "compares prices") {
		t.Errorf("with a tariff of the command line: %v", problems)
	}
	_, problems = Load(filepath.Join(dir, "minimal.yaml"), nil)
	got := strings.ReplaceAll(problems.Only(schema.Error).String(), dir+"/", "")
	if want := "policies.d/travel.yaml:2:11: callback: when_cheaper compares prices, and there is no tariff (write " +
		"tariff: {file: tariff.csv} in minimal.yaml)"; !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}
