package importer

import (
	"slices"
	"strings"
	"testing"
)

func TestLines(t *testing.T) {
	const broken = "its byte order mark says UTF-16, but it is not UTF-16 (was it cut off? Convert the whole: " +
		"iconv -f UTF-16 -t UTF-8 FILE)"
	for _, tt := range []struct {
		name, data string
		want       []string
		err        string
	}{
		{"empty", "", nil, ""},
		{"LF", "a\n\nb\n", []string{"a", "", "b"}, ""},
		{"no end", "a\nb", []string{"a", "b"}, ""},
		{"CR LF", "a\r\nb\r\n", []string{"a", "b"}, ""},
		{"CR", "a\rb\n", nil, "line 1: it has a carriage return inside; expected line ends LF or CR LF"},
		{"UTF-8 with a mark", "\xef\xbb\xbfé\n", []string{"é"}, ""},
		{"UTF-16LE", "\xff\xfea\x00\n\x00\xe9\x00\n\x00", []string{"a", "é"}, ""},
		{"UTF-16BE", "\xfe\xff\x00a\x00\n", []string{"a"}, ""},
		{"UTF-16, cut off", "\xff\xfea\x00\n", nil, broken},
		{"UTF-16, half a pair", "\xff\xfe\x00\xd8", nil, broken},
		{"UTF-16 without a mark", "a\x00\n\x00", nil, "line 1: it has a NUL octet; expected text in UTF-8 (convert " +
			"UTF-16: iconv -f UTF-16LE -t UTF-8 FILE)"},
		{"Latin 1", "a\n\xe9\n", nil, "line 2: it is not UTF-8 (convert it: iconv -f ISO-8859-1 -t UTF-8 FILE)"},
		{"too large", strings.Repeat("a\n", MaxInput/2+1), nil,
			"the input is too large: the maximum is 8388608 octets (is it the right file?)"},
		{"long line", "a\n" + strings.Repeat("b", 16385), nil, "line 2: it has 16385 octets; the maximum is 16384"},
	} {
		got, err := Lines([]byte(tt.data))
		text := ""
		if err != nil {
			text = err.Error()
		}
		if !slices.Equal(got, tt.want) || text != tt.err {
			t.Errorf("%s: Lines = %q, %q; want %q, %q", tt.name, got, text, tt.want, tt.err)
		}
	}
}

// TestFileNames: names of files are safe, and different texts have different ones.
func TestFileNames(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"", "kim", "Kim", "KIM", "../kim", ".kim", "kim/..", "kim ", "k\nm", "kim-secret",
		strings.Repeat("k", 64), strings.Repeat("k", 65), strings.Repeat("k", 66), "é", "è", "kim.password", "key"} {
		file := fileName(name)
		if other, ok := seen[strings.ToLower(file)]; ok {
			t.Errorf("%q and %q have the file %q", name, other, file)
		}
		seen[strings.ToLower(file)] = name
		if file == "" || file[0] == '.' || len(file) > 100 ||
			strings.Trim(file, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			t.Errorf("%q has the file %q", name, file)
		}
	}
}

// TestNUL: the hint names the order of the octets of UTF-16.
func TestNUL(t *testing.T) {
	for text, want := range map[string]string{"\x00e\x00n\x00d": "UTF-16BE", "e\x00n\x00d\x00": "UTF-16LE"} {
		if _, err := Lines([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
