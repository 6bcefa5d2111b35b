package ncp_test

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/fsm/fsmtest"
	"github.com/ringback/ringback/ppp/ncp"
)

type step = fsmtest.Step

var after = fsmtest.After

const timer = "; start timer 3s"

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// ipConfig gives 10.8.0.10, one DNS server and two WINS servers.
func ipConfig() ncp.IPCPConfig {
	return ncp.IPCPConfig{
		Config: fsm.Config{FirstID: 1},
		Local:  addr("10.8.0.1"),
		Peer:   addr("10.8.0.10"),
		DNS:    []netip.Addr{addr("192.0.2.53")},
		WINS:   []netip.Addr{addr("2001:db8::1"), addr("192.0.2.1"), addr("192.0.2.2"), addr("192.0.2.3")},
	}
}

func playIP(t *testing.T, c ncp.IPCPConfig, steps []step) (*ncp.IPCP, *fsmtest.Engine) {
	t.Helper()
	p := ncp.NewIPCP(c)
	e := &fsmtest.Engine{Layer: p}
	fsmtest.Play(t, e, "8021", map[string]func() []fsm.Effect{"rejected": p.ProtocolRejected}, steps)
	return p, e
}

var ipBegin = []step{
	{"open", "layer started"},
	{"up", "send 01 01 00 0a 03 06 0a 08 00 01" + timer},
}

// The peer's requests, as captured, and our answers.
func TestIPCPJudge(t *testing.T) {
	noServers := func(c *ncp.IPCPConfig) { c.DNS, c.WINS = nil, nil }
	for _, c := range []struct {
		name, request, answer string
		with                  func(*ncp.IPCPConfig)
	}{
		{"pppd 2.4.9: VJ is rejected first", "01 01 001c 0206002d0f01 030600000000 810600000000 830600000000",
			"04 01 0010 0206002d0f01 830600000000", nil},
		{"pppd: then addresses are given", "01 02 0010 030600000000 810600000000",
			"03 02 0010 03060a08000a 8106c0000235", nil},
		{"pppd: at last all is right", "01 03 0010 03060a08000a 8106c0000235", "02 03 0010 03060a08000a 8106c0000235",
			nil},
		{"Windows asks for VJ, an address and four servers",
			"01 05 0028 0206002d0f01 030600000000 810600000000 820600000000 830600000000 840600000000",
			"04 05 0010 0206002d0f01 830600000000", nil},
		{"and for the rest", "01 06 001c 030600000000 810600000000 820600000000 840600000000",
			"03 06 001c 03060a08000a 8106c0000235 8206c0000201 8406c0000202", nil},
		{"ThreadX NetX Duo #100, no servers", "01 2e 0016 030600000000 810600000000 830600000000",
			"04 2e 0010 810600000000 830600000000", noServers},
		{"Livingston PortMaster trace", "01 01 0010 0206002d0f00 0306c0a80a20", "04 01 000a 0206002d0f00", nil},
		{"FreeBSD sppp, i4b manual §10.4.2", "01 1e 000a 030600000000", "03 1e 000a 03060a08000a", nil},
		{"an address that is not the peer's", "01 1e 000a 0306c04c7c0a", "03 1e 000a 03060a08000a", nil},
		{"our own address", "01 1e 000a 03060a080001", "03 1e 000a 03060a08000a", nil},
		{"RFC 1332 §3.1: IP-Addresses is deprecated", "01 1e 000e 010a 0a08000a 0a080001",
			"04 1e 000e 010a 0a08000a 0a080001", nil},
		{"RFC 1332 §3.3: the address is missing", "01 1e 0004", "03 1e 000a 03060a08000a", nil},
		{"a wrong length", "01 1e 000f 0304 0a08 8107 c000023500", "03 1e 0010 03060a08000a 8106c0000235", nil},
		{"a second address", "01 1e 0010 03060a08000a 03060a08000b", "04 1e 000a 03060a08000b", nil},
		{"an unknown option", "01 1e 0010 9006 00000000 03060a08000a", "04 1e 000a 9006 00000000", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := ipConfig()
			if c.with != nil {
				c.with(&conf)
			}
			playIP(t, conf, after(ipBegin, step{c.request, fmt.Sprintf("send % x", fsmtest.Hex(t, c.answer))}))
		})
	}
}

