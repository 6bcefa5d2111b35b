package client

import (
	"context"
	"encoding/json"
	"net/url"
	"time"
)

// PolicyRequest is a request to be decided about, with the keys of `request` in a file of policy tests: what AAA would
// answer about a user, and what is known about the call.
type PolicyRequest struct {
	User     string   `json:"user"`
	Entry    string   `json:"entry,omitempty"`   // the method-list entry that authenticated the user
	Groups   []string `json:"groups,omitempty"`  // group hints of AAA
	Service  string   `json:"service,omitempty"` // exec or ppp; "": exec
	Auth     string   `json:"auth,omitempty"`    // of PPP: pap, chap, …; "": not known
	Callback bool     `json:"callback,omitempty"`
	Number   *string  `json:"number,omitempty"`  // AAA's number; "" leaves it to the caller
	Numbers  []string `json:"numbers,omitempty"` // instead of Number, several
	Place    string   `json:"place,omitempty"`
	CallerID bool     `json:"caller_id,omitempty"`
	Address  string   `json:"address,omitempty"`
	NoVerify bool     `json:"no_verify,omitempty"`
	Priv     *int     `json:"priv_lvl,omitempty"` // nil: 1
	Ports    int      `json:"port_limit,omitempty"`
	Sessions int      `json:"sessions,omitempty"`
	Typed    *string  `json:"typed,omitempty"` // the number that the caller gives; nil: not asked yet
	Caller   string   `json:"caller,omitempty"`
	Called   string   `json:"called,omitempty"`
	Line     int      `json:"line,omitempty"`   // the called line, a TTY
	Rotary   *int     `json:"rotary,omitempty"` // nil: that of the line
	Ringing  bool     `json:"ringing,omitempty"`
	Leg      int      `json:"leg,omitempty"`
	Time     string   `json:"time,omitempty"` // RFC 3339; "": now
	// Windows are the groups whose access window is open, with the number of operators; nil: those that are open now.
	Windows map[string]int `json:"windows,omitempty"`
}

// PolicyDecision is what the policies decide about a request.
type PolicyDecision struct {
	Outcome  string   `json:"outcome" doc:"admit, call_back, ask_number, invalid_number or refuse"`
	Reason   string   `json:"reason"`
	Hint     string   `json:"hint,omitempty" doc:"how to change it"`
	Text     string   `json:"text,omitempty" doc:"what the caller reads"`
	Group    string   `json:"group,omitempty" doc:"whose policy decides; absent: several groups claim the caller"`
	File     string   `json:"file,omitempty" doc:"of the group's policy; absent: it is built in"`
	Digest   string   `json:"digest,omitempty" doc:"of the group's policy"`
	Numbers  []string `json:"numbers,omitempty" doc:"that are dialed, in canonical digits"`
	Lines    []int    `json:"lines,omitempty" doc:"that may call back, best first; absent: those of the rotary"`
	Attempts int      `json:"attempts,omitempty" doc:"maximum number of dials"`
	NoVerify bool     `json:"no_verify,omitempty" doc:"without a second login"`
	EXEC     string   `json:"exec,omitempty" doc:"what narrows an EXEC session"`
	PPP      string   `json:"ppp,omitempty" doc:"what narrows a PPP session"`
}

// PolicyExplanation is a decision with the rules that led to it.
type PolicyExplanation struct {
	Time     time.Time      `json:"time" doc:"of the request"`
	Decision PolicyDecision `json:"decision"`
	Trace    []Step         `json:"trace" nullable:"false" doc:"each rule that was evaluated; the last one decided"`
	Windows  []string       `json:"windows,omitempty" doc:"groups whose access window counted as open"`
}

// ExplainPolicy returns what the policies in force decide about a request. Nothing is asked or dialed.
func (c *Client) ExplainPolicy(ctx context.Context, r PolicyRequest) (v PolicyExplanation, err error) {
	text, err := json.Marshal(r)
	if err != nil {
		return v, err
	}
	return v, c.get(ctx, "/v1/policies/explain?"+url.Values{"request": {string(text)}}.Encode(), &v)
}
