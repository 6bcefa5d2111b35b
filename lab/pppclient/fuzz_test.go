package pppclient

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

// FuzzFrames: each frame comes back, and no octets make the deframer keep more than a frame.
func FuzzFrames(f *testing.F) {
	f.Add(uint16(protoLCP), []byte{1, 1, 0, 4}, uint32(defaultMap), false)
	f.Add(uint16(protoIPv4), []byte("+++ATH0\r\x7e\x7d\x11"), uint32(0xa0000), true)
	f.Fuzz(func(t *testing.T, protocol uint16, info []byte, escapes uint32, short bool) {
		d := deframer{ignore: escapes}
		for _, c := range info {
			d.octet(c)
			if len(d.body) > longest {
				t.Fatal("a body without an end")
			}
		}
		if protocol&0x101 != 1 || protocol == 0xff || len(info) == 0 || len(info) > 1500 {
			return // no protocol, or nothing that fits into a frame
		}
		m := framing{escapes: escapes, shortHeader: short, shortProtocol: short}
		frames, bad := decodeAll(m.encode(frame{protocol, info}), escapes)
		if len(frames) != 1 || frames[0].protocol != protocol || !bytes.Equal(frames[0].info, info) || bad != 0 {
			t.Errorf("%x", frames)
		}
	})
}

// FuzzPackets: what is parsed is a part of the input, and options are joined to what they were.
func FuzzPackets(f *testing.F) {
	f.Add([]byte{1, 1, 0, 12, 2, 6, 0, 0, 0, 0, 7, 2})
	f.Fuzz(func(t *testing.T, info []byte) {
		p, ok := parsePacket(info)
		if !ok {
			return
		}
		again, _ := parsePacket(p.frame(protoLCP).info)
		if !reflect.DeepEqual(again, p) {
			t.Errorf("%+v and %+v", p, again)
		}
		if options, ok := parseOptions(p.data); ok && !bytes.Equal(joinOptions(options), p.data) {
			t.Errorf("%+v", options)
		}
		papText(p.data)
		if v, ok := chapValue(p.data); ok && len(v) >= len(p.data) {
			t.Errorf("%x of %x", v, p.data)
		}
	})
}

// FuzzClient: whatever a server sends, the client ends by itself.
func FuzzClient(f *testing.F) {
	add := func(frames ...frame) {
		var b []byte
		for _, x := range frames {
			b = append(b, framing{escapes: defaultMap}.encode(x)...)
		}
		f.Add(b)
	}
	ack := packet{confAck, 1, nil}.frame(protoLCP)
	add(ack, packet{confRequest, 1, []byte{3, 4, 0xc0, 0x23}}.frame(protoLCP), packet{2, 1, []byte{0}}.frame(protoPAP))
	add(packet{confRequest, 1, []byte{3, 5, 0xc2, 0x23, 0x81}}.frame(protoLCP),
		packet{1, 1, []byte{1, 1}}.frame(protoCHAP))
	add(packet{confReject, 1, []byte{2, 6, 0, 0, 0, 0}}.frame(protoLCP),
		packet{cbcpRequest, 1, []byte{1, 2}}.frame(protoCBCP))
	add(packet{termRequest, 1, nil}.frame(protoLCP))
	f.Fuzz(func(t *testing.T, octets []byte) {
		synctest.Test(t, func(t *testing.T) {
			near, far := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, far) }()
			go func() {
				_, _ = far.Write(accepted(octets))
			}()
			begun := time.Now()
			c := New(bufio.NewReader(near), near, Config{User: "kim", IPv6: true, Callback: Callback{Kind: CBCP}})
			err := converse(t.Context(), c, func(string) {})
			if errors.Is(err, context.Canceled) || time.Since(begun) > time.Hour {
				t.Errorf("%v after %v", err, time.Since(begun))
			}
			near.Close()
			far.Close()
		})
	})
}

// accepted puts the Configure-Reject of everything and its Ack before octets, so that half of the input meets an open
// link: the first octet decides.
func accepted(octets []byte) []byte {
	if len(octets) == 0 || octets[0]&1 == 0 {
		return octets
	}
	m := framing{escapes: defaultMap}
	all := joinOptions([]option{{optMap, nil}, {optMagic, nil}, {optPFC, nil}, {optACFC, nil}, {optCallback, nil}})
	var b []byte
	for _, p := range []packet{{confReject, 1, all}, {confAck, 2, nil}, {confRequest, 1, nil}} {
		b = append(b, m.encode(p.frame(protoLCP))...)
	}
	return append(b, octets...)
}
