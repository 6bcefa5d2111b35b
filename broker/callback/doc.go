// Package callback decides what becomes of one callback, the promise to ring somebody back. It is a table of rules and
// the function Step over it. It is pure: no clock, no goroutine, no file, no line. Its owner (the broker's loop) keeps
// the State, feeds it Events in the order they happened, and carries out the Effects.
//
// The loop that a caller must write:
//
//	next, effects, ok := callback.Step(state, event)
//	if !ok {
//		// stale or out of place: count it; nothing changed and nothing is to be done
//	}
//	if callback.Durable(state, next) {
//		// write next and wait for the disk; on an error keep the old state, carry out no effect, and try again later
//	}
//	state = next
//	for _, e := range effects { /* carry out, in this order */ }
//
// So the promise is on paper before the caller is told (Tell), the attempt before the modem gets its dial command
// (Dial), and the end before anybody learns of it (End). Several steps may share one commit.
//
// What is ordered answers with an event, and that event names the order: Acquire with Leased or NoLine, OffHook with
// OffHookEnded, Recheck with DenialRechecked, Dial with DialEnded, StartSession with Admitted, NotAdmitted or
// CallEnded, ArmTimer with TimerFired, HangUp with whatever ends the thing hung up. All of them may come late, twice,
// or after a restart of the order's cause; the machine recognises that by lease, attempt and timer generation.
package callback
