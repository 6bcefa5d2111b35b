package radius

import (
	"net"
	"net/netip"

	"layeh.com/radius"
)

// anySource is an unconnected datagram socket. Like a connected one, it reads only datagrams from the server, but it
// passes all others to stray. A connected socket would never receive those.
type anySource struct {
	*net.UDPConn
	server netip.AddrPort
	stray  func(from netip.AddrPort, datagram []byte)
}

func (c anySource) Write(b []byte) (int, error) { return c.WriteToUDPAddrPort(b, c.server) }

func (c anySource) Read(b []byte) (int, error) {
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil {
			return 0, err
		}
		if from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port()); from == c.server {
			return n, nil
		}
		c.stray(from, b[:n])
	}
}

// elsewhere gives ex an identifier on a socket of its own, which detects whether the server answers from another
// address, as a server with several addresses may. It is for the last transmission to a server that has never answered;
// otherwise it returns nil. Only one exchange at a time does this. The caller closes the socket's conn and then resets
// the peer's searching.
func (p *peer) elsewhere(ex *exchange, s *socket) (*socket, uint32) {
	local, udp := s.conn.LocalAddr().(*net.UDPAddr)
	server, also := s.conn.RemoteAddr().(*net.UDPAddr)
	if !udp || !also || p.answered.Load() != 0 || s.heard.Load() != 0 || !p.searching.CompareAndSwap(false, true) {
		return nil, 0
	}
	to := server.AddrPort()
	to = netip.AddrPortFrom(to.Addr().Unmap(), to.Port())
	network := "udp6"
	if to.Addr().Is4() {
		network = "udp4"
	}
	conn, err := net.ListenUDP(network, &net.UDPAddr{IP: local.IP, Zone: local.Zone})
	if err == nil {
		own := newSocket(p, anySource{conn, to, p.strayed}, false)
		id, _ := own.take(ex)
		own.end() // no other exchange may use it
		if _, _, err := p.adopt(own, nil); err == nil {
			return own, id
		}
	}
	p.searching.Store(false)
	return nil, 0
}

// strayed records a reply that came from another address. It is only reported to the operator, because anyone can send
// one.
func (p *peer) strayed(from netip.AddrPort, datagram []byte) {
	packet, ok := cut(datagram)
	if !ok || walk(packet) != good {
		return
	}
	switch radius.Code(packet[0]) {
	case radius.CodeAccessAccept, radius.CodeAccessReject, radius.CodeAccessChallenge, radius.CodeAccountingResponse:
		p.mu.Lock()
		p.strayedFrom = from
		p.mu.Unlock()
	}
}
