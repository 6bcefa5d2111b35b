// Package client has the types of ringback's admin API and a client for it over a unix socket or TLS. The command line
// reaches a running daemon only through this package.
package client

import (
	"encoding/json"
	"time"
)

// Line is a line as `show line` prints it. Times are wall-clock times.
type Line struct {
	TTY     int       `json:"tty" doc:"TTY number of the line"`
	Port    string    `json:"port" doc:"URL of the port"`
	Modem   string    `json:"modem" doc:"inout, callin or callout"`
	Rotary  *int      `json:"rotary,omitempty" doc:"rotary group, 0-100"`
	State   string    `json:"state" doc:"down, idle, ringing, in call, leased, dialing, out call, hanging up, preparing, quarantined, busyout"`
	Reason  string    `json:"reason,omitempty" doc:"why the line is down, quarantined or busied out"`
	Busyout *Busyout  `json:"busyout,omitempty" doc:"set if the line takes no more calls; it may still finish one"`
	Change  string    `json:"change,omitempty" doc:"what a new configuration does when the call on the line ends"`
	Notices []string  `json:"notices,omitempty" doc:"problems that do not take the line out of service"`
	InBand  bool      `json:"in_band,omitempty" doc:"the port has no modem signals"`
	Owner   string    `json:"owner,omitempty" doc:"the call or callback that holds the line"`
	Signals string    `json:"signals,omitempty" doc:"modem signals that are on, e.g. DTR DSR DCD"`
	Since   time.Time `json:"since" doc:"start of this state"`
	Calls   uint64    `json:"calls" doc:"incoming calls answered"`
	Dials   uint64    `json:"dials" doc:"dial commands sent"`
	Noise   uint64    `json:"noise" doc:"unexpected text lines from the modem"`

	Speed    int               `json:"speed,omitempty" doc:"speed of the port in bit/s; absent: the setting of its server"`
	Connect  string            `json:"connect,omitempty" doc:"the modem's CONNECT line of the call that is up"`
	Profile  string            `json:"profile,omitempty" doc:"profile of the modem; absent: generic"`
	Answered *time.Time        `json:"answered,omitempty" doc:"when the idle modem last answered a probe"`
	WaitsFor string            `json:"waits_for,omitempty" doc:"what ends the state of a line that is out of service or busied out"`
	Retry    *time.Time        `json:"retry,omitempty" doc:"when a quarantined line is proven on hook again"`
	Counters map[string]uint64 `json:"counters,omitempty" doc:"counts by cause: calls_in, calls_out, dial_busy, quarantines, …; absent: 0"`
	// of all counters, also those of earlier processes
	CountersSince time.Time    `json:"counters_since" doc:"when they were zero: when the line was first configured, or cleared"`
	Failure       *LineFailure `json:"last_failure,omitempty"`
	Test          *ModemTest   `json:"last_test,omitempty"`
}

// LineFailure is the last failure of a line.
type LineFailure struct {
	Kind  string    `json:"kind" doc:"as in the reference of line failures"`
	Text  string    `json:"text" doc:"what was seen"`
	Time  time.Time `json:"time"`
	Cause string    `json:"likely_cause"`
	Fix   string    `json:"fix"`
}

// ChatRun is a chat script that an operator ran on a line.
type ChatRun struct {
	Line       int      `json:"line"`
	Script     string   `json:"script" doc:"its name"`
	Error      string   `json:"error,omitempty" doc:"why it failed; absent: it succeeded"`
	Transcript []string `json:"transcript" nullable:"false" doc:"dialogue with the modem, secrets masked"`
	Number     string   `json:"number,omitempty" doc:"the number dialed, in canonical digits"`
	Result     string   `json:"result,omitempty" doc:"how its dial ended: connected, busy, no answer, …"`
	Connect    string   `json:"connect,omitempty" doc:"the modem's CONNECT line; the call was hung up at the end of the script"`
}

