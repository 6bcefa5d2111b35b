package policies

import (
	"fmt"
	"slices"

	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/texts"
)

// pending replaces the leg rule when a pending callback is checked before its dial.
func (e *evaluation) pending() (string, string, bool) {
	if e.Promised.Outcome != CallBack {
		return e.refuse("earlier decision", texts.RefusedCallback, "", "the earlier decision was not a callback")
	}
	return "pending callback", "checked again before its dial", false
}

// sourcePromise uses the promised number, not what a table or AAA's earlier answer would mean now. Whether a caller may
// choose is checked again.
func (e *evaluation) sourcePromise() (string, string, bool) {
	p := e.Promised
	input := fmt.Sprintf("%s from %s, promised", p.Number, p.Origin)
	switch permitted := e.policy.Numbers.permits(p.Origin); {
	case !permitted && (p.Origin == numbers.OriginCaller || p.Origin == numbers.OriginCallerID):
		return e.refuse(input, texts.RefusedCallback, "",
			"the caller chose the number, and group %s no longer allows that", e.policy.name())
	case !permitted:
		return e.refuse(input, texts.RefusedCallback, "",
			"AAA fixed the number, and group %s no longer allows that", e.policy.name())
	}
	e.known, e.d.Origin = p.Number, p.Origin
	return input, "the promised number", false
}

// notation is how the number is written: one of the table of places is the operator's.
func (e *evaluation) notation() numbers.Origin {
	if e.place {
		return numbers.OriginPlace
	}
	return e.d.Origin
}

// ruleSince compares with what was promised: another number or other lines end the callback; the rest is limited to the
// promise.
func ruleSince(e *evaluation) (string, string, bool) {
	p := e.Promised
	input := fmt.Sprintf("%s then, %s now", p.Number, e.d.Number)
	otherLines := len(e.d.Lines) > 0 && !slices.Equal(e.d.Lines, p.Lines)
	otherRotary := e.d.Rotary != nil && (p.Rotary == nil || *p.Rotary != *e.d.Rotary)
	switch {
	case e.d.Number != p.Number:
		return e.refuse(input, texts.RefusedCallback, "", "the number changed since the callback was promised")
	case e.Renewed && (otherLines || otherRotary):
		return e.refuse(input, texts.RefusedCallback, "",
			"the line to call back from changed since the callback was promised")
	}
	then := p.Attempts.orDefault()
	e.d.Origin, e.d.Lines, e.d.Rotary = p.Origin, slices.Clone(p.Lines), p.Rotary
	e.d.Dial = p.Dial
	e.d.NoVerify = e.d.NoVerify && p.NoVerify
	e.d.Attempts.After, e.d.Attempts.Disable, e.d.Attempts.Order = then.After, then.Disable, then.Order
	e.d.Attempts.Max = min(e.d.Attempts.Max, then.Max)
	e.d.Attempts.RetryWait = max(e.d.Attempts.RetryWait, then.RetryWait)
	return input, "at most what was promised", false
}
