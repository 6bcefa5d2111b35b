package modem

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
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
	opened int // how often the port was opened in vain
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
	d.debug("recovery: %s: %v", rung, why)
	d.notice(noticeRecovery, fmt.Errorf("recovering the modem: %v: %w", r, why))
}

// recovered ends the recovery, if there is one: the modem answers. The caller holds the token.
func (d *Driver) recovered() {
	if len(d.recovery.rungs) == 0 && d.recovery.opened == 0 {
		return
	}
	d.debug("recovery: the modem answers again: %v", &d.recovery)
	d.recovery = recovery{}
	d.notice(noticeRecovery, nil)
}

// laterPort returns the pause before the port is opened again, and the reason to show meanwhile. The port is closed.
func (d *Driver) laterPort(wasUp bool, why error) (pause time.Duration, reason error) {
	if wasUp {
		d.reopen = d.t.Reopen
	}
	pause = d.reopen
	limit := maxReopen
	if silent := errors.Is(why, errNoOK); silent || len(d.recovery.rungs) > 0 {
		if silent {
			d.recovery.opened++
		}
		if d.recovery.opened > eager {
			limit = maxRecovery
		}
		d.notice(noticeRecovery, nil) // the reason has it
		why = fmt.Errorf("%w (%v; the next attempt is within %v)", why, &d.recovery, pause)
	}
	d.reopen = min(2*d.reopen, limit)
	return pause, why
}