// ModemTest is a call from one line to another that tested their modems.
type ModemTest struct {
	ID       string     `json:"id"`
	TTY      int        `json:"tty" doc:"the line that dialed"`
	With     int        `json:"with_tty" doc:"the line that was called"`
	Number   string     `json:"number" doc:"the number dialed"`
	By       string     `json:"by" doc:"the operator, or schedule"`
	Started  time.Time  `json:"started"`
	Ended    *time.Time `json:"ended,omitempty"`
	Result   string     `json:"result" doc:"passed, failed, inconclusive (it says nothing about the lines) or interrupted"`
	Text     string     `json:"text,omitempty" doc:"why it did not pass"`
	Blamed   []int      `json:"blamed,omitempty" doc:"the lines that may have caused a failure"`
	Dial     float64    `json:"dial_seconds,omitempty" doc:"from the dial command to CONNECT, or to the end of the dial"`
	Call     float64    `json:"call_seconds,omitempty" doc:"from CONNECT to the last hang-up"`
	Down     float64    `json:"down_seconds,omitempty" doc:"from the order to hang up to the proof on both lines"`
	Connect  string     `json:"connect,omitempty" doc:"the CONNECT line of the line that dialed"`
	Answered string     `json:"answered,omitempty" doc:"the CONNECT line of the called line"`
	Octets   int        `json:"octets,omitempty" doc:"octets compared each way"`
	There    float64    `json:"there_seconds,omitempty" doc:"their time from the line that dialed"`
	Back     float64    `json:"back_seconds,omitempty" doc:"their time to the line that dialed"`
}

// Busyout is an operator's order that a line takes no more calls.
type Busyout struct {
	Reason string    `json:"reason,omitempty"`
	By     string    `json:"by" doc:"the operator"`
	Since  time.Time `json:"since"`
	// of a line that failed its modem tests
	Quarantine bool `json:"quarantine,omitempty" doc:"the line failed its modem tests, and is shown as quarantined"`
	Drain      bool `json:"drain,omitempty" doc:"the order is for all lines"`
}

// Drain is an operator's order that all lines finish their calls, and then take no more.
type Drain struct {
	Active  bool       `json:"active"`
	Reason  string     `json:"reason,omitempty"`
	By      string     `json:"by,omitempty"`
	Since   *time.Time `json:"since,omitempty"`
	Until   *time.Time `json:"until,omitempty" doc:"when the order ends by itself"`
	Calls   int        `json:"calls" doc:"calls that are up, in either direction"`
	Dials   int        `json:"dials" doc:"attempts in progress that are no calls yet"`
	Pending int        `json:"pending" doc:"callbacks that wait; they are not dialed meanwhile"`
}

// Modem is how the modem of a line is operated: its profile, with what the line's configuration has instead.
type Modem struct {
	TTY             int          `json:"tty"`
	State           string       `json:"state" doc:"as in the list of lines"`
	Profile         string       `json:"profile"`
	Init            string       `json:"init" doc:"the command after ATZ"`
	ErrorCorrection string       `json:"error_correction,omitempty" doc:"the command that turns it on"`
	OnHold          string       `json:"on_hold,omitempty" doc:"the command that turns modem-on-hold off"`
	Answer          string       `json:"answer" doc:"the command that answers a call"`
	CallerID        string       `json:"caller_id,omitempty" doc:"the command that turns caller ID on; absent if it is off"`
	CallerIDOrder   string       `json:"caller_id_order,omitempty" doc:"when the number is reported"`
	InBand          bool         `json:"in_band,omitempty" doc:"the port has no modem signals"`
	ProofRegisters  []int        `json:"proof_registers,omitempty" doc:"S registers that prove its state on such a port"`
	Verify          []Register   `json:"verify" nullable:"false" doc:"registers that are read back when the modem is ready"`
	ResultCodes     []ResultCode `json:"result_codes" nullable:"false" doc:"texts with a meaning of their own"`
	Notices         []string     `json:"notices,omitempty" doc:"problems that do not take the line out of service"`
}

