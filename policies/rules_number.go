package policies

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/texts"
)

// ruleSource finds where the number comes from: AAA's own, AAA's Callback-Id in the table of places, or the caller.
func ruleSource(e *evaluation) (string, string, bool) {
	a := e.Auth
	input := e.text("dialstring ", a.Dialstring.String(), ", Callback-Id ", e.quote(a.CallbackID))
	if len(a.Further) > 0 {
		input = e.text(input, ", further ", fmt.Sprintf("%q", a.Further))
	}
	switch {
	case e.Promised != nil && !e.Renewed:
		return e.sourcePromise()
	case e.d.Cheaper:
		return e.sourceCheaper(input)
	case e.secure && (a.CallerID || a.CallbackID == "" && a.Dialstring.IsNull()):
		return e.refuse(input+", callback: "+string(Secure), texts.RefusedCallback,
			"send Callback-Number, with the number to call",
			"AAA does not fix the number, and group %s calls no other (callback: secure)", e.policy.name())
	case e.unanswered() && e.Promised == nil && (a.CallerID || a.CallbackID == "" && a.Dialstring.IsNull()):
		return e.sourceRing(input)
	case e.unanswered() && a.CallerID:
		return e.sourceCaller(input) // the number of the list, as it was promised
	case a.CallerID:
		return e.sourceCallerID(input)
	case a.CallbackID != "":
		return e.sourcePlace(input)
	case a.Dialstring.IsNull(), e.d.OnRequest:
		return e.sourceCaller(input)
	case a.Dialstring.IsSet() && !e.policy.Numbers.from(FromAAA):
		return e.sourceNotAAA(input)
	case a.Dialstring.IsSet():
		e.d.Origin = numbers.OriginAAA
		for _, n := range a.Numbers() {
			e.several = append(e.several, candidate{raw: n})
		}
		e.candidate = e.several[0]
		return input, "AAA fixed it", false
	}
	return e.refuse(input, texts.RefusedCallback,
		"send Callback-Number, or Cisco-AVPair shell:callback-dialstring= to let the caller type one",
		"AAA requires a callback but gives no number")
}

func (e *evaluation) sourcePlace(input string) (string, string, bool) {
	number, ok := e.set.site.Places[e.Auth.CallbackID]
	switch {
	case !ok:
		return e.refuse(input, texts.RefusedCallback, "add it to the configuration's places",
			"Callback-Id %q is not a known place", e.Auth.CallbackID)
	case e.Auth.Dialstring.Value() != "":
		return e.refuse(input, texts.RefusedCallback, "send one of the two",
			"AAA sent both a number and a Callback-Id")
	}
	if !e.policy.Numbers.from(FromAAA) {
		return e.sourceNotAAA(input)
	}
	e.raw, e.d.Origin = number, numbers.OriginPlace
	return input, "the place's number", false
}

// sourceNotAAA refuses AAA's own number: the policy has other sources.
func (e *evaluation) sourceNotAAA(input string) (string, string, bool) {
	return e.refuse(input+", from: "+e.policy.Numbers.sourceText(), texts.RefusedCallback,
		"add aaa to numbers.from in the group's policy file, or let AAA leave the number to the caller",
		"AAA fixes the number, but numbers.from of group %s has no aaa", e.policy.name())
}

func (e *evaluation) sourceCaller(input string) (string, string, bool) {
	input = e.text(input, ", from: ", e.policy.sources)
	switch {
	case !e.policy.Numbers.given():
		return e.refuse(input, texts.RefusedCallback,
			"set numbers: {from: [aaa, caller], allow: [\"84*\"]} in the group's policy file",
			"AAA lets the caller choose the number, but group %s does not", e.policy.name())
	case e.Promised != nil && e.Promised.Origin != numbers.OriginCaller:
		return e.refuse(input, texts.RefusedCallback, "",
			"AAA no longer gives the number: it lets the caller choose")
	case e.Promised != nil:
		e.known, e.d.Origin = e.Promised.Number, numbers.OriginCaller
		return input, "the caller gave it on leg 1", false
	case e.otherService():
		e.known, e.d.Origin = e.CalledBack, numbers.OriginCaller
		return input, "the number that was called", false
	case e.Place != "":
		return e.sourceChosenPlace(input)
	case e.FromCaller == nil && e.d.OnRequest:
		return e.decide(AskNumber, input, "", "", "the caller may request a callback and gives the number")
	case e.FromCaller == nil:
		return e.decide(AskNumber, input, "", "", "AAA lets the caller choose the number")
	}
	e.raw, e.d.Origin = *e.FromCaller, numbers.OriginCaller
	return input, "the caller gave it", false
}

