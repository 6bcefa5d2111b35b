package policies

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
)

// Outcome is what becomes of the caller. The zero value is none of them and grants nothing.
type Outcome string

const (
	Refuse        Outcome = "refuse"         // nobody is let in, nobody is called
	Admit         Outcome = "admit"          // the session begins on this call
	AskNumber     Outcome = "ask_number"     // ask the caller for a number, then Evaluate again with FromCaller
	InvalidNumber Outcome = "invalid_number" // the number that he gave will not do; he may give another while his tries last, else Refuse
	CallBack      Outcome = "call_back"      // promise a callback to Number, then hang up
)

// Request is what is known of a caller whom AAA has granted a session.
type Request struct {
	Identity   aaa.Identity
	Auth       aaa.Authorization
	Service    aaa.Service
	FromCaller *string           // what the caller typed for a number; nil: not asked yet
	Caller     string            // the number that rang us (Calling-Station-Id); "" unknown
	Leg        int               // 1 the caller's own call (0 stands for 1), 2 the call that a callback made
	Enabled    bool              // the configuration's callback switch of the service (exec.callback)
	Places     map[string]string // Callback-Id → number
	Plan       numbers.Plan

	CallerUntrusted bool // Caller came by a port without modem signals, where a caller can write any number: it is never dialled
}

// Decision is what the group's policy made of an authorization.
type Decision struct {
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason"`         // for the operator: one sentence
	Hint    string  `json:"hint,omitempty"` // for the operator: how to mend it
	Text    string  `json:"text,omitempty"` // for the caller: short, tells nothing about policy or servers

	Number   numbers.Number `json:"number,omitzero"`  // for CallBack
	Origin   numbers.Origin `json:"origin,omitempty"` // where Number came from
	NoVerify bool           `json:"no_verify"`        // the called party need not log in again
	Lines    []int          `json:"callback_line,omitempty"`
	Rotary   *int           `json:"callback_rotary,omitempty"`
	Attempts Attempts       `json:"attempts"`

	Reauthorize bool `json:"reauthorize,omitempty"` // AAA is asked again right before each dial

	Group  string `json:"group"`
	Digest string `json:"digest"` // of the group's policy
}

// The texts for callers.
const (
	TextRefused      = "Access denied"
	TextNoCallback   = "Callback not available"
	TextBadNumber    = "Invalid dialstring: digits only"
	TextNumberDenied = "Number not allowed"
)

// rule looks at the request, tells what it saw and what it made of it, and returns true where that decides.
type rule struct {
	name string
	do   func(*evaluation) (input, result string, decided bool)
}

// evaluation is one run of the rules.
type evaluation struct {
	Request
	policy Policy
	why    string // why this policy
	raw    string // the number before it is made canonical
	d      Decision
}

// The rules in their order. The first that decides ends the run; the last always does.
var rules = []rule{
	{"group", ruleGroup},
	{"authorization", ruleAuthorization},
	{"leg", ruleLeg},
	{"callback demanded", ruleDemanded},
	{"callback enabled", ruleEnabled},
	{"callback policy", rulePolicy},
	{"number from", ruleSource},
	{"number plan", rulePlan},
	{"emergency numbers", ruleEmergency},
	{"number lists", ruleLists},
	{"no_verify", ruleNoVerify},
	{"line", ruleLine},
	{"attempts", ruleAttempts},
}

// Evaluate decides about a caller and explains how. It never returns anything that the group's policy does not allow, whatever
// the Authorization says (laws 4 to 7 of the design).
func (s *Set) Evaluate(r Request) (Decision, Trace) {
	e := &evaluation{Request: r}
	e.policy, e.why = s.Policy(r.Identity.User, r.Auth.Groups)
	if left := s.unknown(r.Auth.Groups); len(left) > 0 {
		e.why += fmt.Sprintf("; no policy for AAA's %q", left)
	}
	e.d = Decision{Group: e.policy.name(), Digest: e.policy.Digest(), Attempts: e.policy.Attempts.orDefault()}
	var t Trace
	for _, rule := range rules {
		input, result, decided := rule.do(e)
		t = append(t, Step{rule.name, input, result})
		if decided {
			break
		}
	}
	if e.d.Outcome != CallBack { // nothing that only a callback has leaves here without one
		e.d.Number, e.d.Origin, e.d.NoVerify, e.d.Lines, e.d.Rotary, e.d.Reauthorize = numbers.Number{}, "", false, nil, nil, false
	}
	return e.d, t
}

// refuse decides Refuse; the caller hears text.
func (e *evaluation) refuse(input, text, hint, format string, args ...any) (string, string, bool) {
	return e.decide(Refuse, input, text, hint, fmt.Sprintf(format, args...))
}