// Register is an S register and its value.
type Register struct {
	Register int `json:"register"`
	Value    int `json:"value"`
}

// ResultCode is a text of a modem and its meaning.
type ResultCode struct {
	Text  string `json:"text"`
	Means string `json:"means" doc:"a result code, or progress"`
}

// Rotary is a group of interchangeable lines.
type Rotary struct {
	Rotary int          `json:"rotary" doc:"0-100"`
	Hunt   string       `json:"hunt" doc:"linear, round_robin or least_used: which of several idle lines dials"`
	Lines  []RotaryLine `json:"lines" nullable:"false" doc:"by number"`
	Queue  []string     `json:"queue" nullable:"false" doc:"IDs of the callbacks that wait for one of the lines, and owners of other requests, in order"`
}

// RotaryLine is a line of a rotary.
type RotaryLine struct {
	TTY    int    `json:"tty"`
	Modem  string `json:"modem" doc:"inout, callin or callout"`
	State  string `json:"state" doc:"as in the list of lines"`
	Leases uint64 `json:"leases" doc:"calls and callbacks since the start, by which least_used hunts"`
}

// Queued is a request that waits for a line.
type Queued struct {
	Role     string    `json:"role" doc:"callback, user (on the network), administrator (served first), order (a test, a script)"`
	Callback string    `json:"callback" doc:"its ID; of another role, the owner of the request"`
	User     string    `json:"user"`
	Number   string    `json:"number" doc:"the number to dial"`
	Rotary   *int      `json:"rotary,omitempty" doc:"the rotary in which it waits"`
	Lines    []int     `json:"lines,omitempty" doc:"the lines that may dial it, if they are listed"`
	Called   int       `json:"called_tty" doc:"the line that the user called"`
	Probed   int       `json:"probed_tty,omitempty" doc:"the line whose modem is being asked whether it answers"`
	Since    time.Time `json:"since"`
	Offered  bool      `json:"offered,omitempty" doc:"of a fleet: any node with a free line of the rotary may take it"`
}

// User is a user on a line.
type User struct {
	TTY      int       `json:"tty" doc:"a vty has a number above 99999"`
	Line     string    `json:"line" doc:"name of the line: tty 65, or over the network vty 0"`
	User     string    `json:"user" doc:"empty until the user has logged in"`
	Service  string    `json:"service" doc:"exec or ppp"`
	Leg      int       `json:"leg" doc:"1: incoming call; 2: callback"`
	Call     string    `json:"call" doc:"the call's ID"`
	Caller   string    `json:"caller,omitempty" doc:"calling number, if the modem reported it; of a vty the client's address"`
	Connect  string    `json:"connect,omitempty" doc:"the modem's CONNECT line; of a vty the protocol and the listener"`
	Start    time.Time `json:"start"`
	Profile  string    `json:"profile,omitempty" doc:"group whose profile limits the calls to the number that the caller dialed"`
	Overflow bool      `json:"overflow,omitempty" doc:"the call is beyond the profile's base"`
}

// Listener is a door for users who come over the network.
type Listener struct {
	Address     string    `json:"address"`
	Protocol    string    `json:"protocol" doc:"telnet, rfc2217, raw, ssh"`
	To          string    `json:"to" doc:"what users reach: vty, line 65, rotary 1"`
	TLS         bool      `json:"tls" doc:"nobody on the path can read passwords"`
	Sessions    int       `json:"sessions" doc:"connections now, with those before a login"`
	MaxSessions int       `json:"max_sessions"`
	Accepted    uint64    `json:"accepted" doc:"connections since the listener was opened"`
	Rejected    uint64    `json:"rejected" doc:"connections that a limit closed since then"`
	Since       time.Time `json:"since"`
	Error       string    `json:"error,omitempty" doc:"why it cannot take connections now"`
}

