package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/node/methods"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/ppp/network"
	"github.com/ringback/ringback/session/exec"
	pppfront "github.com/ringback/ringback/session/ppp"
)

// Report is the result of a simulated login: AAA's answer, the policy decision and what would happen to the call.
type Report struct {
	User          string             `json:"user"`
	Service       aaa.Service        `json:"service"`
	Auth          string             `json:"auth,omitempty"` // of PPP: pap, chap, ms-chap, ms-chap-v2 or eap
	Line          int                `json:"line,omitempty"`
	Caller        string             `json:"caller,omitempty"`
	Called        string             `json:"called,omitempty"`
	Number        string             `json:"number,omitempty"` // of a dial-out, as typed
	Result        string             `json:"result"`           // granted, refused, silent
	Reason        string             `json:"reason,omitempty"`
	Message       string             `json:"message,omitempty"` // the server's message to the caller
	Entry         string             `json:"entry,omitempty"`
	Identity      string             `json:"identity,omitempty"` // the user that logged in, which EAP may change
	Server        string             `json:"server,omitempty"`
	Authorization *aaa.Authorization `json:"authorization,omitempty"`
	Decision      *policies.Decision `json:"decision,omitempty"`
	Trace         policies.Trace     `json:"trace,omitempty"`
	// the lines that may call back, best first, assuming that all are idle
	Dialers []int            `json:"dialers,omitempty"`
	Wait    *Wait            `json:"wait,omitempty"` // before the callback
	Ways    []Way            `json:"ways,omitempty"` // of PPP, unless the caller is rejected in every way
	Verdict Verdict          `json:"verdict"`        // what would happen, as a constant
	Outcome string           `json:"outcome"`        // what would happen, as a sentence
	Hint    string           `json:"hint,omitempty"` // how to change the outcome
	Packets []methods.Packet `json:"packets"`
	Silent  []Silence        `json:"silent,omitempty"` // methods that did not answer
}

// Verdict is what would happen to the call.
type Verdict string

// The verdicts.
const (
	Refuse    Verdict = "refuse"
	Admit     Verdict = "admit"
	CallBack  Verdict = "call_back"
	AskNumber Verdict = "ask_number"
	DialOut   Verdict = "dial_out"
)

// Silence is a method that did not answer, and why.
type Silence struct {
	Method string `json:"method"`
	Reason string `json:"reason"`
}

// fill derives the outcome from the final AAA result.
func (r *Report) fill(cfg *config.Config, line config.Line, res aaa.Result, windows map[string]policies.AccessWindow) {
	r.Result, r.Reason, r.Message, r.Server = res.Kind.String(), res.Reason, res.Message, res.Server
	r.Authorization, r.Verdict = &res.Auth, Refuse
	if res.Kind != aaa.Granted {
		r.Outcome = "rejected, no callback"
		if r.Service == aaa.Outbound {
			r.Outcome = "rejected, nothing is dialed"
		}
		if res.Kind == aaa.Silent {
			r.Outcome = "rejected: no method of the list answered"
		}
		return
	}
	r.Entry, r.Identity = res.Identity.Entry, res.Identity.User
	if why := unserved(cfg, r.Service, line); why != "" {
		r.Outcome = "rejected: " + why
		return
	}
	if why := unservable(cfg, r.Service, res.Auth); why != "" {
		r.Outcome = "rejected: unsupported authorization: " + why
		return
	}
	asked := aaa.Request{Service: r.Service, TTY: line.TTY, Caller: r.Caller, Called: r.Called}
	request := policies.Ask(asked, res, line.ForPolicies(), time.Now(), policies.Used{})
	request.Windows = windows
	if r.Number != "" {
		request.FromCaller = &r.Number
	}
	d, t := cfg.Policies.Evaluate(request)
	r.Decision, r.Trace, r.Hint = &d, t, d.Hint
	r.Verdict, r.Outcome = r.conclude(cfg, line, d)
	if d.Secure {
		r.Outcome += fmt.Sprintf("; the caller reads %q in any case", d.Text)
	}
	if r.Service == aaa.PPP && r.Verdict != Refuse {
		r.Ways = r.waysOf(cfg, line, d)
	}
}

// unserved returns why a line, or every line if none is given, does not serve a service; "" if it does.
func unserved(cfg *config.Config, s aaa.Service, line config.Line) string {
	switch {
	case line.TTY != 0 && !line.Serves(s):
		return fmt.Sprintf("tty %d does not serve PPP (ppp_profile)", line.TTY)
	case line.TTY == 0 && !slices.ContainsFunc(cfg.Lines, func(l config.Line) bool { return l.Serves(s) }):
		return "no line serves PPP (ppp_profile)"
	}
	return ""
}