// sourceChosenPlace looks up the place that the caller chose. The lists apply as to a number that the caller gave.
func (e *evaluation) sourceChosenPlace(input string) (string, string, bool) {
	input += ", place " + e.clip(e.Place)
	number, ok := e.set.site.Places[e.Place]
	if !ok {
		return e.decide(InvalidNumber, input, texts.RefusedPlace, "add it to the configuration's places",
			"the caller's "+e.clip(e.Place)+" is not a known place")
	}
	e.raw, e.place, e.d.Origin = number, true, numbers.OriginCaller
	return input, "the place's number", false
}

// sourceCallerID uses the caller ID. It comes from the network, where it can be forged: the caller may
// choose it as if they typed it.
func (e *evaluation) sourceCallerID(input string) (string, string, bool) {
	input += fmt.Sprintf(", caller %s, from: %s", e.clip(e.Caller), e.policy.Numbers.sourceText())
	switch {
	case e.Auth.CallbackID != "" || e.Auth.Dialstring.Value() != "":
		return e.refuse(input, texts.RefusedCallback, "send one of the two",
			"AAA sent both a number and a callback to the caller ID")
	case !e.policy.Numbers.from(FromCallerID):
		return e.refuse(input, texts.RefusedCallback,
			"set numbers: {from: [aaa, caller_id], allow: [\"84*\"]} in the group's policy file",
			"AAA requires a callback to the caller ID, but group %s does not allow one (caller_id)",
			e.policy.name())
	case !e.Line.Trusted:
		return e.refuse(input, texts.RefusedCallback,
			"use a port with modem signals, send Callback-Number, or accept the risk with insecure_signals: true on "+
				"the line",
			"AAA requires a callback to the caller ID, but the line has no modem signals: "+
				"a caller could write any number")
	case e.Caller == "":
		return e.refuse(input, texts.RefusedCallback,
			"enable caller ID in the modem and the exchange, or send Callback-Number",
			"AAA requires a callback to the caller ID, but it is unknown")
	}
	e.raw, e.d.Origin = e.Caller, numbers.OriginCallerID
	return input, "the caller ID", false
}

// Law 7: only canonical digits continue.
func rulePlan(e *evaluation) (string, string, bool) {
	input := e.clip(e.raw)
	number, err := e.known, error(nil)
	if number.IsZero() {
		number, err = e.set.site.Plan.Canonical(e.raw, e.notation())
	} else {
		input, err = e.clip(number.String()), e.set.site.Plan.Check(number)
	}
	switch {
	case err == nil:
		e.d.Number = number
		return input, number.String(), false
	case e.d.Origin == numbers.OriginCaller && e.set.site.Plan.Country.Code != "":
		return e.decide(InvalidNumber, input, texts.RefusedNumberUnreadable, "", err.Error())
	case e.d.Origin == numbers.OriginCaller:
		return e.decide(InvalidNumber, input, texts.RefusedNumberDigits, "", err.Error())
	}
	return e.refuse(input, texts.RefusedCallback,
		"correct the number at the AAA server or in the configuration", "%v", err)
}

func ruleEmergency(e *evaluation) (string, string, bool) {
	if p := e.set.site.Plan.IsEmergency(e.d.Number); p != "" {
		return e.denied(e.d.Number.String(), "numbers.emergency has the patterns that are never dialed",
			fmt.Sprintf("emergency number %q is never dialed", p))
	}
	return e.d.Number.String(), "not an emergency number", false
}

func ruleOwn(e *evaluation) (string, string, bool) {
	if p := e.set.site.Plan.IsOwn(e.d.Number); p != "" {
		return e.denied(e.d.Number.String(), "numbers.own has the patterns of the site's own numbers",
			fmt.Sprintf("own number %q is never dialed", p))
	}
	return e.d.Number.String(), "not a number of this site", false
}

