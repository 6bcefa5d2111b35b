package ncp_test

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"testing"

	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/fsm/fsmtest"
	"github.com/ringback/ringback/ppp/ncp"
)

var lines = map[string]fsmtest.Disturbance{
	"good":       {},
	"loss":       {Steps: 150, Loss: 40, Timeouts: 3},
	"duplicates": {Steps: 150, Duplicate: 40},
	"all":        {Steps: 150, Loss: 20, Duplicate: 20, Reorder: true, Timeouts: 5},
}

// talk lets two layers talk and reports whether both are open; if not, each has a reason.
func talk(t *testing.T, r *rand.Rand, d fsmtest.Disturbance, x, y fsmtest.Layer) bool {
	t.Helper()
	a, b := &fsmtest.Engine{Layer: x}, &fsmtest.Engine{Layer: y}
	a.Start(t)
	b.Start(t)
	fsmtest.Talk(t, r, a, b, d, 1500)
	if !a.IsUp && len(a.Finished) == 0 || !b.IsUp && len(b.Finished) == 0 {
		t.Fatalf("%v, %v", x.State(), y.State())
	}
	return a.IsUp && b.IsUp
}

// The called side gives an address to a caller that accepts what it is given.
func TestIPCPPair(t *testing.T) {
	for name, d := range lines {
		t.Run(name, func(t *testing.T) {
			both := 0
			for seed := range uint64(100) {
				r := rand.New(rand.NewPCG(seed, 4))
				nas := ncp.NewIPCP(ipConfig())
				// The caller's own address is right: a caller that asks for one is not part of this package.
				caller := ncp.NewIPCP(ncp.IPCPConfig{Local: addr("10.8.0.10"),
					Permit: func(netip.Addr) error { return nil }})
				if !talk(t, r, d, nas, caller) {
					continue
				}
				both++
				x, y := nas.Result(), caller.Result()
				if x.Peer != addr("10.8.0.10") || y.Peer != addr("10.8.0.1") || !x.Named || !y.Named {
					t.Fatalf("seed %d: %+v, %+v", seed, x, y)
				}
			}
			if both < 90 {
				t.Errorf("both open in %d of 100", both)
			}
		})
	}
}

// Two sides with the same, with a framed and with a random identifier end with two different ones.
func TestIPV6CPPair(t *testing.T) {
	for name, d := range lines {
		for _, c := range []struct{ local, framed, caller ncp.InterfaceID }{
			{id(1), ncp.InterfaceID{}, id(1)},
			{id(1), id(9), id(2)},
			{ncp.InterfaceID{}, ncp.InterfaceID{}, ncp.InterfaceID{}},
		} {
			t.Run(fmt.Sprint(name, c), func(t *testing.T) {
				both := 0
				for seed := range uint64(50) {
					r := rand.New(rand.NewPCG(seed, 5))
					nas := ncp.NewIPV6CP(ncp.IPV6CPConfig{Local: c.local, Peer: c.framed, Random: r.Uint64})
					caller := ncp.NewIPV6CP(ncp.IPV6CPConfig{Local: c.caller, Random: r.Uint64})
					if !talk(t, r, d, nas, caller) {
						continue
					}
					both++
					x, y := nas.Result(), caller.Result()
					if x.Local == x.Peer || x.Local == (ncp.InterfaceID{}) || c.framed != (ncp.InterfaceID{}) &&
						x.Peer != c.framed {
						t.Fatalf("seed %d: %+v", seed, x)
					}
					if !d.Reorder && (y.Named && x.Local != y.Peer || x.Named && x.Peer != y.Local) {
						t.Fatalf("seed %d: %+v, %+v", seed, x, y)
					}
				}
				if both < 45 {
					t.Errorf("both open in %d of 50", both)
				}
			})
		}
	}
}

// fuzzLayer gives a layer any events and packets, as in package fsm.
func fuzzLayer(t *testing.T, l fsmtest.Layer, in []byte, check func()) {
	e := &fsmtest.Engine{Layer: l}
	for len(in) > 0 {
		command := in[0]
		in = in[1:]
		switch command {
		case 0:
			e.Do(t, l.Open())
		case 1:
			e.Do(t, l.Up())
		case 2:
			e.Timeout(t)
		case 3:
			e.Do(t, l.Close(fsm.Reason{Cause: "closed"}, ""))
		case 4:
			e.Do(t, l.Down())
		default:
			n := min(int(command)-4, len(in))
			e.Receive(t, in[:n])
			in = in[n:]
		}
		if l.State() == fsm.Opened {
			check()
		}
	}
}

// FuzzIPCP: an open layer has the address that was given, or one that is permitted.
func FuzzIPCP(f *testing.F) {
	f.Add([]byte("\x00\x01\x0e\x01\x09\x00\x0a\x03\x06\x0a\x08\x00\x0a\x0e\x02\x01\x00\x0a\x03\x06\x0a\x08\x00\x01"),
		false)
	f.Add([]byte("\x00\x01\x0e\x01\x09\x00\x0a\x03\x06\xc0\x00\x02\x07\x0e\x02\x01\x00\x0a\x03\x06\x0a\x08\x00\x01"),
		true)
	f.Fuzz(func(t *testing.T, in []byte, chooses bool) {
		c := ipConfig()
		permitted := map[netip.Addr]bool{c.Peer: !chooses}
		if chooses {
			c.Peer = netip.Addr{}
			c.Permit = func(a netip.Addr) error {
				permitted[a] = true
				return nil
			}
		}
		p := ncp.NewIPCP(c)
		fuzzLayer(t, p, in, func() {
			if r := p.Result(); !permitted[r.Peer] || r.Local != addr("10.8.0.1") || r.Peer == r.Local {
				t.Fatalf("open with %+v", r)
			}
		})
	})
}

// FuzzIPV6CP: an open layer has two different identifiers, and the framed one.
func FuzzIPV6CP(f *testing.F) {
	f.Add([]byte("\x00\x01\x12\x01\x09\x00\x0e\x01\x0a\x00\x00\x00\x00\x00\x00\x00\x77"+
		"\x12\x02\x01\x00\x0e\x01\x0a\x00\x00\x00\x00\x00\x00\x00\xaa"), false)
	f.Fuzz(func(t *testing.T, in []byte, framed bool) {
		c := ncp.IPV6CPConfig{Config: fsm.Config{FirstID: 1}, Local: id(0xaa), Random: randoms()}
		if framed {
			c.Peer = id(0x77)
		}
		p := ncp.NewIPV6CP(c)
		fuzzLayer(t, p, in, func() {
			if r := p.Result(); r.Local == (ncp.InterfaceID{}) || r.Local == r.Peer || framed && r.Peer != id(0x77) {
				t.Fatalf("open with %+v", r)
			}
		})
	})
}
