package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/bench/wire"
	"github.com/ringback/ringback/lab/pppclient"
	"github.com/ringback/ringback/ppp/hdlc"
)

// pppSession is what a caller's computer does with PPP.
type pppSession struct {
	caller *caller
	order  wire.PPP
	client *pppclient.Client
	net    pppclient.Network
	input  *bufio.Reader

	mu      sync.Mutex // guards what writes
	encoder hdlc.Encoder
	out     []byte

	sent, received int
	rtts           []time.Duration // of packets to the echo server
	echoes         []time.Duration // of LCP
}

// loadPPP has callers dial in and log in by PPP, then hold their sessions or begin again.
func (t *town) loadPPP(l wire.Load) wire.Result {
	before, begin := cpu(), time.Now()
	var r wire.Result
	var mu sync.Mutex
	var all sync.WaitGroup
	var up atomic.Int32
	open := make(chan struct{}) // closed when all sessions are open
	note := func(s *pppSession, err error) {
		mu.Lock()
		defer mu.Unlock()
		r.Sent, r.Received = r.Sent+s.sent, r.Received+s.received
		r.Latencies = append(r.Latencies, s.rtts...)
		r.Echoes = append(r.Echoes, s.echoes...)
		if err == nil {
			r.Done++
			return
		}
		if r.Failed++; len(r.Failures) < 20 {
			r.Failures = append(r.Failures, s.caller.user+": "+err.Error())
		}
	}
	opened := func() {
		if int(up.Add(1)) == l.Callers {
			close(open)
		}
	}
	for i, c := range t.callers[:l.Callers] {
		all.Go(func() {
			// Not all at once: the login is not what is measured here.
			time.Sleep(time.Duration(i) * l.PPP.Stagger)
			for range max(l.PPP.Cycles, 1) {
				s := &pppSession{caller: c, order: *l.PPP}
				err := s.run(l.For, opened, open)
				note(s, err)
				c.hangUp()
				if err != nil {
					return
				}
			}
		})
	}
	all.Wait()
	r.Elapsed, r.CPU = time.Since(begin), cpu()-before
	r.Latencies, r.Echoes = quantiles(r.Latencies), quantiles(r.Echoes)
	return r
}

// quantiles returns the median, the 99th percentile and the maximum: a second of a thousand sessions has tens of
// thousands of values.
func quantiles(d []time.Duration) []time.Duration {
	n := len(d)
	if n == 0 {
		return nil
	}
	slices.Sort(d)
	return []time.Duration{d[n/2], d[n*99/100], d[n-1]}
}

// hangUp ends the call and discards what is still under way.
func (c *caller) hangUp() {
	c.dte.SetDTR(false)
	c.dte.SetDTR(true)
	c.await(200*time.Millisecond, "nothing")
	c.seen = c.seen[:0]
}

// run is one session. opened is called when its network is open; a session that is held then waits until all are open,
// and for d.
func (s *pppSession) run(d time.Duration, opened func(), open <-chan struct{}) error {
	c := s.caller
	c.seen = c.seen[:0]
	c.dte.SetReadDeadline(time.Now().Add(patience))
	if err := c.do("ATDT"+c.calls+"\r", "CONNECT"); err != nil {
		return err
	}
	if s.order.Bare {
		return nil
	}
	c.dte.SetReadDeadline(time.Time{})
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	s.input = bufio.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(c.seen)), c.dte))
	s.client = pppclient.New(s.input, c.dte, pppclient.Config{User: c.user, Password: wire.Password,
		Methods: []pppclient.Method{pppclient.PAP}})
	if _, err := s.client.Login(ctx); err != nil {
		return fmt.Errorf("PPP login: %w", err)
	}
	var err error
	if s.net, err = s.client.Connect(ctx); err != nil {
		return fmt.Errorf("PPP: %w", err)
	}
	if s.order.Cycles > 0 {
		s.client.Terminate(ctx, "bye")
		return nil
	}
	opened()
	return s.hold(d, open)
}

// hold sends and receives until d after all sessions are open. A session that ends before that is lost.
func (s *pppSession) hold(d time.Duration, open <-chan struct{}) error {
	s.encoder.SetFraming(hdlc.Framing{})      // agreed: nothing has to be escaped
	s.caller.dte.SetReadDeadline(time.Time{}) // the client has left its last ones
	s.caller.dte.SetWriteDeadline(time.Time{})
	ended := make(chan error, 1)
	go func() { ended <- s.receive() }()
	err := s.traffic(d, open, ended)
	s.caller.dte.SetReadDeadline(time.Unix(1, 0))
	if err == nil {
		err = <-ended
	}
	return err
}

