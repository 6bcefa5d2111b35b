package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// TestOutput: what comes from outside does not act on a terminal, however it is divided into writes.
func TestOutput(t *testing.T) {
	for text, want := range map[string]string{
		"plain\ttext\n": "plain\ttext\n", "größer – 東京\n": "größer – 東京\n",
		"\x1b]0;owned\x07\x1b[2J": `\u001b]0;owned\u0007\u001b[2J`, "a\rb\bc\x7f": `a\u000db\u0008c\u007f`,
		"\u009b31m": `\u009b31m`, "\x9b31m": `\x9b31m`, "user\u202egnp.exe": `user\u202egnp.exe`, "\u2028": `\u2028`,
		"cut \xe6\x9d": `cut \xe6\x9d`, "a\xf0\x9f\x98": `a\xf0\x9f\x98`, "": "", "👍🏽": "👍🏽",
	} {
		for size := 1; size <= max(1, len(text)); size++ {
			var got bytes.Buffer
			o := &output{w: &got}
			for b := []byte(text); len(b) > 0; {
				part := b[:min(size, len(b))]
				if n, err := o.Write(part); n != len(part) || err != nil {
					t.Fatalf("%q: %d %v", part, n, err)
				}
				b = b[len(part):]
			}
			if err := o.failed(); err != nil || got.String() != want {
				t.Errorf("%q in pieces of %d: %q, %v, want %q", text, size, got.String(), err, want)
			}
		}
	}
}

// JSON has the same meaning, and a capture the same octets.
func TestOutputKeepsData(t *testing.T) {
	var got bytes.Buffer
	o := &output{w: &got}
	const name = "a\x1b[2J\u009b\u202e\n"
	if err := json.NewEncoder(o).Encode(name); err != nil {
		t.Fatal(err)
	}
	var back string
	err := json.Unmarshal(got.Bytes(), &back)
	if err != nil || back != name || strings.Contains(got.String(), "\u009b") {
		t.Errorf("%q %v", got.String(), err)
	}
	got.Reset()
	capture := []byte{0xd4, 0xc3, 0xb2, 0xa1, 0x1b, '[', 0xff}
	if n, err := octets(o).Write(capture); n != len(capture) || err != nil || !bytes.Equal(got.Bytes(), capture) {
		t.Errorf("%d %v %x", n, err, got.Bytes())
	}
	if octets(&got) != &got {
		t.Error("a writer that is no output")
	}
}

// fullDisk fails.
type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
}

func TestOutputFails(t *testing.T) {
	for _, raw := range []bool{false, true} {
		o := &output{w: fullDisk{}}
		_, err := o.Write([]byte("x"))
		if raw {
			o = &output{w: fullDisk{}}
			_, err = octets(o).Write([]byte("x"))
		}
		if err == nil || !errors.Is(o.failed(), syscall.ENOSPC) || strings.Contains(o.failed().Error(), "/dev") {
			t.Errorf("%v, %v", err, o.failed())
		}
	}
}
