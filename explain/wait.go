package explain

import (
	"time"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/policies"
)

// Wait is the time between hang-up and callback: the longest of the forced waits of the called and of the dialing
// line, the delay requested by AAA, and the wait of the group's policy. Least and Most differ if several
// lines may be called or may dial.
type Wait struct {
	Least  string     `json:"least"`
	Most   string     `json:"most"`
	AAA    string     `json:"aaa,omitempty"`    // the delay requested by AAA
	Policy string     `json:"policy,omitempty"` // the wait of the group's policy
	Lines  []LineWait `json:"lines"`            // the lines that may be called or may dial
}

// LineWait is the forced wait of one line.
type LineWait struct {
	TTY        int    `json:"tty"`
	ForcedWait string `json:"forced_wait"`
}

// waitOf considers the called line, or each line that may be called if none is given.
func (r *Report) waitOf(cfg *config.Config, called config.Line, d policies.Decision, delay time.Duration) *Wait {
	forced, counts := map[int]time.Duration{}, map[int]bool{}
	candidates := []config.Line{called}
	if called.TTY == 0 {
		candidates = nil
	}
	for _, l := range cfg.Lines {
		forced[l.TTY] = l.ForcedWait
		if called.TTY == 0 && l.Modem != lines.CallOut && l.Serves(r.Service) {
			candidates = append(candidates, l)
		}
	}
	floor := max(delay, d.Dial.Wait)
	least, most := time.Duration(-1), floor
	for _, c := range candidates {
		dial, err := r.dialers(cfg, c, d)
		if err != nil {
			continue // callers on this line are never called back
		}
		for _, tty := range dial {
			wait := max(c.ForcedWait, forced[tty], floor)
			if most = max(most, wait); least < 0 || wait < least {
				least = wait
			}
			counts[c.TTY], counts[tty] = true, true
		}
	}
	w := &Wait{Least: max(least, floor).String(), Most: most.String(), Lines: []LineWait{}}
	if delay > 0 {
		w.AAA = delay.String()
	}
	if d.Dial.Wait > 0 {
		w.Policy = d.Dial.Wait.String()
	}
	for _, l := range cfg.Lines {
		if counts[l.TTY] {
			w.Lines = append(w.Lines, LineWait{l.TTY, l.ForcedWait.String()})
		}
	}
	return w
}

func (w *Wait) String() string {
	if w.Least == w.Most {
		return w.Least
	}
	return w.Least + " to " + w.Most
}
