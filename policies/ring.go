package policies

import (
	"fmt"
	"slices"

	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/texts"
)

const onRing = "callback_on_ring"

// ruleRing applies to a call that rings. Nobody has authenticated, and the calling number may be forged: so AAA's
// answer names the user, the number is AAA's or one of the user's list, and leg two requires a login. If the group has
// no `callback_on_ring: allow`, or AAA requires no callback, the call is answered, and its caller logs in.
func ruleRing(e *evaluation) (string, string, bool) {
	input := e.text(onRing, ": ", allowDeny(e.policy.OnRing))
	switch {
	case !e.policy.OnRing && e.Promised != nil:
		return e.refuse(input, texts.RefusedCallback, "", "group %s no longer calls back calls that are not answered",
			e.policy.name())
	case !e.policy.OnRing:
		return e.decide(Admit, input, "", "", "group "+e.policy.name()+" calls back nobody whose call is not answered")
	}
	e.d.OnRing = true
	e.policy.Numbers = e.policy.Numbers.unchosen()
	switch {
	case e.Promised != nil:
		return input, "the call was not answered", false
	case !e.demanded():
		return e.decide(Admit, input, "", "", "AAA requires no callback: the call is answered")
	case e.Identity.User == "":
		return e.refuse(input, texts.RefusedCallback, "send User-Name, with the user who must log in when called back",
			"AAA's answer names no user")
	case !e.Line.Trusted:
		return e.refuse(input, texts.RefusedCallback, "use a port with modem signals, or accept the risk with "+
			"insecure_signals: true on the line", "the line has no modem signals: a caller could write any number")
	}
	return input, "the call is not answered", false
}

// unchosen returns the Numbers without the sources from which a caller chooses a number that no list has.
func (n Numbers) unchosen() Numbers {
	from := []Source{}
	for _, s := range []Source{FromAAA, FromList} {
		if n.from(s) {
			from = append(from, s)
		}
	}
	n.From = from
	return n
}

// sourceRing uses the user's list: the calling number if the list has it, or else all its numbers in their order.
func (e *evaluation) sourceRing(input string) (string, string, bool) {
	list := e.policy.Numbers.List[e.Identity.User]
	input += fmt.Sprintf(", caller %s, from: %s", e.clip(e.Caller), e.policy.Numbers.sourceText())
	if !e.policy.Numbers.from(FromList) || len(list) == 0 {
		return e.refuse(input, texts.RefusedCallback,
			"send Callback-Number, or add caller_list to numbers.from and the "+
				"user's numbers to numbers.list", "AAA fixes no number, and group %s lists none for user %s",
			e.policy.name(), printable(e.Identity.User))
	}
	e.d.Origin = numbers.OriginCaller
	if n, err := e.set.site.Plan.Canonical(e.Caller, numbers.OriginCallerID); err == nil &&
		slices.Contains(list, n.String()) {
		e.known = n
		return input, "the calling number, which is in the list", false
	}
	for _, s := range list {
		n, err := numbers.Reread(s) // the list has numbers in canonical form
		if err != nil {
			return e.refuse(input, texts.RefusedCallback, "correct numbers.list in the group's policy file", "%v", err)
		}
		e.several = append(e.several, candidate{known: n})
	}
	e.candidate = e.several[0]
	return input, "the user's numbers in the list", false
}

// checkOnRing reports what `callback_on_ring: allow` lacks or contradicts.
func (p Policy) checkOnRing(v *schema.Value, problem func(at *schema.Value, msg, hint string)) {
	if !p.OnRing {
		return
	}
	at, user := v.Get(onRing), p.Limits.User
	switch {
	case p.Callback == Off:
		problem(at, "allows callbacks, but callback is off", "write callback: optional or required")
	case p.Callback == Secure:
		problem(at, "callback: secure calls back after a login only", "remove it, or write callback: required")
	case !user.countsCalls():
		problem(at, "anyone who can forge a calling number can cause these callbacks, and nothing limits them",
			"add a ceiling, such as limits: {user: {hour: {calls: 4}}}")
	}
}
