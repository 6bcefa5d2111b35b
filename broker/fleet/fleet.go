// Package fleet is what the nodes of a fleet agree on, as data: promises with their claims, and the interface of the
// authority that keeps them. A node is one ringback process with its lines; its journal stays its own. The package
// broker/fleet/postgres has the authority, whose engine is PostgreSQL.
//
// # The rule
//
// The authority's commit comes first, then the node's journal, then the world. A node may dial for a shared callback
// only after it has inserted the row of the attempt itself, under the epoch of its claim; no clock is part of that
// rule. A claim that another node takes has the next epoch, so that a node that was paused finds its own epoch gone.
package fleet

import (
	"context"
	"errors"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// Claim is the right of a node to work on a callback: its attempts and its end are recorded only while the epoch is
// that of the callback's row.
type Claim struct {
	ID    string
	Epoch int64 // from 1, which is the claim of the node that promised
}

// Row is a callback as the nodes share it.
type Row struct {
	// As the journal of its holder had it when it was promised or offered, with its Epoch; no secrets.
	journal.Callback

	Holder  string // the node that has the claim
	Rotary  int    // a rotary of the fleet from which its next dial may be made; NoRotary if only Home's lines may
	Offered bool   // any node with a free line of Rotary may take it
	Open    int    // number of the attempt that has begun and has no end; 0: none
	TTY     int    // from which its last attempt was dialed, at the node that did; 0: none. Only Views.Callbacks has it
	Settled bool   // what it used was added to its accounts
	Format  int    // of what the JSON columns contain; a node takes no callback of a newer format than its own
}

// NoRotary is the Rotary of a callback that only the lines of its home may dial.
const NoRotary = -1

// ByOrder is the Outcome of a row that is no callback: it counts a dial by order (a dial-out, or one of start-chat) in
// the accounts. Its node promises it as ended, settles it when the call is over, and withdraws it if there was no dial.
// Nobody takes it, and Callbacks leaves it out.
const ByOrder = "by order"

// Format is the format that this version writes and the newest that it reads.
const Format = 1

// Claim returns the claim of the row's holder.
func (r Row) Claim() Claim { return Claim{r.ID, r.Epoch} }

// End is how a callback, or the work of one node on it, ended.
type End struct {
	Claim
	Time     time.Time
	Outcome  string // "completed", "failed", "expired", "cancelled"
	Cause    string
	Attempts int    // recorded when it ended
	Trace    string // JSON: the holder's steps
	// Settle books what was used. nil: the call of leg two is not over, and Settle follows.
	Settle *journal.Settle
}

// The errors of an Authority. They are wrapped with what failed, on what, and how to mend it.
var (
	// ErrAway: the authority cannot be asked, or cannot answer in time. What was asked has not happened.
	ErrAway = errors.New("the fleet's PostgreSQL cannot be reached")
	// ErrUnknown: the connection was lost, or the commit is not durable, before it was known whether it happened.
	ErrUnknown = errors.New("it is not known whether the fleet's PostgreSQL has recorded it")
	// ErrFenced: the claim is not in force. Another node has the callback, or it has ended.
	ErrFenced = errors.New("the claim is not in force")
	// ErrSpent: the attempt is not the next one of the callback, or the budget is spent.
	ErrSpent = errors.New("the attempt is not the next one of the callback")
	// ErrForged: a row does not verify with the fleet's key. It must not be acted on.
	ErrForged = errors.New("the row does not verify with the fleet's key")
	// ErrNotMember: this node may not work in the fleet now: another process has its name, an operator has removed it,
	// or the settings of the server or of the node forbid it.
	ErrNotMember = errors.New("this node is not a member of the fleet")
	// ErrUp: the node runs, so that nobody can vouch that it is off.
	ErrUp = errors.New("the node is up: stop it first")
	// ErrNotFound: there is no such callback or node.
	ErrNotFound = errors.New("not found in the fleet")
)

// Promise is what Authority.Promise commits.
type Promise struct {
	Row
	Charges []journal.Charge // the accounts that it uses, with their limits
	Amount  journal.Amount   // reserved in each of them
	Time    time.Time        // of the promise; its zone defines the windows
}

// Known is what the journal of a node knows of a callback.
type Known struct {
	Row
	Charges []journal.Charge // of its reservation; nil: unknown
	Amount  journal.Amount
	Ended   bool // in the journal, or given up
}

// Standing is what the authority knows of a callback that a node asked about.
type Standing struct {
	Claim
	Missing  bool // there is no such row
	Mine     bool // this node holds the claim; its Epoch is new
	Holder   string
	Attempts int
	Open     int
	Ended    time.Time // zero: pending
	Outcome  string
	Cause    string
}

// Kind says what a Change is.
type Kind string

// The kinds of changes.
const (
	Offered Kind = "offered" // callbacks may wait for a free line of any node; asks for a look, may come without one
	Taken   Kind = "taken"   // another node has the callback ID
	Ended   Kind = "ended"   // the callback ID was ended by another node or an operator
	Ordered Kind = "ordered" // Order is for this node
	Back    Kind = "back"    // the authority answers again, or another server does: ask with Resume
	Gone    Kind = "gone"    // the authority does not answer
)

// Change is something that others did and that this node must act on.
type Change struct {
	Kind    Kind
	ID      string // Taken, Ended: the callback
	Holder  string // Taken: the node that has it
	Outcome string // Ended
	Cause   string // Ended
	Order   Order  // Ordered
}

// Verb is what an Order asks for.
type Verb string

// The verbs.
const (
	Cancel   Verb = "cancel"   // the callback ID
	CoA      Verb = "coa"      // a change of authorization or a disconnect (RFC 5176) for a session of the node
	Lockdown Verb = "lockdown" // of the fleet
	Unlock   Verb = "unlock"   // lifts it
	Drain    Verb = "drain"    // the node takes nothing, and offers what waits
	Undrain  Verb = "undrain"
)

// Order is an instruction for one node, or for all. It stays until the node has confirmed it.
type Order struct {
	Seq  int64  // assigned by the authority
	Node string // "": each node
	Verb Verb
	ID   string // of the callback
	Args string // JSON of the verb
	Who  string // the operator
	Text string // the reason
	Made time.Time
}

// Node is one member of the fleet.
type Node struct {
	Name    string
	State   string // "up", "silent", "drained", "down" (shut down in order), "removed"
	Version string // of ringback
	Format  int    // the newest that it reads
	// Digests of what must agree, by what it is of ("entries", "numbers", "policies"): a node takes only callbacks
	// whose entry and policy it knows.
	Digests map[string]string
	Claims  int           // pending callbacks that it holds
	Silence time.Duration // since its last heartbeat, by the clock of the node that was asked
	Since   time.Time     // when its process began, by its own clock
	Self    bool
	Drained string // why; "" if it is not
}

// Status is the state of a node's membership.
type Status struct {
	Node       string
	Connected  bool
	Member     bool
	Reason     string // why it is not connected or no member; "" if it is both
	Since      time.Time
	Server     string // the address that takes writes; "" if none
	Durability string // as configured
	Lost       string // why acknowledged commits were lost at the last change of the server; "" if none were
	Owed       int    // reports of this node that wait to be recorded
	Forged     uint64 // rows that did not verify
}

// Step is the trace that one node has of a callback, as JSON.
type Step struct {
	Node  string
	Epoch int64
	Trace string
}

// Attempt is one dial, of any node.
type Attempt struct {
	journal.Attempt
	Node  string
	Epoch int64
}

// Filter selects callbacks; zero fields select all.
type Filter struct {
	journal.Filter
	Node string // whose Home or Holder it is
}

// Authority keeps what nodes share. Its methods may be called concurrently; those with a context block until it ends,
// at most for the time limit of the Authority. When one that changes something returns nil, the change is durable as
// configured.
type Authority interface {
	Claims
	Orders
	Views

	// Run keeps the node a member until ctx ends: it beats, watches the others and reads changes. It then reports that
	// the node is down. It returns an error only if the node can never become a member.
	Run(ctx context.Context) error
	// Changes passes on what this node must act on. It is never closed.
	Changes() <-chan Change
	// Status never blocks.
	Status() Status
}

// Claims are the operations on callbacks.
type Claims interface {
	// Promise records a callback of this node, at epoch 1, with its reservation. Errors: journal.ErrPending if the
	// identity has another one pending anywhere, *journal.Ceiling, ErrAway, ErrNotMember. ErrUnknown: it may be on
	// record; the caller must owe a withdrawal (journal.Owed) and refuse the user.
	Promise(ctx context.Context, p Promise) error
	// Withdraw ends a callback of this node of which its user was not told, and settles a dial ByOrder that was not
	// made. It is no error if there is none, or if it has ended.
	Withdraw(ctx context.Context, id, cause string) error
	// Waiting returns up to n callbacks that this node may take, oldest first, without those in skip: offered for one
	// of the rotaries, or held by a silent or removed node. Rows that do not verify are counted and not returned.
	Waiting(ctx context.Context, rotaries []int, skip []string, n int) ([]Row, error)
	// Take claims a callback that Waiting returned, and returns it with its new epoch and no open attempt. ErrFenced:
	// another node was faster. ErrUnknown: this node may have it, and Resume tells.
	Take(ctx context.Context, r Row) (Row, error)
	// Attempt inserts the row that is the right to dial: a.N must be the next number (ErrSpent). It closes the attempt
	// before it. After ErrAway and ErrUnknown it must not be dialed. After a change of the server it is ErrAway until
	// all nodes that are present have resumed, or an attempt's time has passed: a claim may have been lost. So is Look.
	Attempt(ctx context.Context, c Claim, a journal.Attempt) error
	// Look returns nil if the claim is in force and attempt n is open, and the answer is no older than a second.
	Look(ctx context.Context, c Claim, n int) error
	// Continue records that the open attempt has ended and that the callback is not over.
	Continue(ctx context.Context, c Claim, n int, outcome string) error
	// Offer replaces the row and lets any node with a free line of r.Rotary take it. The open attempt is closed.
	Offer(ctx context.Context, r Row) error
	// End records the end of a callback, which then stays as it is (ErrFenced). It is no error to record the same end
	// of the same claim again.
	End(ctx context.Context, e End) error
	// Settle books what an ended callback has used, and records the steps of this node; trace: JSON, "" for none. It is
	// no error if that was done before. c may be a claim that is over.
	Settle(ctx context.Context, c Claim, s journal.Settle, trace string) error
	// Resume tells what became of the callbacks of a journal, and gives this node's claims new epochs. What the
	// authority has lost (a server that took over without the last commits) is written back from all. Callbacks that it
	// holds for this node and that all lacks were never told to their users, or never reached its journal: they are
	// withdrawn, or offered again. Dials ByOrder that all lacks were not made.
	Resume(ctx context.Context, all []Known) ([]Standing, error)
	// Reserve keeps amount in the accounts for what this node promises while the authority is away, in place of what
	// it kept before. A *journal.Ceiling means that nothing is kept.
	Reserve(ctx context.Context, charges []journal.Charge, amount journal.Amount, now time.Time) error
	// Accounts returns the accounts of the fleet, as journal.Promises does.
	Accounts(ctx context.Context, scopes ...string) ([]journal.Account, error)
}

// Orders reach other nodes.
type Orders interface {
	// Order records an order and returns it with its number. An order for all nodes is for each that is a member.
	Order(ctx context.Context, o Order) (Order, error)
	// Confirm records that this node has carried out an order.
	Confirm(ctx context.Context, seq int64, result string) error
	// Confirmed returns the nodes that have confirmed an order, with their results, and those that have not.
	Confirmed(ctx context.Context, seq int64) (done map[string]string, waiting []string, err error)
	// Cancel ends a shared callback that waits, on any node; its holder gets a Change. If an attempt is open, or the
	// callback is not shared, it returns the holder, which must be ordered to end it, and ended false.
	Cancel(ctx context.Context, id, who, text string) (holder string, ended bool, err error)
	// Remove ends the open attempts and the own callbacks of a node that an operator vouches is off, and lets others
	// take what it has waiting. ErrUp: it has not shut down, and is not silent.
	Remove(ctx context.Context, node, who string) error
	// ShipAudit copies records of this node's audit chain, in order, and returns the number of the last one copied.
	ShipAudit(ctx context.Context, rows []journal.Audit) (last int64, err error)
}

// Views are what operators see of all nodes.
type Views interface {
	Nodes(ctx context.Context) ([]Node, error)
	// Callbacks returns up to limit callbacks, last recorded first, without dials ByOrder.
	Callbacks(ctx context.Context, limit int, f Filter) ([]Row, error)
	// Callback returns a callback with its attempts and the traces of the nodes that worked on it. Error: ErrNotFound.
	Callback(ctx context.Context, id string) (Row, []Attempt, []Step, error)
}
