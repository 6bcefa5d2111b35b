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

// The decision about a number that a caller typed, in the group with 10,000 patterns: every rule is evaluated.
func BenchmarkEvaluateLarge(b *testing.B) {
	s, problems := LoadDir(large(b), site)
	if s == nil {
		b.Fatal(problems)
	}
	typed := "840999912"
	r := Request{Identity: aaa.Identity{User: "a500"}, Auth: null, Service: aaa.EXEC, FromCaller: &typed}
	b.ReportAllocs()
	for b.Loop() {
		if d, t := s.Evaluate(r); d.Outcome != CallBack {
			b.Fatalf("%+v\n%s", d, t)
		}
	}
}
