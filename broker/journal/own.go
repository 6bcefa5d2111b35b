package journal

import "time"

// This file is what is a node's own: its calls, its accounting spool, its audit, its counts of failed logins.

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

// Sum is what retention keeps of the rows that it removes, for cost reports: of one month, direction, user and number.
type Sum struct {
	Month     string // "2026-11", in UTC: that of a callback's promise, an attempt's dial, a call's start
	Direction string // "incoming" or "outgoing"; callbacks and attempts are outgoing
	User      string
	Entry     string
	Number    string // that was dialed; "" incoming
	Callbacks int64  // promised
	Completed int64  // of these
	Attempts  int64
	Calls     int64
	Duration  time.Duration // of the calls
	OctetsIn  uint64
	OctetsOut uint64
}

// Pruned is what retention has removed.
type Pruned struct {
	Callbacks int
	Calls     int
	Pages     int // given back to the disk
}

// Add adds what another pruning has removed.
func (p *Pruned) Add(more Pruned) {
	p.Callbacks += more.Callbacks
	p.Calls += more.Calls
	p.Pages += more.Pages
}

// LoginLimit is how many logins of one source failed lately.
type LoginLimit struct {
	Kind        string // what Key is of
	Key         string // keyed hash, or clear text; opaque here
	Label       string // for people
	Failures    int
	First       time.Time // of the failures that count
	LockedUntil time.Time // zero: not locked
}

// LoginName is a name that has logged in, by its keyed hash.
type LoginName struct {
	Key  string
	Seen time.Time // lately, not always the last time
}

// PutCall writes a call: a new one, or what has become of an open one. ErrEnded where this call was closed before.
type PutCall struct{ Call Call }

// EndCall closes an open call. ErrNotFound where there is none of this ID, ErrEnded where it is closed already.
type EndCall struct {
	ID             string
	End            time.Time
	Cause          string
	TerminateCause int
	OctetsIn       uint64
	OctetsOut      uint64
}

// Spool keeps an accounting record until it is acknowledged. Seq is ignored. A record of the same ID is left as it is.
type Spool struct{ Record Spooled }

// Unspool removes an acknowledged record. It is no error if there is none.
type Unspool struct{ ID string }

// UnspoolAll removes acknowledged records by their numbers. It is no error if some are gone.
type UnspoolAll struct{ Seqs []int64 }

// SpoolTried counts a delivery that was not acknowledged. ErrNotFound where there is no such record.
type SpoolTried struct {
	ID  string
	Err string
}

// AddAudit appends to the audit. Seq, PrevHash and Hash are ignored.
type AddAudit struct{ Audit Audit }

// PutLoginLimit writes a limit, new or known.
type PutLoginLimit struct{ Limit LoginLimit }

// DropLoginLimit removes a limit. It is no error if there is none.
type DropLoginLimit struct{ Kind, Key string }

// PutLoginName writes a name, new or known.
type PutLoginName struct{ Name LoginName }

// DropLoginName removes a name. It is no error if there is none.
type DropLoginName struct{ Key string }

// SetAside takes damaged rows out of the way: pending callbacks end as failed, open calls are closed, records of the
// spool leave the queue. As they were found they are kept in the table set_aside, for people. It is for a daemon that
// has told of the damage: without it a damaged pending callback keeps its user from another one, and a damaged record
// is met at each turn of the spool.
type SetAside struct{ Time time.Time }

// DamagedCause is the cause of callbacks and calls that SetAside ended.
const DamagedCause = "its row in the journal is damaged"

// UseReserve lets the group that it is in use the reserve where the disk is full. It is for what ends a session that
// was admitted, and for nothing that a caller can cause as often as they like.
type UseReserve struct{}

func (PutCall) mutation()        {}
func (EndCall) mutation()        {}
func (Spool) mutation()          {}
func (Unspool) mutation()        {}
func (UnspoolAll) mutation()     {}
func (SpoolTried) mutation()     {}
func (AddAudit) mutation()       {}
func (PutLoginLimit) mutation()  {}
func (DropLoginLimit) mutation() {}
func (PutLoginName) mutation()   {}
func (DropLoginName) mutation()  {}
func (SetAside) mutation()       {}
func (UseReserve) mutation()     {}
