package client

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
)

// A frame is read as it was written, and one that is cut short or too long is an error, not octets of the call.
func TestFrames(t *testing.T) {
	var b bytes.Buffer
	long := bytes.Repeat([]byte{7}, MaxFrame)
	for _, data := range [][]byte{[]byte("hello"), nil, long} {
		if err := WriteFrame(&b, FrameData, data); err != nil {
			t.Fatal(err)
		}
	}
	if err := WriteFrame(&b, FrameData, append(long, 7)); err == nil {
		t.Error("a frame that is too long was written")
	}
	all := b.Bytes()
	r := bufio.NewReader(bytes.NewReader(all))
	for _, want := range [][]byte{[]byte("hello"), nil, long} {
		kind, data, err := ReadFrame(r)
		if err != nil || kind != FrameData || !bytes.Equal(data, want) {
			t.Fatalf("%c %d octets, %v", kind, len(data), err)
		}
	}
	if _, _, err := ReadFrame(r); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	if _, _, err := ReadFrame(bufio.NewReader(bytes.NewReader(all[:5]))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut short: %v", err)
	}
	if _, _, err := ReadFrame(bufio.NewReader(bytes.NewReader([]byte("d\xff\xff")))); err == nil {
		t.Error("a frame of 64 KiB is read")
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("d\x00\x05hello"))
	f.Add([]byte("h\x00\x00c\x00\x04\x00\x00\x10\x00"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		r := bufio.NewReader(bytes.NewReader(wire))
		var again bytes.Buffer
		for {
			kind, data, err := ReadFrame(r)
			if err != nil {
				break
			}
			if err := WriteFrame(&again, kind, data); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.HasPrefix(wire, again.Bytes()) {
			t.Errorf("%q is read as %q", wire, again.Bytes())
		}
	})
}
