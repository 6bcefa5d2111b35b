package pppclient

// The codes that LCP and the network control protocols have in common (RFC 1661 §5), and those of LCP alone.
const (
	confRequest     = 1
	confAck         = 2
	confNak         = 3
	confReject      = 4
	termRequest     = 5
	termAck         = 6
	codeReject      = 7
	protocolReject  = 8
	echoRequest     = 9
	echoReply       = 10
	discardRequest  = 11
	identification  = 12
	timeRemaining   = 13
	firstUnknownLCP = 14
)

// A packet is a control packet: it has the same header in all control and authentication protocols.
type packet struct {
	code, id byte
	data     []byte
}

// parsePacket takes a packet from an information field, which may have padding behind it.
func parsePacket(info []byte) (p packet, ok bool) {
	if len(info) < 4 {
		return p, false
	}
	n := int(info[2])<<8 | int(info[3])
	if n < 4 || n > len(info) {
		return p, false
	}
	return packet{info[0], info[1], info[4:n]}, true
}

func (p packet) frame(protocol uint16) frame {
	n := len(p.data) + 4
	return frame{protocol, append([]byte{p.code, p.id, byte(n >> 8), byte(n)}, p.data...)}
}

// An option is a configuration option, or an option of CBCP: both have type, length and data.
type option struct {
	kind byte
	data []byte
}

// parseOptions takes the options from the data of a packet. One with a wrong length spoils all of them.
func parseOptions(b []byte) (options []option, ok bool) {
	for len(b) > 0 {
		if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
			return nil, false
		}
		options = append(options, option{b[0], b[2:b[1]]})
		b = b[b[1]:]
	}
	return options, true
}

func appendOption(b []byte, o option) []byte {
	return append(append(b, o.kind, byte(len(o.data)+2)), o.data...)
}

func joinOptions(options []option) (b []byte) {
	for _, o := range options {
		b = appendOption(b, o)
	}
	return b
}