func (s *pppSession) traffic(d time.Duration, open <-chan struct{}, ended chan error) error {
	lost := func(err error) error { return fmt.Errorf("lost: %w", err) }
	select {
	case <-open:
	case err := <-ended:
		return lost(err)
	case <-time.After(10 * patience):
		return fmt.Errorf("not all sessions were open after %v", 10*patience)
	}
	over := time.After(d)
	var tick, echo <-chan time.Time
	if s.order.Rate > 0 {
		every := time.Duration(float64(s.order.Packet) / float64(s.order.Rate) * float64(time.Second))
		time.Sleep(rand.N(every)) // the sessions are not in step
		t, e := time.NewTicker(every), time.NewTicker(time.Second)
		defer t.Stop()
		defer e.Stop()
		tick, echo = t.C, e.C
	}
	for {
		select {
		case <-tick:
			if err := s.send(); err != nil {
				return errors.Join(err, lost(<-ended))
			}
		case <-echo:
			if err := s.write(0xc021, timed([]byte{9, 1, 0, 16, 0, 0, 0, 0})); err != nil {
				return errors.Join(err, lost(<-ended))
			}
		case err := <-ended:
			return lost(err)
		case <-over:
			if tick == nil {
				return nil
			}
			tick, echo, over = nil, nil, time.After(time.Second) // what is still under way
		}
	}
}

// receive takes the frames of the daemon, and answers its Echo-Requests, until the read deadline. pppclient, which
// logged in, would need most of the machine for its bitwise FCS.
func (s *pppSession) receive() error {
	in := hdlc.Decoder{Buffer: make([]byte, 1500+hdlc.Overhead)}
	buf := make([]byte, 4096)
	for {
		n, err := s.input.Read(buf)
		for rest := buf[:n]; len(rest) > 0; {
			f, n, ok := in.Decode(rest)
			rest = rest[n:]
			switch {
			case !ok:
			case f.Protocol == 0x21:
				s.deliver(f.Info)
			case f.Protocol == 0xc021 && len(f.Info) >= 8 && f.Info[0] == 9:
				reply := bytes.Clone(f.Info)
				reply[0] = 10
				binary.BigEndian.PutUint32(reply[4:], 0) // no magic number
				err = errors.Join(err, s.write(0xc021, reply))
			case f.Protocol == 0xc021 && len(f.Info) >= 16 && f.Info[0] == 10:
				s.echoes = append(s.echoes, since(f.Info[8:]))
			case f.Protocol == 0xc021 && len(f.Info) >= 4 && f.Info[0] == 5:
				return fmt.Errorf("the server ended the link: %q", f.Info[4:])
			}
		}
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		}
	}
}

func (s *pppSession) write(protocol uint16, packet []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = s.encoder.Append(s.out[:0], protocol, packet)
	_, err := s.caller.dte.Write(s.out)
	return err
}

const udpHeaders = 28 // IPv4 and UDP

// send sends a UDP packet to the echo server: random octets after the time.
func (s *pppSession) send() error {
	echo, err := netip.ParseAddrPort(s.order.Echo)
	if err != nil {
		return err
	}
	p := make([]byte, max(s.order.Packet, udpHeaders+8))
	p[0], p[8], p[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	src, dst := s.net.Address.As4(), echo.Addr().As4()
	copy(p[12:], src[:])
	copy(p[16:], dst[:])
	binary.BigEndian.PutUint16(p[10:], ^sum(p[:20]))
	binary.BigEndian.PutUint16(p[20:], 40000)
	binary.BigEndian.PutUint16(p[22:], echo.Port())
	binary.BigEndian.PutUint16(p[24:], uint16(len(p)-20)) // checksum 0: none
	timed(p[:udpHeaders])
	for i := udpHeaders + 8; i+8 <= len(p); i += 8 {
		binary.BigEndian.PutUint64(p[i:], rand.Uint64())
	}
	s.sent++
	return s.write(0x21, p)
}

// sum is the checksum of RFC 1071 before its complement.
func sum(b []byte) uint16 {
	var n uint32
	for i := 0; i+1 < len(b); i += 2 {
		n += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for n>>16 != 0 {
		n = n&0xffff + n>>16
	}
	return uint16(n)
}

// timed appends the time to a packet.
func timed(p []byte) []byte { return binary.BigEndian.AppendUint64(p, uint64(time.Now().UnixNano())) }

// since returns the time since that at the start of b.
func since(b []byte) time.Duration {
	return time.Since(time.Unix(0, int64(binary.BigEndian.Uint64(b))))
}

// deliver takes an echo.
func (s *pppSession) deliver(p []byte) {
	if len(p) < udpHeaders+8 || p[9] != 17 {
		return
	}
	s.received++
	s.rtts = append(s.rtts, since(p[udpHeaders:]))
}

// serveEcho returns each UDP packet to its sender.
func serveEcho() (string, error) {
	l, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return "", err
	}
	_ = l.SetReadBuffer(8 << 20)
	go func() {
		b := make([]byte, 2048)
		for {
			n, from, err := l.ReadFromUDPAddrPort(b)
			if err != nil {
				return
			}
			_, _ = l.WriteToUDPAddrPort(b[:n], from) // a lost packet is counted by its sender
		}
	}()
	return l.LocalAddr().String(), nil
}
