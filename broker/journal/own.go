package journal

import "time"

// This file has the rows that belong to one node: its calls, its accounting spool, its audit, its counts of failed
// logins.

// Call is one telephone connection on a line, and the session on it.
type Call struct {
	ID             string
	TTY            int
	Direction      string // "incoming" or "outgoing"
	Caller         string
	Called         string // incoming: as the modem reported it; outgoing: the dialed number in canonical digits
	Connect        string // the modem's CONNECT line
	User           string // "" until authenticated
	Entry          string // method-list entry that authenticated
	Service        string // "exec", "ppp", ModemTest, StartChat, DialOut; "" until known
	Leg            int    // 1 or 2 of a callback; 0 if none
	CallbackID     string // leg one: the promised callback, once the call has ended; "" if none
	SessionID      string // Acct-Session-Id of the open session; "" if there is none, or it is not accounted
	MultiSessionID string // Acct-Multi-Session-Id
	Start          time.Time
	End            time.Time // zero: the call is open
	Cause          string    // why it ended, for operators
	TerminateCause int       // Acct-Terminate-Cause (RFC 2866 §5.10); 0 if none
	OctetsIn       uint64    // from the caller
	OctetsOut      uint64    // to the caller
	Data           string    // JSON of the owner, e.g. what an accounting Stop needs after a crash; no secrets
}

// StartChat is the Service of a call that an operator has dialed with a chat script. Its row is as that of a ModemTest.
const StartChat = "start-chat"

// DialOut is the Service of a call that a person has asked for, aaa.Outbound. Its row is written before the dial.
const DialOut = "outbound"

// CallFilter selects calls; zero fields select all.
type CallFilter struct {
	TTY     int
	User    string
	Service string
	Since   time.Time // only those that began at this time or later
	Ended   bool      // only those that have ended
}

// CallsSearched is the number of newest calls in which a CallFilter is looked for: a filter that matches few of them
// must not read a journal of years.
const CallsSearched = 100_000

// ModemTest is the Service of a call from one line to another that tests their modems. Its row is written before the
// dial, and has the number in Called.
const ModemTest = "modem test"

// Spooled is one accounting record that waits to be sent.
type Spooled struct {
	Seq       int64  // order of spooling; assigned by the journal
	ID        string // unique
	SessionID string // Acct-Session-Id; records of one session are sent in order
	List      string // the accounting method list of the record; "" is the default list
	Body      string // the record as JSON, without secrets
	Created   time.Time
	Tries     int
	LastError string
}

// Audit is one record of the audit chain.
type Audit struct {
	Seq      int64 // from 1, without gaps; assigned by the journal
	Time     time.Time
	Kind     string // "callback ended", "cancelled by operator", …
	Who      string // the actor: a user, an operator, "ringback"
	Text     string
	PrevHash []byte // Hash of Seq-1; 32 zero bytes for the first
	Hash     []byte // of the chain with the key of the journal
	Digest   []byte // of the chain without a key: DigestAfter the one of Seq-1
}

// Sum is the total that retention keeps of the rows that it removes, for cost reports: per month, direction, user and
// number.
type Sum struct {
	Month     string // "2026-11", in UTC: that of a callback's promise, an attempt's dial, a call's start
	Direction string // "incoming" or "outgoing"; callbacks and attempts are outgoing
	User      string
	Entry     string
	Number    string // the dialed number; "" if incoming
	Callbacks int64  // promised by this node
	Completed int64  // number that completed on this node; other nodes of a fleet may have promised them
	Attempts  int64
	Calls     int64
	Duration  time.Duration // of the calls
	OctetsIn  uint64
	OctetsOut uint64
}

// Usage is what the calls and dials of one hour have used. A call or dial belongs to the hour in which it ended.
type Usage struct {
	Begin        time.Time // of the hour by the clock of a time zone
	Incoming     int64     // calls
	IncomingTime time.Duration
	Outgoing     int64 // calls that were connected: leg two, tests of modems, start-chat
	OutgoingTime time.Duration
	Dials        int64 // attempts of callbacks, without those that were provably not dialed
	Failures     int64 // attempts after which nobody was connected
	Money        int64 // cost of the outgoing calls in millionths of the site's currency, without those of Unpriced
	Unpriced     int64 // outgoing calls whose cost is unknown
}

// UsageKept is how long the rows of Usage are kept.
const UsageKept = 400 * 24 * time.Hour

// ConnectedOutcome is the Outcome of an attempt that reached a modem.
const ConnectedOutcome = "connected"

// Pruned is what retention has removed.
type Pruned struct {
	Callbacks int
	Calls     int
	Dialed    int // last numbers of users, see Dialed
	Pages     int // returned to the disk
}

// Add adds the result of another pruning.
func (p *Pruned) Add(more Pruned) {
	p.Callbacks += more.Callbacks
	p.Calls += more.Calls
	p.Dialed += more.Dialed
	p.Pages += more.Pages
}

// LoginLimit is the count of the recent failed logins of one source.
type LoginLimit struct {
	Kind        string // the kind of source that Key names
	Key         string // keyed hash, or clear text; opaque here
	Label       string // for operators
	Failures    int
	First       time.Time // first of the failures that count
	LockedUntil time.Time // zero: not locked
}

// LoginName is a name that has logged in, by its keyed hash.
type LoginName struct {
	Key  string
	Seen time.Time // updated from time to time, not at every login
}

