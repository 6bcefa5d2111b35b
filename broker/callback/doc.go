// Package callback decides the fate of one callback. It is a table of rules and the function Step that applies it. It
// is pure: it has no clock, goroutines, files or lines. Its owner (the broker's loop) keeps the State, passes it Events
// in the order they happened, and carries out the Effects.
//
// The caller must write this loop:
//
//	next, effects, ok := callback.Step(state, event)
//	if !ok {
//		// stale or out of place: count it; nothing changed and there is nothing to do
//	}
//	if callback.Durable(state, next) {
//		// write next and wait for the disk; on an error keep the old state, carry out no effect, and retry later
//	}
//	state = next
//	for _, e := range effects { /* carry out, in this order */ }
//
// So the promise is on disk before the caller is told (Tell), the attempt before the modem gets its dial command
// (Dial), and the end before anyone is notified of it (End). Several steps may share one commit.
//
// Each order is answered by an event that names the order: Acquire by Leased or NoLine, OffHook by OffHookEnded,
// Recheck by DenialRechecked, Dial by DialEnded, StartSession by Admitted, NotAdmitted or CallEnded, ArmTimer by
// TimerFired, HangUp by the end of the dial or the call. Each of these events may come late, twice, or after a restart
// made it obsolete; the machine detects this by lease, attempt and timer generation.
package callback
