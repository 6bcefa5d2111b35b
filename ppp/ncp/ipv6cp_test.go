package ncp_test

import (
	"testing"

	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/fsm/fsmtest"
	"github.com/ringback/ringback/ppp/ncp"
)

// randoms returns ff00000000000001, ff00000000000002 and so on.
func randoms() func() uint64 {
	n := uint64(0xff00000000000000)
	return func() uint64 { n++; return n }
}

func id(last byte) ncp.InterfaceID { return ncp.InterfaceID{7: last} }

func playIPv6(t *testing.T, c ncp.IPV6CPConfig, steps []step) *ncp.IPV6CP {
	t.Helper()
	p := ncp.NewIPV6CP(c)
	fsmtest.Play(t, &fsmtest.Engine{Layer: p}, "8057", nil, steps)
	return p
}

// v6Begin are the steps to Req-Sent with the identifier ::aa; the suggestion for the peer is fd00:0:0:1, the u bit
// cleared.
var v6Begin = []step{
	{"open", "layer started"},
	{"up", "send 01 01 00 0e 01 0a 00 00 00 00 00 00 00 aa" + timer},
}

const suggested = "01 0a fd 00 00 00 00 00 00 01"

func TestIPV6CP(t *testing.T) {
	for name, c := range map[string]struct {
		framed ncp.InterfaceID
		steps  []step
	}{
		"RFC 5072 §4.1: different, not zero: Ack (pppd #244)": {ncp.InterfaceID{}, []step{
			{"01 09 000e 010a307d292ea2fe80f0", "send 02 09 00 0e 01 0a 30 7d 29 2e a2 fe 80 f0"}}},
		"RFC 5072 §4.1: zero: Nak": {ncp.InterfaceID{}, []step{
			{"01 09 000e 010a0000000000000000", "send 03 09 00 0e " + suggested},
			{"01 0a 000e 010afd00000000000001", "send 02 0a 00 0e " + suggested}}},
		"RFC 5072 §4.1: equal, not zero: Nak": {ncp.InterfaceID{}, []step{
			{"01 09 000e 010a00000000000000aa", "send 03 09 00 0e " + suggested}}},
		"RFC 5072 §4.1: missing: appended once": {ncp.InterfaceID{}, []step{
			{"01 09 0004", "send 03 09 00 0e " + suggested},
			{"01 0a 0004", "send 02 0a 00 04"}}},
		"RFC 1661 §6: a wrong length": {ncp.InterfaceID{}, []step{
			{"01 09 0008 0104 0001", "send 03 09 00 0e " + suggested}}},
		"Framed-Interface-Id: another one": {id(0x77), []step{
			{"01 09 000e 010a307d292ea2fe80f0", "send 03 09 00 0e 01 0a 00 00 00 00 00 00 00 77"}}},
		"Framed-Interface-Id: zero": {id(0x77), []step{
			{"01 09 000e 010a0000000000000000", "send 03 09 00 0e 01 0a 00 00 00 00 00 00 00 77"}}},
		"Framed-Interface-Id: this one": {id(0x77), []step{
			{"01 09 000e 010a0000000000000077", "send 02 09 00 0e 01 0a 00 00 00 00 00 00 00 77"}}},
		"compression is rejected (RFC 5172)": {ncp.InterfaceID{}, []step{
			{"01 09 0012 010a307d292ea2fe80f0 0204004f", "send 04 09 00 08 02 04 00 4f"},
			{"01 0a 0008 0204004f", "send 04 0a 00 08 02 04 00 4f"}}},
		"our identifier: the peer's suggestion is taken": {ncp.InterfaceID{}, []step{
			{"03 01 000e 010a00000000000000bb", "send 01 02 00 0e 01 0a 00 00 00 00 00 00 00 bb" + timer}}},
		"our identifier: not zero": {ncp.InterfaceID{}, []step{
			{"03 01 000e 010a0000000000000000", "send 01 02 00 0e 01 0a fd 00 00 00 00 00 00 02" + timer}}},
		"our identifier: not what we suggested to the peer": {ncp.InterfaceID{}, []step{
			{"01 09 000e 010a0000000000000000", "send 03 09 00 0e " + suggested},
			{"03 01 000e 010afd00000000000001", "send 01 02 00 0e 01 0a fd 00 00 00 00 00 00 02" + timer}}},
		"our identifier: not the peer's": {ncp.InterfaceID{}, []step{
			{"01 09 000e 010a307d292ea2fe80f0", "send 02 09 00 0e 01 0a 30 7d 29 2e a2 fe 80 f0"},
			{"03 01 000e 010a307d292ea2fe80f0", "send 01 02 00 0e 01 0a fd 00 00 00 00 00 00 02" + timer}}},
		"our identifier is rejected": {ncp.InterfaceID{}, []step{
			{"04 01 000e 010a00000000000000aa", "send 01 02 00 04" + timer},
			{"03 02 000e 010a00000000000000bb", "send 01 03 00 04" + timer}}},
		"a Nak of something else": {ncp.InterfaceID{}, []step{
			{"03 01 0008 0204004f", "send 01 02 00 0e 01 0a 00 00 00 00 00 00 00 aa" + timer}}},
	} {
		t.Run(name, func(t *testing.T) {
			conf := ncp.IPV6CPConfig{Config: fsm.Config{FirstID: 1}, Local: id(0xaa), Peer: c.framed, Random: randoms()}
			playIPv6(t, conf, after(v6Begin, c.steps...))
		})
	}
}