// Callback is a callback record.
type Callback struct {
	ID       string     `json:"id"`
	Phase    string     `json:"phase" doc:"promised, leasing, waiting, dialing, answered, completed, failed, expired, cancelled, given up"`
	User     string     `json:"user"`
	Entry    string     `json:"entry" doc:"the method-list entry that authenticated the user"`
	Number   string     `json:"number" doc:"the number to dial; of several, the one that is dialed next or was dialed last"`
	Numbers  []string   `json:"numbers,omitempty" doc:"several numbers: those that it dials, in the order of their first dials"`
	NoVerify bool       `json:"no_verify"`
	Caller   string     `json:"caller,omitempty" doc:"the number that the user called from, if the modem reported it"`
	Called   int        `json:"called_tty" doc:"the line that the user called, of the node home"`
	TTY      int        `json:"tty,omitempty" doc:"the line that calls back, once chosen"`
	Attempts int        `json:"attempts" doc:"attempts made"`
	Max      int        `json:"max" doc:"maximum number of attempts"`
	Cause    string     `json:"cause,omitempty" doc:"why it ended in this state"`
	Created  time.Time  `json:"created"`
	Ended    *time.Time `json:"ended,omitempty"`

	WaitsFor   string     `json:"waits_for,omitempty" doc:"why a pending callback waits"`
	WaitsUntil *time.Time `json:"waits_until,omitempty" doc:"when that wait ends, if that is known"`

	Node    string `json:"node,omitempty" doc:"of a fleet: the node that holds it, or held it last; its lines call back"`
	Home    string `json:"home,omitempty" doc:"of a fleet: the node that promised it"`
	Offered bool   `json:"offered,omitempty" doc:"any node with a free line may take it"`
}

// CallbackQuery selects callbacks.
type CallbackQuery struct {
	All   bool      // include ended ones
	Limit int       // maximum number; 0: no limit
	Since time.Time // only those created at this time or later; zero: all
	User  string    // "": of all users
	Node  string    // of a fleet: those that this node promised or holds; "": of all nodes
}

// Attempt is one dial of a callback.
type Attempt struct {
	N          int        `json:"n"`
	TTY        int        `json:"tty"`
	Number     string     `json:"number" doc:"the number that was dialed"`
	Script     string     `json:"script"`
	Started    time.Time  `json:"started"`
	Ended      *time.Time `json:"ended,omitempty"`
	Outcome    string     `json:"outcome"`
	Detail     string     `json:"detail,omitempty"`
	Transcript []string   `json:"transcript,omitempty" doc:"dialogue with the modem, secrets masked"`
	Node       string     `json:"node,omitempty" doc:"of a fleet: the node that dialed"`
}

// Call is a telephone connection of a line, in either direction.
type Call struct {
	ID        string     `json:"id" doc:"as call in the log"`
	TTY       int        `json:"tty"`
	Direction string     `json:"direction" doc:"incoming or outgoing"`
	Caller    string     `json:"caller,omitempty" doc:"the calling number, as the modem reported it"`
	Called    string     `json:"called,omitempty" doc:"incoming: the called number, as the modem reported it; outgoing: the dialed number"`
	User      string     `json:"user,omitempty" doc:"absent: nobody has logged in"`
	Service   string     `json:"service,omitempty" doc:"the front end of the login: exec or ppp"`
	Leg       int        `json:"leg,omitempty" doc:"1: incoming; 2: the call of a callback"`
	Callback  string     `json:"callback,omitempty" doc:"ID of the callback: leg 1 has led to it, it has led to leg 2"`
	Connect   string     `json:"connect,omitempty" doc:"the modem's CONNECT line"`
	Speed     int        `json:"speed,omitempty" doc:"of the CONNECT line, in bit/s"`
	Start     time.Time  `json:"start"`
	Ended     *time.Time `json:"ended,omitempty" doc:"absent: the call is up"`
	Seconds   float64    `json:"seconds" doc:"from the start to the end, or to now"`
	Cause     string     `json:"cause,omitempty" doc:"why it ended"`
	// the value of RFC 2866
	TerminateCause int    `json:"terminate_cause,omitempty" doc:"Acct-Terminate-Cause of the end"`
	OctetsIn       uint64 `json:"octets_in" doc:"from the caller"`
	OctetsOut      uint64 `json:"octets_out" doc:"to the caller"`
}

