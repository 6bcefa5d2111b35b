package policies

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
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

// A decision allocates little, so that logins in a storm cost the garbage collector little.
func TestEvaluateAllocations(t *testing.T) {
	s, problems := LoadDir(large(t), site)
	if s == nil {
		t.Fatal(problems)
	}
	r := largeRequest()
	if n := testing.AllocsPerRun(100, func() { s.Evaluate(r) }); n > 10 {
		t.Errorf("%v allocations, want at most 10", n)
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
