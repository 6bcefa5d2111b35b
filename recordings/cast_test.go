package recordings

import (
	"io"
	"strings"
	"testing"
)

const sample = `{"version": 2, "width": 80, "height": 24, "timestamp": 1504467315, "title": "Demo", "env": {"TERM": "xterm"}}
[0.248848, "o", "\u001b[1;31mHello \u001b[32mWorld!\u001b[0m\n"]
[1.001376, "o", "That was ok\rThis is better."]
[1.500000, "m", ""]
[4.050000, "r", "80x24"]
[6.541828, "o", "Bye!"]
`

// TestReader: the example of https://docs.asciinema.org/manual/asciicast/v2/ is read, and what is none is not.
func TestReader(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"example", sample, "EOF"},
		{"cut off", sample + `[7.0, "o", "lo`, "EOF"},
		{"empty", "", "read the recording: EOF"},
		{"not JSON", "hello\n", "line 1 is not the header"},
		{"version 1", `{"version": 1, "width": 80, "height": 24}` + "\n", "asciicast v2 (version 1"},
		{"no size", `{"version": 2}` + "\n", "0 columns"},
		{"two parts", sample + "[7, \"o\"]\n", "line 7 of the recording: an event has 3 parts"},
		{"not a text", sample + "[7, \"o\", 5]\n", "line 7"},
		{"nothing", sample + "[7, \"o\", null]\n", "null"},
		{"back in time", sample + "[1, \"o\", \"\"]\n", "before that of the line before"},
		{"negative", sample + "[-1, \"o\", \"\"]\n", "not a time"},
		{"endless", sample + "[1e300, \"o\", \"\"]\n", "not a time"},
		{"long line", sample + strings.Repeat("x", maxLine+1), "longer than"},
	} {
		r, err := NewReader(strings.NewReader(c.in))
		for err == nil {
			_, err = r.Next()
		}
		if err == io.EOF && c.want == "EOF" {
			continue
		}
		if !strings.Contains(err.Error(), c.want) || c.want == "EOF" {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(t *testing.T, in string) {
		r, err := NewReader(strings.NewReader(in))
		var last Event
		for err == nil {
			var e Event
			if e, err = r.Next(); err == nil && e.At < last.At {
				t.Fatalf("%v after %v", e, last)
			}
			last = e
		}
	})
}
