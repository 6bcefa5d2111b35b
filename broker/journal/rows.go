package journal

import "time"

// Call is one telephone connection on a line, and the session on it.
type Call struct {
	ID             string
	TTY            int
	Direction      string // "incoming" or "outgoing"
	Caller         string
	Called         string
	Connect        string // the modem's CONNECT line
	User           string // "" until authenticated
	Entry          string // method-list entry that authenticated
	Service        string // "exec", "ppp"; "" until known
	Leg            int    // 1 or 2 of a callback; 0: of none
	CallbackID     string // "": of none
	SessionID      string // Acct-Session-Id of the open session; "" where none is, or none that is accounted
	MultiSessionID string // Acct-Multi-Session-Id
	Start          time.Time
	End            time.Time // zero: the call is open
	Cause          string    // why it ended, for people
	TerminateCause int       // Acct-Terminate-Cause (RFC 2866 §5.10); 0 none
	OctetsIn       uint64    // from the caller
	OctetsOut      uint64    // to the caller
	Data           string    // JSON of the owner's choice, e.g. what an accounting Stop needs after a crash; no secrets
}

// Callback is the promise to ring somebody back. It is pending while Ended is zero.
type Callback struct {
	ID             string
	Phase          string // the machine's phase, for queries
	State          string // the machine's whole state as JSON; opaque here
	User           string // with Entry: the identity that leg two must prove
	Entry          string
	Service        string
	Caller         string // as leg one's modem told it; "" unknown
	Number         string // canonical digits to dial
	NoVerify       bool
	CallID         string // leg one
	CalledTTY      int
	Lines          []int // explicit callback-line; none: empty
	Rotary         *int  // explicit callback-rotary; nil: none
	ForcedWait     time.Duration
	RetryWait      time.Duration
	Attempts       int    // recorded so far; never falls, never above Max
	Max            int    // budget
	Decision       string // JSON
	Trace          string // JSON: why the decision is what it is
	PolicyDigest   string
	Authorization  string // JSON, secrets removed
	MultiSessionID string
	HeldBy         string // what holds it up or which line it holds, for people
	Created        time.Time
	Updated        time.Time
	Ended          time.Time // zero: pending
	Outcome        string    // "" while pending; "completed", "failed", "expired", "cancelled"
	Cause          string
}

// Pending reports whether the callback has not ended.
func (c Callback) Pending() bool { return c.Ended.IsZero() }

// Attempt is one dial for a callback. It is recorded before the dial command is given.
type Attempt struct {
	CallbackID string
	N          int // from 1
	TTY        int
	Script     string
	Number     string
	Started    time.Time
	Ended      time.Time // zero: it runs, or a crash cut it off
	Outcome    string    // "" until ended; "connected", "busy", "no answer", "interrupted by restart", …
	Detail     string
	Transcript string // of the chat script, secrets masked
}

// Spooled is one accounting record on its way to a server.
type Spooled struct {
	Seq       int64  // order of spooling; given by the journal
	ID        string // unique
	SessionID string // Acct-Session-Id; records of one session are sent in order
	List      string // the accounting method list that it is for; "" default
	Body      string // the record as JSON, without secrets
	Created   time.Time
	Tries     int
	LastError string
}

// Audit is one record of the audit chain.
type Audit struct {
	Seq      int64 // from 1, without gaps; given by the journal
	Time     time.Time
	Kind     string // "callback ended", "cancelled by operator", …
	Who      string // who did it: a user, an operator, "ringback"
	Text     string
	PrevHash []byte // Hash of Seq-1; 32 zero bytes for the first
	Hash     []byte
}

// Damage is a row that does not verify. It was not returned as a row and must not be acted on.
type Damage struct {
	Table  string // "calls", "callbacks", "attempts", "spool", "audit"
	Key    string // the row's key as far as it can be read
	Reason string
}

// String says which row is damaged and how.
func (d Damage) String() string { return d.Table + " row " + d.Key + ": " + d.Reason }