// Our identifier is never zero and never the peer's.
func TestIPV6CPLocal(t *testing.T) {
	conf := ncp.IPV6CPConfig{Config: fsm.Config{FirstID: 1}, Random: randoms()}
	playIPv6(t, conf, []step{v6Begin[0], {"up", "send 01 01 00 0e 01 0a fd 00 00 00 00 00 00 01" + timer}})
	conf = ncp.IPV6CPConfig{Config: fsm.Config{FirstID: 1}, Local: id(1), Peer: id(1),
		Random: func() uint64 { return 1 }}
	playIPv6(t, conf, []step{v6Begin[0], {"up", "send 01 01 00 0e 01 0a 00 00 00 00 00 00 00 02" + timer}})
	conf = ncp.IPV6CPConfig{Config: fsm.Config{FirstID: 1}, Random: func() uint64 { return 0 }}
	playIPv6(t, conf, []step{v6Begin[0], {"up", "send 01 01 00 0e 01 0a 00 00 00 00 00 00 00 01" + timer}})
}

func TestIPV6CPResult(t *testing.T) {
	acked := after(v6Begin, step{"02 01 000e 010a00000000000000aa", ""})
	conf := ncp.IPV6CPConfig{Config: fsm.Config{FirstID: 1}, Local: id(0xaa), Random: randoms()}
	p := playIPv6(t, conf, after(acked, step{"01 09 000e 010a0000000000000077",
		"stop timer; send 02 09 00 0e 01 0a 00 00 00 00 00 00 00 77; layer up"}))
	if got := p.Result(); got != (ncp.IPV6CPResult{Local: id(0xaa), Peer: id(0x77), Named: true}) {
		t.Errorf("%+v", got)
	}
	if got := p.Result().Peer.LinkLocal().String(); got != "fe80::77" {
		t.Error(got)
	}
	// A peer that does not negotiate its identifier.
	for framed, want := range map[ncp.InterfaceID]ncp.InterfaceID{{}: {}, id(5): id(5)} {
		conf.Peer, conf.Random = framed, randoms()
		p := ncp.NewIPV6CP(conf)
		e := &fsmtest.Engine{Layer: p}
		e.Start(t)
		for _, in := range []string{"02 01 000e 010a00000000000000aa", "01 09 0004", "01 0a 0004"} {
			e.Receive(t, fsmtest.Hex(t, in))
		}
		if got := p.Result(); !e.IsUp || got.Peer != want || got.Named {
			t.Errorf("up %v, %+v", e.IsUp, got)
		}
	}
}

func TestInterfaceID(t *testing.T) {
	want := ncp.InterfaceID{0x30, 0x7d, 0, 0, 0xa2, 0xfe, 0, 0x77}
	for _, text := range []string{"307d:0:a2fe:77", "307D:0000:A2FE:0077"} {
		if got, err := ncp.ParseInterfaceID(text); err != nil || got != want {
			t.Errorf("%s: %v %v", text, got, err)
		}
	}
	if got := want.String(); got != "307d:0000:a2fe:0077" {
		t.Error(got)
	}
	for _, text := range []string{"", "1:2:3", "1:2:3:4:5", "1:2:3:", "1:2:3:10000", "1:2:3:-4", "1:2:3:g", "::1:2:3"} {
		if got, err := ncp.ParseInterfaceID(text); err == nil || got != (ncp.InterfaceID{}) {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
}
