package tariff

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ringback/ringback/numbers"
)

func number(t testing.TB, digits string) numbers.Number {
	t.Helper()
	n, err := numbers.Plan{MaxDigits: numbers.MostDigits}.Canonical(digits, numbers.OriginCaller)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestFind(t *testing.T) {
	table, problems := Parse("t.csv", []byte("prefix,per_minute,granularity\n"+
		"49,1,60/60\n4,2,60/60\n491,3,60/60\n4915,4,60/60\n33,5,60/60\n4899,6,60/60\n"), "EUR")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for digits, want := range map[string]string{
		"49": "49", "4930": "49", "491": "491", "4910": "491", "49150": "4915", "4916": "491", "4": "4", "48": "4",
		"4898": "4", "48990": "4899", "5": "", "3": "", "33": "33", "34": "", "0": "", "330": "33",
	} {
		r, ok := table.Find(number(t, digits))
		if r.Prefix != want || ok != (want != "") {
			t.Errorf("%s: %q, %v; want %q", digits, r.Prefix, ok, want)
		}
	}
	if _, ok := table.Find(numbers.Number{}); ok {
		t.Error("no number has a rate")
	}
	if _, ok := (*Table)(nil).Find(number(t, "49")); ok || (*Table)(nil).Currency() != "" {
		t.Error("no table has a rate")
	}
}

// randomTable returns a table of n nested prefixes, with a prefix as the zone of each.
func randomTable(r *rand.Rand, n int) *Table {
	seen := map[string]bool{}
	var rates []Rate
	for len(rates) < n {
		p := fmt.Sprint(r.Uint64())[:1+r.IntN(9)]
		if !seen[p] {
			seen[p] = true
			rates = append(rates, Rate{Prefix: p, Zone: p, PerMinute: 20_000, Granularity: Granularity{60, 60}})
		}
	}
	return newTable("EUR", rates)
}

// linear is the definition of Find.
func linear(t *Table, digits string) (best Rate, ok bool) {
	for r := range t.Rates() {
		if strings.HasPrefix(digits, r.Prefix) && len(r.Prefix) > len(best.Prefix) {
			best, ok = r, true
		}
	}
	return best, ok
}

func TestFindIsLinearMatch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{0, 1, 2, 10, 100, 2000} {
		table := randomTable(r, size)
		for range 500 {
			digits := fmt.Sprint(r.Uint64())[:1+r.IntN(15)]
			got, ok := table.Find(number(t, digits))
			if want, wantOK := linear(table, digits); got != want || ok != wantOK {
				t.Fatalf("%d prefixes, %s: %q, %v; want %q, %v", size, digits, got.Prefix, ok, want.Prefix, wantOK)
			}
		}
	}
}

func BenchmarkFind(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	table := randomTable(r, 10_000)
	var ns []numbers.Number
	for range 1024 {
		ns = append(ns, number(b, fmt.Sprint(r.Uint64())[:12]))
	}
	b.Run("find", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			table.Find(ns[i%len(ns)])
		}
	})
	b.Run("linear", func(b *testing.B) {
		for i := range b.N {
			linear(table, ns[i%len(ns)].String())
		}
	})
}