// Framed-IP-Address 255.255.255.255: the peer chooses (RFC 2865 §5.8).
func TestIPCPPermit(t *testing.T) {
	const ends = "send 05 02 00 1f 6e 6f 20 61 67 72 65 65 6d 65 6e 74 20 6f 6e 20 74 68 65 20 6f 70 74 69 6f 6e 73" +
		timer
	permit := func(a netip.Addr) error {
		if a == addr("192.0.2.66") {
			return errors.New("192.0.2.66 is used on tty 66")
		}
		return nil
	}
	for name, c := range map[string]struct {
		peer  netip.Addr
		steps []step
	}{
		"its address": {netip.Addr{}, []step{
			{"01 09 000a 0306c0000207", "send 02 09 00 0a 03 06 c0 00 02 07"}}},
		"an address in use": {netip.Addr{}, []step{
			{"01 09 000a 0306c0000242", ends},
			{"06 02 0004",
				`stop timer; layer finished: the peer may not have the address: "192.0.2.66 is used on tty 66"`}}},
		"an address in use, and there is another one": {addr("10.8.0.10"), []step{
			{"01 09 000a 0306c0000242", "send 03 09 00 0a 03 06 0a 08 00 0a"}}},
		"it has none, and we have none": {netip.Addr{}, []step{
			{"01 09 000a 030600000000", ends},
			{"06 02 0004", "stop timer; layer finished: the peer has no address"}}},
		"it has none, and we have one": {addr("10.8.0.10"), []step{
			{"01 09 000a 030600000000", "send 03 09 00 0a 03 06 0a 08 00 0a"},
			{"01 0a 000a 03060a08000a", "send 02 0a 00 0a 03 06 0a 08 00 0a"}}},
		"it says nothing: asked five times, then it is the end": {netip.Addr{}, []step{
			{"01 09 0004", "send 03 09 00 0a 03 06 00 00 00 00"},
			{"01 0a 0004", "send 03 0a 00 0a 03 06 00 00 00 00"},
			{"01 0b 0004", "send 03 0b 00 0a 03 06 00 00 00 00"},
			{"01 0c 0004", "send 03 0c 00 0a 03 06 00 00 00 00"},
			{"01 0d 0004", "send 03 0d 00 0a 03 06 00 00 00 00"},
			{"01 0e 0004", ends}}},
	} {
		t.Run(name, func(t *testing.T) {
			conf := ipConfig()
			conf.Peer, conf.Permit = c.peer, permit
			playIP(t, conf, after(ipBegin, c.steps...))
		})
	}
	// Addresses of no host are refused, whatever Permit says.
	for _, a := range []string{"10.8.0.1", "127.0.0.1", "224.0.0.1", "255.255.255.255", "255.255.255.254", "0.0.0.1",
		"169.254.1.1", "240.0.0.1"} {
		conf := ipConfig()
		conf.Permit = permit
		b := addr(a).As4()
		playIP(t, conf, after(ipBegin,
			step{fmt.Sprintf("01 09 000a 0306 %x", b), "send 03 09 00 0a 03 06 0a 08 00 0a"}))
	}
}

// Without an address for the peer there is no IP.
func TestIPCPWithoutAddress(t *testing.T) {
	conf := ipConfig()
	conf.Peer = netip.IPv4Unspecified()
	_, e := playIP(t, conf, ipBegin)
	e.Receive(t, fsmtest.Hex(t, "01 09 000a 03060a08000a"))
	e.Receive(t, fsmtest.Hex(t, "06 09 0004"))
	if len(e.Finished) != 1 || e.Finished[0].Cause != ncp.NoAddress {
		t.Errorf("finished %v", e.Finished)
	}
}

// What the peer says to our request.
func TestIPCPOurRequest(t *testing.T) {
	for name, steps := range map[string][]step{
		"acknowledged": {{"02 01 000a 03060a080001", ""}},
		"rejected":     {{"04 01 000a 03060a080001", "send 01 02 00 04" + timer}},
		"another address: ours stays, and in the end we say none": {
			{"03 01 000a 03060a080002", "send 01 02 00 0a 03 06 0a 08 00 01" + timer},
			{"03 02 000a 030600000000", "send 01 03 00 0a 03 06 0a 08 00 01" + timer},
			{"03 03 000a 03060a080002", "send 01 04 00 04" + timer},
			{"03 04 000a 03060a080002", "send 01 05 00 04" + timer}},
		"what we did not ask for": {
			{"03 01 0010 8106c0000235 0206002d0f01", "send 01 02 00 0a 03 06 0a 08 00 01" + timer}},
		"Protocol-Reject": {{"rejected", "stop timer; layer finished: the peer rejects the protocol"}},
		"an unknown code": {{"0e 09 0004", "send 07 02 00 08 0e 09 00 04"}},
	} {
		t.Run(name, func(t *testing.T) { playIP(t, ipConfig(), after(ipBegin, steps...)) })
	}
}

func TestIPCPResult(t *testing.T) {
	acked := after(ipBegin, step{"02 01 000a 03060a080001", ""})
	p, _ := playIP(t, ipConfig(), after(acked,
		step{"01 09 000a 03060a08000a", "stop timer; send 02 09 00 0a 03 06 0a 08 00 0a; layer up"}))
	want := ncp.IPCPResult{Local: addr("10.8.0.1"), Peer: addr("10.8.0.10"), Named: true}
	if got := p.Result(); got != want {
		t.Errorf("%+v", got)
	}
	// A router that does not negotiate its address: it gets the configured one.
	steps := acked
	for range 5 {
		steps = after(steps, step{"01 09 0004", "send 03 09 00 0a 03 06 0a 08 00 0a"})
	}
	p, _ = playIP(t, ipConfig(), after(steps, step{"01 0a 0004", "stop timer; send 02 0a 00 04; layer up"}))
	want.Named = false
	if got := p.Result(); got != want {
		t.Errorf("%+v", got)
	}
	conf := ipConfig()
	conf.Permit = func(netip.Addr) error { return nil }
	p, _ = playIP(t, conf, after(acked,
		step{"01 09 000a 0306c0000207", "stop timer; send 02 09 00 0a 03 06 c0 00 02 07; layer up"}))
	if got := p.Result(); got.Peer != addr("192.0.2.7") || !got.Named {
		t.Errorf("%+v", got)
	}
}
