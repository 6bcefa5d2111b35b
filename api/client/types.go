// Package client has the types of ringback's admin API and the client that speaks it over a unix socket. The command line and later the
// console pages have no other door to a running daemon.
package client

import (
	"encoding/json"
	"time"
)

// Line is a line as `show lines` prints it. Times are wall time.
type Line struct {
	TTY     int       `json:"tty" doc:"the line's number"`
	Port    string    `json:"port" doc:"URL of the port"`
	Modem   string    `json:"modem" doc:"inout, callin or callout"`
	Rotary  *int      `json:"rotary,omitempty" doc:"rotary group, 0-100"`
	State   string    `json:"state" doc:"down, idle, ringing, in call, leased, dialing, out call, hanging up, quarantined"`
	Reason  string    `json:"reason,omitempty" doc:"why it is down or quarantined"`
	Notices []string  `json:"notices,omitempty" doc:"what is not as it should be though the line works"`
	InBand  bool      `json:"in_band,omitempty" doc:"its port has no modem signals"`
	Owner   string    `json:"owner,omitempty" doc:"the call or callback that holds the line"`
	Signals string    `json:"signals,omitempty" doc:"modem signals that are on, e.g. DTR DSR DCD"`
	Since   time.Time `json:"since" doc:"when the state began"`
	Calls   uint64    `json:"calls" doc:"incoming calls answered"`
	Dials   uint64    `json:"dials" doc:"dial commands given"`
	Noise   uint64    `json:"noise" doc:"lines of garbage from the modem"`
}

// User is somebody on a line.
type User struct {
	TTY     int       `json:"tty"`
	User    string    `json:"user" doc:"empty until he has logged in"`
	Service string    `json:"service" doc:"exec or ppp"`
	Leg     int       `json:"leg" doc:"1: he called us; 2: we called him back"`
	Call    string    `json:"call" doc:"the call's ID"`
	Caller  string    `json:"caller,omitempty" doc:"calling number, where the modem told it"`
	Connect string    `json:"connect,omitempty" doc:"the modem's CONNECT line"`
	Start   time.Time `json:"start"`
}

// Callback is a promise to call somebody back.
type Callback struct {
	ID       string     `json:"id"`
	Phase    string     `json:"phase" doc:"where it stands: promised, leasing, waiting, dialing, answered, completed, failed, expired, cancelled"`
	User     string     `json:"user"`
	Entry    string     `json:"entry" doc:"the method-list entry that authenticated him"`
	Number   string     `json:"number" doc:"the number to dial"`
	NoVerify bool       `json:"no_verify"`
	Called   int        `json:"called_tty" doc:"the line that he called"`
	TTY      int        `json:"tty,omitempty" doc:"the line that calls back, once chosen"`
	Attempts int        `json:"attempts" doc:"attempts spent"`
	Max      int        `json:"max" doc:"attempts granted"`
	Cause    string     `json:"cause,omitempty" doc:"why it ended as it did"`
	Created  time.Time  `json:"created"`
	Ended    *time.Time `json:"ended,omitempty"`
}

// CallbackQuery says which callbacks are wanted.
type CallbackQuery struct {
	All   bool      // ended ones too
	Limit int       // the newest so many; 0: all
	Since time.Time // those created then or later; zero: all
}

// Attempt is one dial of a callback.
type Attempt struct {
	N          int        `json:"n"`
	TTY        int        `json:"tty"`
	Script     string     `json:"script"`
	Started    time.Time  `json:"started"`
	Ended      *time.Time `json:"ended,omitempty"`
	Outcome    string     `json:"outcome"`
	Detail     string     `json:"detail,omitempty"`
	Transcript []string   `json:"transcript,omitempty" doc:"what was said to the modem and by it, secrets masked"`
}

// Step is one rule of a decision.
type Step struct {
	Rule   string `json:"rule"`
	Input  string `json:"input,omitempty" doc:"what the rule looked at"`
	Result string `json:"result" doc:"what it made of it"`
}

// Happening is one line of a callback's history.
type Happening struct {
	Time  time.Time `json:"time"`
	Event string    `json:"event" doc:"what happened, by its name in the callback machine's table"`
	Phase string    `json:"phase" doc:"the phase that it led to, as in phase of the callback"`
	Text  string    `json:"text,omitempty" doc:"details for people"`
}

// CallbackDetail is a callback with all that is known of it.
type CallbackDetail struct {
	Callback
	Policy        string          `json:"policy" doc:"group whose policy decided"`
	PolicyDigest  string          `json:"policy_digest"`
	Decision      []Step          `json:"decision" doc:"why the policy decided so"`
	Authorization json.RawMessage `json:"authorization,omitempty" doc:"what AAA granted and which server, secrets masked; no settled form"`
	History       []Happening     `json:"history" doc:"what happened, in order"`
	Dials         []Attempt       `json:"dials"`
}

