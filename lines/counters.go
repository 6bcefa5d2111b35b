package lines

import (
	"context"
	"errors"
	"io"
	"os"
)

// Counter is a count of what happens on a line.
type Counter int

// The counters.
const (
	CallsIn     Counter = iota // incoming calls answered
	CallsMissed                // incoming calls answered that the modem did not connect
	CallsOut                   // dials that connected
	Dials                      // dial commands sent
	DialBusy                   // dials by the modem's result code; DialOther: none, or another one
	DialNoAnswer
	DialNoCarrier
	DialNoDialtone
	DialError
	DialRing
	DialBlacklisted
	DialDelayed
	DialVoice
	DialFax
	DialOther
	Escapes       // escapes from data to the command line, on a port without modem signals
	Quarantines   // times that the line could not be proven on hook
	Reopenings    // times that the port was opened again, and the modem was ready again
	ProbeFailures // times that an idle modem did not answer
	Recoveries    // times that a silent modem was brought back
	Noise         // lines of garbage from the modem
	numCounters
)

// counters has the names of the counters, which are stable, and what they count.
var counters = [numCounters]struct{ name, doc string }{
	CallsIn:         {"calls_in", "incoming calls answered"},
	CallsMissed:     {"calls_missed", "incoming calls answered, but the modem did not connect"},
	CallsOut:        {"calls_out", "dials that connected"},
	Dials:           {"dials", "dial commands sent"},
	DialBusy:        {"dial_busy", "dials that ended with BUSY"},
	DialNoAnswer:    {"dial_no_answer", "dials that ended with NO ANSWER"},
	DialNoCarrier:   {"dial_no_carrier", "dials that ended with NO CARRIER"},
	DialNoDialtone:  {"dial_no_dialtone", "dials that ended with NO DIALTONE"},
	DialError:       {"dial_error", "dials that ended with ERROR"},
	DialRing:        {"dial_ring", "dials that met an incoming call (glare)"},
	DialBlacklisted: {"dial_blacklisted", "dials that ended with BLACKLISTED"},
	DialDelayed:     {"dial_delayed", "dials that ended with DELAYED"},
	DialVoice:       {"dial_voice", "dials that ended with VOICE"},
	DialFax:         {"dial_fax", "dials that a fax machine answered"},
	DialOther:       {"dial_other", "dials without a result code: no answer in time, cancelled, line lost"},
	Escapes:         {"escapes", "escapes from data to the command line (ports without modem signals)"},
	Quarantines:     {"quarantines", "times that the line could not be proven on hook"},
	Reopenings:      {"reopenings", "times that the line came back after it was down"},
	ProbeFailures:   {"probe_failures", "times that an idle modem did not answer a probe"},
	Recoveries:      {"recoveries", "times that a modem that did not answer was brought back"},
	Noise:           {"noise", "unexpected text lines from the modem"},
}

// String returns the counter's name in the API and the journal.
func (c Counter) String() string { return counters[c].name }

// Doc says what the counter counts.
func (c Counter) Doc() string { return counters[c].doc }

// Counters returns all counters, in the order in which they are shown.
func Counters() []Counter {
	all := make([]Counter, numCounters)
	for i := range all {
		all[i] = Counter(i)
	}
	return all
}

// Counts has a value for each Counter.
type Counts [numCounters]uint64

// ByName returns the values that are not 0 by the names of their counters; nil if all are 0.
func (c Counts) ByName() (v map[string]uint64) {
	for i, n := range c {
		if n == 0 {
			continue
		}
		if v == nil {
			v = make(map[string]uint64, len(c))
		}
		v[counters[i].name] = n
	}
	return v
}

// Tally is all lines of a pool as counts.
type Tally struct {
	Lines     int
	States    map[State]int
	Out       []int  // lines that are out of service
	BusiedOut []int  // lines whose operator lets them take no more calls; some still have one
	Leases    int    // that are granted and not released
	Waiting   int    // callbacks that wait for a line
	Users     int    // users on the network who wait for a line
	Counts    Counts // of all lines since the pool was made, also of lines that were removed or cleared since
}

