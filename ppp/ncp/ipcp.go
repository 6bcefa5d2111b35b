package ncp

import (
	"fmt"
	"net/netip"

	"github.com/ringback/ringback/ppp/fsm"
)

// IPCPProtocol is the PPP protocol number of IPCP.
const IPCPProtocol = 0x8021

// The types of options that are negotiated (RFC 1332 §3.3, 1877 §1). All others are rejected, among them the deprecated
// IP-Addresses (1) and IP-Compression-Protocol (2), which is Van Jacobson's.
const (
	optAddress = 3
	optDNS1    = 129
	optWINS1   = 130
	optDNS2    = 131
	optWINS2   = 132
)

// maxOwnNaks is how often the peer may suggest another address for us before we do without the option.
const maxOwnNaks = 3

// IPCPConfig is the configuration of an IPCP.
type IPCPConfig struct {
	fsm.Config
	Local netip.Addr // our address
	// Peer is the address for the peer: of AAA or of a pool (Framed-IP-Address 255.255.255.254).
	Peer netip.Addr
	// Permit lets the peer choose its address (Framed-IP-Address 255.255.255.255, RFC 2865 §5.8); nil does not. It
	// returns an error for an address that the peer may not have; the error's text is in the Reason. It may be asked
	// several times, and for an address that the peer does not take in the end. With it, Peer is what a peer without an
	// address gets; it may be the zero Addr.
	Permit func(netip.Addr) error
	DNS    []netip.Addr // at most two are given to a peer that asks
	WINS   []netip.Addr // the same
}

// IPCPResult is what was negotiated. It is valid while IPCP is open.
type IPCPResult struct {
	Local netip.Addr
	Peer  netip.Addr
	// Named says that the peer has confirmed Peer. If it did not, it may use another one.
	Named bool
}

// The causes for which an NCP ends, beyond those of package fsm.
const (
	NoAddress      fsm.Cause = "the peer has no address"
	AddressRefused fsm.Cause = "the peer may not have the address"
)

// IPCP is the Internet Protocol Control Protocol of one link. It is not safe for concurrent use. Make it with NewIPCP.
// Its methods are those of fsm.Machine.
type IPCP struct {
	*fsm.Machine
	options *ipcpOptions
}

// NewIPCP returns an IPCP in state Initial. Addresses that are not IPv4 are left out.
func NewIPCP(c IPCPConfig) *IPCP {
	c.Local, c.Peer = oneIPv4(c.Local), oneIPv4(c.Peer)
	c.DNS, c.WINS = onlyIPv4(c.DNS), onlyIPv4(c.WINS)
	o := &ipcpOptions{config: c}
	o.Begin()
	return &IPCP{fsm.New(IPCPProtocol, o, c.Config), o}
}

// Result returns what was negotiated.
func (p *IPCP) Result() IPCPResult {
	o := p.options
	r := IPCPResult{Local: o.config.Local, Peer: o.config.Peer}
	if o.accepted.IsValid() {
		r.Peer, r.Named = o.accepted, true
	}
	return r
}

// ipcpOptions is IPCP's fsm.Protocol.
type ipcpOptions struct {
	config   IPCPConfig
	ask      bool       // our address is in the request
	naks     int        // other addresses that the peer suggested for us
	accepted netip.Addr // the peer's address
}

func (o *ipcpOptions) Begin() {
	o.ask, o.naks, o.accepted = o.config.Local.Is4(), 0, netip.Addr{}
}

func (o *ipcpOptions) Request() []fsm.Option {
	if !o.ask {
		return nil
	}
	return []fsm.Option{addressOption(optAddress, o.config.Local)}
}

func (o *ipcpOptions) Acked() {}

// Suggested keeps our address: it is the same on all lines.
func (o *ipcpOptions) Suggested(opts []fsm.Option) fsm.Reason {
	for _, opt := range opts {
		if opt.Type != optAddress || !o.ask {
			continue
		}
		o.naks++
		o.ask = o.naks < maxOwnNaks
	}
	return fsm.Reason{}
}