func (e *evaluation) decide(o Outcome, input, text, hint, reason string) (string, string, bool) {
	e.d.Outcome, e.d.Text, e.d.Hint, e.d.Reason = o, text, hint, reason
	return input, strings.ReplaceAll(string(o), "_", " ") + ": " + reason, true
}

func ruleGroup(e *evaluation) (string, string, bool) {
	input := fmt.Sprintf("user %q", e.Identity.User)
	if len(e.Auth.Groups) > 0 {
		input += fmt.Sprintf(", AAA's groups %q", e.Auth.Groups)
	}
	return input, fmt.Sprintf("policy of group %s: %s", e.policy.name(), e.why), false
}

// Law 4: an authentic grant that cannot be honoured is a refusal.
func ruleAuthorization(e *evaluation) (string, string, bool) {
	kind := e.Auth.Kind
	if kind == "" {
		kind = "no Service-Type"
	}
	if e.Auth.Refuse != "" {
		return e.refuse(kind, TextRefused, "mend the user's entry at the AAA server", "the authorization cannot be honoured: %s", printable(e.Auth.Refuse))
	}
	return kind, "can be honoured", false
}

// Law 6: on leg two a callback is never decided; what demands one counts as satisfied.
func ruleLeg(e *evaluation) (string, string, bool) {
	switch e.Leg {
	case 0, 1:
		return "leg 1", "the caller's own call", false
	case 2:
		return e.decide(Admit, "leg 2", "", "", "this is the call that the callback made")
	}
	return e.refuse(fmt.Sprintf("leg %d", e.Leg), TextRefused, "", "there is no such leg of a callback")
}

// A number or place counts as a demand even where AAA forgot to say so: not to call back would admit on an unproven line.
func (e *evaluation) demanded() bool {
	return e.Auth.Callback || e.Auth.Dialstring.IsSet() || e.Auth.CallbackID != "" || e.Auth.CallerID
}

func ruleDemanded(e *evaluation) (string, string, bool) {
	input := fmt.Sprintf("AAA demands callback: %s", yesNo(e.demanded()))
	switch {
	case e.demanded():
		return input, "go on", false
	case e.policy.mode() == Required:
		return e.refuse(input, TextNoCallback, "give the user a callback number at the AAA server, or set callback: optional",
			"group %s requires a callback, and AAA demands none for this user", e.policy.name())
	}
	return e.decide(Admit, input, "", "", "AAA demands no callback")
}

func ruleEnabled(e *evaluation) (string, string, bool) {
	key := string(e.Service) + ".callback"
	if e.Service == "" {
		key = "callback"
	}
	if !e.Enabled {
		return e.refuse(key+" false", TextNoCallback, "set "+key+": true", "callback is demanded, and %s is off", key)
	}
	return key + " true", "go on", false
}

func rulePolicy(e *evaluation) (string, string, bool) {
	input := fmt.Sprintf("callback: %s", e.policy.mode())
	switch e.policy.mode() {
	case Optional, Required:
		return input, "go on", false
	}
	return e.refuse(input, TextNoCallback, "set callback: optional in the group's policy file",
		"AAA demands a callback, and group %s allows none", e.policy.name())
}

// ruleSource finds where the number comes from: AAA's own, AAA's Callback-Id in the table of places, or the caller.
func ruleSource(e *evaluation) (string, string, bool) {
	a := e.Auth
	input := fmt.Sprintf("dialstring %s, Callback-Id %q", a.Dialstring, a.CallbackID)
	switch {
	case a.CallerID:
		return e.sourceCallerID(input)
	case a.CallbackID != "":
		return e.sourcePlace(input)
	case a.Dialstring.IsNull():
		return e.sourceCaller(input)
	case a.Dialstring.IsSet():
		e.raw, e.d.Origin = a.Dialstring.Value(), numbers.OriginAAA
		return input, "AAA fixed it", false
	}
	return e.refuse(input, TextNoCallback, "send Callback-Number, or Cisco-AVPair shell:callback-dialstring= to let the caller type one",
		"AAA demands a callback and names no number")
}

func (e *evaluation) sourcePlace(input string) (string, string, bool) {
	number, ok := e.Places[e.Auth.CallbackID]
	switch {
	case !ok:
		return e.refuse(input, TextNoCallback, "add it to the configuration's places", "Callback-Id %q is no known place", e.Auth.CallbackID)
	case e.Auth.Dialstring.Value() != "":
		return e.refuse(input, TextNoCallback, "send one of the two", "AAA sent a number and a Callback-Id too: a contradiction")
	}
	e.raw, e.d.Origin = number, numbers.OriginPlace
	return input, "the place's number", false
}

