package callback_test

import (
	"fmt"

	"github.com/ringback/ringback/broker/callback"
)

// A callback from the promise to leg two. The timer events name the timers that the effects armed.
func ExampleStep() {
	var s callback.State
	for _, e := range []callback.Event{
		callback.Promise{ID: "cb1", Max: 1},
		callback.HungUp{},
		callback.Leased{Lease: 1, TTY: 66},
		callback.OffHookEnded{Lease: 1},
		callback.TimerFired{Kind: callback.Wait, Gen: 3},
		callback.DenialRechecked{Gen: 3},
		callback.DialEnded{Attempt: 1, Lease: 1, Connected: true},
		callback.Admitted{Attempt: 1},
		callback.DialEnded{Attempt: 1, Lease: 1, Outcome: "busy"}, // too late
	} {
		next, effects, ok := callback.Step(s, e)
		fmt.Printf("%T: %v", e, next.Phase)
		if !ok {
			fmt.Print(", refused")
		}
		if callback.Durable(s, next) {
			fmt.Print(", to be committed first")
		}
		fmt.Println()
		for _, effect := range effects {
			fmt.Println(" ", effect)
		}
		s = next
	}
	// Output:
	// callback.Promise: promised, to be committed first
	//   ArmTimer lifetime gen=1
	//   ArmTimer hang-up deadline gen=2
	//   Tell
	// callback.HungUp: leasing, to be committed first
	//   StopTimer hang-up deadline gen=2
	//   Acquire
	// callback.Leased: waiting, to be committed first
	//   OffHook lease=1
	//   ArmTimer wait gen=3
	// callback.OffHookEnded: waiting
	// callback.TimerFired: waiting
	//   Recheck gen=3
	// callback.DenialRechecked: dialing, to be committed first
	//   ArmTimer dial deadline gen=4
	//   Dial attempt=1 lease=1
	// callback.DialEnded: answered, to be committed first
	//   StopTimer dial deadline gen=4
	//   ArmTimer login deadline gen=5
	//   StartSession attempt=1 lease=1
	// callback.Admitted: completed, to be committed first
	//   StopTimer login deadline gen=5
	//   StopTimer lifetime gen=1
	//   End completed: ""
	// callback.DialEnded: completed, refused
}
