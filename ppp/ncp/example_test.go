package ncp_test

import (
	"fmt"
	"net/netip"

	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/ncp"
)

// A caller asks for an address and gets one.
func ExampleIPCP() {
	p := ncp.NewIPCP(ncp.IPCPConfig{
		Config: fsm.Config{FirstID: 1},
		Local:  netip.MustParseAddr("10.8.0.1"),
		Peer:   netip.MustParseAddr("10.8.0.10"),
	})
	for _, effects := range [][]fsm.Effect{
		p.Open(),
		p.Up(),
		p.Receive([]byte{1, 1, 0, 10, 3, 6, 0, 0, 0, 0}),
		p.Receive([]byte{2, 1, 0, 10, 3, 6, 10, 8, 0, 1}),
		p.Receive([]byte{1, 2, 0, 10, 3, 6, 10, 8, 0, 10}),
	} {
		for _, e := range effects {
			fmt.Println(e)
		}
	}
	fmt.Println(p.State(), p.Result().Peer)
	// Output:
	// 8021 layer started
	// 8021 send 01 01 00 0a 03 06 0a 08 00 01
	// 8021 start timer 3s
	// 8021 send 03 01 00 0a 03 06 0a 08 00 0a
	// 8021 stop timer
	// 8021 send 02 02 00 0a 03 06 0a 08 00 0a
	// 8021 layer up
	// Opened 10.8.0.10
}
