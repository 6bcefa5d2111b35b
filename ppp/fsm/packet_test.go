package fsm_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/fsm/fsmtest"
)

func TestParsePacket(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     fsm.Packet
		ok       bool
	}{
		{"no data", "01 07 0004", fsm.Packet{Code: 1, ID: 7, Data: []byte{}}, true},
		{"RFC 1661 §5: padding is ignored", "05 02 0006 aabb ccdd",
			fsm.Packet{Code: 5, ID: 2, Data: []byte{0xaa, 0xbb}},
			true},
		{"FreeBSD sppp, i4b manual §10.4.2", "01 1d 000a 050666272d20",
			fsm.Packet{Code: 1, ID: 0x1d, Data: []byte{5, 6, 0x66, 0x27, 0x2d, 0x20}}, true},
		{"empty", "", fsm.Packet{}, false},
		{"header cut off", "01 07 00", fsm.Packet{}, false},
		{"length below the header", "01 07 0003 00", fsm.Packet{}, false},
		{"length zero", "01 07 0000", fsm.Packet{}, false},
		{"length beyond the end", "01 07 0006 00", fsm.Packet{}, false},
	} {
		got, ok := fsm.ParsePacket(fsmtest.Hex(t, c.in))
		if ok != c.ok || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v %v", c.name, got, ok)
		}
	}
}

func TestParseOptions(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []fsm.Option
		ok       bool
	}{
		{"none", "", nil, true},
		{"pppd 2.4.9 with callback", "02 06 00000000 0d 03 06 05 06 01020304 07 02 08 02", []fsm.Option{
			{Type: 2, Data: []byte{0, 0, 0, 0}}, {Type: 13, Data: []byte{6}}, {Type: 5, Data: []byte{1, 2, 3, 4}},
			{Type: 7, Data: []byte{}}, {Type: 8, Data: []byte{}}}, true},
		{"FreeBSD lcp.c: option 13 of length 2", "0d 02", []fsm.Option{{Type: 13, Data: []byte{}}}, true},
		{"length 0", "0702 0500", nil, false},
		{"length 1", "0702 0501", nil, false},
		{"past the end", "0702 0506 0102", nil, false},
		{"type without a length", "0702 05", nil, false},
	} {
		got, ok := fsm.ParseOptions(fsmtest.Hex(t, c.in))
		if ok != c.ok || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v %v", c.name, got, ok)
		}
	}
}

// What is too long for its length field is cut, not sent with a wrong length.
func TestTooLong(t *testing.T) {
	long := bytes.Repeat([]byte{1}, 70000)
	if b := (fsm.Packet{Code: 5, Data: long}).Bytes(); len(b) != 65535 || b[2] != 0xff || b[3] != 0xff {
		t.Errorf("packet of %d octets, length field %x", len(b), b[2:4])
	}
	if b := fsm.AppendOptions(nil, fsm.Option{Type: 3, Data: long}); len(b) != 255 || b[1] != 255 {
		t.Errorf("option of %d octets, length field %d", len(b), b[1])
	}
}

// A packet that parses is encoded as it was, without the padding.
func FuzzParsePacket(f *testing.F) {
	for _, s := range []string{"01070004", "050200 06aabbccdd", "0107000600", "0000", "ff00ffff"} {
		f.Add(fsmtest.Hex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := fsm.ParsePacket(b)
		if !ok {
			return
		}
		if got := p.Bytes(); !bytes.HasPrefix(b, got) || len(got) != 4+len(p.Data) {
			t.Errorf("%x became %x", b, got)
		}
	})
}

// Options that parse are encoded as they were.
func FuzzParseOptions(f *testing.F) {
	for _, s := range []string{"", "0d02", "02060000000007020802", "0500", "0501", "05060102", "05"} {
		f.Add(fsmtest.Hex(f, s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		opts, ok := fsm.ParseOptions(b)
		if ok && !bytes.Equal(fsm.AppendOptions(nil, opts...), b) {
			t.Errorf("%x became %+v", b, opts)
		}
	})
}
