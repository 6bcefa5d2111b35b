package hdlc

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

const english = "The Control Escape octet is defined as binary 01111101 (hexadecimal 0x7d), most significant bit " +
	"first. At a minimum, sending implementations MUST escape the Flag Sequence and Control Escape octets. After FCS " +
	"computation, the transmitter examines the entire frame between the two Flag Sequences.\r\n"

func payloads() map[string][]byte {
	random := make([]byte, 1500)
	r := rand.New(rand.NewPCG(3, 4))
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	return map[string][]byte{
		"random": random,
		"text":   []byte(strings.Repeat(english, 6)[:1500]),
		"flags":  bytes.Repeat([]byte{0x7e}, 1500),
		"zeros":  make([]byte, 1500),
	}
}

// BenchmarkFrame encodes a packet of 1500 octets, computes its FCS, and decodes it, in batches that alternate with the
// octet-wise code of reference_test.go, which escapes only what the RFC requires. Other programs on the machine disturb
// single batches, so the fastest ones are compared: x/octetwise is the ratio of their speeds, at least 2 for random and
// text and 1 for flags; MB/s-best is the speed of our fastest batch.
func BenchmarkFrame(b *testing.B) {
	for _, name := range []string{"random", "text", "flags", "zeros"} {
		p := payloads()[name]
		b.Run(name, func(b *testing.B) { compare(b, roundTrip(b, p), octetwise(b, p)) })
	}
}

// batch is the number of frames that are timed together.
const batch = 20

func compare(b *testing.B, ours, theirs func()) {
	best := func(f func(), fastest time.Duration) time.Duration {
		start := time.Now()
		for range batch {
			f()
		}
		return min(fastest, time.Since(start))
	}
	a, o := time.Hour, time.Hour
	b.ReportAllocs()
	for b.Loop() {
		a, o = best(ours, a), best(theirs, o)
	}
	b.ReportMetric(float64(o)/float64(a), "x/octetwise")
	b.ReportMetric(1500*batch/float64(a.Microseconds()), "MB/s-best")
}

// roundTrip returns a function that sends p in a frame, with the escapes of a Hayes modem, and receives it.
func roundTrip(b *testing.B, p []byte) func() {
	e, d := opened(Framing{}), Decoder{Buffer: make([]byte, 1500+Overhead)}
	e.Escapes = []byte{'+'}
	buf := make([]byte, 0, MaxFrame(1500))
	return func() {
		if _, _, ok := d.Decode(e.Append(buf, 0x21, p)); !ok {
			b.Fatal("no frame")
		}
	}
}

// octetwise is roundTrip with the octet-wise code.
func octetwise(b *testing.B, p []byte) func() {
	p = append([]byte{0xff, 0x03, 0, 0x21}, p...)
	escaped, d, n := refEscaped(0), newRefDecoder(0, 1500+Overhead), 0
	got := func([]byte) { n++ }
	buf := make([]byte, 0, 2*len(p)+6)
	return func() {
		d.decode(refEncode(buf, p, &escaped), got)
		if n == 0 {
			b.Fatal("no frame")
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, name := range []string{"random", "text", "flags"} {
		p := payloads()[name]
		b.Run(name, func(b *testing.B) {
			e := opened(Framing{})
			e.Escapes = []byte{'+'}
			buf := make([]byte, 0, MaxFrame(1500))
			q := append([]byte{0xff, 0x03, 0, 0x21}, p...)
			escaped := refEscaped(0)
			compare(b, func() { e.Append(buf, 0x21, p) }, func() { refEncode(buf, q, &escaped) })
		})
	}
}

func TestNoAllocations(t *testing.T) {
	e, d := opened(Framing{ACFC: true, PFC: true}), Decoder{Buffer: make([]byte, 1500+Overhead)}
	e.Escapes = []byte{'+', 0x16}
	buf := make([]byte, 0, MaxFrame(1500))
	head, lcp := make([]byte, 20), []byte{9, 1, 0, 8, 1, 2, 3, 4}
	read := func(out []byte) {
		if _, _, ok := d.Decode(out); !ok {
			t.Fatal("no frame")
		}
	}
	for name, p := range payloads() {
		n := testing.AllocsPerRun(100, func() {
			read(e.Append(buf, 0x21, head, p[:1480]))
			read(e.Append(buf, 0xc021, lcp))
			read(e.Append(buf, 0xc021, []byte{1}, lcp))
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	var detector Detector
	text := make([]byte, 0, 100)
	if n := testing.AllocsPerRun(100, func() {
		detector.Feed(text, []byte("~~ name\r\xff~"))
		detector.Release(text)
	}); n != 0 {
		t.Errorf("detector: %v allocations", n)
	}
}

// opened returns an Encoder after LCP was opened.
func opened(f Framing) *Encoder {
	e := &Encoder{}
	e.SetFraming(f)
	return e
}
