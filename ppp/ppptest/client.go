package ppptest

import (
	"bytes"
	"crypto/md5"
	"slices"
)

// Client is a PPP client that dials in. It answers one frame at a time, has no clock, and repeats nothing by itself.
// Its zero value authenticates by PAP and asks for IPv4.
type Client struct {
	User, Password string
	// Methods are the values of the authentication option that it accepts, in the order of preference; nil is PAP.
	Methods  [][]byte
	Callback []byte // data of the callback option; nil: it asks for none
	// Response answers a CBCP Request: the option, from the options that are offered. nil drops Requests.
	Response func(offer []byte) []byte
	Address  [4]byte // that it asks for by IPCP
	NoIP     bool    // it opens no network protocol
	IPv6     bool    // it opens IPV6CP too

	options  [][]byte // of its LCP Configure-Request
	wants    [4]byte  // the address in its IPCP Configure-Request
	id       byte
	acked    bool // the NAS has acknowledged its LCP request
	acks     bool // it has acknowledged the NAS's
	method   []byte
	LCPUp    bool
	Passed   bool // it is authenticated
	Failed   bool
	Refusal  []byte // the data of the failure
	Asked    int    // how often it was challenged, or sent a PAP request
	CBCPAck  []byte // the option that was acknowledged
	Rejected []uint16
	IPUp     bool // the NAS has acknowledged its IPCP request
	IP       [4]byte
	IPv6Up   bool
	Ended    bool // the NAS has sent a Terminate-Request
	EndText  string
	EndAck   bool // the NAS has acknowledged the client's Terminate-Request
	Data     [][]byte
	Replies  int // to its Echo-Requests
	Remains  []uint32
}

// The values of the authentication option.
var (
	MethodPAP      = []byte{0xc0, 0x23}
	MethodCHAP     = []byte{0xc2, 0x23, 5}
	MethodMSCHAP   = []byte{0xc2, 0x23, 0x80}
	MethodMSCHAPv2 = []byte{0xc2, 0x23, 0x81}
	MethodEAP      = []byte{0xc2, 0x27}
)

// Start returns its first Configure-Request. It may be called again, for a renegotiation.
func (c *Client) Start() []Frame {
	c.options = [][]byte{Option(2, 0, 0, 0, 0), Option(5, 0x11, 0x22, 0x33, 0x44), Option(7), Option(8)}
	if c.Callback != nil {
		c.options = append(c.options, Option(13, c.Callback...))
	}
	c.acked, c.acks, c.LCPUp, c.Passed, c.IPUp, c.IPv6Up = false, false, false, false, false, false
	return []Frame{c.request()}
}

func (c *Client) request() Frame {
	c.id++
	return Frame{LCP, Packet(1, c.id, slices.Concat(c.options...)...)}
}

// Login returns a PAP request.
func (c *Client) Login() Frame {
	c.Asked++
	data := slices.Concat([]byte{byte(len(c.User))}, []byte(c.User), []byte{byte(len(c.Password))}, []byte(c.Password))
	return Frame{PAP, Packet(1, 7, data...)}
}

// Terminate returns its Terminate-Request.
func (c *Client) Terminate() Frame {
	return Frame{LCP, Packet(5, 99, []byte("Call me back, please")...)}
}

// Echo returns an Echo-Request.
func (c *Client) Echo() Frame { return Frame{LCP, Packet(9, 42, 0x11, 0x22, 0x33, 0x44)} }

// Take answers a frame.
func (c *Client) Take(f Frame) []Frame {
	if f.Protocol == IPv4 || f.Protocol == IPv6 {
		c.Data = append(c.Data, bytes.Clone(f.Info))
		return nil
	}
	if len(f.Info) < 4 {
		return nil
	}
	n := int(f.Info[2])<<8 | int(f.Info[3])
	if n < 4 || n > len(f.Info) {
		return nil
	}
	code, id, data := f.Info[0], f.Info[1], f.Info[4:n]
	switch f.Protocol {
	case LCP:
		return c.lcp(code, id, data)
	case PAP:
		return c.result(code == 2, code == 3, data)
	case CHAP:
		if code == 1 {
			return c.challenge(id, data)
		}
		return c.result(code == 3, code == 4, data)
	case EAP:
		if code == 1 && len(data) > 0 {
			return c.eap(id, data)
		}
		return c.result(code == 3, code == 4, nil)
	case CBCP:
		return c.cbcp(code, id, data)
	case IPCP:
		return c.ipcp(code, id, data)
	case IPV6CP:
		return c.ipv6cp(code, id, data)
	}
	return nil
}

