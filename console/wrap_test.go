package console

import (
	"slices"
	"strings"
	"testing"
)

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		text        string
		first, rest int
		want        []string
	}{
		{"", 10, 10, []string{""}},
		{"the modem", 9, 9, []string{"the modem"}},
		{"the modem is off", 9, 9, []string{"the modem", "is off"}},
		{"the modem is off", 10, 9, []string{"the modem", "is off"}},
		{"the modem is off", 8, 20, []string{"the", "modem is off"}},
		{"rfc2217://[2001:db8::1]:7001", 10, 8, []string{"rfc2217://", "[2001:db", "8::1]:70", "01"}},
		{"port rfc2217://host:7001 of it", 10, 12, []string{"port", "rfc2217://ho", "st:7001 of", "it"}},
		{"two  spaces", 5, 9, []string{"two ", "spaces"}},
		{"   indented", 5, 9, []string{"   in", "dented"}},
		{"電話モデム", 5, 4, []string{"電話", "モデ", "ム"}},
		{"e\u0301e\u0301e\u0301", 2, 2, []string{"e\u0301e\u0301", "e\u0301"}},
		{"at the end ", 10, 9, []string{"at the end"}},
		{"narrow", 0, -1, []string{"na", "rr", "ow"}},
	} {
		if got := Wrap(tt.text, tt.first, tt.rest); !slices.Equal(got, tt.want) {
			t.Errorf("%q in %d and %d: %q, want %q", tt.text, tt.first, tt.rest, got, tt.want)
		}
	}
}

// FuzzWrap: each row fits, and what is between the rows is at most a space.
func FuzzWrap(f *testing.F) {
	f.Add("the modem does not answer: is it switched on?", 20, 10)
	f.Add("\xff  電話 \u0301", 1, 2)
	f.Fuzz(func(t *testing.T, text string, first, rest int) {
		left := text
		for i, row := range Wrap(text, first, rest) {
			width := max(rest, 2)
			if i == 0 {
				width = max(first, 2)
			}
			after, ok := strings.CutPrefix(left, row)
			if space, dropped := strings.CutPrefix(left, " "+row); i > 0 && dropped { // preferably
				after, ok = space, true
			}
			if !ok || Width(row) > width {
				t.Fatalf("%q, row %d: %q of %q in %d columns", text, i, row, left, width)
			}
			left = after
		}
		if left != "" && left != " " {
			t.Errorf("%q: %q is lost", text, left)
		}
	})
}
