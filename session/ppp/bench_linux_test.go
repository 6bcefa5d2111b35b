package pppfront

import (
	"context"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/lab/pppdtest"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/ppp"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
	"github.com/ringback/ringback/session"
)

const (
	benchFrames = 2000
	benchPacket = 1000 // octets
)

// BenchmarkPTY compares the CPU of this process for each octet of frames that it receives from a PTY with that of a
// copy of the same octets from a PTY to /dev/null. Another process writes the frames. x/copy is the median of the
// rounds' ratios; at most 2.
func BenchmarkPTY(b *testing.B) {
	file, octets := framesFile(b)
	network := &sink{}
	tty := serveBench(b, network)
	other, plainTTY := openPTY(b)
	defer other.lose()
	rawTTY(b, plainTTY)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	var ratios, each []float64
	for b.Loop() {
		want := network.packets.Load() + benchFrames
		ours := cpuOf(b, file, tty, func() {
			for network.packets.Load() < want {
				network.wait()
			}
		})
		theirs := cpuOf(b, file, plainTTY, func() {
			if _, err := io.CopyN(null, other.File, int64(octets)); err != nil {
				b.Error(err)
			}
		})
		ratios = append(ratios, float64(ours)/float64(theirs))
		each = append(each, float64(ours.Nanoseconds())/float64(octets))
	}
	b.ReportMetric(median(each), "ns/octet")
	b.ReportMetric(median(ratios), "x/copy")
}

func median(s []float64) float64 {
	slices.Sort(s)
	return s[len(s)/2]
}

// framesFile writes frames of random UDP packets to a file and returns its name and size.
func framesFile(b *testing.B) (string, int) {
	r := rand.New(rand.NewPCG(5, 6))
	payload := make([]byte, benchPacket-20)
	var out []byte
	for range benchFrames {
		for i := range payload {
			payload[i] = byte(r.Uint32())
		}
		f := ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, payload)}
		out = append(out, plain(f.Encode())...)
	}
	name := filepath.Join(b.TempDir(), "frames")
	if err := os.WriteFile(name, out, 0o600); err != nil {
		b.Fatal(err)
	}
	return name, len(out)
}

// plain returns a frame as a peer sends it that has agreed on ACCM 0: only flags and escapes are escaped.
func plain(frame []byte) []byte {
	out := make([]byte, 0, len(frame))
	for i := 0; i < len(frame); i++ {
		if c := frame[i]; c == 0x7d && frame[i+1]^0x20 < 0x20 {
			i++
			out = append(out, frame[i]^0x20)
		} else {
			out = append(out, c)
		}
	}
	return out
}

// cpuOf returns the CPU time of this process while another one writes a file to a PTY and receive takes it.
func cpuOf(b *testing.B, file, tty string, receive func()) time.Duration {
	in, err := os.Open(file)
	if err != nil {
		b.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(tty, os.O_WRONLY|unix.O_NOCTTY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer out.Close()
	cat := exec.Command("cat")
	cat.Stdin, cat.Stdout = in, out
	if err := cat.Start(); err != nil {
		b.Fatal(err)
	}
	before := cpuUsed(b)
	receive()
	spent := cpuUsed(b) - before
	if err := cat.Wait(); err != nil {
		b.Fatal(err)
	}
	return spent
}

func cpuUsed(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// serveBench runs a session with an open IPCP on a PTY, and returns the name of its other end.
func serveBench(b *testing.B, network ppp.Network) string {
	data, tty := openPTY(b)
	far := rawTTY(b, tty)
	front := New(Config{Network: network, Profile: func(int) (Profile, bool) {
		return Profile{Authentication: []lcp.Auth{lcp.PAP}, IPv4: true}, true
	}})
	call := &lines.Call{Data: data, ID: "c1", TTY: 65, Start: time.Now()}
	over := make(chan struct{})
	go func() {
		defer close(over)
		session.Run(context.Background(), call, session.Config{FrontEnds: session.Only{FrontEnd: front}}, &fakeAAA{},
			&fakeBroker{}, session.Leg{})
	}()
	b.Cleanup(func() { data.lose(); <-over })
	client := &ppptest.Client{User: "kim", Password: "sesame"}
	send := func(frames []ppptest.Frame) {
		for _, f := range frames {
			if _, err := far.Write(f.Encode()); err != nil {
				b.Fatal(err)
			}
		}
	}
	send(client.Start())
	var in ppptest.Decoder
	for buf := make([]byte, 512); !client.IPUp; {
		n, err := far.Read(buf)
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range in.Feed(buf[:n]) {
			send(client.Take(f))
		}
	}
	return tty
}

// rawTTY opens the other end of a PTY, raw, until the end of the benchmark.
func rawTTY(b *testing.B, tty string) *os.File {
	far, err := pppdtest.OpenRaw(tty)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { far.Close() })
	return far
}

// sink is a Network that counts packets.
type sink struct {
	packets atomic.Int64
	some    atomic.Pointer[chan struct{}]
}

// wait waits until there are more packets, or for 10 ms.
func (s *sink) wait() {
	c := make(chan struct{})
	s.some.Store(&c)
	select {
	case <-c:
	case <-time.After(10 * time.Millisecond):
	}
}

func (s *sink) Assign(context.Context, ppp.Holder) (ppp.Lease, error) { return (*sinkLease)(s), nil }

type sinkLease sink

func (s *sinkLease) Assignment() ppp.Assignment {
	return (&fakeNetwork{}).Assignment()
}
func (s *sinkLease) Open(ppp.Opening, func([]byte) bool, func(error)) error { return nil }
func (s *sinkLease) Deliver([]byte) {
	if s.packets.Add(1)%benchFrames == 0 {
		if c := s.some.Swap(nil); c != nil {
			close(*c)
		}
	}
}
func (s *sinkLease) Close(ppp.Family) {}
func (s *sinkLease) Release()         {}
