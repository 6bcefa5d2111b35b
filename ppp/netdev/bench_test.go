package netdev

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"testing"
)

// BenchmarkSession measures the memory of an idle session with IPv4 and IPv6, among 500 of one network.
func BenchmarkSession(b *testing.B) {
	const sessions = 500
	for b.Loop() {
		u := newUserspace(b, Options{})
		before, goroutines := memory(), runtime.NumGoroutine()
		devices := make([]Device, sessions)
		for i := range devices {
			s := numbered(fmt.Sprintf("ppp%d", i), i)
			s.Deliver = func([]byte) bool { return true }
			var err error
			if devices[i], err = u.Open(s); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(memory()-before)/sessions/1024, "KiB/session")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/sessions, "goroutines/session")
		for _, d := range devices {
			_ = d.Close()
		}
		_ = u.Close()
	}
}

// memory returns the octets of heap and stacks in use.
func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkDownload measures TCP from a host to a caller's stack in the same process.
func BenchmarkDownload(b *testing.B) {
	for _, mtu := range []int{576, 1500} {
		b.Run(fmt.Sprint("MTU ", mtu), func(b *testing.B) {
			data := random(1, 1<<20)
			server := serve(b, "127.0.0.1:0", func(c *net.TCPConn) { _, _ = c.Write(data) })
			s := session(1)
			s.MTU = mtu
			c := newCaller(b, newUserspace(b, Options{Reach: loopback}), s)
			b.SetBytes(1 << 20)
			for b.Loop() {
				conn, err := c.dial(b.Context(), server)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, conn); n != 1<<20 {
					b.Fatal(n, err)
				}
				_ = conn.Close()
			}
		})
	}
}

// BenchmarkRefused measures a packet to a closed destination.
func BenchmarkRefused(b *testing.B) {
	u := newUserspace(b, Options{})
	s := session(1)
	s.Name, s.MTU, s.Deliver = "ppp1", 1500, func([]byte) bool { return true }
	d, err := u.Open(s)
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	p := syn(callerIPv4(1), netip.MustParseAddrPort("127.0.0.1:80"), 64)
	b.ReportAllocs()
	for b.Loop() {
		_ = d.Write(p)
	}
}
