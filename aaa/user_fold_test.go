package aaa

import (
	"strings"
	"testing"
)

func TestFoldUser(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"", ""}, {"kim-01@a.example", "kim-01@a.example"}, {"KIM", "kim"}, {"Kim", "kim"},
		{"\u212aim", "kim"}, // the sign for kelvin
		{"ÉLISE", "élise"}, {"ΣΟΦΟΣ", "σοφοσ"}, {"σοφος", "σοφοσ"}, {"мария", "мария"}, {"МАРИЯ", "мария"},
		{"kіm", "kіm"}, // a Cyrillic і stays another letter
	} {
		if got := FoldUser(tt.name); got != tt.want {
			t.Errorf("%q: %q", tt.name, got)
		}
	}
	if n := testing.AllocsPerRun(10, func() { FoldUser("austin-01") }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Names that differ only in letter case have one form, and no others have.
func FuzzFoldUser(f *testing.F) {
	f.Add("Kim", "kIM")
	f.Add("ſ\u212a", "SK")
	f.Fuzz(func(t *testing.T, a, b string) {
		if strings.EqualFold(a, b) && FoldUser(a) != FoldUser(b) {
			t.Errorf("%q and %q: %q and %q", a, b, FoldUser(a), FoldUser(b))
		}
		if again := FoldUser(FoldUser(a)); again != FoldUser(a) {
			t.Errorf("%q: %q, then %q", a, FoldUser(a), again)
		}
	})
}
