package listener

import (
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/nvt"
	"github.com/ringback/ringback/session"
)

// A Stream is the data of a session, and what else its client can do.
var (
	_ lines.Data     = (*Stream)(nil)
	_ session.Client = (*Stream)(nil)
)

// driven is called after the client of RFC 2217 has changed its port. The mutex protocol is held.
func (s *Stream) driven(c *nvt.ComPort, before nvt.Serial) {
	switch {
	case c.Suspended && s.resumed == nil:
		s.resumed = make(chan struct{})
	case !c.Suspended && s.resumed != nil:
		close(s.resumed)
		s.resumed = nil
	}
	if c.Break && !before.Break {
		s.breaks++
	}
	if before.DTR && !c.DTR {
		s.drops++
	}
	if c.Break != before.Break || c.DTR != before.DTR {
		s.tellChanged()
	}
}

// broke is called for a BREAK of Telnet. The mutex protocol is held.
func (s *Stream) broke() {
	s.breaks++
	s.tellChanged()
}

// Break says that the client has sent a BREAK, by a protocol that is not the stream's.
func (s *Stream) Break() {
	s.protocol.Lock()
	defer s.protocol.Unlock()
	s.broke()
}

func (s *Stream) tellChanged() {
	select {
	case s.changed <- struct{}{}:
	default: // one is waiting
	}
}

// purge forgets what waits in a direction. What was sent to the client has left.
func (s *Stream) purge(which byte) {
	if which&nvt.PurgeTransmit != 0 {
		s.in.purge()
	}
}

// SetWindow says what size the client's window has, by a protocol that is not the stream's.
func (s *Stream) SetWindow(cols, rows int) {
	s.protocol.Lock()
	defer s.protocol.Unlock()
	s.cols, s.rows = cols, rows
}

// Window implements session.Client.
func (s *Stream) Window() (cols, rows int) {
	s.protocol.Lock()
	defer s.protocol.Unlock()
	if s.server == nil {
		return s.cols, s.rows
	}
	return s.server.Window()
}

// Raw implements session.Client.
func (s *Stream) Raw(on bool) error {
	if s.server == nil {
		return nil
	}
	s.protocol.Lock()
	s.server.Raw(on || s.com != nil) // a client of RFC 2217 has asked for unchanged octets
	s.protocol.Unlock()
	return s.answer()
}

// Circuits implements session.Client.
func (s *Stream) Circuits(on lines.Signals) error {
	if s.com == nil {
		return nil
	}
	var state byte
	for _, c := range []struct {
		sig lines.Signals
		bit byte
	}{{lines.DCD, nvt.ModemDCD}, {lines.RI, nvt.ModemRI}, {lines.DSR, nvt.ModemDSR}, {lines.CTS, nvt.ModemCTS}} {
		if on.Has(c.sig) {
			state |= c.bit
		}
	}
	s.protocol.Lock()
	s.com.Modem(state)
	s.protocol.Unlock()
	return s.answer()
}

// DTR implements session.Client.
func (s *Stream) DTR() bool {
	s.protocol.Lock()
	defer s.protocol.Unlock()
	return s.com == nil || s.com.DTR
}

// Drops implements session.Client.
func (s *Stream) Drops() int {
	s.protocol.Lock()
	defer s.protocol.Unlock()
	return s.drops
}

// Changed implements session.Client.
func (s *Stream) Changed() <-chan struct{} { return s.changed }

// Breaks implements session.Client.
func (s *Stream) Breaks() int {
	s.protocol.Lock()
	defer s.protocol.Unlock()
	return s.breaks
}
