package exchange

import (
	"errors"
	"fmt"
	"io"
	"net"
)

// ServeTCP connects the modem to one TCP client after the other, bytes only. A client that connects while another is
// connected, or while the modem has vanished, is rejected by closing the connection. The end of a connection drops DTR,
// unless the modem StaysOffHook. ServeTCP returns nil when l is closed, by its owner or by Exchange.Close; the current
// client stays connected.
func (m *Modem) ServeTCP(l net.Listener) error {
	return m.serve(l, func(c net.Conn) *port { return &port{rwc: c} })
}

// ServeRFC2217 is ServeTCP with a telnet server and the COM-PORT option: the client drives DTR and sees the circuits.
func (m *Modem) ServeRFC2217(l net.Listener) error {
	return m.serve(l, func(c net.Conn) *port {
		return &port{rwc: c, telnet: newTelnet("ringback exchange " + m.cfg.Name)}
	})
}

func (m *Modem) serve(l net.Listener, open func(net.Conn) *port) error {
	x := m.x
	x.lock()
	if x.closed {
		x.unlock()
		l.Close()
		return nil
	}
	x.wg.Add(1)
	x.servers[l] = struct{}{}
	x.unlock()
	defer x.wg.Done()
	defer func() {
		x.lock()
		delete(x.servers, l)
		x.unlock()
	}()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("serve modem %s on %s: %w", m.cfg.Name, l.Addr(), err)
		}
		p := open(c)
		x.lock()
		if m.attach(p) && p.telnet != nil {
			p.ctl = p.telnet.begin(p.ctl)
			p.kick()
		}
		x.unlock()
	}
}
