package fsm_test

import (
	"fmt"

	"github.com/ringback/ringback/ppp/fsm"
)

func ExampleStep() {
	state, do, ok := fsm.Step(fsm.AckRcvd, fsm.RCRPlus)
	fmt.Println(state, do, ok)
	// Output: Opened [sca tlu] true
}

// An engine carries out the effects of each call in their order.
func ExampleMachine() {
	m := fsm.New(0x8021, &colors{}, fsm.Config{FirstID: 1})
	for _, effects := range [][]fsm.Effect{
		m.Open(),
		m.Up(),
		m.Receive([]byte{fsm.ConfigureRequest, 5, 0, 4}),
		m.Receive([]byte{fsm.ConfigureAck, 1, 0, 4}),
	} {
		for _, e := range effects {
			fmt.Println(e)
		}
	}
	// Output:
	// 8021 layer started
	// 8021 send 01 01 00 04
	// 8021 start timer 3s
	// 8021 send 02 05 00 04
	// 8021 stop timer
	// 8021 layer up
}
