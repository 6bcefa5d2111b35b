package policies

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
)

// large writes the files of a large site: 1,000 groups with two users each and 10,000 patterns in one of them.
func large(t testing.TB) string {
	dir := t.TempDir()
	var patterns []string
	for i := range 10_000 {
		patterns = append(patterns, fmt.Sprintf("%q", fmt.Sprintf("84%05d*", i)))
	}
	for i := range 1000 {
		list := `"84*"`
		if i == 500 {
			list = strings.Join(patterns, ", ")
		}
		text := fmt.Sprintf("group: g%d\nusers: [a%d, b%d]\nnumbers: {from_caller: allow, allow: [%s]}\n", i, i, i,
			list)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("g%d.yaml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func BenchmarkLoadLarge(b *testing.B) {
	dir := large(b)
	b.ResetTimer()
	for b.Loop() {
		if s, problems := LoadDir(dir, site); s == nil {
			b.Fatal(problems)
		}
	}
}

// largeRequest is about a number that a caller typed, in the group with 10,000 patterns: every rule is evaluated.
func largeRequest() Request {
	typed := "840999912"
	return Request{Identity: aaa.Identity{User: "a500"}, Auth: null, Service: aaa.EXEC, FromCaller: &typed}
}

func BenchmarkEvaluateLarge(b *testing.B) {
	s, problems := LoadDir(large(b), site)
	if s == nil {
		b.Fatal(problems)
	}
	r := largeRequest()
	b.ReportAllocs()
	for b.Loop() {
		if d, t := s.Evaluate(r); d.Outcome != CallBack {
			b.Fatalf("%+v\n%s", d, t)
		}
	}
}

// A decision allocates little, so that logins in a storm cost the garbage collector little; also if numbers have
// classes, whatever the notation and the country.
func TestEvaluateAllocations(t *testing.T) {
	s, problems := LoadDir(large(t), site)
	if s == nil {
		t.Fatal(problems)
	}
	r := largeRequest()
	if n := testing.AllocsPerRun(100, func() { s.Evaluate(r) }); n > 10 {
		t.Errorf("%v allocations, want at most 10", n)
	}
	for country, sets := range classified(t) {
		for typed, want := range classifiedNumbers {
			r := Request{Auth: null, Service: aaa.EXEC, FromCaller: &typed}
			if d, trace := sets.Evaluate(r); d.Outcome != want {
				t.Errorf("%s in %s: %+v\n%s", typed, country, d, trace)
			}
			if n := testing.AllocsPerRun(100, func() { sets.Evaluate(r) }); n > 10 {
				t.Errorf("%s in %s: %v allocations, want at most 10", typed, country, n)
			}
		}
	}
}

// classifiedNumbers are typed at the sites of classified.
var classifiedNumbers = map[string]Outcome{"+33 1 40 20 50 51": CallBack, "+1 408 555 1212": CallBack,
	"84001": CallBack, "+1 876 926 1234": InvalidNumber, "+49 30 123456": CallBack, "+33 899 123456": InvalidNumber,
	"+1 555 123 4567": InvalidNumber, "+881 6 1234 5678": InvalidNumber}

// classified returns a set of a site in France and one in the USA.
func classified(t testing.TB) map[string]*Set {
	america := Site{Callback: site.Callback, Plan: numbers.Plan{Country: numbers.Country{Code: "1", Area: "408",
		Digits: []int{10}, International: []string{"011"}, National: []string{"1", ""},
		Private: numbers.PatternsOf("84001")}}}
	p := Policy{Numbers: Numbers{From: []Source{FromCaller}, Allow: []string{"*"}}}
	return map[string]*Set{"France": mustServe(t, inFrance, p), "the USA": mustServe(t, america, p)}
}

func BenchmarkEvaluateClasses(b *testing.B) {
	for country, s := range classified(b) {
		for typed, want := range classifiedNumbers {
			b.Run(country+"/"+typed, func(b *testing.B) {
				r := Request{Auth: null, Service: aaa.EXEC, FromCaller: &typed}
				b.ReportAllocs()
				for b.Loop() {
					if d, t := s.Evaluate(r); d.Outcome != want {
						b.Fatalf("%+v\n%s", d, t)
					}
				}
			})
		}
	}
}

// The texts of a trace share one buffer: none changes when later rules write more than it holds.
func TestTextsStay(t *testing.T) {
	var e evaluation
	var got []string
	for i := range 1000 {
		got = append(got, e.text("text ", e.quote(strings.Repeat("x", i))))
	}
	for i, g := range got {
		if want := fmt.Sprintf("text %q", strings.Repeat("x", i)); g != want {
			t.Fatalf("text %d is %q", i, g)
		}
	}
}
