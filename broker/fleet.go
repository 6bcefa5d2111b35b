package broker

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/ringback/ringback/broker/callback"
	"github.com/ringback/ringback/broker/fleet"
	"github.com/ringback/ringback/broker/journal"
)

// FleetRules are the rules of this node in a fleet.
type FleetRules struct {
	Rotaries   []int // of the fleet: any node may dial on its lines of these for another node
	OnLoss     OnLoss
	LocalCalls int // with OnLossLocal: how many callbacks are promised without the fleet, counted ahead
}

// OnLoss says what becomes of a new callback while the fleet's authority does not answer.
type OnLoss string

// The values of OnLoss. The zero value is OnLossRefuse.
const (
	OnLossRefuse OnLoss = "refuse" // it is not promised
	OnLossLocal  OnLoss = "local"  // it is promised if lines of this node may dial: one of a user
)

// member is this node in its fleet.
type member struct {
	fleet.Authority
	node  string
	rules FleetRules

	// recording has a place for each callback from its commit by the authority until the journal has it too. A resume
	// takes all places: what the authority has and the journal does not is then withdrawn.
	recording chan struct{}
	// resumed: the authority knows what the journal has. Until then nothing is promised, claimed or dialed for others.
	resumed atomic.Bool
	gone    atomic.Bool   // the authority did not answer, and this node has not resumed since
	resume  chan struct{} // capacity 1: a resume is needed
	claim   chan struct{} // capacity 1: look for callbacks of other nodes
	owing   chan struct{} // capacity 1: the journal has reports for the authority
	alone   alone
	owed    atomic.Int64 // reports that wait, as last counted

	mu       sync.Mutex
	withdraw map[string]string      // callbacks to withdraw that the journal could not record, with the cause
	dials    map[string]*sharedDial // dials by order in progress
}

func newMember(o Options) *member {
	if o.Fleet == nil {
		return nil
	}
	return &member{Authority: o.Fleet, node: o.Node, rules: o.FleetRules, recording: make(chan struct{}, maxRecording),
		resume: make(chan struct{}, 1), claim: make(chan struct{}, 1), owing: make(chan struct{}, 1),
		withdraw: map[string]string{}, dials: map[string]*sharedDial{}}
}

// maxRecording bounds the callbacks that are being recorded at once.
const maxRecording = 64

// record takes places of recording; done returns them.
func (m *member) record(ctx context.Context, places int) (done func(), err error) {
	for n := range places {
		select {
		case m.recording <- struct{}{}:
		case <-ctx.Done():
			m.recorded(n)
			return nil, context.Cause(ctx)
		}
	}
	return func() { m.recorded(places) }, nil
}

func (m *member) recorded(places int) {
	for range places {
		<-m.recording
	}
}

// wake lets who waits for a channel of capacity 1 go on.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Fleet returns the authority of the fleet; nil if this node is alone.
func (b *Broker) Fleet() fleet.Authority {
	if b.fleet == nil {
		return nil
	}
	return b.fleet.Authority
}

// fleetRotary is the rotary of the fleet from which a step may be dialed; fleet.NoRotary if only the home's lines may.
func (b *Broker) fleetRotary(s callback.PlanStep) int {
	if b.fleet == nil || len(s.Lines) > 0 || s.Rotary == nil || !slices.Contains(b.fleet.rules.Rotaries, *s.Rotary) {
		return fleet.NoRotary
	}
	return *s.Rotary
}

// named writes the rotary of the called line into a step that means it, if it is one of the fleet: other nodes do not
// know the called line.
func (b *Broker) named(s callback.PlanStep, called int) callback.PlanStep {
	if b.fleet == nil || len(s.Lines) > 0 || s.Rotary != nil {
		return s
	}
	if c, ok := b.opt.Pool.Config(called); ok && slices.Contains(b.fleet.rules.Rotaries, c.Rotary) {
		s.Rotary = &c.Rotary
	}
	return s
}

// sharable reports whether a line of another node may make a dial of a plan.
func (b *Broker) sharable(p callback.Plan) bool {
	return slices.ContainsFunc(p, func(s callback.PlanStep) bool { return b.fleetRotary(s) != fleet.NoRotary })
}

// home names this node in the accounts of the fleet; "" if it is alone.
func (b *Broker) home() string {
	if b.fleet == nil {
		return ""
	}
	return b.fleet.node
}

// lineKey names a line of a node in the accounts of the fleet; without a node, in those of a node that is alone.
func lineKey(node string, tty int) string {
	if node == "" {
		return strconv.Itoa(tty)
	}
	return node + "/" + strconv.Itoa(tty)
}

// isForeign reports whether another node has promised a callback: its CalledTTY and Lines are those of that node.
func (b *Broker) isForeign(home string) bool { return home != "" && home != b.opt.Node }

// calledHere is the line of this node that was called; 0 if another node has promised the callback.
func (w *work) calledHere() int {
	if w.foreign {
		return 0
	}
	return w.row.CalledTTY
}

// listsOf is the line whose method lists are those of the callback: the called one, or the one that dials for another
// node.
func (w *work) listsOf() int {
	if w.foreign && w.lease != nil {
		return w.lease.TTY()
	}
	return w.calledHere()
}

// claimOf returns the present claim of a callback; false if the loop does not work on it.
func (b *Broker) claimOf(id string) (fleet.Claim, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	w := b.works[id]
	if w == nil {
		return fleet.Claim{}, false
	}
	return fleet.Claim{ID: id, Epoch: w.row.Epoch}, true
}

// fleetRow returns a row of the journal for the authority, for which this node has a name.
func (b *Broker) fleetRow(row journal.Callback, rotary int) fleet.Row {
	row.Home = cmp.Or(row.Home, b.fleet.node)
	return fleet.Row{Callback: row, Holder: b.fleet.node, Rotary: rotary, Format: fleet.Format}
}

// homeOf returns what the journal of this node has as the home of a callback.
func (b *Broker) homeOf(home string) string {
	if b.isForeign(home) {
		return home
	}
	return ""
}

// inLoop lets the loop call f between two rounds, and waits for it.
func (b *Broker) inLoop(ctx context.Context, f func()) error { return b.tell(ctx, event{do: f}) }
