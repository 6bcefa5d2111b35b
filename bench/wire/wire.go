// Package wire has the messages between the benchmark and its town: the town prints one Ready as a line of JSON, then
// answers each Load on its standard input with one Result, and ends with its input.
package wire

import "time"

// Ready says that the town is ready.
type Ready struct {
	PTYs       []string `json:"ptys,omitempty"`  // slaves of the bare modems
	Lines      []string `json:"lines,omitempty"` // host:port of the access server's modems, those that take calls first
	Auth, Acct string   `json:",omitempty"`      // host:port of the RADIUS server
	Echo       string   `json:"echo,omitempty"`  // host:port of the UDP echo server
	Error      string   `json:"error,omitempty"` // the town could not start
}

// The parts of the town that both sides know.
const (
	FirstLine = 50000       // number of the first line that takes calls; each has a different number
	FirstHome = 84000       // number of the first subscriber
	FirstWait = 89000       // number of the first subscriber who does not answer
	Password  = "maui-1993" // of all users
	Secret    = "a secret of the bench, 24+"
	Hostname  = "bench" // of the EXEC's prompt
)

// Load places calls: each of the first Callers subscribers repeats whole callbacks.
type Load struct {
	Callers int           `json:"callers"`
	For     time.Duration `json:"for"` // no cycle begins later
	// cycles begun per second, by all callers together; 0: each caller begins again immediately
	Rate float64 `json:"rate"`
	// nobody calls; the result has what the modems have seen since the last such order. The town was started with -seen
	Seen bool `json:"seen,omitempty"`
	// instead, each of the waiters calls once, is promised a callback, and does not answer it
	Wait bool `json:"wait,omitempty"`
	// the callers log in by PPP, without callbacks; nil: they see the prompts of a login
	PPP *PPP `json:"ppp,omitempty"`
}

// PPP is what callers do who log in by PPP.
type PPP struct {
	Cycles  int           `json:"cycles"`  // sessions of each caller, which end when IPCP is open; 0: one, held for Load.For
	Bare    bool          `json:"bare"`    // hang up after CONNECT, without PPP
	Stagger time.Duration `json:"stagger"` // between the first calls of two callers
	Rate    int           `json:"rate"`    // octets per second to Echo, and back, while a session is held; 0 none
	Packet  int           `json:"packet"`  // octets of a packet
	Echo    string        `json:"echo"`
}

// Result is the result of a Load.
type Result struct {
	Begun     int             `json:"begun"`
	Done      int             `json:"done"`     // called back, logged in, saw the prompt, left
	Promised  int             `json:"promised"` // received "Callback initiated"
	Busy      int             `json:"busy"`     // found the number busy and began again
	Failures  []string        `json:"failures,omitempty"`
	Failed    int             `json:"failed"`
	Elapsed   time.Duration   `json:"elapsed"`   // until the end of the last cycle
	Latencies []time.Duration `json:"latencies"` // of the completed cycles
	CPU       time.Duration   `json:"cpu"`       // of the town's process
	Dials     []Dial          `json:"dials"`     // by the access server's modems
	OnHooks   []OnHook        `json:"on_hooks"`  // leg one of each promise, at the called line's modem
	// PPP: packets to the echo server and back. Latencies has the median of their times, the 99th percentile and the
	// maximum
	Sent, Received int `json:",omitempty"`
	// PPP: the times of LCP Echo-Requests to the daemon, as Latencies
	Echoes []time.Duration `json:",omitempty"`
	// Load.Seen: the connections to the modems that have got a command, and the number of commands that were read
	Opened   []Opened `json:"opened,omitempty"`
	Commands int      `json:"commands,omitempty"`
}

// Opened is a connection to a modem of the access server.
type Opened struct {
	Line    int       `json:"line"`    // index in Ready.Lines
	Time    time.Time `json:"time"`    // when it was accepted
	Command time.Time `json:"command"` // the first octet of its first command
}

// Dial is one dial script as the modem read it.
type Dial struct {
	Number string    `json:"number"`
	Began  time.Time `json:"began"` // its first octet
	Dial   time.Time `json:"dial"`  // the first octet of its dial command
	Time   time.Time `json:"time"`  // the CR of its dial command
}

// OnHook is a called line's modem that goes on hook at the end of a call.
type OnHook struct {
	Number string    `json:"number"` // the caller's
	Time   time.Time `json:"time"`
}
