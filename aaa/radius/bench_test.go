package radius

import (
	"context"
	"crypto/hmac"
	"crypto/md5"
	"encoding/binary"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ringback/ringback/aaa"
)

const benchSecret = "a secret of 24 octets..."

// echo answers every Access-Request on real UDP with a signed Access-Accept with the attributes of a callback. It does
// nothing else, so that the benchmark measures the client.
func echo(b *testing.B) string {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	conn.SetReadBuffer(4 << 20)
	var wg sync.WaitGroup
	b.Cleanup(func() { conn.Close(); wg.Wait() })
	attrs := "\x06\x06\x00\x00\x00\x09\x13\x0784001\x19\x09a class"
	wg.Go(func() {
		in, out := make([]byte, 4096), make([]byte, headerLen+macLen+len(attrs))
		mac, sum := hmac.New(md5.New, []byte(benchSecret)), md5.New()
		for {
			n, from, err := conn.ReadFromUDPAddrPort(in)
			if err != nil {
				return
			}
			if n < headerLen {
				continue
			}
			out[0], out[1], out[20], out[21] = 2, in[1], macType, macLen
			binary.BigEndian.PutUint16(out[2:], uint16(len(out)))
			copy(out[4:20], in[4:20])
			clear(out[22:38])
			copy(out[38:], attrs)
			mac.Reset()
			mac.Write(out)
			mac.Sum(out[22:22])
			sum.Reset()
			sum.Write(out)
			sum.Write([]byte(benchSecret))
			sum.Sum(out[4:4])
			conn.WriteToUDPAddrPort(out, from)
		}
	})
	return conn.LocalAddr().String()
}

// BenchmarkLogin measures complete logins, 128 in parallel: the request is encoded and signed, the reply checked and
// read.
func BenchmarkLogin(b *testing.B) {
	c, err := New(Config{Servers: []ServerConfig{{Address: echo(b), Secret: benchSecret}}})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	b.ReportAllocs()
	b.ResetTimer()
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 128 {
		wg.Go(func() {
			for next.Add(1) <= int64(b.N) {
				if _, res := c.Start(context.Background(), aaa.Request{User: "bob", Password: "canary-password",
					Service: aaa.EXEC, TTY: 65}); res.Kind != aaa.Granted {
					b.Error(res.Reason)
				}
			}
		})
	}
	wg.Wait()
}

// BenchmarkCheckReply measures the cost of a forged reply.
func BenchmarkCheckReply(b *testing.B) {
	at := &slot{keys: newKeyed([]byte(benchSecret))}
	packet := append([]byte{2, 0, 0, 38}, make([]byte, 34)...)
	packet[20], packet[21] = macType, macLen
	b.ReportAllocs()
	for b.Loop() {
		if f, _ := checkReply(packet, at, true); f == good {
			b.Fatal("a forged reply is good")
		}
	}
}
