package exchange

import (
	"bytes"
	"time"
)

// trigger waits for octets from a DTE.
type trigger struct {
	want []byte
	had  []byte // the last octets, fewer than in want
	wait time.Duration
	do   func()
}

// After calls do once, the time d after the DTE has sent the last octet of text: in any state of the modem, with any
// faults, in one write or many. do runs in its own goroutine with no lock held, and Exchange.Close waits for it. In a
// testing/synctest bubble it runs exactly d after the write, so that a test places a key, a hang-up or a ring
// (Exchange.Ring) at each moment of a dialogue. The order of events that are due at the same moment is not defined.
func (m *Modem) After(text string, d time.Duration, do func()) {
	m.x.lock()
	defer m.x.unlock()
	m.triggers = append(m.triggers, &trigger{want: []byte(text), wait: d, do: do})
}

// trip fires the triggers that the DTE's octets complete.
func (m *Modem) trip(b []byte) {
	kept := m.triggers[:0]
	for _, t := range m.triggers {
		all := append(t.had, b...)
		if !bytes.Contains(all, t.want) {
			t.had = append([]byte(nil), all[max(0, len(all)-len(t.want)+1):]...)
			kept = append(kept, t)
			continue
		}
		m.x.after(t.wait, func() { m.x.goroutine(t.do) })
	}
	clear(m.triggers[len(kept):])
	m.triggers = kept
}

// Ring makes from call to at this moment: from goes off hook without a dial command, and to's line rings without a
// post-dial delay, whatever its number. It returns false if one of the two is off hook or has a call.
func (x *Exchange) Ring(from, to *Modem) bool {
	x.lock()
	defer x.unlock()
	if from == to || from.offHook || to.offHook || from.call != nil || to.call != nil || x.closed {
		return false
	}
	from.dial = 0
	from.goOffHook()
	from.setState(Dialing)
	from.call = &call{from: from, number: to.cfg.Number}
	x.seize(from.call, to)
	from.awaitCarrier()
	return true
}
