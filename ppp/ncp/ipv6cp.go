package ncp

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/ringback/ringback/ppp/fsm"
)

// IPV6CPProtocol is the PPP protocol number of IPV6CP.
const IPV6CPProtocol = 0x8057

// optInterfaceID is the only option that is negotiated (RFC 5072 §4.1). All others are rejected, among them
// IPv6-Compression-Protocol (2, RFC 5172).
const optInterfaceID = 1

// InterfaceID is an IPv6 interface identifier. The zero value is none.
type InterfaceID [8]byte

// ParseInterfaceID reads an identifier as RADIUS logs write it: four groups of up to four hex digits, 307d:0:a2fe:77.
func ParseInterfaceID(text string) (InterfaceID, error) {
	var id InterfaceID
	groups := strings.Split(text, ":")
	if len(groups) != 4 {
		return id, fmt.Errorf("interface identifier %q: want four groups, as in 307d:292e:a2fe:80f0", text)
	}
	for i, g := range groups {
		n, err := strconv.ParseUint(g, 16, 16)
		if err != nil {
			return InterfaceID{}, fmt.Errorf("interface identifier %q: group %q is not a hex number of 16 bits", text,
				g)
		}
		binary.BigEndian.PutUint16(id[2*i:], uint16(n))
	}
	return id, nil
}

// String is the text that ParseInterfaceID reads, with all digits.
func (id InterfaceID) String() string {
	h := hex.EncodeToString(id[:])
	return h[:4] + ":" + h[4:8] + ":" + h[8:12] + ":" + h[12:]
}

// LinkLocal returns the link-local address with the identifier (RFC 5072 §5).
func (id InterfaceID) LinkLocal() netip.Addr {
	a := [16]byte{0xfe, 0x80}
	copy(a[8:], id[:])
	return netip.AddrFrom16(a)
}

// universal is the u bit (RFC 5072 §4.1): it is zero in an identifier that is not made from an IEEE identifier.
const universal = 0x02

// IPV6CPConfig is the configuration of an IPV6CP.
type IPV6CPConfig struct {
	fsm.Config
	Local InterfaceID // ours; zero: a random one
	Peer  InterfaceID // the peer's (Framed-Interface-Id); zero: the peer chooses
	// Random returns a random number. It is required.
	Random func() uint64
}

// IPV6CPResult is what was negotiated. It is valid while IPV6CP is open.
type IPV6CPResult struct {
	Local InterfaceID
	Peer  InterfaceID // zero: the peer does not negotiate its identifier, and none was configured
	// Named says that the peer has confirmed Peer. If it did not, it may use another one.
	Named bool
}

// IPV6CP is the IPv6 Control Protocol of one link. It is not safe for concurrent use. Make it with NewIPV6CP. Its
// methods are those of fsm.Machine.
type IPV6CP struct {
	*fsm.Machine
	options *ipv6cpOptions
}

// NewIPV6CP returns an IPV6CP in state Initial.
func NewIPV6CP(c IPV6CPConfig) *IPV6CP {
	o := &ipv6cpOptions{config: c}
	if c.Local == (InterfaceID{}) || c.Local == c.Peer {
		o.config.Local = o.random(c.Peer)
	}
	o.nak = c.Peer
	if o.nak == (InterfaceID{}) {
		o.nak = o.random(o.config.Local)
	}
	o.Begin()
	return &IPV6CP{fsm.New(IPV6CPProtocol, o, c.Config), o}
}

// Result returns what was negotiated.
func (p *IPV6CP) Result() IPV6CPResult {
	o := p.options
	r := IPV6CPResult{Local: o.ask, Peer: o.config.Peer}
	if o.accepted != (InterfaceID{}) {
		r.Peer, r.Named = o.accepted, true
	}
	return r
}

// ipv6cpOptions is IPV6CP's fsm.Protocol. Our identifier is never zero, so that the peer can always get one.
type ipv6cpOptions struct {
	config   IPV6CPConfig
	ask      InterfaceID // ours
	asking   bool        // it is in the request
	nak      InterfaceID // what we suggest to the peer; the same in each negotiation
	appended bool        // it was suggested to a peer that did not ask
	accepted InterfaceID // the peer's
}

func (o *ipv6cpOptions) Begin() {
	o.ask, o.asking, o.appended, o.accepted = o.config.Local, true, false, InterfaceID{}
}

// random returns a random identifier other than zero and the ones given.
func (o *ipv6cpOptions) random(except ...InterfaceID) InterfaceID {
	n := o.config.Random()
	for {
		var id InterfaceID
		binary.BigEndian.PutUint64(id[:], n)
		id[0] &^= universal
		if id != (InterfaceID{}) && !slices.Contains(except, id) {
			return id
		}
		n++
	}
}

func (o *ipv6cpOptions) Request() []fsm.Option {
	if !o.asking {
		return nil
	}
	return []fsm.Option{idOption(o.ask)}
}

func (o *ipv6cpOptions) Acked() {}

// Suggested takes the identifier that the peer suggests for us, unless it is one of the peer's (RFC 5072 §4.1).
func (o *ipv6cpOptions) Suggested(opts []fsm.Option) fsm.Reason {
	for _, opt := range opts {
		if opt.Type != optInterfaceID || !o.asking {
			continue
		}
		id := parseID(opt)
		if id == (InterfaceID{}) || id == o.nak || id == o.accepted || id == o.config.Peer {
			id = o.random(o.ask, o.nak, o.accepted)
		}
		o.ask = id
	}
	return fsm.Reason{}
}

func (o *ipv6cpOptions) Rejected(opts []fsm.Option) fsm.Reason {
	for _, opt := range opts {
		if opt.Type == optInterfaceID {
			o.asking = false
		}
	}
	return fsm.Reason{}
}

func (o *ipv6cpOptions) Judge(opts []fsm.Option) fsm.Judgement {
	var j fsm.Judgement
	asked, rejected := false, false
	for _, opt := range opts {
		if opt.Type == optInterfaceID {
			asked = true
			j.Verdicts = append(j.Verdicts, o.judge(parseID(opt)))
			continue
		}
		rejected = true
		j.Verdicts = append(j.Verdicts, fsm.Reject())
	}
	if !asked && !rejected && !o.appended {
		o.appended = true // only once (RFC 5072 §4.1)
		j.Append = []fsm.Option{idOption(o.nak)}
	}
	return j
}

// judge answers the identifier that the peer wants; zero asks for one.
func (o *ipv6cpOptions) judge(id InterfaceID) fsm.Verdict {
	framed := o.config.Peer
	if id == (InterfaceID{}) || id == o.ask || framed != (InterfaceID{}) && id != framed {
		return fsm.Nak(idOption(o.nak))
	}
	return fsm.Accept()
}

func (o *ipv6cpOptions) Accepted(opts []fsm.Option) fsm.Reason {
	o.accepted = InterfaceID{}
	for _, opt := range opts {
		o.accepted = parseID(opt)
	}
	return fsm.Reason{}
}

func idOption(id InterfaceID) fsm.Option { return fsm.Option{Type: optInterfaceID, Data: id[:]} }

// parseID returns the identifier of an option; zero where the length is wrong.
func parseID(opt fsm.Option) (id InterfaceID) {
	if len(opt.Data) == len(id) {
		copy(id[:], opt.Data)
	}
	return id
}
