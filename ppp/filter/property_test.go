package filter

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
)

func texts(rnd *rand.Rand, rules []modelRule) []string {
	var s []string
	for _, r := range rules {
		s = append(s, r.text(rnd))
	}
	return s
}

// world is a filter of random rules, and the same rules for the model.
type world struct {
	in, out, idle []modelRule
	config        Config
	filter        *Filter
	prefixes      []netip.Prefix
	source        *Source
}

func newWorld(t *testing.T, rnd *rand.Rand) world {
	w := world{in: randomRules(rnd, false), out: randomRules(rnd, false), idle: randomRules(rnd, true)}
	w.config = Config{"random", texts(rnd, w.in), texts(rnd, w.out), texts(rnd, w.idle)}
	var err error
	if w.filter, err = Parse(w.config); err != nil {
		t.Fatalf("%+v: %v", w.config, err)
	}
	for range rnd.IntN(4) {
		w.prefixes = append(w.prefixes, netip.MustParsePrefix(one(rnd, nets)))
	}
	if w.source, err = NewSource(w.prefixes...); err != nil {
		t.Fatal(err)
	}
	return w
}

// compare judges b with the package and with the model.
func (w world) compare(t *testing.T, b []byte) (v Verdict) {
	t.Helper()
	check := func(name string, got, want Verdict) {
		if got != want {
			t.Fatalf("%s of % x: %+v, the model says %+v\n%+v", name, b, got, want, w.config)
		}
	}
	v = w.filter.In(b)
	check("in", v, modelDecide(false, w.in, b, FromCaller))
	check("out", w.filter.Out(b), modelDecide(false, w.out, b, ToCaller))
	check("idle from the caller", w.filter.Counts(b, FromCaller), modelDecide(true, w.idle, b, FromCaller))
	check("idle to the caller", w.filter.Counts(b, ToCaller), modelDecide(true, w.idle, b, ToCaller))
	if got, want := w.source.Allows(b), modelSource(w.prefixes, b); got != want {
		t.Fatalf("source of % x in %v: %v, the model says %v", b, w.prefixes, got, want)
	}
	return v
}

// TestModel compares the package with the model on random rules and packets, and the canonical text with the original.
func TestModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 1))
	seen := map[Verdict]int{}
	for range 400 {
		w := newWorld(t, rnd)
		again, err := Parse(w.filter.Config())
		if err != nil || !reflect.DeepEqual(again, w.filter) {
			t.Fatalf("%+v parses to %+v, and its text to %+v: %v", w.config, w.filter, again, err)
		}
		for range 200 {
			v := w.compare(t, randomPacket(rnd))
			v.Rule = min(v.Rule, 1)
			seen[v]++
		}
	}
	for _, v := range []Verdict{{Pass: true, Rule: 1}, {Pass: true}, {Rule: 1}, {}, {Invalid: true}} {
		if seen[v] < 100 {
			t.Errorf("%+v was seen %d times only: %v", v, seen[v], seen)
		}
	}
}

// TestUnreachableNeverDecides checks that a rule which Unreachable names decides about no packet.
func TestUnreachableNeverDecides(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 2))
	found := 0
	for range 1000 {
		w := newWorld(t, rnd)
		named := map[string]bool{}
		for _, s := range w.filter.Unreachable() {
			var n int
			if _, err := fmt.Sscanf(s, "in: rule %d", &n); err == nil {
				named[fmt.Sprint(n)] = true
				found++
			}
		}
		for range 100 {
			b := randomPacket(rnd)
			if v := w.filter.In(b); named[fmt.Sprint(v.Rule)] {
				t.Fatalf("rule %d decides about % x\n%+v\n%v", v.Rule, b, w.config, w.filter.Unreachable())
			}
		}
	}
	if found < 100 {
		t.Errorf("%d unreachable rules in all", found)
	}
}

func FuzzDecide(f *testing.F) {
	rnd := rand.New(rand.NewPCG(9, 3))
	for i := range uint64(50) {
		f.Add(i, randomPacket(rnd))
	}
	f.Fuzz(func(t *testing.T, seed uint64, b []byte) {
		newWorld(t, rand.New(rand.NewPCG(seed, 4))).compare(t, b)
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"allow tcp 192.0.2.25:25", "ignore udp :123", "deny ip",
		"allow tcp [2001:db8::1]:25,80-90", "allow tcp any:>1023 established", "count 89 2001:db8::/32",
		"allow udp 10.0.0.0/8:<1024", "deny ip any", "allow tcp [::", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, c := range []Config{{Name: "f", In: []string{s}}, {Name: "f", Idle: []string{s}}} {
			first, err := Parse(c)
			if err != nil {
				continue
			}
			second, err := Parse(first.Config())
			if err != nil || !reflect.DeepEqual(first, second) {
				t.Fatalf("%q: its text %+v parses to %+v, not %+v: %v", s, first.Config(), second, first, err)
			}
		}
	})
}
