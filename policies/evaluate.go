package policies

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/texts"
)

// Outcome is what happens to the caller. The zero value is none of them and grants nothing.
type Outcome string

const (
	Refuse        Outcome = "refuse"         // no session, no callback
	Admit         Outcome = "admit"          // the session begins on this call
	AskNumber     Outcome = "ask_number"     // ask the caller for a number, then Evaluate again with it
	InvalidNumber Outcome = "invalid_number" // the number is not accepted; another may be entered while tries remain
	CallBack      Outcome = "call_back"      // record a callback to Number, then hang up
	DialOut       Outcome = "dial_out"       // of a dial-out: Number may be dialed
	RawAccess     Outcome = "raw_access"     // of a dial-out: the user may have the modem itself
)

// words are the outcomes in a trace.
var words = map[Outcome]string{Refuse: "refuse", Admit: "admit", AskNumber: "ask number",
	InvalidNumber: "invalid number", CallBack: "call back",
	DialOut: "dial out", RawAccess: "raw access"}

// Decision is the result of applying the group's policy to an authorization.
type Decision struct {
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason"`         // for the operator: one sentence
	Hint    string  `json:"hint,omitempty"` // for the operator: how to correct it
	// for the caller: short, reveals nothing about policy or servers; in JSON in English
	Text texts.Key `json:"text,omitempty"`

	Number numbers.Number `json:"number,omitzero"` // for CallBack and DialOut
	// Further are the other numbers that may be dialed, in the order in which AAA or the list gives them. There are
	// some only if nobody chose the number.
	Further  []numbers.Number `json:"further_numbers,omitempty"`
	Origin   numbers.Origin   `json:"origin,omitempty"`        // where Number came from
	NoVerify bool             `json:"no_verify"`               // the called party need not log in again
	Lines    []int            `json:"callback_line,omitempty"` // best first
	// Tiers has how many of the next Lines are equally good, from the first one on; nil: each is alone.
	Tiers    []int    `json:"callback_tiers,omitempty"`
	Rotary   *int     `json:"callback_rotary,omitempty"`
	Attempts Attempts `json:"attempts"`

	Reauthorize bool `json:"reauthorize,omitempty"` // AAA is asked again right before each dial
	Dial        Dial `json:"dial,omitzero"`         // for CallBack and AskNumber

	// Cheaper: AAA requires no callback (CallBack), but one costs less than the caller's own call.
	Cheaper bool `json:"cheaper,omitempty"`

	// Secure: the caller learns nothing of this decision. Text and time are the same whatever it is, and also if what
	// it allows then fails.
	Secure bool `json:"secure,omitempty"`

	EXEC   EXEC   `json:"exec,omitzero"`    // what narrows an EXEC session
	Record bool   `json:"record,omitempty"` // the session, if there is one, is recorded
	PPP    PPP    `json:"ppp,omitzero"`     // what narrows a PPP session
	Limits Limits `json:"limits,omitzero"`  // the group's; the broker checks and applies them

	// For CallBack and AskNumber: AAA requires no callback, and the policy lets the caller request one.
	OnRequest  bool `json:"on_request,omitempty"`
	MayDecline bool `json:"may_decline,omitempty"` // for both: a caller who wants no callback is admitted

	// CallbackIgnored: AAA requires a callback, and the user is admitted without one, over the network.
	CallbackIgnored bool `json:"callback_ignored,omitempty"`

	// OnRing: the group lets the user be called back without the call being answered. With CallBack: that is so.
	OnRing bool `json:"on_ring,omitempty"`
	// Trigger is what requested the callback, which the group allows; "": a call, or an operator.
	Trigger string `json:"trigger,omitempty"`

	Group  string `json:"group"`
	Digest string `json:"digest"` // of the group's policy
}

// Numbers returns all numbers that may be dialed, in the order in which AAA or the list gives them; none without a
// callback.
func (d Decision) Numbers() []numbers.Number {
	if d.Number.IsZero() {
		return nil
	}
	return append([]numbers.Number{d.Number}, d.Further...)
}

// rule evaluates the request, returns its input and result for the trace, and true if it decides.
type rule struct {
	name string
	do   func(*evaluation) (input, result string, decided bool)
	when when
	keys []string // of policy files, that it looks at: the trace says where they are written
	out  scope
}

// scope says whether a rule is about callbacks and sessions, dial-outs, or both.
type scope int

const (
	callbacks scope = iota
	both
	dialOuts
)

// when says when a rule is evaluated.
type when int

const (
	whenAlways       when = iota
	whenPending           // only for a pending callback
	whenNetwork           // only on a vty
	whenRing              // only for a call that rings, and for a callback that was promised to one
	whenTrigger           // only for a trigger, and for a callback that one requested
	whenCountry           // only if the site has a country, so that numbers have classes
	whenSeveral           // only if there are several numbers
	whenTrunks            // only if the site has trunks
	whenOwn               // only if the site has own numbers
	whenCheaper           // only for a callback that is made because it is cheaper
	whenOtherService      // only on leg two of a callback that was promised for another service
	whenHours             // only if the group has hours, and never on leg two
	whenPPPAuth           // only for PPP, if the group does not accept every method
	whenPPPTerms          // only for PPP, if the group has a pool or a filter
	whenLimits            // only if the group has limits
	whenRecord            // only if the group's sessions are recorded
	whenAccess            // only if the group requires an access window
	whenConditions        // only if the group has conditions
	whenRaw               // only if the user asks for the modem itself
	whenNumber            // only if not
	whenDial              // only if the group says how callbacks are dialed
)

