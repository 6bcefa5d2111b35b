package port

import (
	"sync"

	"github.com/ringback/ringback/lines"
)

// fromModem are the circuits that the modem drives; toModem are those that we drive.
const (
	fromModem = lines.DCD | lines.DSR | lines.CTS | lines.RI
	toModem   = lines.DTR | lines.RTS
)

// circuits holds the modem signals last seen and notifies one receiver of changes.
type circuits struct {
	changes chan struct{} // capacity 1; nil on a port without signals

	mu      sync.Mutex
	now     lines.Signals
	waiting func() // ends the running Await; nil: none
}

// set sets the circuits of mask to those in on, and leaves a token if this is a change.
func (c *circuits) set(mask, on lines.Signals) {
	c.mu.Lock()
	defer c.mu.Unlock()
	next := c.now&^mask | on&mask
	if next == c.now {
		return
	}
	c.now = next
	select {
	case c.changes <- struct{}{}:
	default: // the receiver will see this state when it takes the previous token
	}
	if c.waiting != nil {
		c.waiting()
	}
}

// await calls wait, and end as soon as there is a token, which makes wait return.
func (c *circuits) await(wait, end func()) {
	c.mu.Lock()
	c.waiting = end
	token := len(c.changes) > 0
	c.mu.Unlock()
	if !token {
		wait()
	}
	c.mu.Lock()
	c.waiting = nil
	c.mu.Unlock()
}

func (c *circuits) get() lines.Signals {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// driven returns the circuits that SetDTR changes: with hardware flow control, RTS belongs to the UART.
func driven(flow string) lines.Signals {
	if flow == FlowHardware {
		return lines.DTR
	}
	return lines.DTR | lines.RTS
}
