package policies

import (
	"time"

	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
)

// cheaperFor is the length of the calls whose costs are compared.
const cheaperFor = 10 * time.Minute

// mayBeCheaper reports whether a callback that AAA does not require is made if it is cheaper. A pending one stays what
// it is, as long as the policy still has such callbacks.
func (e *evaluation) mayBeCheaper() bool {
	return e.policy.mode() == WhenCheaper && (e.Promised == nil || e.Promised.Cheaper) &&
		!e.policy.Services.denies(e.Service) && e.set.site.Callback[e.Service]
}

// sourceCheaper uses the calling number, which only the network may have written.
func (e *evaluation) sourceCheaper(input string) (string, string, bool) {
	input = e.text(input, ", caller ", e.clip(e.Caller))
	switch {
	case e.Promised != nil:
		e.known, e.d.Origin = e.Promised.Number, numbers.OriginCallerID
		return input, "the calling number of leg 1", false
	case !e.policy.Numbers.from(FromCallerID):
		return e.refuse(input, "", "add caller_id to numbers.from", "numbers.from of group %s has no caller_id",
			e.policy.name())
	case !e.Line.Trusted:
		return e.refuse(input, "", "use a port with modem signals, or accept the risk with insecure_signals: true on "+
			"the line", "the line has no modem signals, so a caller could write any calling number")
	case e.Caller == "":
		return e.refuse(input, "", "enable caller ID in the modem and the exchange", "the calling number is unknown")
	}
	e.raw, e.d.Origin = e.Caller, numbers.OriginCallerID
	return input, "the calling number", false
}

// ruleTariff compares what a call to the calling number costs the site with what the caller's call costs the caller.
func ruleTariff(e *evaluation) (string, string, bool) {
	input := e.d.Number.String()
	rate, ok := e.set.site.Tariff.Find(e.d.Number)
	switch {
	case e.set.site.Tariff == nil:
		return e.refuse(input, "", "write a tariff in ringback.yaml, and name that file with -c",
			"no tariff is known, so no callback is cheaper")
	case !ok:
		return e.refuse(input, "", "add its prefix to the tariff", "the tariff has no rate for the calling number")
	}
	ours := e.set.site.Trunks.Dearest(e.set.site.Plan, e.d.Number, rate, cheaperFor)
	theirs, known := rate.CallerCost(cheaperFor)
	input = e.text(input, ", prefix ", rate.Prefix, " ", printable(rate.Zone))
	switch {
	case !known:
		return e.refuse(input, "", "add caller_per_minute to the tariff",
			"the tariff does not say what calls from prefix %s cost the caller", rate.Prefix)
	case ours >= theirs:
		return e.refuse(input, "", "", "%v cost %v %s here, and %v for the caller", cheaperFor, ours,
			e.set.site.Tariff.Currency(), theirs)
	}
	return input, e.text(cheaperFor.String(), " cost ", ours.String(), " ", e.set.site.Tariff.Currency(), " here, and ",
		theirs.String(), " for the caller"), false
}

// checkCheaper reports what contradicts `callback: when_cheaper`.
func (p Policy) checkCheaper(v *schema.Value, problem func(at *schema.Value, msg, hint string)) {
	switch {
	case p.Callback != WhenCheaper:
	case p.OnRequest:
		problem(v.Get(onRequest), "callback: when_cheaper lets nobody request a callback", "remove it, or write "+
			"callback: optional")
	case !p.Numbers.from(FromCallerID):
		problem(v.Get("callback"), "when_cheaper calls the calling number, and numbers.from has no caller_id",
			`write numbers: {from: [aaa, caller_id], allow: ["84*"]}`)
	}
}
