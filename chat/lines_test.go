package chat

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	for _, c := range []struct {
		script string
		want   []string
	}{
		{`"" ATZ OK ATH1 OK`, []string{"ATH1", "ATZ"}},
		{`"" AT\c "" DT5551`, []string{"ATDT5551"}},
		{`"" A\c OK T\d\c OK \104\p5 OK \c`, []string{"ATD5"}},
		{`"" ATZ\rATD5`, []string{"ATD5", "ATZ"}},
		{`"" "ATDT 9,\T" CONNECT \c`, []string{"ATDT 9,0"}},
		{`"" AT\c OK-ZDT\c-OK-X\c-OK 7`, []string{"AT7", "ATZDT7", "ATZDTX7"}},
		{`ogin:--ogin: BREAK ssword: EOT`, []string{"\x04"}},
		{`"" \c`, nil},
	} {
		s, err := Parse("x", c.script)
		if err != nil {
			t.Fatal(err)
		}
		sent, ok := s.Lines()
		var got []string
		for _, line := range sent {
			got = append(got, line.String())
		}
		if !ok || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q %v, want %q", c.script, got, ok, c.want)
		}
	}
}

// The dial string in the lines: a 0 that the script sends is none.
func TestLinesDialstring(t *testing.T) {
	for script, want := range map[string]Line{
		`"" "ATDT 9,\T"`: {"ATDT 9,", "", 1}, `"" ATDT0`: {"ATDT0", "", 0}, `"" "ATDT911\c" "" "\T,,12"`: {"ATDT911", ",,12", 1},
		`"" "\T\c" OK-5-OK "\T"`: {"", "0", 2},
	} {
		sent, _ := mustScript(t, "x", script).Lines()
		if !slices.Contains(sent, want) {
			t.Errorf("%s: %+v, want %+v", script, sent, want)
		}
	}
}

// TestLinesTooMany: the ways through many alternatives are not followed without end.
func TestLinesTooMany(t *testing.T) {
	var b strings.Builder
	for i := range 200 {
		fmt.Fprintf(&b, `a-%d\c-b \c `, i)
	}
	s, err := Parse("x", b.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := s.Lines(); ok {
		t.Error("all ways were followed")
	}
}
