package ppp

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/cbcp"
	"github.com/ringback/ringback/ppp/lcp"
	"github.com/ringback/ringback/ppp/ppptest"
)

// source has the choices of a simulation: numbers below n.
type source interface{ IntN(n int) int }

// octets is a source of the octets of a fuzzer; at their end it returns 0.
type octets struct{ rest []byte }

func (o *octets) IntN(n int) int {
	if len(o.rest) == 0 {
		return 0
	}
	c := o.rest[0]
	o.rest = o.rest[1:]
	return int(c) % n
}

// play has an engine live through choices of a source: a client that loses, repeats and invents frames, timers that end
// at any time, answers of all kinds, and the ends of the call. The driver checks every step.
func play(t testing.TB, s source, steps int, more func() bool) *driver {
	cfg := settings()
	methods := [][]lcp.Auth{{lcp.PAP}, {lcp.CHAP, lcp.PAP}, {lcp.MSCHAPv2}, {lcp.EAP}}
	clients := [][]byte{ppptest.MethodPAP, ppptest.MethodCHAP, ppptest.MethodMSCHAPv2, ppptest.MethodEAP}
	method := s.IntN(len(methods))
	cfg.Auth = methods[method]
	if s.IntN(5) == 0 {
		method = s.IntN(len(clients)) // the client may want another one
	}
	cfg.Leg = s.IntN(2) + 1
	cfg.IPv6 = s.IntN(2) == 1
	cfg.Initiate = s.IntN(4) == 0
	cfg.Echo = lcp.Echo{Every: time.Duration(s.IntN(2)) * 30 * time.Second}
	cfg.IdleTimeout = time.Duration(s.IntN(2)) * time.Minute
	cfg.MaxRenegotiations = 20 // so that later phases are reached again
	client := &ppptest.Client{User: "kim", Password: "sesame", IPv6: true, Methods: [][]byte{clients[method]},
		Response: anyResponse(s)}
	client.Callback = [][]byte{nil, {6}, {0}, []byte("\x03555123")}[s.IntN(4)]
	d := newDriver(t, cfg, nil)
	d.auto = false
	d.aaa = func(q Effect) aaa.Result { return anyResult(s, cfg.Auth[0], q) }
	d.settle = func(aaa.Result) Settlement {
		return Settlement{Accepted: s.IntN(5) > 0, Retry: s.IntN(2) == 0, Decision: Decision{
			Kind: DecisionKind(s.IntN(4)), Fixed: s.IntN(2) == 0, MayDecline: s.IntN(3) == 0}}
	}
	d.broker = func(w cbcp.Wish) cbcp.Verdict {
		if s.IntN(4) == 0 {
			return cbcp.Verdict{Kind: cbcp.Kind(s.IntN(4))}
		}
		if w.Decline {
			return cbcp.Verdict{Kind: cbcp.VerdictAdmit}
		}
		return cbcp.Verdict{Kind: cbcp.VerdictPromised}
	}
	d.assign = func() Assignment {
		a := place()
		if s.IntN(8) == 0 {
			a.Reason = "exhausted"
		}
		return a
	}
	d.carry(d.engine.Start())
	queue := client.Start()
	for i := 0; i < steps && d.end == nil && more(); i++ {
		for _, f := range d.flush() {
			queue = append(queue, client.Take(f)...)
		}
		queue = step(d, s, client, queue)
	}
	settleDown(d)
	return d
}

// anyResult is a result of AAA.
func anyResult(s source, method lcp.Auth, q Effect) aaa.Result {
	res := grant(q)
	switch n := s.IntN(16); {
	case n == 0:
		return aaa.Result{Kind: aaa.Refused, Reason: "no", Success: "E=691 R=1"}
	case n == 1, n < 6 && method == lcp.EAP:
		return aaa.Result{Kind: aaa.Prompt, EAP: ppptest.Packet(1, byte(s.IntN(256)), 4, 1, 2)}
	case n == 6:
		return aaa.Result{}
	}
	res.Success, res.EAP = success, ppptest.Packet(3, 1)
	res.Auth.SessionTimeout = time.Duration(s.IntN(2)) * 2 * time.Minute
	return res
}

// anyResponse answers CBCP with the first type that is offered, or with another one.
func anyResponse(s source) func([]byte) []byte {
	responses := [][]byte{nil, {1, 2}, append([]byte{2, 9, 12, 1}, "5551\x00"...), {3, 3, 5}}
	return func(offer []byte) []byte {
		if s.IntN(4) == 0 {
			return responses[s.IntN(len(responses))]
		}
		return responses[int(offer[0])%len(responses)]
	}
}

