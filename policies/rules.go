package policies

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/texts"
)

// ruleGroup chooses the policy: that of the group that lists the user; otherwise of the first of AAA's group hints with
// a policy; otherwise of the group whose `match` claims the user; otherwise of the group default; otherwise the
// built-in one.
func ruleGroup(e *evaluation) (string, string, bool) {
	input := e.text("user ", e.quote(e.Identity.User))
	if len(e.Auth.Groups) > 0 {
		input += fmt.Sprintf(", AAA's groups %q", e.Auth.Groups)
	}
	if listed, ok := e.otherSpelling(); ok {
		return e.ofNoGroup(input, []string{e.set.users[listed]}, fmt.Sprintf("the user must log in as %q", listed),
			fmt.Sprintf("the name differs from %q only in letter case, and group %s lists that user", listed,
				e.set.users[listed]))
	}
	p, why := e.named()
	if why == "" {
		f := e.set.facts(e.Request)
		input += e.set.match.shown(f)
		claiming, nearly := e.set.claiming(f)
		switch {
		case len(claiming) > 1:
			return e.ofNoGroup(input, claiming, "make the values of match in their policy files differ",
				fmt.Sprintf("the groups %s claim this caller", strings.Join(claiming, ", ")))
		case len(claiming) == 0 && len(nearly) > 0:
			return e.ofNoGroup(input, nearly, "the user must log in with the letter case of match",
				fmt.Sprintf("the name differs only in letter case from those that group %s claims",
					strings.Join(nearly, ", ")))
		}
		p, why = e.unnamed(claiming)
	}
	e.policy = p
	var left []string
	for _, h := range e.Auth.Groups {
		if _, ok := e.set.groups[h]; !ok {
			left = append(left, h)
		}
	}
	if len(left) > 0 {
		why += fmt.Sprintf("; no policy for AAA's group hints %q", left)
	}
	e.d = Decision{Group: e.policy.name(), Digest: e.policy.digest, Attempts: e.policy.Attempts.orDefault(),
		Limits: e.policy.Limits, EXEC: e.policy.EXEC, PPP: e.policy.PPP, Dial: e.policy.Dial}
	e.secure = e.policy.mode() == Secure
	if e.secure {
		e.policy.Numbers = e.policy.Numbers.fixed()
	}
	return input, e.text("policy of group ", e.policy.name(), ": ", why), false
}

// ofNoGroup refuses a caller if it is not clear in which of these groups they are.
func (e *evaluation) ofNoGroup(input string, groups []string, hint, reason string) (string, string, bool) {
	var files []string
	for _, name := range groups {
		g := e.set.groups[name]
		e.secure = e.secure || g.mode() == Secure
		if at := cmp.Or(g.written.of(0), g.written.name()); at != "" {
			files = append(files, at)
		}
	}
	e.at = strings.Join(files, ", ")
	return e.refuse(input, texts.RefusedAccess, hint, "%s", reason)
}

// otherSpelling returns a listed user whose name differs from the caller's only in letter case. For an AAA server that
// ignores it they are one account, which must not get the terms of another group in this way.
func (e *evaluation) otherSpelling() (listed string, ok bool) {
	user := e.Identity.User
	if _, exact := e.set.users[user]; exact {
		return "", false
	}
	listed, ok = e.set.folded[aaa.FoldUser(user)]
	return listed, ok
}

// named returns the policy of the group that lists the user or that AAA names, and why; "" if there is none.
func (e *evaluation) named() (group, string) {
	if g, ok := e.set.users[e.Identity.User]; ok {
		e.at = e.set.groups[g].written.element("users", e.Identity.User)
		return e.set.groups[g], "the group lists this user"
	}
	for _, h := range e.Auth.Groups {
		if p, ok := e.set.groups[h]; ok {
			e.at = p.written.name()
			return p, fmt.Sprintf("AAA's group hint %q", h)
		}
	}
	return group{}, ""
}