// LoginLock is a source of failed logins that is locked or delayed.
type LoginLock struct {
	Of       string     `json:"of" doc:"name, line, name+number, name+line or number: what the failures are counted of"`
	Enable   bool       `json:"enable,omitempty" doc:"failures of the EXEC's enable, not of logins"`
	User     string     `json:"user,omitempty" doc:"the name; of a name that is nobody's its length and a keyed hash"`
	Number   string     `json:"number,omitempty" doc:"the calling number"`
	TTY      int        `json:"tty,omitempty"`
	Failures int        `json:"failures"`
	Until    *time.Time `json:"until,omitempty" doc:"locked until then; absent: only delayed"`
	Delay    float64    `json:"delay,omitempty" doc:"seconds that the next login waits"`
}

// Cleared says how much was cleared.
type Cleared struct {
	Cleared int `json:"cleared"`
}

// AAAServer is an AAA server and how it stands.
type AAAServer struct {
	Name      string    `json:"name"`
	Protocol  string    `json:"protocol" doc:"radius or tacacs"`
	Address   string    `json:"address" doc:"host:port"`
	Serves    string    `json:"serves" doc:"authentication, accounting, or both joined by +"`
	Transport string    `json:"transport" doc:"udp, tcp or tls"`
	State     string    `json:"state" doc:"of RADIUS servers initial, okay, suspect, down or reopen (RFC 3539); of TACACS+ servers alive or dead"`
	Sockets   int       `json:"sockets" doc:"connections, or sockets of UDP, that are open"`
	InFlight  int       `json:"in_flight,omitempty" doc:"requests under way (RADIUS)"`
	Dropped   uint64    `json:"dropped,omitempty" doc:"RADIUS replies that were not believed, or that nobody waited for"`
	Answered  time.Time `json:"answered,omitzero" doc:"when it last answered a request (RADIUS)"`
	Reason    string    `json:"reason,omitempty" doc:"why it was last silent"`
}

// Listening is the first event of a debug stream (its type is "listening"): events from now on are not missed.
type Listening struct {
	Topics []string `json:"topics"`
}

// DebugEvent is one line of `debug …`.
type DebugEvent struct {
	Time  time.Time `json:"time"`
	Topic string    `json:"topic" doc:"callback, chat, modem or aaa"`
	TTY   int       `json:"tty,omitempty"`
	Text  string    `json:"text"`
}

// Version says what answers.
type Version struct {
	Version  string    `json:"version"`
	Go       string    `json:"go"`
	Hostname string    `json:"hostname"`
	PID      int       `json:"pid"`
	Started  time.Time `json:"started"`
}

// Topics are what debug can show.
var Topics = []string{"callback", "chat", "modem", "aaa"}

// Health is how a daemon and its disk are.
type Health struct {
	Problems []string  `json:"problems" nullable:"false"` // for people; none: all is well
	Journal  Journal   `json:"journal"`
	Spool    []Backlog `json:"spool" nullable:"false"` // by accounting list
	Arrears  int       `json:"arrears"`                // ends of calls that are in memory only, since the disk took them not
	Log      Log       `json:"log"`
	Lines    int       `json:"lines"`
	Out      []int     `json:"lines_out_of_service" nullable:"false"`
}

// Journal is how the journal and its disk are. Times are in seconds.
type Journal struct {
	Path      string  `json:"path"`
	Octets    int64   `json:"octets"`
	LogOctets int64   `json:"log_octets"` // of the write-ahead log
	Free      uint64  `json:"free_octets"`
	Busy      float64 `json:"busy"`    // for how long the transaction under way has been written
	Last      float64 `json:"last"`    // how long the last one took
	Longest   float64 `json:"longest"` // of all since the start
	Slow      uint64  `json:"slow"`    // how many took longer than a second
	Error     string  `json:"error,omitempty"`
	Reserve   string  `json:"reserve,omitempty"` // why there is no room reserved for the ends of sessions, so that nobody is admitted
}

// Log is what became of the daemon's log records that could not be written.
type Log struct {
	Dropped uint64 `json:"dropped"` // since the start
	Untold  uint64 `json:"untold"`  // those of them that the log could not tell of yet: it still loses records
}

// Backlog is what waits for the servers of an accounting list.
type Backlog struct {
	List    string    `json:"list"`
	Records int       `json:"records"`
	Oldest  time.Time `json:"oldest"`
}
