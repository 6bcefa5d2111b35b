package client

import (
	"context"
	"encoding/json"
	"net/http"
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
	Network  bool     `json:"network,omitempty"` // over the network, on a vty
	Trigger  string   `json:"trigger,omitempty"` // sms or missed_call: what requests the callback; "": a call
	Raw      bool     `json:"raw,omitempty"`     // with the service outbound: the modem itself
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
	Record   bool     `json:"record,omitempty" doc:"the session is recorded"`
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

// LoginTest is a login to be tested.
type LoginTest struct {
	User     string   `json:"user" minLength:"1" maxLength:"253"`
	Password string   `json:"password" maxLength:"253"`
	Answers  []string `json:"answers,omitempty" maxItems:"8" doc:"to further questions of the server, in their order"`
	Service  string   `json:"service,omitempty" enum:"exec,ppp" doc:"default: exec"`
	Auth     string   `json:"auth,omitempty" enum:"pap,chap,ms-chap,ms-chap-v2,eap" doc:"of PPP; default: pap"`
	Line     int      `json:"line,omitempty" minimum:"0" doc:"the called line, a TTY, with its method lists; absent: none in particular"`
	List     string   `json:"list,omitempty" maxLength:"64" doc:"method list, if there is no line; default: default"`
	Caller   string   `json:"caller,omitempty" maxLength:"64" doc:"calling number"`
	Called   string   `json:"called,omitempty" maxLength:"64" doc:"number that the caller dialed"`
}

// LoginReport is what would become of a login.
type LoginReport struct {
	Result        string          `json:"result" doc:"of AAA: granted, refused or silent"`
	Reason        string          `json:"reason,omitempty"`
	Message       string          `json:"message,omitempty" doc:"of the server, to the caller"`
	Server        string          `json:"server,omitempty" doc:"that answered"`
	Entry         string          `json:"entry,omitempty" doc:"the method-list entry that granted the login"`
	Identity      string          `json:"identity,omitempty" doc:"the user that logged in, which EAP may change"`
	Verdict       string          `json:"verdict" doc:"refuse, admit, call_back or ask_number"`
	Outcome       string          `json:"outcome" doc:"what would happen, as a sentence"`
	Hint          string          `json:"hint,omitempty" doc:"how to change it"`
	Readings      []Reading       `json:"readings" nullable:"false" doc:"each attribute of the reply, and how it was read"`
	Authorization json.RawMessage `json:"authorization,omitempty" doc:"what AAA granted; the format may change"`
	Decision      *PolicyDecision `json:"decision,omitempty" doc:"absent: the policies were not asked"`
	Trace         []Step          `json:"trace,omitempty"`
	Dialers       []int           `json:"dialers,omitempty" doc:"the lines that may call back, best first, assuming that all are idle"`
	LeastWait     string          `json:"least_wait,omitempty" doc:"between the hang-up and the dial"`
	MostWait      string          `json:"most_wait,omitempty"`
	Ways          []LoginWay      `json:"ways,omitempty" doc:"of PPP: what the caller gets, by how it asks for a callback"`
	Packets       []LoginPacket   `json:"packets" nullable:"false" doc:"to and from the servers, secrets masked"`
	Silent        []SilentMethod  `json:"silent,omitempty" doc:"methods that gave no answer"`
}

// Reading says how an attribute was read.
type Reading struct {
	Dialect   string `json:"dialect" doc:"RFC 2865, Cisco, TACACS+, …"`
	Attribute string `json:"attribute"`
	Value     string `json:"value,omitempty" doc:"secrets masked"`
	Field     string `json:"field,omitempty" doc:"of the authorization; absent: it changed nothing"`
	Note      string `json:"note,omitempty" doc:"why it was ignored, overruled or refused"`
}

// LoginWay is what a caller of PPP gets.
type LoginWay struct {
	Request string `json:"request" doc:"CBCP, none, …"`
	Outcome string `json:"outcome"`
}

// LoginPacket is a packet to or from a server, or a remark about one.
type LoginPacket struct {
	Protocol string   `json:"protocol" doc:"radius or tacacs"`
	Server   string   `json:"server"`
	Sent     bool     `json:"sent" doc:"by the daemon"`
	Remark   bool     `json:"remark,omitempty"`
	What     string   `json:"what"`
	Lines    []string `json:"lines,omitempty"`
}

// SilentMethod is a method that gave no answer.
type SilentMethod struct {
	Method string `json:"method"`
	Reason string `json:"reason"`
}

// testTime is how long the daemon may take for the answer to a login test or a simulation.
const testTime = 2 * time.Minute

// TestLogin has the daemon log in with AAA as a caller would, and explains what would happen. Nothing is dialed. A
// wrong password counts as a failed login.
func (c *Client) TestLogin(ctx context.Context, q LoginTest) (v LoginReport, err error) {
	late := c.within(testTime)
	defer late.CloseIdle()
	return v, late.post(ctx, "/v1/aaa/test", q, &v)
}

// post sends a body as JSON.
func (c *Client) post(ctx context.Context, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = c.exchange(ctx, http.MethodPost, path, text, into)
	return err
}

// Simulation is a comparison of changed policy files with those in force, over the callbacks of the journal.
type Simulation struct {
	Files []PolicyText `json:"files" maxItems:"1000" nullable:"false" doc:"the changed files; none: those on the disk, as a reload would load them"`
	Alone bool         `json:"alone,omitempty" doc:"files are all policy files; otherwise they are taken with the others on the disk"`
	From  *time.Time   `json:"from,omitempty" doc:"only callbacks promised at this time or later"`
	Until *time.Time   `json:"until,omitempty" doc:"only callbacks promised before this time"`
	Most  int          `json:"differences,omitempty" minimum:"0" maximum:"1000" doc:"maximum of single differences in the answer; default: 20"`
}

// PolicyText is a policy file.
type PolicyText struct {
	Name string `json:"name" minLength:"1" maxLength:"255" doc:"GROUP.yaml"`
	Text string `json:"text"`
}

// SimulationReport says what would be decided otherwise.
type SimulationReport struct {
	Requests    int          `json:"requests" doc:"compared"`
	Changed     int          `json:"changed" doc:"decided otherwise"`
	Groups      []string     `json:"groups" nullable:"false" doc:"whose policy differs"`
	Changes     []Change     `json:"changes" nullable:"false"`
	Users       []UserChange `json:"users" nullable:"false" doc:"up to 100, most differences first"`
	MoreUsers   int          `json:"more_users,omitempty" doc:"that are left out"`
	Differences []Difference `json:"differences" nullable:"false" doc:"the first ones"`
	Currency    string       `json:"currency,omitempty" doc:"of the tariff; absent: there is none"`
	Unpriced    int          `json:"unpriced,omitempty" doc:"requests with calls that have no price"`
	Then        int          `json:"then,omitempty" doc:"requests about which the policies in force decide otherwise than was decided then"`
	Unknown     []Unknown    `json:"unknown" nullable:"false" doc:"what could not be compared, and why"`
	NotLoaded   []string     `json:"not_loaded,omitempty" doc:"groups whose file on the disk has changed since it was loaded, and is in the comparison"`
}

// Change sums requests with the same outcomes. If they are equal, something else differs.
type Change struct {
	Was      string `json:"was"`
	Will     string `json:"will"`
	Requests int    `json:"requests"`
	CallUse
}

// CallUse is what the calls of callbacks have used.
type CallUse struct {
	Calls   int    `json:"calls"`
	Seconds int64  `json:"seconds" doc:"connected"`
	Cost    string `json:"cost,omitempty" doc:"of the calls that have a price"`
}

// UserChange sums what changes for a user.
type UserChange struct {
	User     string `json:"user"`
	Requests int    `json:"requests"`
	Admitted int    `json:"admitted" doc:"called back or admitted, and not before"`
	Rejected int    `json:"rejected" doc:"neither, but before"`
	CallUse
}

// Difference is a request that is decided otherwise.
type Difference struct {
	At   string    `json:"at" doc:"callback ID"`
	User string    `json:"user"`
	Time time.Time `json:"time"`
	Was  Decided   `json:"was"`
	Will Decided   `json:"will"`
}

// Decided is the part of a decision that callers notice, and why.
type Decided struct {
	Outcome  string `json:"outcome"`
	Group    string `json:"group,omitempty"`
	Number   string `json:"number,omitempty"`
	NoVerify bool   `json:"no_verify,omitempty"`
	Attempts int    `json:"attempts,omitempty"`
	Terms    string `json:"terms,omitempty" doc:"of the callback and of the session, except limits"`
	Reason   string `json:"reason"`
}

// Unknown counts requests that could not be compared.
type Unknown struct {
	Reason   string `json:"reason"`
	Requests int    `json:"requests"`
}

// SimulatePolicies compares policy files with those in force. Nothing is changed; the comparison ends with ctx.
func (c *Client) SimulatePolicies(ctx context.Context, q Simulation) (v SimulationReport, err error) {
	if q.Files == nil {
		q.Files = []PolicyText{}
	}
	late := c.within(testTime)
	defer late.CloseIdle()
	return v, late.post(ctx, "/v1/policies/simulate", q, &v)
}