// unnamed returns the policy of another user; claiming are the groups whose `match` claims the caller.
func (e *evaluation) unnamed(claiming []string) (group, string) {
	if len(claiming) > 0 {
		return e.set.groups[claiming[0]], "the group's match"
	}
	if p, ok := e.set.groups[DefaultGroup]; ok {
		e.at = p.written.name()
		return p, "no other group claims this user"
	}
	p := Policy{Group: DefaultGroup}
	return newGroup(p), "built in, because there is no policy file for this user"
}

// Law 4: an authentic grant that cannot be honored is a refusal.
func ruleAuthorization(e *evaluation) (string, string, bool) {
	kind := e.Auth.Kind
	if kind == "" {
		kind = "no Service-Type"
	}
	if e.Auth.Refuse != "" {
		return e.refuse(kind, texts.RefusedAccess, "correct the user's entry at the AAA server",
			"the authorization cannot be honored: %s", printable(e.Auth.Refuse))
	}
	return kind, "can be honored", false
}

// Law 6: on leg two a callback is never decided; a requirement for one counts as met.
func ruleLeg(e *evaluation) (string, string, bool) {
	if e.Promised != nil {
		return e.pending()
	}
	switch e.Leg {
	case 0, 1:
		return "leg 1", "the caller's own call", false
	case 2:
		if e.otherService() {
			return fmt.Sprintf("leg 2, a callback of another service at %s", e.CalledBack), "continue", false
		}
		return e.decide(Admit, "leg 2", "", "", "this is the call that the callback made")
	}
	return e.refuse(fmt.Sprintf("leg %d", e.Leg), texts.RefusedAccess, "", "a callback has only the legs 1 and 2")
}

// otherService reports whether the call is leg two of a callback that was promised for another service.
func (e *evaluation) otherService() bool {
	return e.Leg == 2 && e.Promised == nil && !e.CalledBack.IsZero()
}

// ruleNetwork decides over the network, where there is no call: AAA's callback is ignored, and a group whose users need
// one has no access.
func ruleNetwork(e *evaluation) (string, string, bool) {
	input := e.text("vty, AAA requires callback: ", yesNo(e.demanded()), ", callback: ", string(e.policy.mode()))
	switch {
	case e.Leg == 2 || e.Promised != nil:
		return e.refuse(input, texts.RefusedAccess, "", "a callback is never over the network")
	case e.policy.required():
		return e.refuse(input, texts.RefusedAccess, "put the users that may come over the network into another group",
			"group %s requires a callback, and there is none over the network", e.policy.name())
	case e.demanded():
		e.d.CallbackIgnored = true
		return e.decide(Admit, input, "", "", "AAA's callback is ignored: there is none over the network")
	}
	return e.decide(Admit, input, "", "", "the session is over the network")
}

// A number or place counts as a requirement even without an explicit one: not calling back would admit the user on an
// unverified line.
func (e *evaluation) demanded() bool {
	return e.Auth.Callback || e.Auth.Dialstring.IsSet() || e.Auth.CallbackID != "" || e.Auth.CallerID
}

func ruleDemanded(e *evaluation) (string, string, bool) {
	input := e.text("AAA requires callback: ", yesNo(e.demanded()))
	open, why := e.open()
	switch {
	case e.demanded():
		return input, "continue", false
	case e.Promised != nil && !e.Promised.OnRequest && !e.Promised.Cheaper:
		return e.refuse(input, texts.RefusedCallback, "", "AAA no longer requires a callback")
	case e.otherService():
		return e.decide(Admit, input, "", "", "AAA requires no callback, and the caller was called back")
	case !open && e.mayRequest() && e.mayDecline():
		return e.decide(Admit, input, "", "", "AAA requires no callback, and none is offered outside the hours: "+why)
	case e.mayBeCheaper():
		e.d.Cheaper = true
		return input + ", callback: " + string(WhenCheaper), "one is made if it is cheaper", false
	case e.mayRequest():
		e.d.OnRequest = true
		return input + ", " + onRequest + ": allow", "the caller may request one", false
	case e.Promised != nil:
		return e.refuse(input, texts.RefusedCallback, "",
			"group %s no longer allows callbacks that AAA does not require",
			e.policy.name())
	case e.policy.required():
		return e.refuse(input, texts.RefusedCallback,
			"give the user a callback number on the AAA server",
			"group %s requires a callback, but AAA gives none for this user", e.policy.name())
	}
	return e.decide(Admit, input, "", "", "AAA requires no callback")
}

