package web

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
)

// The choices of the forms.
var (
	services        = []choice{{value: "exec", term: "EXEC"}, {value: "ppp", term: "PPP"}}
	authentications = []choice{{text: texts.PageAuthUnknown}, {value: "pap", term: "PAP"},
		{value: "chap", term: "CHAP"}, {value: "ms-chap", term: "MS-CHAP"},
		{value: "ms-chap-v2", term: "MS-CHAPv2"}, {value: "eap", term: "EAP"}}
	loginAuthentications = authentications[1:]

	grants = []choice{{text: texts.PageGrantNone}, {value: "number", text: texts.PageGrantNumber},
		{value: "typed", text: texts.PageGrantTyped}, {value: "caller_id", text: texts.PageGrantCallerID},
		{value: "place", text: texts.PageGrantPlace}}
	others   = []choice{{text: texts.PageOthersStay}, {value: "alone", text: texts.PageOthersNone}}
	verifies = []choice{{text: texts.PageRequired}, {value: "omitted", text: texts.PageOmitted}}
)

// outcomeKind is the class of a decision's color.
func outcomeKind(outcome string) string {
	switch outcome {
	case "admit", "call_back", "ask_number":
		return "good"
	}
	return "bad"
}

func outcomeText(outcome string) texts.Key {
	switch outcome {
	case "admit":
		return texts.PageOutcomeAdmit
	case "call_back":
		return texts.PageOutcomeCallBack
	case "ask_number":
		return texts.PageOutcomeAskNumber
	case "invalid_number":
		return texts.PageOutcomeInvalidNumber
	}
	return texts.PageOutcomeRejected
}

// policy explains what the policies decide. Its form is in the address, which can be kept and sent.
func (s *Server) policy(w http.ResponseWriter, r *http.Request, v *visit) error {
	q := r.URL.Query()
	f := fill(reader(r.Context()), q.Get,
		"user", "service", "auth", "groups", "grant", "number", "no_verify", "line", "caller", "called",
		"typed", "time")
	if !v.operator.May(Operate) {
		f.status = http.StatusForbidden
	}
	if f.status != http.StatusOK || !q.Has("user") {
		s.render(w, r, f.status, policyPage(v, f, nil))
		return nil
	}
	asked := policyRequest(&f)
	var result *client.PolicyExplanation
	if !f.bad() {
		if got, err := v.api.ExplainPolicy(r.Context(), asked); err != nil {
			f.rejected(err, map[string]string{"user": "user", "service": "service", "auth": "auth", "groups": "groups",
				"number": "number", "numbers": "number", "place": "number", "line": "line", "caller": "caller",
				"called": "called", "typed": "typed", "time": "time"})
		} else {
			result = &got
		}
	}
	s.render(w, r, f.status, policyPage(v, f, result))
	return nil
}

// policyRequest returns the request of a form, and notes what is wrong with it.
func policyRequest(f *filled) client.PolicyRequest {
	q := client.PolicyRequest{User: f.values["user"], Service: f.values["service"], Auth: f.values["auth"],
		Groups: listed(f.values["groups"]), NoVerify: f.values["no_verify"] != "", Caller: f.values["caller"],
		Called: f.values["called"], Line: lineOf(f)}
	if q.User == "" {
		f.wrong("user", texts.PageEnterUser)
	}
	if typed := f.values["typed"]; typed != "" {
		q.Typed = &typed
	}
	numbers := listed(f.values["number"])
	switch grant := f.values["grant"]; {
	case (grant == "number" || grant == "place") && len(numbers) == 0:
		f.wrong("number", texts.PageEnterGrant)
	case grant == "number" && len(numbers) == 1:
		q.Number = &numbers[0]
	case grant == "number":
		q.Numbers = numbers
	case grant == "place":
		q.Place = f.values["number"]
	case grant == "typed":
		q.Number = new(string)
	case grant == "caller_id":
		q.CallerID = true
	case len(numbers) > 0:
		f.wrong("number", texts.PageNoGrant)
	}
	if text := f.values["time"]; text != "" {
		at, err := parseLocal(text)
		if err != nil {
			f.wrong("time", texts.PageBadTime)
		}
		q.Time = at.Format(time.RFC3339)
	}
	return q
}

// parseLocal reads the time of a field, in the time zone of the daemon.
func parseLocal(text string) (time.Time, error) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Parse(time.RFC3339, text)
}

// lineOf returns the TTY of a form; 0 if none is given.
func lineOf(f *filled) int {
	text := f.values["line"]
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		f.wrong("line", texts.PageBadLine)
	}
	return n
}

// listed returns the parts of a text with commas.
func listed(text string) (all []string) {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			all = append(all, part)
		}
	}
	return all
}

// loginFields are the fields of a login test that are shown again. The password and the answer are not.
var loginFields = []string{"user", "service", "auth", "line", "list", "caller", "called"}

func (s *Server) loginTestPage(w http.ResponseWriter, r *http.Request, v *visit) error {
	f := fill(reader(r.Context()), func(string) string { return "" }, loginFields...)
	if !v.operator.May(Operate) {
		f.status = http.StatusForbidden
	}
	s.render(w, r, f.status, loginTestPage(v, f, nil))
	return nil
}

// loginTest tests a login. The daemon answers within its time limit.
func (s *Server) loginTest(w http.ResponseWriter, r *http.Request, v *visit) error {
	f := fill(reader(r.Context()), r.PostFormValue, loginFields...)
	q := client.LoginTest{User: f.values["user"], Password: r.PostFormValue("password"), Service: f.values["service"],
		Auth: f.values["auth"], Line: lineOf(&f), List: f.values["list"], Caller: f.values["caller"],
		Called: f.values["called"]}
	if answer := r.PostFormValue("answer"); answer != "" {
		q.Answers = []string{answer}
	}
	if q.Service != "ppp" {
		q.Auth = ""
	}
	if q.User == "" {
		f.wrong("user", texts.PageEnterUser)
	}
	var result *client.LoginReport
	if !f.bad() {
		if got, err := v.api.TestLogin(r.Context(), q); err != nil {
			f.rejected(err, map[string]string{"user": "user", "password": "password", "answers": "answer",
				"line": "line", "list": "list", "auth": "auth", "service": "service", "caller": "caller",
				"called": "called"})
		} else {
			result = &got
		}
	}
	s.render(w, r, f.status, loginTestPage(v, f, result))
	return nil
}

func verdictKind(verdict string) string {
	if verdict == "refuse" {
		return "bad"
	}
	return "good"
}

func verdictText(verdict string) texts.Key {
	switch verdict {
	case "admit":
		return texts.PageVerdictAdmit
	case "call_back":
		return texts.PageOutcomeCallBack
	case "ask_number":
		return texts.PageOutcomeAskNumber
	}
	return texts.PageOutcomeRejected
}

func waitBetween(ctx context.Context, r client.LoginReport) string {
	if r.LeastWait == r.MostWait {
		return r.LeastWait
	}
	return say(ctx, texts.PageBetween, r.LeastWait, r.MostWait)
}

// indented returns JSON for people; "" for what is no JSON.
func indented(text json.RawMessage) string {
	var b bytes.Buffer
	if len(text) == 0 || json.Indent(&b, text, "", "  ") != nil {
		return ""
	}
	return shown(b.String())
}

func packetText(ctx context.Context, p client.LoginPacket) string {
	head := texts.PagePacketFrom
	switch {
	case p.Remark:
		head = texts.PagePacketRemark
	case p.Sent:
		head = texts.PagePacketTo
	}
	return shown(strings.Join(append([]string{say(ctx, head, p.Server, p.What)}, p.Lines...), "\n"))
}