func (c *Client) lcp(code, id byte, data []byte) []Frame {
	switch code {
	case 1:
		return c.judge(id, data)
	case 2:
		if id == c.id {
			c.acked = true
			return c.up()
		}
	case 3, 4: // what the NAS does not like is left out
		for _, o := range Options(data) {
			c.options = slices.DeleteFunc(c.options, func(own []byte) bool { return own[0] == o[0] })
		}
		return []Frame{c.request()}
	case 5:
		c.Ended, c.EndText = true, string(data)
		return []Frame{{LCP, Packet(6, id)}}
	case 6:
		c.EndAck = true
	case 8:
		if len(data) >= 2 {
			c.Rejected = append(c.Rejected, uint16(data[0])<<8|uint16(data[1]))
		}
	case 9:
		return []Frame{{LCP, Packet(10, id, 0x11, 0x22, 0x33, 0x44)}}
	case 10:
		c.Replies++
	case 13:
		if len(data) >= 8 {
			c.Remains = append(c.Remains, uint32(data[4])<<24|uint32(data[5])<<16|uint32(data[6])<<8|uint32(data[7]))
		}
	}
	return nil
}

// judge answers a Configure-Request of the NAS, which may begin a new negotiation.
func (c *Client) judge(id byte, data []byte) []Frame {
	methods := c.Methods
	if methods == nil {
		methods = [][]byte{MethodPAP}
	}
	for _, o := range Options(data) {
		if o[0] != 3 {
			continue
		}
		if !slices.ContainsFunc(methods, func(m []byte) bool { return bytes.Equal(m, o[2:]) }) {
			return []Frame{{LCP, Packet(3, id, Option(3, methods[0]...)...)}}
		}
		c.method = bytes.Clone(o[2:])
	}
	c.acks = true
	return append([]Frame{{LCP, Packet(2, id, data...)}}, c.up()...)
}

func (c *Client) up() []Frame {
	if !c.acked || !c.acks || c.LCPUp {
		return nil
	}
	c.LCPUp = true
	if bytes.Equal(c.method, MethodPAP) {
		return []Frame{c.Login()}
	}
	return nil
}

// challenge answers with the MD5 of RFC 1994 §4.1, or with 49 octets that stand for a response of MS-CHAP: the fake AAA
// of a test takes the password from them.
func (c *Client) challenge(id byte, data []byte) []Frame {
	c.Asked++
	if len(data) < 1 || int(data[0]) >= len(data) {
		return nil
	}
	value := data[1 : 1+int(data[0])]
	var response []byte
	if bytes.Equal(c.method, MethodCHAP) {
		sum := md5.Sum(slices.Concat([]byte{id}, []byte(c.Password), value))
		response = sum[:]
	} else {
		response = make([]byte, 49)
		copy(response[24:48], c.Password)
	}
	return []Frame{{CHAP, Packet(2, id, slices.Concat([]byte{byte(len(response))}, response, []byte(c.User))...)}}
}

// eap answers a Request with its name, or for another type with the octets of the Request.
func (c *Client) eap(id byte, data []byte) []Frame {
	c.Asked++
	if data[0] == 1 {
		data = append([]byte{1}, c.User...)
	}
	return []Frame{{EAP, Packet(2, id, data...)}}
}

func (c *Client) result(passed, failed bool, data []byte) []Frame {
	switch {
	case failed:
		c.Failed, c.Refusal = true, bytes.Clone(data)
	case passed && !c.Passed:
		c.Passed = true
		if !c.callbackAgreed() {
			return c.network()
		}
	}
	return nil
}

// callbackAgreed reports whether the NAS has accepted operation 6: a CBCP Request follows.
func (c *Client) callbackAgreed() bool {
	return slices.ContainsFunc(c.options, func(o []byte) bool { return o[0] == 13 })
}

func (c *Client) cbcp(code, id byte, data []byte) []Frame {
	switch {
	case code == 1 && c.Response != nil:
		if option := c.Response(data); option != nil {
			return []Frame{{CBCP, Packet(2, id, option...)}}
		}
	case code == 3:
		c.CBCPAck = bytes.Clone(data)
		if len(data) > 0 && data[0] == 1 {
			return c.network()
		}
		return []Frame{c.Terminate()}
	}
	return nil
}

func (c *Client) network() []Frame {
	if c.NoIP {
		return nil
	}
	c.wants = c.Address
	out := []Frame{{IPCP, Packet(1, 1, Option(3, c.wants[:]...)...)}}
	if c.IPv6 {
		out = append(out, Frame{IPV6CP, Packet(1, 1, Option(1, 0, 0, 0, 0, 0, 0, 0, 9)...)})
	}
	return out
}

func (c *Client) ipcp(code, id byte, data []byte) []Frame {
	switch code {
	case 1:
		return []Frame{{IPCP, Packet(2, id, data...)}}
	case 2:
		c.IPUp, c.IP = true, c.wants
	case 3:
		for _, o := range Options(data) {
			if o[0] == 3 && len(o) == 6 {
				copy(c.wants[:], o[2:])
			}
		}
		return []Frame{{IPCP, Packet(1, id+1, Option(3, c.wants[:]...)...)}}
	case 5:
		c.IPUp = false
		return []Frame{{IPCP, Packet(6, id)}}
	}
	return nil
}

func (c *Client) ipv6cp(code, id byte, data []byte) []Frame {
	switch code {
	case 1:
		return []Frame{{IPV6CP, Packet(2, id, data...)}}
	case 2:
		c.IPv6Up = true
	case 5:
		c.IPv6Up = false
		return []Frame{{IPV6CP, Packet(6, id)}}
	}
	return nil
}