// mayDecline reports whether a caller who may request a callback is admitted without one, and has not requested it yet.
func (e *evaluation) mayDecline() bool {
	return e.policy.mode() == Optional && e.Promised == nil && e.FromCaller == nil && e.Place == ""
}

// mayRequest reports whether the caller may request a callback that AAA does not require: only PPP has a way to. A
// callback that is switched off is not offered.
func (e *evaluation) mayRequest() bool {
	mode := e.policy.mode()
	return e.policy.OnRequest && e.policy.Numbers.given() && (mode == Optional || mode == Required) &&
		e.Service == aaa.PPP && !e.policy.Services.denies(e.Service) && e.set.site.Callback[e.Service]
}

func ruleEnabled(e *evaluation) (string, string, bool) {
	key := e.text(string(e.Service), ".callback")
	if e.Service == "" {
		key = "callback"
	}
	if !e.set.site.Callback[e.Service] {
		return e.refuse(key+" false", texts.RefusedCallback, "set "+key+": true",
			"AAA requires a callback, but %s is false", key)
	}
	return e.text(key, " true"), "continue", false
}

func rulePolicy(e *evaluation) (string, string, bool) {
	input := e.text("callback: ", string(e.policy.mode()))
	switch mode := e.policy.mode(); {
	case e.policy.Services.denies(e.Service):
		return e.refuse(fmt.Sprintf("services.%s: deny", e.Service), texts.RefusedCallback,
			fmt.Sprintf("remove services.%s from the group's policy file", e.Service),
			"a callback is required, but services.%s is deny in group %s", e.Service, e.policy.name())
	case mode == Optional, mode == WhenCheaper, e.policy.required():
		return input, "continue", false
	}
	return e.refuse(input, texts.RefusedCallback, "set callback: required or optional in the group's policy file",
		"AAA requires a callback, but group %s does not allow one", e.policy.name())
}

// Law 5: the second login is skipped only if AAA grants it, the policy allows it, and the service is EXEC or ARA.
func ruleNoVerify(e *evaluation) (string, string, bool) {
	input := e.text("AAA: ", yesNo(e.Auth.NoVerify), ", policy: ", allowDeny(e.policy.NoVerify), ", service ",
		string(e.Service))
	if e.d.OnRing || e.d.Trigger != "" {
		return input + ", not answered", "login required: nobody has authenticated", false
	}
	e.d.NoVerify = e.Auth.NoVerify && e.policy.NoVerify && mayOmitLogin(e.Service)
	if e.d.NoVerify {
		return input, "no second login", false
	}
	return input, "second login required", false
}

func mayOmitLogin(s aaa.Service) bool { return s == aaa.EXEC || s == "ara" }

// ruleSessions: leg two would be refused if the user already has the maximum number of sessions, so it is not dialed.
func ruleSessions(e *evaluation) (string, string, bool) {
	limit := "no Port-Limit"
	if e.Auth.PortLimit > 0 {
		limit = e.text("Port-Limit ", strconv.Itoa(e.Auth.PortLimit))
	}
	input := e.text(strconv.Itoa(e.Used.Sessions), " sessions, ", limit)
	if err := PortLimit(e.Identity, e.Auth, e.Used); err != nil {
		return e.decide(Refuse, input, texts.RefusedCallback, "", err.Error())
	}
	return input, "one more is allowed", false
}

// PortLimit returns an error if a user already has the maximum number of sessions (Port-Limit).
func PortLimit(id aaa.Identity, auth aaa.Authorization, used Used) error {
	if auth.PortLimit > 0 && used.Sessions >= auth.PortLimit {
		return fmt.Errorf("user %s has %d sessions, and AAA allows %d (Port-Limit)",
			id.User, used.Sessions, auth.PortLimit)
	}
	return nil
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// printable keeps text from outside on one line and without terminal control characters.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