// ruleClasses rejects a number that has a class which is denied always, by default or by the group. It does not guess:
// a number without a known class could have any.
func ruleClasses(e *evaluation) (string, string, bool) {
	classes := e.set.site.Plan.Classes(e.d.Number)
	input := e.text(e.d.Number.String(), ", classes: ", classes.String())
	switch denied := (classes & e.policy.denied).First(); denied {
	case "":
		return input, "no denied class", false
	case numbers.Unknown:
		return e.denied(input, "give its range a class in the file of numbers.fraud_file",
			"the class of the number is not known")
	default:
		return e.denied(input, "check numbers.allow_classes and numbers.deny_classes in the group's policy file",
			"group "+e.policy.name()+": numbers of class "+string(denied)+" are denied")
	}
}

func ruleLists(e *evaluation) (string, string, bool) {
	input := e.text(e.d.Number.String(), " from ", string(e.d.Origin))
	ok, why := e.verdict()
	if !ok {
		hint := "check numbers.allow, numbers.deny and numbers.list in the group's policy file"
		if e.dialsOut() {
			hint = "check dial_out.allow, dial_out.deny and numbers.deny in the group's policy file"
		}
		return e.denied(input, hint,
			"group "+e.policy.name()+": "+why)
	}
	return input, why, false
}

// ruleTrunks rejects a number that no trunk takes.
func ruleTrunks(e *evaluation) (string, string, bool) {
	taking, why := e.set.site.Trunks.Taking(e.set.site.Plan, e.d.Number)
	if len(taking) == 0 {
		return e.denied(e.d.Number.String(), "trunks in the configuration have the numbers that each trunk takes",
			"no trunk takes the number: "+why)
	}
	result := strings.Join(taking.Names(), ", then ")
	if why != "" {
		result += "; not " + why
	}
	return e.d.Number.String(), result, false
}

// ruleCalled: no service is a way around a callback, so the one that this service requires must have been made already.
// A callback causes no other (law 6).
func ruleCalled(e *evaluation) (string, string, bool) {
	input := fmt.Sprintf("%s required, %s called", e.d.Number, e.CalledBack)
	if e.d.Number == e.CalledBack {
		return e.decide(Admit, input, "", "", "the required callback was made")
	}
	return e.decide(Refuse, input, texts.RefusedAccess, "",
		"the callback that this service requires is at another number")
}

// denied refuses a valid number; a caller may type another.
func (e *evaluation) denied(input, hint, reason string) (string, string, bool) {
	if e.d.Origin == numbers.OriginCaller {
		return e.decide(InvalidNumber, input, texts.RefusedNumberDenied, hint, reason)
	}
	return e.decide(Refuse, input, texts.RefusedCallback, hint, reason)
}

// verdict applies the lists to the number.
func (e *evaluation) verdict() (allowed bool, why string) {
	if e.dialsOut() {
		return e.dialOutVerdict()
	}
	n, user := e.policy.Numbers, e.Identity.User
	a, al := e.policy.allow.Longest(e.d.Number)
	d, dl := e.policy.deny.Longest(e.d.Number)
	callers := e.d.Origin == numbers.OriginCaller
	switch {
	case dl >= 0 && dl >= al:
		e.at = e.policy.written.element("numbers.deny", d)
		return false, e.text("deny ", e.quote(d), " is the longest match")
	case callers && n.from(FromList) && slices.Contains(n.List[user], e.d.Number.String()):
		e.at = e.policy.written.element("numbers.list."+user, e.d.Number.String())
		return true, e.text("a number of user ", e.quote(user), " in the list")
	case callers && !n.from(FromCaller):
		if list := n.List[user]; len(list) > 0 {
			e.at = e.policy.written.element("numbers.list."+user, list[0])
		}
		return false, e.text("a caller's number must be in the list, and user ", e.quote(user), " has no such number")
	case al >= 0:
		e.at = e.policy.written.element("numbers.allow", a)
		return true, e.text("allow ", e.quote(a), " is the longest match")
	case callers || e.d.Origin == numbers.OriginCallerID:
		return false, "a caller's number must match an allow pattern, and none does"
	}
	return true, "a fixed number, and no deny pattern matches"
}
