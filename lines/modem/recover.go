package modem

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/lines"
)

// A modem on a port with signals that does not answer is brought back by a ladder: DTR low, ATH, ATZ, opening the port
// again. If it stays silent, the port is opened at growing intervals. Without signals, DTR and ATZ are not available:
// the modem must prove its state first (proof.go), and the port is only opened again.

// The rungs of the ladder.
const (
	rungDTR = "DTR low"
	rungATH = "ATH"
	rungATZ = "ATZ"
)

// eager is how often the port of a silent modem is opened again as soon as a lost one. After that the pause grows to
// maxRecovery.
const eager = 5

// maxRecovery is the longest pause before the port of a silent modem is opened again.
const maxRecovery = 5 * time.Minute

// recovery is what was tried since the modem last answered.
type recovery struct {
	rungs  []string
	opened int   // how often the port was opened in vain
	why    error // for which the last rung was tried
}

func (r *recovery) String() string {
	all := slices.Clone(r.rungs)
	switch r.opened {
	case 0:
	case 1:
		all = append(all, "opening the port")
	default:
		all = append(all, fmt.Sprintf("opening the port %d times", r.opened))
	}
	return "tried " + strings.Join(all, ", ")
}

// climb records and shows what is tried next for a modem that does not answer, and why. The caller holds the token.
func (d *Driver) climb(rung string, why error) {
	r := &d.recovery
	if !slices.Contains(r.rungs, rung) {
		r.rungs = append(r.rungs, rung)
	}
	r.why = why
	d.debug("recovery: %s: %v", rung, why)
	d.notice(noticeRecovery, fmt.Errorf("recovering the modem: %v: %w", r, why))
}

// recovered ends the recovery, if there is one: the modem answers. A modem that was silent is a failure of the line
// that is over. The caller holds the token.
func (d *Driver) recovered() {
	d.wasReady = true
	r := d.recovery
	if len(r.rungs) == 0 && r.opened == 0 {
		return
	}
	d.debug("recovery: the modem answers again: %v", &r)
	d.recovery = recovery{}
	d.notice(noticeRecovery, nil)
	if errors.Is(r.why, errNoOK) {
		d.host.Count(lines.Recoveries)
		d.host.Failed(&lines.Failed{Kind: lines.FailRecovered, Err: r.why,
			Text: fmt.Sprintf("the modem answers again: %v: %v", &r, r.why)})
	}
}

// laterPort returns the pause before the port is opened again, and the reason to show meanwhile. The port is closed.
func (d *Driver) laterPort(wasUp bool, why error) (pause time.Duration, reason error) {
	if wasUp {
		d.reopen = d.t.Reopen
	}
	pause = d.reopen
	limit := maxReopen
	if silent := errors.Is(why, errNoOK); silent || len(d.recovery.rungs) > 0 {
		kind := lines.KindOf(why, lines.FailDown)
		if silent {
			d.recovery.opened++
			d.recovery.why = why
		}
		if silent && d.wasReady {
			kind = lines.FailSilent
		}
		if d.recovery.opened > eager {
			limit = maxRecovery
		}
		d.notice(noticeRecovery, nil) // the reason has it
		why = &lines.Failed{Kind: kind, Err: why,
			Text: fmt.Sprintf("%v (%v; the next attempt is within %v)", why, &d.recovery, pause)}
	}
	d.reopen = min(2*d.reopen, limit)
	return pause, why
}