func (e *evaluation) sourceCaller(input string) (string, string, bool) {
	input += ", from_caller: " + allowDeny(e.policy.Numbers.FromCaller)
	switch {
	case !e.policy.Numbers.FromCaller:
		return e.refuse(input, TextNoCallback, "set numbers: {from_caller: allow, allow: [\"84*\"]} in the group's policy file",
			"AAA leaves the number to the caller, and group %s lets no caller choose", e.policy.name())
	case e.FromCaller == nil:
		return e.decide(AskNumber, input, "", "", "AAA leaves the number to the caller")
	}
	e.raw, e.d.Origin = *e.FromCaller, numbers.OriginCaller
	return input, "the caller typed it", false
}

// sourceCallerID takes the number that rang us. It comes from the network, where it can be forged: the caller may choose it as if he typed it.
func (e *evaluation) sourceCallerID(input string) (string, string, bool) {
	input += fmt.Sprintf(", caller %s, from_caller: %s", clip(e.Caller), allowDeny(e.policy.Numbers.FromCaller))
	switch {
	case e.Auth.CallbackID != "" || e.Auth.Dialstring.Value() != "":
		return e.refuse(input, TextNoCallback, "send one of the two", "AAA wants the number that called to be called back and sent another too: a contradiction")
	case !e.policy.Numbers.FromCaller:
		return e.refuse(input, TextNoCallback, "set numbers: {from_caller: allow, allow: [\"84*\"]} in the group's policy file",
			"AAA wants the number that called to be called back, and group %s lets no caller choose", e.policy.name())
	case e.CallerUntrusted:
		return e.refuse(input, TextNoCallback, "use a port with modem signals, send Callback-Number, or accept it by insecure_signals: true on the line",
			"AAA wants the number that called to be called back, and the line has no modem signals: a caller could write any number")
	case e.Caller == "":
		return e.refuse(input, TextNoCallback, "the modem or the exchange gives no caller ID: switch it on, or send Callback-Number",
			"AAA wants the number that called to be called back, and it is unknown")
	}
	e.raw, e.d.Origin = e.Caller, numbers.OriginCallerID
	return input, "the number that called", false
}

// Law 7: nothing but canonical digits goes on.
func rulePlan(e *evaluation) (string, string, bool) {
	input := clip(e.raw)
	number, err := e.Plan.Canonical(e.raw, e.d.Origin)
	switch {
	case err == nil:
		e.d.Number = number
		return input, number.String(), false
	case e.d.Origin == numbers.OriginCaller:
		return e.decide(InvalidNumber, input, TextBadNumber, "", err.Error())
	}
	return e.refuse(input, TextNoCallback, "mend the number at the AAA server or in the configuration", "%v", err)
}

func ruleEmergency(e *evaluation) (string, string, bool) {
	if p := e.Plan.IsEmergency(e.d.Number); p != "" {
		return e.denied(e.d.Number.String(), "numbers.emergency has the patterns that are never dialled", fmt.Sprintf("emergency number %q is never dialled", p))
	}
	return e.d.Number.String(), "none of them", false
}

func ruleLists(e *evaluation) (string, string, bool) {
	ok, why := e.policy.Numbers.verdict(e.d.Number, e.d.Origin)
	if !ok {
		return e.denied(fmt.Sprintf("%s from %s", e.d.Number, e.d.Origin), "numbers.allow and numbers.deny of the group's policy file decide",
			fmt.Sprintf("group %s: %s", e.policy.name(), why))
	}
	return fmt.Sprintf("%s from %s", e.d.Number, e.d.Origin), why, false
}

// denied refuses a number that is well formed: a caller may type another.
func (e *evaluation) denied(input, hint, reason string) (string, string, bool) {
	if e.d.Origin == numbers.OriginCaller {
		return e.decide(InvalidNumber, input, TextNumberDenied, hint, reason)
	}
	return e.decide(Refuse, input, TextNoCallback, hint, reason)
}

// Law 5: the second login is left out only where AAA grants it, the policy allows it, and the service is EXEC or ARA.
func ruleNoVerify(e *evaluation) (string, string, bool) {
	input := fmt.Sprintf("AAA: %s, policy: %s, service %s", yesNo(e.Auth.NoVerify), allowDeny(e.policy.NoVerify), e.Service)
	e.d.NoVerify = e.Auth.NoVerify && e.policy.NoVerify && mayOmitLogin(e.Service)
	if e.d.NoVerify {
		return input, "no second login", false
	}
	return input, "a second login is demanded", false
}

func mayOmitLogin(s aaa.Service) bool { return s == aaa.EXEC || s == "ara" }

