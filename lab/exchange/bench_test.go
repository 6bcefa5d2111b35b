package exchange

import (
	"net"
	"runtime"
	"testing"
)

// BenchmarkCall dials, answers, sends a byte each way and hangs up: in memory, without delays.
func BenchmarkCall(b *testing.B) {
	x := New(Config{Instant: true})
	defer x.Close()
	caller := x.AddModem(ModemConfig{Profile: "E0"}).DTE()
	x.AddModem(ModemConfig{Number: "5552", Profile: "S0=1E0S10=0"}).DTE()
	buf := make([]byte, 100)
	b.ReportAllocs()
	for b.Loop() {
		caller.Write([]byte("ATDT5552\r"))
		for n := 0; n < len("\r\nCONNECT\r\n"); {
			k, err := caller.Read(buf)
			if err != nil {
				b.Fatal(err)
			}
			n += k
		}
		caller.SetDTR(false)
		caller.SetDTR(true)
		for n := 0; n < len("\r\nNO CARRIER\r\n"); {
			k, _ := caller.Read(buf)
			n += k
		}
	}
}

func BenchmarkThroughput(b *testing.B) {
	x := New(Config{Instant: true})
	defer x.Close()
	from := x.AddModem(ModemConfig{Profile: "E0"}).DTE()
	to := x.AddModem(ModemConfig{Number: "5552", Profile: "S0=1E0Q1"}).DTE()
	from.Write([]byte("ATDT5552\r"))
	buf := make([]byte, 4096)
	from.Read(buf)
	go func() {
		block := make([]byte, 1024)
		for {
			if _, err := from.Write(block); err != nil {
				return
			}
		}
	}()
	b.SetBytes(1024)
	for b.Loop() {
		for n := 0; n < 1024; {
			k, err := to.Read(buf[:1024-n])
			if err != nil {
				b.Fatal(err)
			}
			n += k
		}
	}
}

// BenchmarkIdleModem measures an idle modem with a DTE behind a pipe.
func BenchmarkIdleModem(b *testing.B) {
	x := New(Config{Instant: true})
	defer x.Close()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()
	const n = 2000
	for range n {
		near, far := net.Pipe()
		defer near.Close()
		x.AddModem(ModemConfig{Number: "1", Profile: "S0=1E0"}).Connect(far, nil)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	idle := runtime.NumGoroutine() - goroutines
	for b.Loop() {
		x.Dials() // measures the modems, not the time
	}
	b.ReportMetric(float64(after.HeapInuse-before.HeapInuse)/n, "B/modem")
	b.ReportMetric(float64(idle)/n, "goroutines/modem")
}
