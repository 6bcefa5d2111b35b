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
	"github.com/ringback/ringback/session/exec"
)

// Report is what AAA and the policies made of a login, and what would become of the caller.
type Report struct {
	User          string             `json:"user"`
	Service       aaa.Service        `json:"service"`
	Line          int                `json:"line,omitempty"`
	Caller        string             `json:"caller,omitempty"`
	Result        string             `json:"result"` // granted, refused, silent
	Reason        string             `json:"reason,omitempty"`
	Message       string             `json:"message,omitempty"` // what the server would have the caller told
	Entry         string             `json:"entry,omitempty"`
	Server        string             `json:"server,omitempty"`
	Authorization *aaa.Authorization `json:"authorization,omitempty"`
	Decision      *policies.Decision `json:"decision,omitempty"`
	Trace         policies.Trace     `json:"trace,omitempty"`
	Dialers       []int              `json:"dialers,omitempty"` // the lines that may call back, best first, all of them taken to be idle
	Wait          *Wait              `json:"wait,omitempty"`    // of a callback
	Verdict       Verdict            `json:"verdict"`           // what would happen: one word
	Outcome       string             `json:"outcome"`           // … and one sentence
	Hint          string             `json:"hint,omitempty"`    // how to have it otherwise
	Packets       []methods.Packet   `json:"packets"`
	Silent        []Silence          `json:"silent,omitempty"` // methods that gave no answer
}

// Verdict is what would become of the caller, in a word.
type Verdict string

// What would become of the caller.
const (
	Refuse    Verdict = "refuse"
	Admit     Verdict = "admit"
	CallBack  Verdict = "call_back"
	AskNumber Verdict = "ask_number"
)

// Silence is why a method gave no answer.
type Silence struct {
	Method string `json:"method"`
	Reason string `json:"reason"`
}

// fill concludes from AAA's last word what would become of the caller.
func (r *Report) fill(cfg *config.Config, line config.Line, res aaa.Result) {
	r.Result, r.Reason, r.Message, r.Server = res.Kind.String(), res.Reason, res.Message, res.Server
	r.Authorization, r.Verdict = &res.Auth, Refuse
	if res.Kind != aaa.Granted {
		r.Outcome = "not let in: nobody is called"
		if res.Kind == aaa.Silent {
			r.Outcome = "not let in: no method of the list has answered"
		}
		return
	}
	r.Entry = res.Identity.Entry
	if why := exec.New(cfg.Exec).Unservable(res.Auth); why != "" && r.Service == aaa.EXEC {
		r.Outcome = "not let in: granted what cannot be honoured: " + why
		return
	}
	asked := aaa.Request{Service: r.Service, Caller: r.Caller}
	d, t := cfg.Policies.Evaluate(policies.Ask(asked, res, line.Trusted(), time.Now(), policies.Used{}))
	r.Decision, r.Trace, r.Hint = &d, t, d.Hint
	r.Verdict, r.Outcome = r.conclude(cfg, line, d)
	if r.Service == aaa.PPP {
		r.Verdict, r.Outcome = Refuse, "refused: PPP is not served. Were it, "+r.Outcome
	}
}

// conclude says what a decision comes to on this line.
func (r *Report) conclude(cfg *config.Config, line config.Line, d policies.Decision) (Verdict, string) {
	switch d.Outcome {
	case policies.Admit:
		return Admit, "admitted on this call, without a callback: " + r.session(d)
	case policies.AskNumber:
		return AskNumber, "asked for the number to be called back at"
	case policies.CallBack:
		return r.callback(cfg, line, d)
	}
	return Refuse, "refused: " + d.Reason
}

// session is what an admitted caller gets.
func (r *Report) session(policies.Decision) string {
	a := r.Authorization
	switch {
	case a.Host != nil:
		return fmt.Sprintf("joined to %s by %s, port %d", cmp.Or(a.Host.Address, "the configured host"), a.Host.Service, a.Host.Port)
	case a.Autocmd != "":
		return fmt.Sprintf("the command %q at privilege level %d", a.Autocmd, a.PrivLevel)
	case r.Service == aaa.PPP:
		return "PPP"
	}
	return fmt.Sprintf("an EXEC at privilege level %d", a.PrivLevel)
}

func (r *Report) callback(cfg *config.Config, line config.Line, d policies.Decision) (Verdict, string) {
	by := "by a line of the called line's rotary"
	omits := d.NoVerify
	if line.TTY != 0 || len(d.Lines) > 0 || d.Rotary != nil {
		var err error
		if r.Dialers, err = dialers(cfg, line, d); err != nil {
			r.Hint = ""
			return Refuse, "refused: " + err.Error()
		}
		by = "by tty " + strings.Trim(strings.ReplaceAll(fmt.Sprint(r.Dialers), " ", ", "), "[]") + " (the first that is idle)"
		if i := slices.IndexFunc(cfg.Lines, func(l config.Line) bool { return len(r.Dialers) > 0 && l.TTY == r.Dialers[0] }); i >= 0 {
			omits = omits && wanted(line, d).MayOmitLogin(cfg.Lines[i].Config)
		}
	}
	r.Wait = waitOf(cfg, line, d, r.Authorization.CallbackDelay)
	again := "then he must log in again"
	switch {
	case omits:
		again = "without a second login"
	case d.NoVerify:
		again += " (the line that dials has no modem signals, or is the one that was called)"
	}
	return CallBack, fmt.Sprintf("called back at %s %s, %s after the hang-up or later, %s: %s", d.Number, by, r.Wait, again, r.session(d))
}

// dialers are the lines that may call back, all of them taken to be idle.
func dialers(cfg *config.Config, line config.Line, d policies.Decision) ([]int, error) {
	var all []lines.Status
	for _, l := range cfg.Lines {
		all = append(all, l.Idle())
	}
	return lines.Choose(wanted(line, d), all)
}

// wanted is where a callback for a call on this line would be dialled from.
func wanted(line config.Line, d policies.Decision) lines.Want {
	want := lines.Want{TTYs: d.Lines, Rotary: lines.NoRotary, Called: line.TTY, NoVerify: d.NoVerify}
	if d.Rotary != nil {
		want.Rotary = *d.Rotary
	}
	return want
}
