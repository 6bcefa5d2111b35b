package ppp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/ppp/filter"
	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/hdlc"
	"github.com/ringback/ringback/ppp/ncp"
)

// network is the network phase.
type network struct {
	assigned bool
	with     Assignment
	ipcp     *ncp.IPCP
	ipv6cp   *ncp.IPV6CP
	up       [families]bool
	ups      int // how often a protocol was opened
	opening  [families]Opening
	source   *filter.Source // of the caller's packets
}

// Assigned takes the answer to Assign and begins the network protocols.
func (e *Engine) Assigned(question int, a Assignment) []Effect {
	if !e.answered(question, assignQuestion) {
		return nil
	}
	e.begin()
	if a.Reason != "" {
		e.then(func() {
			e.close(Ending{aaa.CauseServiceUnavailable, "addresses: " + a.Reason},
				"No address available")
		})
		return e.finish()
	}
	e.network = network{assigned: true, with: a}
	if a.IPv4 && e.config.IPv4 {
		e.ipcp = ncp.NewIPCP(ncp.IPCPConfig{Config: e.ncpConfig(), Local: a.Local, Peer: a.Peer, Permit: a.Permit,
			DNS: a.DNS, WINS: a.WINS})
		e.startControl(e.ipcp)
	}
	if a.IPv6 && e.config.IPv6 && e.mtu() >= leastIPv6 {
		e.ipv6cp = ncp.NewIPV6CP(ncp.IPV6CPConfig{Config: e.ncpConfig(), Local: a.LocalID, Peer: a.PeerID,
			Random: e.config.random64})
		e.startControl(e.ipv6cp)
	}
	if e.ipcp == nil && e.ipv6cp == nil {
		e.then(func() {
			e.close(Ending{aaa.CauseServiceUnavailable, "network: " + e.unusable()}, "No network protocol")
		})
	}
	e.then(e.takeEarly)
	return e.finish()
}

// unusable returns why no network protocol of the Assignment can be begun.
func (e *Engine) unusable() string {
	if e.with.IPv6 && e.config.IPv6 {
		return fmt.Sprintf("IPv6 requires packets of %d octets, and the peer's MRU or AAA's MTU is %d", leastIPv6,
			e.mtu())
	}
	return "no protocol that was assigned is configured"
}

// leastIPv6 is the largest packet that every link of IPv6 carries (RFC 8200 §5). A link that cannot has no IPv6.
const leastIPv6 = 1280

// maxEarly is the length of requests that are kept: those of clients are shorter.
const maxEarly = 128

// keep keeps the Configure-Request of a peer that begins its network protocols at once, while the broker or the network
// still works: it would repeat it only after its restart time.
func (e *Engine) keep(f hdlc.Frame) {
	if f.Protocol != ncp.IPCPProtocol && f.Protocol != ncp.IPV6CPProtocol {
		return
	}
	if p, ok := fsm.ParsePacket(f.Info); ok && p.Code == fsm.ConfigureRequest && len(f.Info) <= maxEarly {
		family, _ := familyOf(f.Protocol)
		e.early[family] = append(e.early[family][:0], f.Info...)
	}
}

// takeEarly takes the requests that were kept.
func (e *Engine) takeEarly() {
	for f, number := range [families]uint16{ncp.IPCPProtocol, ncp.IPV6CPProtocol} {
		if p := e.early[f]; p != nil && e.phase == PhaseNetwork {
			e.early[f] = nil
			e.networkFrame(hdlc.Frame{Protocol: number, Info: p})
		}
	}
}

func (e *Engine) ncpConfig() fsm.Config {
	return fsm.Config{Restart: e.config.restart(), FirstID: byte(e.config.random64()), PeerMRU: e.lcp.Result().Peer.MRU}
}

func (e *Engine) startControl(m interface {
	Open() []fsm.Effect
	Up() []fsm.Effect
}) {
	e.control(m.Open())
	e.control(m.Up())
}

// familyOf returns the network protocol of a control protocol, and its timer.
func familyOf(number uint16) (Family, Timer) {
	if number == ncp.IPV6CPProtocol {
		return IPv6, IPV6CPTimer
	}
	return IPv4, IPCPTimer
}

// control carries out the effects of IPCP and IPV6CP.
func (e *Engine) control(effects []fsm.Effect) {
	for _, f := range effects {
		switch f := f.(type) {
		case fsm.Send:
			e.output.send(f.Protocol, f.Packet)
		case fsm.StartTimer:
			_, t := familyOf(f.Protocol)
			e.startTimer(t, f.After)
		case fsm.StopTimer:
			_, t := familyOf(f.Protocol)
			e.stopTimer(t)
		case fsm.LayerUp:
			family, _ := familyOf(f.Protocol)
			e.networkUp(family)
		case fsm.LayerDown:
			family, _ := familyOf(f.Protocol)
			e.networkDown(family)
		case fsm.LayerFinished:
			e.then(e.checkNetwork)
		}
	}
}

func (e *Engine) networkUp(f Family) {
	o := Opening{Family: f, MTU: e.mtu()}
	if f == IPv4 {
		r := e.ipcp.Result()
		o.Local, o.Peer = r.Local, r.Peer
	} else {
		r := e.ipv6cp.Result()
		o.LocalID, o.PeerID = r.Local, r.Peer
	}
	e.up[f], e.opening[f] = true, o
	e.source = e.sources()
	e.do(OpenNetwork{o})
	if e.ups++; e.ups > maxUps {
		e.then(func() {
			e.close(Ending{aaa.CauseNASRequest, fmt.Sprintf("network protocols opened %d times", e.ups)}, "")
		})
	}
}

