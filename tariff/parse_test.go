package tariff

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/schema"
)

func sample(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("../testdata/config/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSamples(t *testing.T) {
	want := []Rate{
		{"33", "France", 30_000, 0, Granularity{30, 6}, CallerPrice{}},
		{"44", "United Kingdom", 25_000, 0, Granularity{1, 1}, CallerPrice{}},
		{"49", "Germany", 20_000, 50_000, Granularity{60, 60}, CallerPrice{}},
		{"4915", "Germany mobile", 100_000, 50_000, Granularity{60, 1}, CallerPrice{}},
		{"49180", "Germany premium", 1_990_000, 0, Granularity{60, 60}, CallerPrice{}},
	}
	for _, name := range []string{"tariff.csv", "tariff.yaml"} {
		table, problems := Parse(name, sample(t, name), "")
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if got := slices.Collect(table.Rates()); !slices.Equal(got, want) || table.Currency() != "EUR" {
			t.Errorf("%s: %s %+v, want %+v", name, table.Currency(), got, want)
		}
	}
}

func TestCSVOfSpreadsheets(t *testing.T) {
	table, problems := Parse("T.CSV", []byte("\ufeffper_minute, prefix ,granularity,zone\r\n"+
		"\r\n# comment\r\n 0.5 ,49,60/60,\"Germany, \"\"all\"\"\"\r\n"), "USD")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := Rate{"49", `Germany, "all"`, 500_000, 0, Granularity{60, 60}, CallerPrice{}}
	if got := slices.Collect(table.Rates()); len(got) != 1 || got[0] != want || table.Currency() != "USD" {
		t.Errorf("%s %+v", table.Currency(), got)
	}
}

// What a call costs its caller is unknown, free, or has a price.
func TestCallerPrices(t *testing.T) {
	csv := "prefix,per_minute,granularity,caller_per_minute,caller_per_call\n" +
		"1,0.02,60/60,,\n2,0.02,60/60,0,\n3,0.02,60/60,0.19,0.05\n"
	yaml := "rates:\n- {prefix: 1, per_minute: 0.02, granularity: 60/60}\n" +
		"- {prefix: 2, per_minute: 0.02, granularity: 60/60, caller_per_minute: 0}\n" +
		"- {prefix: 3, per_minute: 0.02, granularity: 60/60, caller_per_minute: 0.19, caller_per_call: 0.05}\n"
	for file, data := range map[string]string{"t.csv": csv, "t.yaml": yaml} {
		table, problems := Parse(file, []byte(data), "EUR")
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		var got []string
		for r := range table.Rates() {
			cost, known := r.CallerCost(61 * time.Second)
			got = append(got, fmt.Sprintf("%s %v %v", r.Prefix, cost, known))
		}
		if s := strings.Join(got, ", "); s != "1 0.00 false, 2 0.00 true, 3 0.43 true" {
			t.Errorf("%s: %s", file, s)
		}
	}
}

func TestInvalidFiles(t *testing.T) {
	const head = "prefix,per_minute,per_call,granularity,currency\n"
	for _, c := range []struct{ file, data, want string }{
		{"t.txt", "", "t.txt: not a tariff (rename it to NAME.csv or NAME.yaml)"},
		{"t.csv", "", "t.csv:1:1: the file is empty (begin it with " +
			"prefix,zone,per_minute,per_call,granularity,caller_per_minute,caller_per_call,currency)"},
		{"t.csv", head, "t.csv:1:1: there are no rates (add a line for each prefix)"},
		{"t.csv", "prefix;per_minute\n49;1\n",
			"t.csv:1:1: the columns are not separated by commas (export it with commas)"},
		{"t.csv", "prefix,price,per_minute,granularity,currency\n", `t.csv:1:8: unknown column "price" (valid columns: ` +
			"prefix, zone, per_minute, per_call, granularity, caller_per_minute, caller_per_call, currency)"},
		{"t.csv", "prefix,prefix,per_minute,granularity,currency\n",
			"t.csv:1:8: prefix: the column is named twice (remove one of the two)"},
		{"t.csv", "prefix,granularity,currency\n", "t.csv:1:1: per_minute: the column is missing (the first line is " +
			"prefix,zone,per_minute,per_call,granularity,caller_per_minute,caller_per_call,currency)"},
		{"t.csv", "prefix,per_minute,granularity\n49,1,60/60\n", "t.csv:1:1: currency: the column is missing " +
			"(add the column, or write tariff.currency in the configuration)"},
		{"t.csv", head + "49,1,,60/60,EUR\n33,1,,60/60,EUR\n49,1,,60/60,EUR\n",
			"t.csv:4:1: prefix: prefix 49 is already on line 2 (remove one of the two)"},
		{"t.csv", head + "49,-1,,60/60,EUR\n", `t.csv:2:4: per_minute: "-1" is negative (an amount is 0 or more)`},
		{"t.csv", head + "49,0.0000001,,60/60,EUR\n",
			`t.csv:2:4: per_minute: "0.0000001" has 7 decimals; the maximum is 6 (round it up)`},
		{"t.csv", head + "49,1,99999999999999,60/60,EUR\n",
			`t.csv:2:6: per_call: "99999999999999" is too large (the maximum is 9223372036854.775807)`},
		{"t.csv", head + "49,1,,60/60,\n", "t.csv:2:13: currency: is required (write a value such as EUR)"},
		{"t.csv", head + "49,1,,60/60,euro\n",
			`t.csv:2:13: currency: "euro" is not a currency (write three capital letters as in ISO 4217: EUR)`},
		{"t.csv", head + "49,1,,60/60,EUR\n33,1,,60/60,USD\n", "t.csv:3:13: currency: USD where EUR is expected " +
			"(a tariff has one currency; convert the prices or correct tariff.currency)"},
		{"t.csv", head + "+49,1,,60/60,EUR\n",
			`t.csv:2:1: prefix: "+49" is not a prefix (write 1 to 32 digits, without + and *)`},
		{"t.csv", head + "49,1,,60,EUR\n", `t.csv:2:7: granularity: "60" is not a granularity ` +
			"(write two numbers of seconds from 1 to 3600: 60/60, 30/6, 1/1)"},
		{"t.csv", head + "49,0,05,,60/60,EUR\n", "t.csv:2:1: has 6 columns; the first line names 5 " +
			"(write a comma between two columns and none in a price; quote a zone with a comma)"},
		{"t.csv", head + "49,\"1,,60/60,EUR\n", "t.csv:2:18: invalid CSV: extraneous or missing \" in quoted-field " +
			"(quote the whole field, and double the quotes in it)"},
		{"t.csv", "prefix,per_minute,granularity,caller_per_call,currency\n49,1,60/60,0.05,EUR\n33,1,60/60,,EUR\n",
			"t.csv:2:12: caller_per_call: is of no use alone (write caller_per_minute too; 0 is a price)"},
		{"t.yaml", "", "t.yaml:1:1: rates: is required " +
			"(write rates: [{prefix: 4930, per_minute: 0.02, granularity: 60/60}])"},
		{"t.yaml", "rates: [{prefix: 49, per_minute: 1, granularity: 60/60}]\n",
			"t.yaml:1:1: currency: is required (write currency: EUR)"},
		{"t.yaml", "currency: EUR\nrates:\n- {prefix: 49, per_minute: 1, granularity: 60/60}\n" +
			"- {prefix: \"49\", per_minute: 1, granularity: 60/60}\n",
			"t.yaml:4:12: rates[1].prefix: prefix 49 is already on line 3 (remove one of the two)"},
		{"t.yaml", "currency: EUR\nrates:\n- {prefix: 49, per_minute: 1e3, granularity: 60/60}\n",
			`t.yaml:3:28: rates[0].per_minute: "1e3" is not an amount ` +
				"(write digits with a decimal point, without a currency: 0.05)"},
		{"t.yaml", "currency: EUR\nrates:\n- {prefix: 49, per_minute: -1, granularity: 60/60}\n",
			`t.yaml:3:28: rates[0].per_minute: "-1" is negative (an amount is 0 or more)`},
	} {
		table, problems := Parse(c.file, []byte(c.data), "")
		if table != nil || problems.String() != c.want {
			t.Errorf("%q:\n%v\nwant\n%s", c.data, problems, c.want)
		}
	}
	if table, problems := Parse("t.yaml", sample(t, "tariff.yaml"), "USD"); table != nil || problems.String() !=
		"t.yaml:2:11: currency: EUR where USD is expected (a tariff has one currency; convert the prices or correct "+
			"tariff.currency)" {
		t.Errorf("%v", problems)
	}
	if _, problems := Parse("t.csv", make([]byte, schema.MaxSize+1), "EUR"); len(problems) != 1 ||
		!strings.Contains(problems[0].Msg, "the maximum is") {
		t.Errorf("%v", problems)
	}
}

// FuzzParse checks that any file gives a table or located problems, and that a table has unique, valid prefixes.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"tariff.csv", "tariff.yaml"} {
		f.Add(sample(f, name), strings.HasSuffix(name, ".csv"))
	}
	f.Add([]byte("prefix,per_minute,granularity\n\"4\n9\",1,1/1\n"), true)
	f.Add([]byte("rates: [{prefix: 1, prefix: 2}, &a 1, *a]"), false)
	f.Fuzz(func(t *testing.T, data []byte, csv bool) {
		name := map[bool]string{true: "f.csv", false: "f.yaml"}[csv]
		table, problems := Parse(name, data, "EUR")
		if (table == nil) != problems.HasErrors() {
			t.Fatalf("%v with the problems %v", table, problems)
		}
		last := ""
		for r := range table.Rates() {
			if err := checkPrefix(r.Prefix); err != nil || r.Prefix <= last || r.PerMinute < 0 || r.PerCall < 0 {
				t.Fatalf("%+v after %q: %v", r, last, err)
			}
			if got, ok := table.Find(number(t, r.Prefix)); !ok || got != r {
				t.Fatalf("%q finds %+v", r.Prefix, got)
			}
			last = r.Prefix
		}
		if table != nil && table.Currency() != "EUR" {
			t.Fatalf("currency %q", table.Currency())
		}
	})
}