// MaxCalls is the greatest CallQuery.Last.
const MaxCalls = 10_000

// CallQuery selects calls; zero fields select all.
type CallQuery struct {
	Line  int
	User  string
	Since time.Time // only calls that began at this time or later
	Last  int       // of the history: only the newest Last, up to MaxCalls; 0: 100
}

// CallsLeftOut is what an answer of the call history leaves out.
type CallsLeftOut struct {
	Older   bool // there are older calls that match
	Damaged int  // rows of the journal that do not verify
}

// Step is one rule of a policy decision.
type Step struct {
	Rule   string `json:"rule"`
	Input  string `json:"input,omitempty" doc:"input of the rule"`
	Result string `json:"result" doc:"result of the rule"`
	At     string `json:"at,omitempty" doc:"where the values of policy files that it looked at are written: file and line"`
}

// Happening is one event in the history of a callback.
type Happening struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event" doc:"name of the event in the table of the callback state machine"`
	Phase string    `json:"phase" doc:"phase of the callback after the event"`
	Text  string    `json:"text,omitempty" doc:"details for people"`
	Node  string    `json:"node,omitempty" doc:"of a fleet: the node where it happened"`
}

// CallbackDetail is a callback with all details.
type CallbackDetail struct {
	Callback
	Policy        string          `json:"policy" doc:"group of the policy applied"`
	PolicyDigest  string          `json:"policy_digest"`
	Decision      []Step          `json:"decision" doc:"trace of the policy decision"`
	Authorization json.RawMessage `json:"authorization,omitempty" doc:"what AAA granted, and which server, secrets masked; the format may change"`
	History       []Happening     `json:"history" doc:"events in chronological order"`
	Dials         []Attempt       `json:"dials"`
	Stale         string          `json:"stale,omitempty" doc:"of a fleet: why this is only what this node knows"`
}

// CallbackOrder is an order to call a user back who has not called.
type CallbackOrder struct {
	User    string
	Number  string    // if AAA leaves the number to the caller
	Line    int       // the TTY that counts as called; 0: the first that serves
	Service string    // exec or ppp; "": exec
	At      time.Time // not before; zero: now
}

// Ordered is a callback that was ordered.
type Ordered struct {
	ID string `json:"id" doc:"of the callback"`
}

// LoginLock is a source of failed logins that is locked or delayed.
type LoginLock struct {
	Of       string     `json:"of" doc:"name, line, name+number, name+line or number: what the failures are counted by"`
	Enable   bool       `json:"enable,omitempty" doc:"failures of the enable command, not of logins"`
	User     string     `json:"user,omitempty" doc:"the user name; for an unknown name, its length and a keyed hash"`
	Number   string     `json:"number,omitempty" doc:"the calling number"`
	TTY      int        `json:"tty,omitempty"`
	Failures int        `json:"failures"`
	Until    *time.Time `json:"until,omitempty" doc:"end of the lock; absent: delayed only"`
	Delay    float64    `json:"delay,omitempty" doc:"delay of the next login in seconds"`
}

