package lcp_test

import (
	"fmt"

	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/lcp"
)

// A caller accepts PAP and asks for a callback by CBCP.
func Example() {
	l := lcp.New(lcp.Config{
		Config:   fsm.Config{FirstID: 1},
		Auth:     []lcp.Auth{lcp.PAP},
		Callback: []lcp.Operation{lcp.ByCBCP},
		Magic:    func() uint32 { return 0x01020304 },
	})
	for _, effects := range [][]fsm.Effect{
		l.Open(),
		l.Up(),
		l.Receive([]byte{1, 7, 0, 7, 13, 3, 6}),
		l.Receive([]byte("\x02\x01\x00\x18\x02\x06\x00\x00\x00\x00\x03\x04\xc0\x23\x05\x06\x01\x02\x03\x04\x07\x02\x08\x02")),
	} {
		for _, e := range effects {
			fmt.Println(e)
		}
	}
	fmt.Println(l.State(), l.Result().Auth, l.Result().Callback.Operation == lcp.ByCBCP)
	// Output:
	// c021 layer started
	// c021 send 01 01 00 18 02 06 00 00 00 00 03 04 c0 23 05 06 01 02 03 04 07 02 08 02
	// c021 start timer 3s
	// c021 send 02 07 00 07 0d 03 06
	// c021 receive as mru 1500 accm 00000000 magic 01020304 pfc acfc
	// c021 stop timer
	// c021 layer up
	// Opened pap true
}