// Tally returns the counts at this instant.
func (p *Pool) Tally() Tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := Tally{Lines: len(p.sorted), States: map[State]int{}, Leases: int(p.lent - p.returned),
		Counts: p.total}
	for e := p.queue.Front(); e != nil; e = e.Next() {
		switch e.Value.(*Waiting).want.Role {
		case ForCallback:
			t.Waiting++
		case ForUser, ForAdmin:
			t.Users++
		case ForOrder:
		}
	}
	for _, l := range p.sorted {
		state := l.stateLocked()
		t.States[state]++
		if outOfService(state, l.reason) {
			t.Out = append(t.Out, l.cfg.TTY)
		}
		if l.busyout != nil && !l.busyout.Drain {
			t.BusiedOut = append(t.BusiedOut, l.cfg.TTY)
		}
	}
	return t
}

// dialCounters has the counter of a dial's result code.
var dialCounters = map[ResultCode]Counter{Connected: CallsOut, Busy: DialBusy, NoAnswer: DialNoAnswer,
	NoCarrier: DialNoCarrier, NoDialtone: DialNoDialtone, Error: DialError, Ring: DialRing,
	Blacklisted: DialBlacklisted, Delayed: DialDelayed, Voice: DialVoice, Fax: DialFax}

// countLocked counts an event of the line.
func (l *line) countLocked(c Counter) {
	l.pool.recordedLocked(l.cfg.TTY, func(r *Record) { r.Counts[c]++ })
	l.pool.total[c]++
}

// failLocked keeps a failure as the line's last one.
func (l *line) failLocked(err error, otherwise FailureKind) {
	f := &Failure{Kind: KindOf(err, otherwise), Text: err.Error(), Time: l.pool.o.Now()}
	l.pool.recordedLocked(l.cfg.TTY, func(r *Record) { r.Failure = f })
}

// dialedLocked counts the result of a dial, whose context was ctx. A result that only tells something of the called
// number is no failure of the line.
func (l *line) dialedLocked(ctx context.Context, connected bool, code ResultCode, err error) {
	if connected {
		l.countLocked(CallsOut)
		return
	}
	counter, known := dialCounters[code]
	if known = known && code != Connected; !known {
		counter = DialOther
	}
	l.countLocked(counter)
	if kind, ok := dialFailures[code]; ok {
		l.failLocked(errors.New("the modem said "+string(code)+" to a dial"), kind)
	} else if failed := noResult(ctx, code, err); !known && failed != nil {
		l.failLocked(failed, FailNoResult)
	}
}

// noResult is the failure of a dial that ended by no result code of the table; nil if its end tells nothing of the
// modem: the dial was held back or cancelled, or the port is gone, which is a failure of its own.
func noResult(ctx context.Context, code ResultCode, err error) error {
	if unproven := (Unproven{}); errors.As(err, &unproven) {
		err = unproven.Err
	}
	switch cause := context.Cause(ctx); {
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded): // of a write
		return err
	case ctx.Err() != nil && err == nil:
		err = cause
	}
	for _, other := range []error{ErrHeldBack, ErrDown, ErrCleared, ErrReleased, ErrRinging, io.EOF} {
		if errors.Is(err, other) {
			return nil
		}
	}
	text := "the modem gave no result code to a dial"
	if code != NoResult {
		text = "the modem said " + string(code) + " to a dial"
	}
	if err != nil {
		text += ": " + err.Error()
	}
	return &Failed{Kind: FailNoResult, Text: text, Err: err}
}

// Count implements Host.
func (l *line) Count(c Counter) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	l.countLocked(c)
}

// Probed implements Host.
func (l *line) Probed(err error) {
	l.pool.mu.Lock()
	defer l.pool.mu.Unlock()
	switch {
	case err == nil:
		l.answered = l.pool.o.Now()
	case !errors.Is(err, ErrRinging):
		l.countLocked(ProbeFailures)
	}
}