// Ceiling is what the callbacks of one user, number, group or line, or of the site, have used and reserved.
type Ceiling struct {
	Scope    string   `json:"scope" doc:"user, number, group, line or site"`
	Name     string   `json:"name,omitempty" doc:"which of them; absent for the site"`
	Open     int64    `json:"open" doc:"callbacks that are pending or connected"`
	AtOnce   int64    `json:"at_once,omitempty" doc:"most of them; absent: no limit, or it depends on the group of the caller"`
	Reserved Amount   `json:"reserved" doc:"what open callbacks may still use"`
	Periods  []Period `json:"periods" doc:"the present hour, day and month"`
}

// Period is the use of one window of a ceiling.
type Period struct {
	Period string     `json:"period" doc:"hour, day or month"`
	Begin  *time.Time `json:"begin,omitempty" doc:"absent: nothing was used"`
	Used   Amount     `json:"used"`
	Limit  Amount     `json:"limit" doc:"a field that is 0 has no limit, or it depends on the group of the caller"`
}

// Amount is an amount of the ledger.
type Amount struct {
	Calls    int64   `json:"calls" doc:"dials"`
	Failures int64   `json:"failures" doc:"dials after which nobody was admitted"`
	Seconds  float64 `json:"seconds" doc:"time of dials and calls"`
	Money    string  `json:"money" doc:"in the currency of the tariff: 12.00"`
}

// Usage is what the calls and dials of the site have used over time.
type Usage struct {
	Step     string       `json:"step" doc:"of steps: hour or day, by the clock of the daemon's time zone"`
	First    *time.Time   `json:"first,omitempty" doc:"beginning of the first hour that is recorded; absent: none is"`
	Currency string       `json:"currency,omitempty" doc:"of money; absent: there is no tariff, and money is unknown"`
	Limits   []UsageLimit `json:"limits" doc:"the ceilings of the site"`
	Steps    []UsageStep  `json:"steps" doc:"oldest first, without gaps, from the first hour that is recorded"`
	Damaged  int          `json:"damaged" doc:"hours that are left out because their rows are damaged"`
}

// UsageLimit is a ceiling of the site.
type UsageLimit struct {
	Period string `json:"period" doc:"hour, day or month"`
	Limit  Amount `json:"limit" doc:"a field that is 0 has no limit"`
}

// UsageStep is the usage of one hour or day. A call or dial belongs to the hour in which it ended.
type UsageStep struct {
	Begin           time.Time `json:"begin"`
	Incoming        int64     `json:"incoming" doc:"calls that came in"`
	IncomingSeconds float64   `json:"incoming_seconds" doc:"their time"`
	Outgoing        int64     `json:"outgoing" doc:"calls that were dialed and connected: callbacks, modem tests, start-chat"`
	OutgoingSeconds float64   `json:"outgoing_seconds" doc:"their time"`
	Dials           int64     `json:"dials" doc:"attempts of callbacks"`
	Failures        int64     `json:"failures" doc:"attempts of callbacks that reached no modem"`
	Money           string    `json:"money" doc:"cost of the outgoing calls, as the ceilings count it: 12.00"`
	Unpriced        int64     `json:"unpriced" doc:"outgoing calls whose cost is unknown and not part of money"`
}

// Cleared is the number of sources of failed logins, or of lines, that were cleared.
type Cleared struct {
	Cleared int `json:"cleared"`
}

// AAAServer is an AAA server and its state.
type AAAServer struct {
	Name      string    `json:"name"`
	Protocol  string    `json:"protocol" doc:"radius or tacacs"`
	Address   string    `json:"address" doc:"host:port"`
	Serves    string    `json:"serves" doc:"authentication, accounting, or both joined by +"`
	Transport string    `json:"transport" doc:"udp, tcp or tls"`
	State     string    `json:"state" doc:"RADIUS: initial, okay, suspect, down or reopen (RFC 3539); TACACS+: alive or dead"`
	Sockets   int       `json:"sockets" doc:"open connections or UDP sockets"`
	InFlight  int       `json:"in_flight,omitempty" doc:"requests under way (RADIUS)"`
	Dropped   uint64    `json:"dropped,omitempty" doc:"RADIUS replies discarded as invalid or unexpected"`
	Answered  time.Time `json:"answered,omitzero" doc:"time of the last reply (RADIUS)"`
	Reason    string    `json:"reason,omitempty" doc:"why it last failed to reply"`
}

