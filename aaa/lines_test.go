package aaa

import (
	"slices"
	"strings"
	"testing"
)

func TestParseCallbackLine(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []int
		err  string
	}{
		{"7", []int{7}, ""}, {" 7 ", []int{7}, ""}, {"tty 7", []int{7}, ""}, {"tty  7", []int{7}, ""},
		{"7 9", []int{7, 8, 9}, ""}, {"7-9", []int{7, 8, 9}, ""}, {"tty 7 9", []int{7, 8, 9}, ""},
		{"tty 7-9", []int{7, 8, 9}, ""}, {"65535", []int{65535}, ""}, {"7 7", []int{7}, ""},
		{"", nil, `"" is not a line from 1 to 65535`}, {"0", nil, "is not a line"}, {"65536", nil, "is not a line"},
		{"-7", nil, "is not a line"}, {"+7", nil, "is not a line"}, {"7-", nil, "is not a line"},
		{"tty", nil, "is not a line"},
		{"tty7", nil, "is not a line"}, {"aux 0", nil, "is not a line"}, {"7 8 9", nil, "is not a line"},
		{"7-8-9", nil, "is not a line"}, {"7 - 9", nil, "is not a line"}, {"7,9", nil, "is not a line"},
		{"tty tty 7", nil, "is not a line"}, {"7\t9", nil, "is not a line"}, {"٧", nil, "is not a line"},
		{"9 7", nil, "the range 9 7 ends before it begins"},
		{"1-10001", nil, "the range has 10001 lines; the maximum is 10000"},
	} {
		got, err := ParseCallbackLine(tt.text, 65535)
		if !slices.Equal(got, tt.want) || (err != nil) != (tt.err != "") ||
			err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%q: %v, %v, want %v, %q", tt.text, got, err, tt.want, tt.err)
		}
	}
}

func FuzzParseCallbackLine(f *testing.F) {
	for _, s := range []string{"7", "tty 7 9", "65-70", "1-10000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseCallbackLine(s, 65535)
		if err == nil && (len(got) == 0 || len(got) > MaxCallbackLines || got[0] < 1 || got[len(got)-1] > 65535) {
			t.Errorf("%q: %v", s, got)
		}
	})
}
