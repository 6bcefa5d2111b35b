package console

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRaw(t *testing.T) {
	tests := []struct{ typed, line, raw string }{
		{"abc\rxyz", "abc", "xyz"},
		{"abc\r\nxyz", "abc", "xyz"},
		{"abc\r\n\nxyz", "abc", "\nxyz"},
		{"abc\r\x00xyz", "abc", "\x00xyz"},
		{"abc\nxyz", "abc", "xyz"},
		{"abc\n\nxyz", "abc", "\nxyz"},
		{"abc\r\x03\x1b\xff\r\n\r\n", "abc", "\x03\x1b\xff\r\n\r\n"},
	}
	for _, tt := range tests {
		for _, size := range []int{1, 512} {
			conn := play(tt.typed)
			term := NewTerminal(conn)
			line, err := term.ReadLine(t.Context(), "$ ")
			if err != nil || line != tt.line {
				t.Fatalf("%q: line %q, %v", tt.typed, line, err)
			}
			conn.out = nil
			raw, release := term.Raw(t.Context())
			var got strings.Builder
			buf := make([]byte, size)
			for err = nil; err == nil; {
				var n int
				n, err = raw.Read(buf)
				got.Write(buf[:n])
			}
			io.WriteString(raw, "a\nb\r")
			release()
			io.WriteString(term, "\n")
			if got.String() != tt.raw || !errors.Is(err, io.EOF) || string(conn.out) != "a\nb\r\r\n" {
				t.Errorf("%q by %d: then %q, %v; sent %q", tt.typed, size, got.String(), err, conn.out)
			}
		}
	}
}

// The end of a context also ends a raw stream; afterwards the terminal works again, unless the outer context has ended
// too.
func TestRawEndsWithItsContext(t *testing.T) {
	for _, outerEnds := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			defer near.Close()
			defer far.Close()
			term := NewTerminal(near)
			outer, cancelOuter := context.WithCancel(t.Context())
			defer cancelOuter()
			releaseOuter := term.watch(outer)
			inner, cancel := context.WithTimeout(outer, time.Minute)
			defer cancel()
			raw, release := term.Raw(inner)
			start := time.Now()
			if outerEnds {
				time.AfterFunc(time.Second, cancelOuter)
			}
			_, err := raw.Read(make([]byte, 1))
			want := time.Minute
			if outerEnds {
				want = time.Second
			}
			if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took != want {
				t.Errorf("after %v: %v", took, err)
			}
			synctest.Wait()
			release()
			go io.ReadFull(far, make([]byte, 2))
			if _, err := term.Write([]byte("ok")); (err != nil) != outerEnds {
				t.Errorf("the outer context ended %v: write says %v", outerEnds, err)
			}
			releaseOuter()
			far.SetDeadline(time.Unix(1, 0))
		})
	}
}