// Version describes the running daemon.
type Version struct {
	Version  string    `json:"version"`
	Go       string    `json:"go"`
	Hostname string    `json:"hostname"`
	PID      int       `json:"pid"`
	Started  time.Time `json:"started"`
}

// PageLink is a link to the operator's page. It can be used once, within 15 minutes.
type PageLink struct {
	URL string `json:"url" doc:"secret: opening it logs in"`
}

// Lockdown is an operator's order to stop all dialing.
type Lockdown struct {
	Active   bool       `json:"active"`
	Sessions bool       `json:"sessions"` // no session is admitted either
	Reason   string     `json:"reason,omitempty"`
	By       string     `json:"by,omitempty"`
	Since    *time.Time `json:"since,omitempty"`
	OnDisk   bool       `json:"on_disk"`         // it survives a restart
	Error    string     `json:"error,omitempty"` // why it is not on disk

	Nodes []NodeResult `json:"nodes,omitempty" doc:"of an order in a fleet: what became of it at each node"`
}

// AccessWindow is the latest access window of a policy group, or a request for one.
type AccessWindow struct {
	Group      string     `json:"group"`
	State      string     `json:"state" doc:"open, unapproved (open, but its group's file now requires two operators: it admits nobody), waiting (for a second operator), lapsed, closed"`
	Reason     string     `json:"reason"`
	For        string     `json:"for"` // its length: 4h0m0s
	OpenedBy   string     `json:"opened_by"`
	ApprovedBy string     `json:"approved_by,omitempty"`
	Requested  time.Time  `json:"requested"`
	Opened     *time.Time `json:"opened,omitempty"`
	Until      *time.Time `json:"until,omitempty"`
	Closed     *time.Time `json:"closed,omitempty"`
	ClosedBy   string     `json:"closed_by,omitempty"` // "ringback": its time was over
}

// Health is the health of a daemon and its disk.
type Health struct {
	Ready    bool      `json:"ready" doc:"false: callers cannot be served until the warnings that are unready are over"`
	Problems []string  `json:"problems" nullable:"false"` // texts for people; empty: healthy
	Warnings []Warning `json:"warnings" nullable:"false" doc:"the problems, for programs"`
	Journal  Journal   `json:"journal"`
	Spool    []Backlog `json:"spool" nullable:"false"` // by accounting list
	Lockdown Lockdown  `json:"lockdown"`
	Drain    Drain     `json:"drain"`
	Arrears  int       `json:"arrears"` // call ends held in memory because the disk write failed
	Log      Log       `json:"log"`
	Lines    int       `json:"lines"`
	Out      []int     `json:"lines_out_of_service" nullable:"false"`
	Busyouts []int     `json:"lines_busied_out" nullable:"false"`
}

// Warning is a problem of a daemon.
type Warning struct {
	Code    string `json:"code" doc:"as in the reference of health checks: disk_full, lines_out, …"`
	What    string `json:"what"`
	Fix     string `json:"fix"`
	Unready bool   `json:"unready,omitempty" doc:"while it lasts, callers cannot be served"`
}

// Journal is the state of the journal and its disk. Durations are in seconds.
type Journal struct {
	Path      string  `json:"path"`
	Octets    int64   `json:"octets"`
	LogOctets int64   `json:"log_octets"` // of the write-ahead log
	Free      uint64  `json:"free_octets"`
	Busy      float64 `json:"busy"`    // time since the transaction under way began to be written
	Last      float64 `json:"last"`    // duration of the last transaction
	Longest   float64 `json:"longest"` // longest since the start
	Slow      uint64  `json:"slow"`    // number that took longer than one second
	Error     string  `json:"error,omitempty"`
	// why no disk space is reserved for the ends of sessions, so that no session is admitted
	Reserve string `json:"reserve,omitempty"`
}

