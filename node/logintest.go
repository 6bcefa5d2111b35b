package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/explain"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/ppp/auth"
	"github.com/ringback/ringback/session"
)

// loginTestTime is how long the login of a test may take, without the delay after failures.
const loginTestTime = 50 * time.Second

// newLoginTests returns the limits of login tests.
func newLoginTests() *turns { return &turns{most: 4, every: 3 * time.Second, burst: 10} }

// unanswered is the error of a login whose server asks for more than the test has.
type unanswered string // what it asks

func (unanswered) Error() string { return "the server asks for more" }

// testLogin logs in with the AAA servers in force, through clients of its own, and explains what would happen. A wrong
// password counts as that of a caller does, with the operator in place of the calling number: operators cannot guess
// more than callers can. A test that has begun goes on if its client leaves, so that no guess is free.
func (d *daemon) testLogin(ctx context.Context, q client.LoginTest) (v client.LoginReport, err error) {
	by, who := api.By(ctx), api.Account(ctx)
	release, err := d.loginTests.take(who)
	if err != nil {
		return v, err
	}
	defer release()
	cfg, err := d.configuration(ctx)
	if err != nil {
		return v, err
	}
	tested := events.LoginTested{User: d.broker.ShownName(q.User), Line: q.Line, By: by}
	guess := session.Guess{Call: &lines.Call{ID: "test", Caller: "operator:" + strings.Join(strings.Fields(who), "-")},
		Leg: 1, User: q.User}
	guard := d.broker.Guard()
	wait, locked := guard.Before(guess)
	if locked != "" {
		guard.After(guess, session.GuessLocked, locked)
		return v, api.Busy{Text: "too many failed logins: " + locked + " (`ringback show login-locks`)",
			Wait: time.Minute}
	}
	pause := time.NewTimer(wait)
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
		return v, context.Cause(ctx)
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), loginTestTime)
	defer cancel()
	secrets := append([]string{q.Password}, q.Answers...)
	report, err := explain.Login(limited, cfg, d.question(q))
	var more unanswered
	var field *explain.FieldError
	switch {
	case errors.As(err, &more): // the password may have been right: servers ask for a code only then
		guard.After(guess, session.GuessWrong, "an operator's test left at a server prompt")
		tested.Result = "a question of the server was not answered"
		err = api.Invalid{{At: "body.answers", Text: fmt.Sprintf("the server asks for more; give an answer to %q",
			masked(console.Clean(string(more)), secrets))}}
	case errors.As(err, &field):
		return v, api.Invalid{{At: "body." + field.Field, Text: field.Error()}}
	case err != nil:
		return v, err
	default:
		tested.Result = report.Result
		if report.Result == aaa.Granted.String() {
			tested.User = report.Identity
		}
		if report.Result == aaa.Refused.String() {
			guard.After(guess, session.GuessWrong, masked(report.Reason, secrets))
		}
		v = reportFor(cfg, report, secrets)
	}
	d.broker.Happened(tested)
	return v, err
}

// question returns the question about a login.
func (d *daemon) question(t client.LoginTest) explain.Question {
	q := explain.Question{User: t.User, Service: aaa.EXEC, Line: t.Line, List: t.List, Caller: t.Caller,
		Called: t.Called, Windows: d.broker.OpenWindows()}
	if t.Service == string(aaa.PPP) {
		q.Service = aaa.PPP
	}
	for m := auth.PAP; m <= auth.EAP; m++ {
		if m.String() == t.Auth {
			q.Auth = m
		}
	}
	if t.List == "" {
		q.List = "default"
	}
	left := t.Answers
	q.Password = func(context.Context) (string, error) { return t.Password, nil }
	q.Answer = func(_ context.Context, prompt string, _ bool) (answer string, err error) {
		if len(left) == 0 {
			return "", unanswered(prompt)
		}
		answer, left = left[0], left[1:]
		return answer, nil
	}
	return q
}

// reportFor returns a report for clients. Texts of the server that repeat a secret have it masked.
func reportFor(cfg *config.Config, r *explain.Report, secrets []string) client.LoginReport {
	hide := func(text string) string { return masked(text, secrets) }
	v := client.LoginReport{Result: r.Result, Reason: hide(r.Reason), Message: hide(r.Message), Server: r.Server,
		Entry: r.Entry, Identity: r.Identity, Verdict: string(r.Verdict), Outcome: hide(r.Outcome), Hint: hide(r.Hint),
		Readings: []client.Reading{}, Packets: []client.LoginPacket{}, Dialers: r.Dialers, Trace: api.Steps(r.Trace)}
	if a := r.Authorization; a != nil {
		for _, x := range a.Readings {
			v.Readings = append(v.Readings, client.Reading{Dialect: x.Dialect, Attribute: x.Attribute,
				Value: hide(x.Value), Field: x.Field, Note: hide(x.Note)})
		}
		v.Authorization = maskedJSON(*a, hide)
	}
	for i := range v.Trace {
		v.Trace[i].Input, v.Trace[i].Result = hide(v.Trace[i].Input), hide(v.Trace[i].Result)
	}
	if r.Decision != nil {
		decision := decisionFor(cfg, *r.Decision)
		decision.Reason, decision.Hint = hide(decision.Reason), hide(decision.Hint)
		v.Decision = &decision
	}
	if r.Wait != nil {
		v.LeastWait, v.MostWait = r.Wait.Least, r.Wait.Most
	}
	for _, w := range r.Ways {
		v.Ways = append(v.Ways, client.LoginWay(w))
	}
	for _, p := range r.Packets {
		out := client.LoginPacket{Protocol: p.Protocol, Server: p.Server, Sent: p.Sent, Remark: p.Remark,
			What: hide(p.What)}
		for _, l := range p.Lines {
			out.Lines = append(out.Lines, hide(l))
		}
		v.Packets = append(v.Packets, out)
	}
	for _, s := range r.Silent {
		v.Silent = append(v.Silent, client.SilentMethod{Method: s.Method, Reason: hide(s.Reason)})
	}
	return v
}

// leastMasked is the length of the shortest secret that is masked in texts of a server: shorter ones are parts of
// words.
const leastMasked = 4

// masked returns a text without secrets.
func masked(text string, secrets []string) string {
	for _, s := range secrets {
		if len(s) >= leastMasked {
			text = strings.ReplaceAll(text, s, "[secret]")
		}
	}
	return text
}

// maskedJSON returns an authorization without its attributes, which are shown by themselves.
func maskedJSON(a aaa.Authorization, hide func(string) string) json.RawMessage {
	a.Readings, a.Attributes = nil, nil
	text, err := json.Marshal(a)
	var v any
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err == nil {
		text, err = json.Marshal(hiddenIn(v, hide))
	}
	if err != nil {
		return nil
	}
	return text
}

// hiddenIn applies hide to all texts of a value of JSON.
func hiddenIn(v any, hide func(string) string) any {
	switch v := v.(type) {
	case string:
		return hide(v)
	case []any:
		for i := range v {
			v[i] = hiddenIn(v[i], hide)
		}
	case map[string]any:
		for k := range v {
			v[k] = hiddenIn(v[k], hide)
		}
	}
	return v
}
