// Package wire has what the benchmark and its town say to each other: the town prints one Ready as a line of JSON, then
// answers each Load on its standard input with one Result, and ends with its input.
package wire

import "time"

// Ready is a town that stands.
type Ready struct {
	PTYs       []string `json:"ptys,omitempty"`  // slaves of the bare modems
	Lines      []string `json:"lines,omitempty"` // host:port of the access server's modems, those that take calls first
	Auth, Acct string   `json:",omitempty"`      // host:port of the RADIUS server
	Error      string   `json:"error,omitempty"` // it does not stand
}

// What the town is made of, known to both sides.
const (
	FirstLine = 50000       // number of the first line that takes calls; each has its own
	FirstHome = 84000       // number of the first subscriber
	Password  = "maui-1993" // of all users
	Secret    = "a secret of the bench, 24+"
	Hostname  = "bench" // of the EXEC's prompt
)

// Load asks for callers: each of the first Callers subscribers lives through callback after callback.
type Load struct {
	Callers int           `json:"callers"`
	For     time.Duration `json:"for"` // no cycle begins after it
	// cycles begun a second, by all callers together; 0: each caller begins anew at once
	Rate float64 `json:"rate"`
}

// Result is what came of a Load.
type Result struct {
	Begun     int             `json:"begun"`
	Done      int             `json:"done"`     // called back, logged in, stood at the prompt, left
	Promised  int             `json:"promised"` // heard "Callback initiated"
	Busy      int             `json:"busy"`     // found the number busy and began anew
	Failures  []string        `json:"failures,omitempty"`
	Failed    int             `json:"failed"`
	Elapsed   time.Duration   `json:"elapsed"`   // until the last cycle was done
	Latencies []time.Duration `json:"latencies"` // of the cycles done
	CPU       time.Duration   `json:"cpu"`       // of the town's process
	Dials     []Dial          `json:"dials"`     // by the access server's modems
	OnHooks   []OnHook        `json:"on_hooks"`  // leg one of each promise, at the called line's modem
}

// Dial is one dial script as the modem read it.
type Dial struct {
	Number string    `json:"number"`
	Began  time.Time `json:"began"` // its first octet
	Time   time.Time `json:"time"`  // the CR of its dial command
}

// OnHook is a called line's modem going on hook at the end of a call.
type OnHook struct {
	Number string    `json:"number"` // the caller's
	Time   time.Time `json:"time"`
}
