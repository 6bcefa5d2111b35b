package events

import "slices"

// Names returns the names of an event, the most exact first: its kind, and before that, for the end of a callback, how
// it has ended: "callback.failed".
func Names(e Event) []string {
	var names []string
	if end, ok := e.(CallbackEnded); ok {
		names = append(names, ended+end.Outcome)
	}
	return append(names, string(KindOf(e)))
}

// ended is what precedes the outcome in the name of the end of a callback.
const ended = "callback."

// outcomes are those of CallbackEnded.
var outcomes = []string{"completed", "failed", "expired", "cancelled"}

// AllNames are the names of all events, sorted.
func AllNames() (all []string) {
	for _, o := range outcomes {
		all = append(all, ended+o)
	}
	for _, row := range Table {
		all = append(all, string(row.Kind))
	}
	slices.Sort(all)
	return all
}