// Log counts the daemon's log records that could not be written.
type Log struct {
	Dropped uint64 `json:"dropped"` // since the start
	// dropped records not yet reported in the log; above zero, records are still being dropped
	Untold uint64  `json:"untold"`
	Syslog *Syslog `json:"syslog,omitempty"` // absent: no syslog server is configured
}

// LogLevel is the minimum level of the records of the log.
type LogLevel struct {
	Level      string     `json:"level" enum:"debug,info,warn,error"`
	Configured string     `json:"configured" enum:"debug,info,warn,error"` // log.level
	Until      *time.Time `json:"until,omitempty"`                         // then that of the configuration is in force
}

// Syslog is the way of the log's records to a syslog server.
type Syslog struct {
	Server  string `json:"server"`
	Down    bool   `json:"down"`    // it cannot be reached
	Dropped uint64 `json:"dropped"` // records since the start
}

// Backlog is the number of records that wait for the servers of an accounting list.
type Backlog struct {
	List    string    `json:"list"`
	Records int       `json:"records"`
	Oldest  time.Time `json:"oldest"`
}

// Reload is the result of a reload of the configuration.
type Reload struct {
	Applied  bool            `json:"applied" doc:"false: the configuration before it stays in force"`
	File     string          `json:"file"`
	Digest   string          `json:"digest,omitempty" doc:"of the configuration that was applied"`
	Problems []ConfigProblem `json:"problems" nullable:"false" doc:"warnings, and the errors that keep it from being applied"`
	Error    string          `json:"error,omitempty" doc:"why a configuration without errors was not applied"`
	Log      string          `json:"log,omitempty" doc:"why the log file could not be opened again"`
	Changed  []ChangedKey    `json:"changed" nullable:"false" doc:"keys that differ from the configuration before"`
	Groups   []string        `json:"policies" nullable:"false" doc:"groups whose policy has changed, has come or is gone"`
	Lines    ReloadedLines   `json:"lines"`
	Restart  []string        `json:"restart" nullable:"false" doc:"keys that differ from those at the start of the daemon, and take effect only after a restart"`

	Unverifiable []string `json:"unverifiable" nullable:"false" doc:"pending callbacks whose users cannot log in again: the method that authenticated them is gone"`
}

// Config is the configuration in force.
type Config struct {
	File     string    `json:"file"`
	Digest   string    `json:"digest"`
	Settings []Setting `json:"settings" nullable:"false"`
}

// Setting is a key of the configuration.
type Setting struct {
	Key   string `json:"key" doc:"path; a list or table is one key"`
	Value string `json:"value" doc:"as people read it; secrets are [secret]; empty: it has no value"`
	Set   bool   `json:"set" doc:"by the file or the environment; false: the default"`
}

// ConfigProblem is an error or a warning about a configuration.
type ConfigProblem struct {
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Key      string `json:"key,omitempty"`
	Msg      string `json:"msg"`
	Hint     string `json:"hint,omitempty"`
	Severity string `json:"severity" doc:"error or warning"`
	Text     string `json:"text" doc:"all of it in one line"`
}

// ChangedKey is a key of the configuration that differs from before.
type ChangedKey struct {
	Key    string   `json:"key"`
	Effect []string `json:"effect" nullable:"false" doc:"new calls, immediately, restart: of a list or table, those of its keys"`
}

// ReloadedLines are the TTYs of the lines that a new configuration changes.
type ReloadedLines struct {
	Added   []int `json:"added,omitempty"`
	Changed []int `json:"changed,omitempty"`
	Removed []int `json:"removed,omitempty"`
	Waiting []int `json:"waiting,omitempty" doc:"of those changed and removed: their call ends first"`
}