// unservable returns why the front end of a service cannot apply an authorization; "" if it can.
func unservable(cfg *config.Config, s aaa.Service, auth aaa.Authorization) string {
	switch s {
	case aaa.EXEC:
		return exec.New(cfg.Exec).Unservable(auth)
	case aaa.PPP:
		n := network.New(network.Config{Pools: cfg.PPP.Pools, Filters: cfg.PPP.Filters,
			Group: func(name string) bool { _, ok := cfg.Policies.Group(name); return ok }})
		return pppfront.New(pppfront.Config{Unservable: n.Unservable}).Unservable(auth)
	}
	return ""
}

// conclude returns what a decision means on this line.
func (r *Report) conclude(cfg *config.Config, line config.Line, d policies.Decision) (Verdict, string) {
	switch d.Outcome {
	case policies.Admit:
		return Admit, "admitted without a callback: " + r.session(d)
	case policies.DialOut:
		return DialOut, fmt.Sprintf("may dial %s, for %v at most", d.Number, d.Limits.SessionTime)
	case policies.AskNumber:
		switch {
		case r.Service == aaa.Outbound:
			return AskNumber, "asked for a number: " + d.Reason
		case r.Service != aaa.PPP:
			return AskNumber, "asked for a callback number"
		case d.MayDecline:
			return AskNumber, "called back at a number of the caller, or admitted without a callback: " + r.session(d)
		}
		return AskNumber, "called back at a number of the caller: " + r.session(d)
	case policies.CallBack:
		return r.callback(cfg, line, d)
	}
	return Refuse, "rejected: " + d.Reason
}

// session describes what an admitted caller gets.
func (r *Report) session(policies.Decision) string {
	a := r.Authorization
	switch {
	case a.Host != nil:
		return fmt.Sprintf("connection to %s with %s, port %d", cmp.Or(a.Host.Address, "the configured host"),
			a.Host.Service, a.Host.Port)
	case a.Autocmd != "":
		return fmt.Sprintf("command %q at privilege level %d", a.Autocmd, a.PrivLevel)
	case r.Service == aaa.PPP:
		return "PPP"
	}
	return fmt.Sprintf("EXEC at privilege level %d", a.PrivLevel)
}

func (r *Report) callback(cfg *config.Config, line config.Line, d policies.Decision) (Verdict, string) {
	from := "from a line of the called line's rotary"
	omits := d.NoVerify
	if line.TTY != 0 || len(d.Lines) > 0 || d.Rotary != nil {
		var err error
		if r.Dialers, err = r.dialers(cfg, line, d); err != nil {
			r.Hint = ""
			return Refuse, "rejected: " + err.Error()
		}
		from = "from tty " + strings.Trim(strings.ReplaceAll(fmt.Sprint(r.Dialers), " ", ", "), "[]") +
			" (" + r.hunt(cfg, line, d) + ")"
		if i := slices.IndexFunc(cfg.Lines, func(l config.Line) bool {
			return len(r.Dialers) > 0 &&
				l.TTY == r.Dialers[0]
		}); i >= 0 {
			omits = omits && wanted(line, d).MayOmitLogin(cfg.Lines[i].Config)
		}
	}
	r.Wait = r.waitOf(cfg, line, d, r.Authorization.CallbackDelay)
	again := "then the user must log in again"
	switch {
	case omits:
		again = "without a second login"
	case d.NoVerify:
		again += " (the dialing line has no modem signals or is the called line)"
	}
	return CallBack, fmt.Sprintf("called back at %s %s, %s after hang-up or later, %s: %s", d.Number, from, r.Wait,
		again, r.session(d))
}

// hunt says which of the lines that may call back is used.
func (r *Report) hunt(cfg *config.Config, line config.Line, d policies.Decision) string {
	rotary := line.Rotary
	if d.Rotary != nil {
		rotary = *d.Rotary
	}
	if len(d.Tiers) > 0 {
		return "first idle line; those of a rotary hunt"
	}
	if len(d.Lines) == 0 && len(r.Dialers) > 1 {
		switch cfg.Hunts[rotary] {
		case lines.RoundRobin:
			return "an idle line, in turn"
		case lines.LeastUsed:
			return "the idle line that is least used"
		}
	}
	return "first idle line"
}

// dialers returns the lines that may call back, assuming that all are idle.
func (r *Report) dialers(cfg *config.Config, line config.Line, d policies.Decision) ([]int, error) {
	var all []lines.Status
	for _, l := range cfg.Lines {
		all = append(all, l.Idle())
	}
	want := wanted(line, d)
	want.Unfit = cfg.Unfit(r.Service)
	return lines.Choose(want, all)
}

// wanted selects the lines that may dial the callback for a call on this line.
func wanted(line config.Line, d policies.Decision) lines.Want {
	want := lines.Want{TTYs: d.Lines, Tiers: d.Tiers, Rotary: lines.NoRotary, Called: line.TTY, NoVerify: d.NoVerify}
	if d.Rotary != nil {
		want.Rotary = *d.Rotary
	}
	return want
}