// Lockdown is the row that forbids all dialing while it is Active. A node has one at most; the zero Lockdown means that
// none was ever ordered.
type Lockdown struct {
	Active   bool
	Sessions bool // no session is admitted either
	Reason   string
	Who      string    // the operator who wrote this row
	Since    time.Time // when the lockdown began; not Active: when it was lifted
}

// AccessWindow is the latest access window of a policy group: operators let its users come in for a limited time.
// Opened is zero while it waits for a second operator; Closed is zero until it is over.
type AccessWindow struct {
	Group      string // its key
	Reason     string
	Length     time.Duration // from Opened to Until
	OpenedBy   string        // the operator who asked for it
	ApprovedBy string        // a second operator; "": none was needed, or it still waits for one
	Requested  time.Time
	Opened     time.Time
	Until      time.Time
	Seen       time.Time // it was open then: a clock that is set back does not lengthen it
	Closed     time.Time
	ClosedBy   string
}

// LineRecord is what a line's number stands for across restarts: its counters and its last failure.
type LineRecord struct {
	TTY         int
	Since       time.Time // when the counts began
	Counts      string    // JSON: counts by the names of the counters
	FailureKind string    // "" none
	Failure     string    // what was seen
	Failed      time.Time // when
}

// Triggered is the last signed text by which a user has requested a callback: older ones were used, or are refused.
type Triggered struct {
	User   string
	Signed time.Time // by the text
}

// Dialed has the numbers that were dialed last for a user with several numbers. It is kept as long as a callback of the
// user.
type Dialed struct {
	Entry, User string // the identity
	Number      string // whatever became of the dial
	Connected   string // the last one whose call was connected; "": none
}

// PutCall writes a call, new or open. Error: ErrEnded if this call has been closed. A Call with an End is closed, and
// its use is added to the Usage of that hour.
type PutCall struct {
	Call Call
	Cost *int64 // of an outgoing call that is closed, in millionths of the site's currency; nil: unknown
}

// EndCall closes an open call that a crash has interrupted: it counts in the Usage of the hour of End, without time and
// cost, which are unknown. Errors: ErrNotFound if no call has this ID, ErrEnded if it is already closed.
type EndCall struct {
	ID             string
	End            time.Time
	Cause          string
	TerminateCause int
	OctetsIn       uint64
	OctetsOut      uint64
}

// Spool keeps an accounting record until it is acknowledged. Seq is ignored. If there is a record with the same ID, it
// is left unchanged.
type Spool struct{ Record Spooled }

// Unspool removes an acknowledged record. It is no error if there is none.
type Unspool struct{ ID string }

// UnspoolAll removes acknowledged records by their numbers. It is no error if some do not exist.
type UnspoolAll struct{ Seqs []int64 }

// SpoolTried counts a delivery that was not acknowledged. Error: ErrNotFound if there is no such record.
type SpoolTried struct {
	ID  string
	Err string
}

// AddAudit appends to the audit. Seq, PrevHash, Hash and Digest are ignored.
type AddAudit struct{ Audit Audit }

// PutLoginLimit writes a limit, new or existing.
type PutLoginLimit struct{ Limit LoginLimit }

// DropLoginLimit removes a limit. It is no error if there is none.
type DropLoginLimit struct{ Kind, Key string }

// PutLoginName writes a name, new or existing.
type PutLoginName struct{ Name LoginName }

// DropLoginName removes a name. It is no error if there is none.
type DropLoginName struct{ Key string }

// PutLockdown replaces the row of the lockdown, even if that row is damaged.
type PutLockdown struct{ Lockdown Lockdown }

// PutAccessWindow replaces the row of a group's access window.
type PutAccessWindow struct{ Window AccessWindow }

// PutLineRecord writes the record of a line, new or existing.
type PutLineRecord struct{ Record LineRecord }

// DropLineRecord removes the record of a line. It is no error if there is none.
type DropLineRecord struct{ TTY int }

// PutTriggered replaces the row of a user, even if that row is damaged.
type PutTriggered struct{ Triggered Triggered }

// PutDialed replaces the row of a user, even if that row is damaged.
type PutDialed struct{ Dialed Dialed }

// SetAside takes damaged rows out of use: pending callbacks end as failed, open calls are closed, records of the spool
// leave the queue, records of lines and reports that are owed are removed. The original rows are kept in the table
// set_aside, for operators. It is for a daemon that has reported the damage: otherwise a damaged pending callback would
// keep its user from another one, and the spool would read a damaged record again each time.
type SetAside struct{ Time time.Time }

// DamagedCause is the cause of callbacks and calls that SetAside ended.
const DamagedCause = "its row in the journal is damaged"

// UseReserve allows its group to use the reserve if the disk is full. It is for the ends of admitted sessions, and for
// nothing that a caller can cause as often as they like.
type UseReserve struct{}

func (PutCall) mutation()         {}
func (EndCall) mutation()         {}
func (Spool) mutation()           {}
func (Unspool) mutation()         {}
func (UnspoolAll) mutation()      {}
func (SpoolTried) mutation()      {}
func (AddAudit) mutation()        {}
func (PutLoginLimit) mutation()   {}
func (DropLoginLimit) mutation()  {}
func (PutLoginName) mutation()    {}
func (DropLoginName) mutation()   {}
func (PutLockdown) mutation()     {}
func (PutAccessWindow) mutation() {}
func (PutDialed) mutation()       {}
func (PutTriggered) mutation()    {}
func (PutLineRecord) mutation()   {}
func (DropLineRecord) mutation()  {}
func (SetAside) mutation()        {}
func (UseReserve) mutation()      {}