// step is one event. queue has what the client still wants to send.
func step(d *driver, s source, client *ppptest.Client, queue []ppptest.Frame) []ppptest.Frame {
	switch n := s.IntN(16); {
	case n < 8 && len(queue) > 0:
		f := queue[0]
		if s.IntN(8) > 0 {
			queue = queue[1:]
		}
		if s.IntN(8) > 0 {
			d.write(f)
		}
	case n < 11 && len(d.asked) > 0:
		for number := range d.asked {
			d.answer(number)
			break
		}
	case n == 11:
		var running []Timer
		for t := range Timers {
			if _, ok := d.timers[t]; ok {
				running = append(running, t)
			}
		}
		if len(running) > 0 {
			d.fire(running[s.IntN(len(running))])
		}
	case n == 12:
		protocols := []uint16{ppptest.LCP, ppptest.PAP, ppptest.CHAP, ppptest.EAP, ppptest.CBCP, ppptest.IPCP,
			ppptest.IPV6CP, ppptest.IPv4, ppptest.IPv6, 0x80fd}
		f := ppptest.Frame{Protocol: protocols[s.IntN(len(protocols))]}
		data := make([]byte, s.IntN(24))
		for i := range data {
			data[i] = byte(s.IntN(256))
		}
		f.Info = data
		if s.IntN(2) == 0 {
			f.Info = ppptest.Packet(byte(s.IntN(14)), byte(s.IntN(4)), data...)
		}
		d.write(f)
	case n == 13 && s.IntN(6) == 0:
		queue = append(queue, client.Start()...)
	case n == 14:
		d.engine.SendIP(ppptest.IPv4Packet(host, own, nil))
		d.write(ppptest.Frame{Protocol: ppptest.IPv4, Info: ppptest.IPv4Packet(own, host, nil)})
	case n == 15 && s.IntN(20) == 0:
		switch s.IntN(4) {
		case 0:
			d.carry(d.engine.CarrierLost())
		case 1:
			d.carry(d.engine.Order(Ending{aaa.CauseAdminReset, "cleared"}, ""))
		case 2:
			d.write(client.Terminate())
		default:
			d.input([]byte{0x7e, 0x7d, 0x7e, 0xff, 0x03, 0x7d})
		}
	default:
		for number := range d.asked {
			d.answer(number)
			break
		}
	}
	return queue
}

// settleDown checks that a link without a peer ends by itself, or rests with an open network.
func settleDown(d *driver) {
	d.t.Helper()
	for range 400 {
		if d.end != nil {
			return
		}
		d.flush()
		for number := range d.asked {
			d.answer(number)
		}
		d.pass(time.Minute)
	}
	if d.open == [families]bool{} {
		d.t.Fatalf("no end, and no network: %v", d.engine.Phase())
	}
	d.carry(d.engine.CarrierLost())
}

// TestSimulation lets many links live; each seed can be repeated.
func TestSimulation(t *testing.T) {
	steps := []string{"admit", "open IPv4", "open IPv6", "leave the session", "cancel", "continue", "promise"}
	seen, promised := map[string]int{}, 0
	for seed := range uint64(1500) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			d := play(t, rand.New(rand.NewPCG(seed, 9)), 400, func() bool { return true })
			for _, what := range steps {
				if slices.ContainsFunc(d.log, func(l string) bool { return strings.HasPrefix(l, what) }) {
					seen[what]++
				}
			}
			if d.promised {
				promised++
			}
		})
	}
	for _, what := range steps {
		if seen[what] < 40 {
			t.Errorf("only %d links of the simulation had %q", seen[what], what)
		}
	}
	if promised < 40 {
		t.Errorf("only %d links of the simulation had a callback", promised)
	}
}

// FuzzEngine is the simulation with the choices of the fuzzer.
func FuzzEngine(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		b := make([]byte, 600)
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o := &octets{b}
		play(t, o, 2000, func() bool { return len(o.rest) > 0 })
	})
}

// FuzzOctets gives the engine any octets of a line.
func FuzzOctets(f *testing.F) {
	c := &ppptest.Client{User: "kim"}
	f.Add(c.Start()[0].Encode())
	f.Add(c.Login().Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		d := newDriver(t, settings(), nil)
		d.carry(d.engine.Start())
		for i := 0; i < len(b) && d.end == nil; i += 64 {
			d.input(b[i:min(i+64, len(b))])
			d.flush()
		}
		settleDown(d)
	})
}
