package journal

import "time"

// This file has the rows by which a node remembers what it and its fleet know of each other.

// GivenUp is the Outcome of a callback that another node of the fleet has: this node has ended its part, and the other
// one ends the callback. It is none of the ends of a callback; the same callback may come back with a higher Epoch.
const GivenUp = "given up"

// Over reports whether the callback has ended on this node. One that was given up has not: another node ends it.
func (c Callback) Over() bool { return !c.Pending() && c.Outcome != GivenUp }

// Owed is a report that this node owes its fleet: what it describes has happened and is in the journal, and the fleet
// has not acknowledged it. It is sent again until then.
type Owed struct {
	ID      string // of the callback
	Kind    string // opaque here; a callback has at most one of each
	Epoch   int64  // of the claim under which it happened
	Body    string // JSON of the owner, without secrets
	Created time.Time
}

// PutOwed writes a report, new or existing.
type PutOwed struct{ Owed Owed }

// DropOwed removes a report that was acknowledged. It is no error if there is none.
type DropOwed struct{ ID, Kind string }

func (PutOwed) mutation()  {}
func (DropOwed) mutation() {}