// maxUps is how often network protocols may be opened in one login.
const maxUps = 20

func (e *Engine) networkDown(f Family) {
	if e.up[f] {
		e.up[f] = false
		e.do(CloseNetwork{f})
	}
}

// mtu is the largest packet to the caller.
func (e *Engine) mtu() int {
	n := min(e.lcp.Result().Peer.MRU, maxPacket)
	if e.with.MTU > 0 {
		n = min(n, e.with.MTU)
	}
	return n
}

// downNetwork ends the network phase: LCP is down.
func (e *Engine) downNetwork() {
	if !e.assigned {
		return
	}
	e.output.dropData()
	if e.ipcp != nil {
		e.control(e.ipcp.Down())
	}
	if e.ipv6cp != nil {
		e.control(e.ipv6cp.Down())
	}
	e.network = network{}
	e.do(Release{})
}

// checkNetwork ends the link if no network protocol is left. One that the peer has ended may be opened again as long as
// the other one lasts.
func (e *Engine) checkNetwork() {
	if e.phase != PhaseNetwork || !e.assigned {
		return
	}
	if e.ipcp != nil && e.ipcp.State() != fsm.Stopped || e.ipv6cp != nil && e.ipv6cp.State() != fsm.Stopped {
		return
	}
	e.close(Ending{aaa.CauseUserRequest, "no network protocol is left"}, "No network protocol")
}

// networkFrame takes a frame of the network phase.
func (e *Engine) networkFrame(f hdlc.Frame) {
	switch {
	case f.Protocol == ncp.IPCPProtocol && e.ipcp != nil:
		e.control(e.ipcp.Receive(f.Info))
	case f.Protocol == ncp.IPV6CPProtocol && e.ipv6cp != nil:
		e.control(e.ipv6cp.Receive(f.Info))
	case f.Protocol == ipv4Protocol && e.ipcp != nil, f.Protocol == ipv6Protocol && e.ipv6cp != nil:
		e.fromCaller(f)
	default:
		e.reject(f)
	}
}

// fromCaller hands a packet to the network. Padding of the frame is left out (RFC 1661 §2).
func (e *Engine) fromCaller(f hdlc.Frame) {
	packet, ok := ipPacket(f.Info)
	family := IPv4
	if f.Protocol == ipv6Protocol {
		family = IPv6
	}
	if !e.up[family] {
		return
	}
	if !ok || ipProtocol(packet) != f.Protocol || !e.source.Allows(packet) || !e.with.Filter.In(packet).Pass {
		e.traffic.Dropped++
		return
	}
	e.traffic.OctetsIn += uint64(len(packet))
	e.traffic.PacketsIn++
	e.count(packet, filter.FromCaller)
	e.delivery.Packet = packet
	e.do(&e.delivery)
}

// sources returns the addresses from which the caller may send: what was assigned, and the link-local address. A peer
// that has not confirmed its address may use another one. If an address is not usable, the caller may send nothing.
func (e *Engine) sources() *filter.Source {
	from := slices.Concat(e.with.Prefixes, e.with.Routes)
	if e.up[IPv4] {
		a := e.opening[IPv4].Peer
		from = append(from, netip.PrefixFrom(a, a.BitLen()))
	}
	if id := e.opening[IPv6].PeerID; e.up[IPv6] && id != (ncp.InterfaceID{}) {
		from = append(from, netip.PrefixFrom(id.LinkLocal(), 128))
	}
	source, err := filter.NewSource(from...)
	if err != nil {
		return new(filter.Source)
	}
	return source
}

// SendIP queues a copy of an IP packet for the caller, and reports whether it did: a packet for a protocol that is not
// open, that the filter drops, that is too long or for which the queue has no room is dropped.
func (e *Engine) SendIP(packet []byte) bool {
	packet, ok := ipPacket(packet)
	if !ok {
		return false
	}
	family := IPv4
	if packet[0]>>4 == 6 {
		family = IPv6
	}
	if !e.up[family] || !e.with.Filter.Out(packet).Pass {
		return false
	}
	if len(packet) > e.opening[family].MTU || !e.output.sendData(packet) {
		e.traffic.Overflow++
		return false
	}
	e.count(packet, filter.ToCaller)
	return true
}

// Lengths of the headers of IPv4 (RFC 791 §3.1) and IPv6 (RFC 8200 §3).
const (
	ipv4Header = 20
	ipv6Header = 40
)

// ipPacket returns the IP packet at the beginning of b, without padding.
func ipPacket(b []byte) (packet []byte, ok bool) {
	if len(b) == 0 {
		return nil, false
	}
	n := 0
	switch {
	case b[0]>>4 == 4 && len(b) >= ipv4Header:
		n = int(binary.BigEndian.Uint16(b[2:]))
		ok = n >= ipv4Header
	case b[0]>>4 == 6 && len(b) >= ipv6Header:
		n = ipv6Header + int(binary.BigEndian.Uint16(b[4:]))
		ok = true
	}
	if !ok || n > len(b) {
		return nil, false
	}
	return b[:n], true
}

// ipProtocol returns the PPP protocol number of an IP packet.
func ipProtocol(packet []byte) uint16 {
	if packet[0]>>4 == 6 {
		return ipv6Protocol
	}
	return ipv4Protocol
}