// applies reports whether a rule is evaluated.
func (e *evaluation) applies(w when) bool {
	switch w {
	case whenPending:
		return e.Promised != nil
	case whenNetwork:
		return e.Network
	case whenRing:
		return e.Ringing || e.Promised != nil && e.Promised.OnRing
	case whenTrigger:
		return e.trigger() != ""
	case whenOtherService:
		return e.otherService()
	case whenCheaper:
		return e.d.Cheaper && e.Promised == nil
	case whenCountry:
		return e.set.site.Plan.Country.Code != ""
	case whenHours:
		return !e.policy.Hours.always() && !e.otherService()
	case whenConditions:
		return len(e.policy.When) > 0
	case whenPPPAuth:
		return e.Service == aaa.PPP && e.policy.PPPAuth != nil
	case whenPPPTerms:
		return e.Service == aaa.PPP && e.policy.PPP != (PPP{}) && e.set.site.PPPUnfit != nil
	case whenLimits:
		return e.policy.Limits != Limits{}
	case whenRecord:
		return e.policy.Record
	case whenAccess:
		return e.policy.Access.Required
	case whenSeveral:
		return len(e.several) > 1
	case whenTrunks:
		return len(e.set.site.Trunks) > 0
	case whenDial:
		return e.d.Dial != Dial{}
	case whenRaw:
		return e.Raw
	case whenNumber:
		return !e.Raw
	case whenOwn:
		return e.set.site.Plan.Own.Len() > 0
	}
	return true
}

// evaluation is one run of the rules.
type evaluation struct {
	Request
	set    *Set
	policy group
	candidate
	several []candidate // the numbers that AAA or the list gives, candidate being the first
	steps   Trace       // rows of the rule that is being evaluated, before its own
	secure  bool        // the policy, or one of those that claim the caller, is Secure
	place   bool        // raw is from the table of places, although the caller chose it
	d       Decision
	texts   strings.Builder // of the trace
	at      string          // of the rule that is evaluated, where the value that decides is written; "": see rule.keys
}

// candidate is a number that is being evaluated.
type candidate struct {
	raw   string         // as received, not yet canonical
	known numbers.Number // instead of raw: it was promised, called or listed, so it is canonical already
}

// Names of rules that may decide otherwise at another moment.
const (
	RuleHours = "hours"
	RuleWhen  = "when"
)

const rulePlanName = "number plan"

// The rules in order. The first that decides ends the run; the last always decides.
var rules = slices.Concat([]rule{
	{name: "group", do: ruleGroup, keys: []string{"match"}, out: both},
	{name: "authorization", do: ruleAuthorization, out: both},
	{name: "PPP authentication", do: rulePPPAuth, when: whenPPPAuth, keys: []string{"ppp.auth"}},
	{name: "PPP terms", do: rulePPPTerms, when: whenPPPTerms, keys: []string{"ppp.pool", "ppp.filter"}},
	{name: "recording", do: ruleRecord, when: whenRecord, keys: []string{"record"}, out: both},
	{name: RuleAccess, do: ruleAccess, when: whenAccess, keys: []string{"access"}, out: both},
	{name: "dial-out", do: ruleDialOut, when: whenNumber, keys: []string{dialOut}, out: dialOuts},
	{name: "network", do: ruleNetwork, when: whenNetwork, keys: []string{"callback"}},
	{name: "leg", do: ruleLeg},
	{name: "ringing call", do: ruleRing, when: whenRing, keys: []string{onRing}},
	{name: "trigger", do: ruleTrigger, when: whenTrigger, keys: []string{triggersKey}},
	{name: "callback demanded", do: ruleDemanded, keys: []string{"callback", onRequest}},
	{name: "callback enabled", do: ruleEnabled},
	{name: "callback policy", do: rulePolicy, keys: []string{"callback", "services"}},
	{name: RuleHours, do: ruleHours, when: whenHours, out: both},
	{name: "raw access", do: ruleRawAccess, when: whenRaw, keys: []string{rawAccess}, out: dialOuts},
	{name: "number from", do: ruleSource, keys: []string{"numbers.from", "numbers.from_caller"}},
	{name: "several numbers", do: ruleSeveral, when: whenSeveral},
}, numberRules, []rule{
	{name: "tariff", do: ruleTariff, when: whenCheaper},
	{name: "called number", do: ruleCalled, when: whenOtherService},
	{name: "sessions", do: ruleSessions, out: both},
	{name: "no_verify", do: ruleNoVerify, keys: []string{"no_verify"}},
	{name: "line", do: ruleLine, keys: []string{"callback_lines", "same_line"}},
	{name: "dial", do: ruleDial, when: whenDial,
		keys: []string{"script", "modem_script", "system_script", "wait", "on_number_in_use"}},
	{name: "since the promise", do: ruleSince, when: whenPending},
	{name: "limits", do: ruleLimits, when: whenLimits, keys: []string{"limits"}, out: both},
	{name: "attempts", do: ruleAttempts, keys: []string{"attempts", "reauthorize"}},
	{name: "AAA's numbers", do: ruleDialOutFixed, out: dialOuts},
	{name: "dialed", do: ruleDialed, keys: []string{dialOut}, out: dialOuts},
})