func (o *ipcpOptions) Rejected(opts []fsm.Option) fsm.Reason {
	for _, opt := range opts {
		if opt.Type == optAddress {
			o.ask = false
		}
	}
	return fsm.Reason{}
}

func (o *ipcpOptions) Judge(opts []fsm.Option) fsm.Judgement {
	var j fsm.Judgement
	asked := false
	for _, opt := range opts {
		v := fsm.Reject()
		switch opt.Type {
		case optAddress:
			if asked {
				break // the second one is rejected
			}
			asked = true
			v, j.End = o.judgeAddress(address(opt))
		case optDNS1, optDNS2:
			v = judgeServer(opt, o.config.DNS, opt.Type == optDNS2)
		case optWINS1, optWINS2:
			v = judgeServer(opt, o.config.WINS, opt.Type == optWINS2)
		}
		j.Verdicts = append(j.Verdicts, v)
	}
	if !asked {
		// RFC 1332 §3.3. Without an address to give, 0.0.0.0 asks the peer for one.
		want := netip.IPv4Unspecified()
		if o.config.Peer.IsValid() {
			want = o.config.Peer
		}
		j.Append = []fsm.Option{addressOption(optAddress, want)}
	}
	return j
}

// judgeAddress answers a request for an address: the zero Addr or 0.0.0.0 asks for one. It ends the layer where there
// is none that the peer may have.
func (o *ipcpOptions) judgeAddress(a netip.Addr) (fsm.Verdict, fsm.Reason) {
	if a == o.config.Peer && a.IsValid() {
		return fsm.Accept(), fsm.Reason{}
	}
	refused := fsm.Reason{Cause: NoAddress}
	if o.config.Permit != nil && a.IsValid() && !a.IsUnspecified() {
		err := o.permit(a)
		if err == nil {
			return fsm.Accept(), fsm.Reason{}
		}
		refused = fsm.Reason{Cause: AddressRefused, Detail: err.Error()}
	}
	if o.config.Peer.IsValid() {
		return fsm.Nak(addressOption(optAddress, o.config.Peer)), fsm.Reason{}
	}
	return fsm.Reject(), refused
}

// permit checks an address of the peer's choice.
func (o *ipcpOptions) permit(a netip.Addr) error {
	first := a.As4()[0]
	if !a.IsGlobalUnicast() || first == 0 || first >= 240 || a == o.config.Local {
		return fmt.Errorf("%v is not an address for a host", a)
	}
	return o.config.Permit(a)
}

// judgeServer answers a request for the address of the first or the second server of a list (RFC 1877 §1).
func judgeServer(opt fsm.Option, servers []netip.Addr, second bool) fsm.Verdict {
	i := 0
	if second {
		i = 1
	}
	if i >= len(servers) {
		return fsm.Reject()
	}
	if address(opt) == servers[i] {
		return fsm.Accept()
	}
	return fsm.Nak(addressOption(opt.Type, servers[i]))
}

func (o *ipcpOptions) Accepted(opts []fsm.Option) fsm.Reason {
	o.accepted = netip.Addr{}
	for _, opt := range opts {
		if opt.Type == optAddress {
			o.accepted = address(opt)
		}
	}
	if !o.accepted.IsValid() && !o.config.Peer.IsValid() {
		return fsm.Reason{Cause: NoAddress}
	}
	return fsm.Reason{}
}

func addressOption(kind byte, a netip.Addr) fsm.Option {
	return fsm.Option{Type: kind, Data: a.AsSlice()}
}

// address returns the address of an option; the zero Addr where the length is wrong.
func address(opt fsm.Option) netip.Addr {
	if len(opt.Data) != 4 {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice(opt.Data)
	return a
}

// onlyIPv4 returns the usable IPv4 addresses of a list.
func onlyIPv4(list []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range list {
		if a = a.Unmap(); a.Is4() && !a.IsUnspecified() {
			out = append(out, a)
		}
	}
	return out
}

// oneIPv4 returns a usable IPv4 address, or the zero Addr.
func oneIPv4(a netip.Addr) netip.Addr {
	if list := onlyIPv4([]netip.Addr{a}); len(list) == 1 {
		return list[0]
	}
	return netip.Addr{}
}