func ruleLine(e *evaluation) (string, string, bool) {
	e.d.Lines = slices.Clone(e.Auth.Lines)
	input := "AAA names no line, no rotary"
	result := "any line of the called line's rotary"
	if e.Auth.Rotary != nil {
		r := *e.Auth.Rotary
		e.d.Rotary, result = &r, fmt.Sprintf("rotary %d", r)
		input = fmt.Sprintf("AAA's callback-rotary %d", r)
	}
	if len(e.d.Lines) > 0 {
		result = fmt.Sprintf("tty %v", e.d.Lines)
		input = fmt.Sprintf("AAA's callback-line %v", e.d.Lines)
	}
	return input, result, false
}

func ruleAttempts(e *evaluation) (string, string, bool) {
	a := e.d.Attempts
	input := fmt.Sprintf("max %d, retry_wait %v", a.Max, a.RetryWait)
	if e.d.Reauthorize = e.policy.Reauthorize; e.d.Reauthorize {
		input += ", reauthorize " + beforeDial
	}
	return e.decide(CallBack, input, "", "", fmt.Sprintf("at %s, as group %s allows", e.d.Number, e.policy.name()))
}

// Recheck looks again at a pending callback right before its dial, with the policies and the configuration of now. Only denials count:
// it returns Refuse with the reason, or CallBack with a Decision that allows as much as before or less, never more. r is the
// request of then with today's Enabled, Places and Plan; d is the decision of then.
func (s *Set) Recheck(r Request, d Decision) (Decision, Trace) {
	if d.Outcome != CallBack {
		return Decision{Outcome: Refuse, Reason: "no callback was decided", Text: TextNoCallback}, nil
	}
	number := d.Number.String()
	switch d.Origin {
	case numbers.OriginCaller, numbers.OriginCallerID:
		r.FromCaller, r.Auth.Dialstring, r.Auth.CallbackID, r.Auth.CallerID = &number, aaa.DialstringOf(""), "", false
	default: // what AAA said then is what counts, not what a table says now
		r.Auth.Dialstring, r.Auth.CallbackID, r.Auth.CallerID = aaa.DialstringOf(number), "", false
		r.Plan.TrunkPrefixes = nil // it was removed then
	}
	r.Auth.Callback, r.Leg = true, 1
	now, t := s.Evaluate(r)
	if now.Outcome != CallBack {
		now.Outcome = Refuse
		return now, t
	}
	return now.within(d), t
}

// within is now, cut back to what d allowed too.
func (now Decision) within(d Decision) Decision {
	now.Number, now.Origin = d.Number, d.Origin
	now.NoVerify = now.NoVerify && d.NoVerify
	now.Reauthorize = now.Reauthorize || d.Reauthorize
	now.Lines, now.Rotary = d.Lines, d.Rotary
	now.Attempts.Max = min(now.Attempts.Max, d.Attempts.orDefault().Max)
	now.Attempts.RetryWait = max(now.Attempts.RetryWait, d.Attempts.orDefault().RetryWait)
	return now
}

// Reauthorized looks at a pending callback with what AAA granted anew right before its dial: r carries that, the caller of then, and today's Enabled,
// Places and Plan. As Recheck it only ever narrows: Refuse where AAA no longer demands the callback, or now means another number or other lines;
// else CallBack with a Decision that allows as much as d or less.
func (s *Set) Reauthorized(r Request, d Decision) (Decision, Trace) {
	if d.Outcome != CallBack {
		return Decision{Outcome: Refuse, Reason: "no callback was decided", Text: TextNoCallback}, nil
	}
	if d.Origin == numbers.OriginCaller {
		number := d.Number.String()
		r.FromCaller = &number
	}
	r.Leg = 1
	now, t := s.Evaluate(r)
	refuse := func(reason string) (Decision, Trace) {
		now.Outcome, now.Reason, now.Text = Refuse, reason, TextNoCallback
		return now, append(t, Step{"since the promise", fmt.Sprintf("%s then, %s now", d.Number, now.Number), "refuse: " + reason})
	}
	switch {
	case now.Outcome == Admit:
		return refuse("AAA no longer demands a callback")
	case now.Outcome == AskNumber:
		return refuse("AAA no longer names the number: it leaves it to the caller")
	case now.Outcome != CallBack:
		now.Outcome = Refuse
		return now, t
	case now.Number != d.Number:
		return refuse("the number changed since the promise")
	case len(now.Lines) > 0 && !slices.Equal(now.Lines, d.Lines), now.Rotary != nil && (d.Rotary == nil || *d.Rotary != *now.Rotary):
		return refuse("the line to call back from changed since the promise")
	}
	return now.within(d), t
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// printable keeps a sentence that holds text from outside on one line, and the operator's terminal unharmed.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// clip quotes text from outside for a trace, so that it cannot break a line or a terminal, and shortens it.
func clip(s string) string {
	if len(s) > 64 {
		return fmt.Sprintf("%q… (%d octets)", s[:64], len(s))
	}
	return fmt.Sprintf("%q", s)
}