// numberRules are about one number. Each of several is evaluated by itself.
var numberRules = []rule{
	{name: rulePlanName, do: rulePlan, out: both},
	{name: "emergency numbers", do: ruleEmergency, out: both},
	{name: "own numbers", do: ruleOwn, when: whenOwn, out: both},
	{name: "number classes", do: ruleClasses, when: whenCountry,
		keys: []string{"numbers.allow_classes", "numbers.deny_classes"}, out: both},
	{name: "number lists", do: ruleLists, keys: []string{"numbers.allow", "numbers.deny"}, out: both},
	{name: "trunks", do: ruleTrunks, when: whenTrunks, out: both},
	{name: RuleWhen, do: ruleWhen, when: whenConditions, out: both},
}

// Evaluate decides about a caller and explains how. It never allows more than the group's policy, whatever the
// Authorization says (laws 4 to 7 in ARCHITECTURE.md). For a pending callback (Request.Promised) it decides Refuse, or
// CallBack with a Decision that allows at most what was promised.
func (s *Set) Evaluate(r Request) (Decision, Trace) {
	if s == nil {
		s = &Set{}
	}
	e := &evaluation{Request: r, set: s}
	e.texts.Grow(1024)
	t := make(Trace, 0, len(rules))
	for i, rule := range rules {
		if !e.applies(rule.when) || rule.out == dialOuts && !e.dialsOut() || rule.out == callbacks && e.dialsOut() {
			continue
		}
		e.at = ""
		input, result, decided := rule.do(e)
		for _, s := range e.steps {
			t = append(t, Step{rule.name, s.Input, s.Result, s.At})
		}
		e.steps = nil
		t = append(t, Step{rule.name, input, result, cmp.Or(e.at, e.policy.written.of(i))})
		if decided {
			break
		}
	}
	if e.d.Outcome != CallBack && e.d.Outcome != DialOut { // fields of a callback are set only for a callback
		e.d.Number, e.d.Further, e.d.Origin, e.d.Lines, e.d.Rotary = numbers.Number{}, nil, "", nil, nil
		e.d.NoVerify, e.d.Reauthorize = false, false
		e.d.OnRequest = e.d.OnRequest && e.d.Outcome == AskNumber
		e.d.Cheaper = false
		if e.d.Outcome != AskNumber {
			e.d.Dial = Dial{}
		}
	}
	e.d.MayDecline = e.d.OnRequest && e.d.Outcome == AskNumber && !e.policy.required() || e.d.Cheaper
	if e.secure && e.Promised == nil && e.Leg != 2 && !e.dialsOut() {
		e.d.Secure, e.d.Text = true, texts.CallbackSecure
	}
	return e.d, t
}

// SamePolicy reports whether the policy by which another Set has decided about a caller is the one that applies to the
// caller here. If both Sets have the same Site, Evaluate then decides the same, and need not be called.
func (s *Set) SamePolicy(r Request, d Decision) bool {
	if s == nil {
		s = &Set{}
	}
	e := &evaluation{Request: r, set: s}
	ruleGroup(e)
	return d.Digest != "" && e.d.Digest == d.Digest && e.d.Group == d.Group
}

// refuse decides Refuse; text is for the caller.
func (e *evaluation) refuse(input string, text texts.Key, hint, format string, args ...any) (string, string, bool) {
	return e.decide(Refuse, input, text, hint, fmt.Sprintf(format, args...))
}

func (e *evaluation) decide(o Outcome, input string, text texts.Key, hint, reason string) (string, string, bool) {
	switch { // without a caller to admit or ask, and on leg two, which causes no callback
	case e.Promised != nil && o != CallBack:
		o, text = Refuse, texts.RefusedCallback
	case e.unanswered() && o != CallBack && o != Admit: // nobody is there to ask
		o, text = Refuse, texts.RefusedCallback
	case e.otherService() && o != Admit:
		o, text = Refuse, texts.RefusedAccess
	case e.d.Cheaper && o != CallBack: // a callback that nobody requires does not keep the user from a session
		o, text, reason = Admit, "", "AAA requires no callback, and none is made: "+reason
	}
	if e.dialsOut() && text == texts.RefusedCallback {
		text = texts.RefusedNumberDenied
	}
	e.d.Outcome, e.d.Text, e.d.Hint, e.d.Reason = o, text, hint, reason
	return input, e.text(words[o], ": ", reason), true
}

// Rules returns the names of the rules in the order of evaluation, as they are in a Trace.
func Rules() []string {
	var names []string
	for _, r := range rules {
		names = append(names, r.name)
	}
	return names
}
