package sqlite

import "github.com/ringback/ringback/broker/journal"

// The order of values here is the order of columns in the tables of codec.go.

func callValues(c journal.Call) []any {
	return []any{c.ID, int64(c.TTY), c.Direction, c.Caller, c.Called, c.Connect, c.User, c.Entry, c.Service,
		int64(c.Leg), c.CallbackID,
		c.SessionID, c.MultiSessionID, nanos(c.Start), nanos(c.End), c.Cause, int64(c.TerminateCause),
		int64(c.OctetsIn), int64(c.OctetsOut),
		c.Data}
}

func decodeCall(values []any) (journal.Call, error) {
	v := &cols{values: values}
	c := journal.Call{ID: v.str(), TTY: v.int(), Direction: v.str(), Caller: v.str(), Called: v.str(), Connect: v.str(),
		User:  v.str(),
		Entry: v.str(), Service: v.str(), Leg: v.int(), CallbackID: v.str(), SessionID: v.str(),
		MultiSessionID: v.str(), Start: v.time(),
		End: v.time(), Cause: v.str(), TerminateCause: v.int(), OctetsIn: v.octets(), OctetsOut: v.octets(),
		Data: v.str()}
	return c, v.end()
}

// unused is the value of callbacks.held_by, which nothing has ever set: removing the column would change the checksums
// of all rows.
const unused = ""

func callbackValues(c journal.Callback) []any {
	return []any{c.ID, c.Phase, c.State, c.User, c.Entry, c.Service, c.Caller, c.Number, boolean(c.NoVerify), c.CallID,
		int64(c.CalledTTY),
		ttyList(c.Lines), optional(c.Rotary), int64(c.ForcedWait), int64(c.RetryWait), int64(c.Attempts), int64(c.Max),
		c.Decision, c.Trace,
		c.PolicyDigest, c.Authorization, c.MultiSessionID, unused, nanos(c.Created), nanos(c.Updated), nanos(c.Ended),
		c.Outcome, c.Cause, c.Plan, c.Epoch, c.Home, boolean(c.Shared)}
}

func decodeCallback(values []any) (journal.Callback, error) {
	v := &cols{values: values}
	c := journal.Callback{ID: v.str(), Phase: v.str(), State: v.str(), User: v.str(), Entry: v.str(), Service: v.str(),
		Caller: v.str(),
		Number: v.str(), NoVerify: v.boolean(), CallID: v.str(), CalledTTY: v.int(), Lines: v.ttys(),
		Rotary:     v.optional(),
		ForcedWait: v.dur(), RetryWait: v.dur(), Attempts: v.int(), Max: v.int(), Decision: v.str(), Trace: v.str(),
		PolicyDigest:  v.str(),
		Authorization: v.str(), MultiSessionID: v.str(), Created: v.unused().time(), Updated: v.time(), Ended: v.time(),
		Outcome: v.str(), Cause: v.str(), Plan: v.str(), Epoch: v.i64(), Home: v.str(), Shared: v.boolean()}
	return c, v.end()
}

func attemptValues(a journal.Attempt) []any {
	return []any{a.CallbackID, int64(a.N), int64(a.TTY), a.Script, a.Number, nanos(a.Started), nanos(a.Ended),
		a.Outcome, a.Detail, a.Transcript,
		int64(a.Step)}
}

func decodeAttempt(values []any) (journal.Attempt, error) {
	v := &cols{values: values}
	a := journal.Attempt{CallbackID: v.str(), N: v.int(), TTY: v.int(), Script: v.str(), Number: v.str(),
		Started: v.time(), Ended: v.time(),
		Outcome: v.str(), Detail: v.str(), Transcript: v.str(), Step: v.int()}
	return a, v.end()
}

func spooledValues(s journal.Spooled) []any {
	return []any{s.Seq, s.ID, s.SessionID, s.Body, nanos(s.Created), int64(s.Tries), s.LastError, s.List}
}

func decodeSpooled(values []any) (journal.Spooled, error) {
	v := &cols{values: values}
	s := journal.Spooled{Seq: v.i64(), ID: v.str(), SessionID: v.str(), Body: v.str(), Created: v.time(),
		Tries: v.int(), LastError: v.str(), List: v.str()}
	return s, v.end()
}

// An audit record's checksum is the Hash that the next one has as PrevHash.
func auditValues(a journal.Audit) []any {
	return []any{a.Seq, nanos(a.Time), a.Kind, a.Who, a.Text, a.PrevHash}
}

func (k rowKey) decodeAudit(values []any) (journal.Audit, error) {
	v := &cols{values: values}
	a := journal.Audit{Seq: v.i64(), Time: v.time(), Kind: v.str(), Who: v.str(), Text: v.str(), PrevHash: v.blob()}
	a.Hash = auditTable.sum(k, values)
	return a, v.end()
}
