package nvt

import (
	"encoding/binary"
)

// Commands of COM-PORT-OPTION as the client sends them; those of the server add FromServer to the number (RFC 2217
// §2–5).
const (
	Signature    = 0
	SetBaudRate  = 1
	SetDataSize  = 2
	SetParity    = 3
	SetStopSize  = 4
	SetControl   = 5
	NotifyLine   = 6
	NotifyModem  = 7
	Suspend      = 8
	Resume       = 9
	SetLineMask  = 10
	SetModemMask = 11
	PurgeData    = 12
	FromServer   = 100
	maxSignature = 200
	// EveryCircuit is the SET-MODEMSTATE-MASK by which all changes are reported, until the client says otherwise (§4).
	EveryCircuit = 255
)

// Values of SET-PARITY and SET-STOPSIZE (RFC 2217 §2).
const (
	ParityNone  = 1
	ParityOdd   = 2
	ParityEven  = 3
	ParityMark  = 4
	ParitySpace = 5
	StopOne     = 1
	StopTwo     = 2
	StopOneHalf = 3
)

// Values of SET-CONTROL (RFC 2217 §3).
const (
	AskFlow     = 0
	FlowNone    = 1
	FlowXonXoff = 2
	FlowRTSCTS  = 3
	AskBreak    = 4
	BreakOn     = 5
	BreakOff    = 6
	AskDTR      = 7
	DTROn       = 8
	DTROff      = 9
	AskRTS      = 10
	RTSOn       = 11
	RTSOff      = 12
	AskFlowIn   = 13 // inbound: from the line to the client
	FlowInNone  = 14
	FlowInXon   = 15
	FlowInRTS   = 16
	FlowDCD     = 17
	FlowInDTR   = 18
	FlowDSR     = 19
)

// Bits of NOTIFY-MODEMSTATE (RFC 2217 §4). The lower ones report changes since the last report.
const (
	ModemDCD      = 128
	ModemRI       = 64
	ModemDSR      = 32
	ModemCTS      = 16
	ModemDeltaDCD = 8
	ModemRIEnds   = 4 // the trailing edge of RI
	ModemDeltaDSR = 2
	ModemDeltaCTS = 1
)

// Bits of NOTIFY-LINESTATE (RFC 2217 §4).
const (
	LineTimeout     = 128
	LineShiftEmpty  = 64
	LineBufferEmpty = 32
	LineBreak       = 16
	LineFraming     = 8
	LineParity      = 4
	LineOverrun     = 2
	LineData        = 1
)

// Values of PURGE-DATA.
const (
	PurgeReceive  = 1
	PurgeTransmit = 2
	PurgeBoth     = 3
)

// Serial is the setting of a serial port.
type Serial struct {
	Speed      uint32 // bit/s
	DataBits   byte   // 5 to 8
	Parity     byte   // ParityNone …
	StopBits   byte   // StopOne …
	Flow       byte   // FlowNone, FlowXonXoff, FlowRTSCTS; outbound: from the client to the line
	FlowIn     byte   // FlowInNone …
	DTR, RTS   bool
	Break      bool
	Suspended  bool // the client wants no data for now
	LineMask   byte // of the changes that are reported
	ModemMask  byte
	ModemState byte // as last reported, without the bits of changes
}

// DefaultSerial is the setting of a port before the client says otherwise. DTR and RTS are on, as on a port that is
// open.
var DefaultSerial = Serial{Speed: 9600, DataBits: 8, Parity: ParityNone, StopBits: StopOne, Flow: FlowNone,
	FlowIn: FlowInNone, DTR: true, RTS: true, ModemMask: EveryCircuit}

// ComPort is the server's side of COM-PORT-OPTION: the port that a client drives. Its functions are called from
// Server.Decode and must not block; nil ones are not called.
type ComPort struct {
	Serial
	// Name is the signature of the server, in US-ASCII.
	Name string
	// Settings is called after a change of Serial by the client; before is the setting until then. It may correct
	// Serial: what it leaves is what the client is told.
	Settings func(c *ComPort, before Serial)
	// Purge is called for PURGE-DATA, with PurgeReceive, PurgeTransmit or PurgeBoth.
	Purge func(which byte)

	s *Server
}

// NewComPort returns a port with the default settings.
func NewComPort(name string) *ComPort { return &ComPort{Serial: DefaultSerial, Name: name} }

// Ready reports whether the client has agreed to drive the port.
func (c *ComPort) Ready() bool { return c.s != nil && c.s.them[OptComPort].inForce() }

func (c *ComPort) reply(command byte, value ...byte) {
	c.s.out = AppendSub(c.s.out, OptComPort, append([]byte{command + FromServer}, value...)...)
}

// command processes a subnegotiation of the client.
func (c *ComPort) command(p []byte) {
	if len(p) == 0 {
		return
	}
	value := p[1:]
	switch p[0] {
	case Signature:
		if len(value) == 0 { // otherwise the client tells its own
			c.reply(Signature, []byte(c.Name[:min(len(c.Name), maxSignature)])...)
		}
	case SetBaudRate:
		if len(value) == 4 {
			n := binary.BigEndian.Uint32(value)
			c.change(func(s *Serial) { s.Speed = n }, n != 0)
			c.reply(SetBaudRate, binary.BigEndian.AppendUint32(nil, c.Speed)...)
		}
	case PurgeData:
		if len(value) == 1 && value[0] >= PurgeReceive && value[0] <= PurgeBoth && c.Purge != nil {
			c.Purge(value[0])
		}
		if len(value) == 1 {
			c.reply(PurgeData, value[0])
		}
	case Suspend, Resume: // they have no answer
		c.change(func(s *Serial) { s.Suspended = p[0] == Suspend }, true)
	case NotifyModem: // not a request by the RFC, but clients send it to ask for the state
		c.reply(NotifyModem, c.ModemState)
	default:
		if len(value) == 1 {
			c.set(p[0], value[0])
		}
	}
}

// set processes the commands whose value is one octet. A value that there is not changes nothing: the answer is the
// value in force (RFC 2217 §2).
func (c *ComPort) set(command, v byte) {
	switch command {
	case SetDataSize:
		c.change(func(s *Serial) { s.DataBits = v }, v >= 5 && v <= 8)
		c.reply(command, c.DataBits)
	case SetParity:
		c.change(func(s *Serial) { s.Parity = v }, v >= ParityNone && v <= ParitySpace)
		c.reply(command, c.Parity)
	case SetStopSize:
		c.change(func(s *Serial) { s.StopBits = v }, v >= StopOne && v <= StopOneHalf)
		c.reply(command, c.StopBits)
	case SetControl:
		c.control(v)
	case SetLineMask:
		c.change(func(s *Serial) { s.LineMask = v }, true)
		c.reply(command, v)
	case SetModemMask:
		c.change(func(s *Serial) { s.ModemMask = v }, true)
		c.reply(command, v)
		if c.ModemState&v != 0 { // what the client has not seen so far
			c.reply(NotifyModem, c.ModemState&v)
		}
	}
}

// change changes the setting, unless not.
func (c *ComPort) change(f func(*Serial), do bool) {
	if !do {
		return
	}
	before := c.Serial
	f(&c.Serial)
	if c.Settings != nil {
		c.Settings(c, before)
	}
}

// control processes SET-CONTROL.
func (c *ComPort) control(v byte) {
	now := v
	switch {
	case v <= FlowRTSCTS || v == FlowDCD || v == FlowDSR:
		c.change(func(s *Serial) { s.Flow = v }, v != AskFlow)
		now = c.Flow
	case v <= BreakOff:
		c.change(func(s *Serial) { s.Break = v == BreakOn }, v != AskBreak)
		now = either(c.Break, BreakOn, BreakOff)
	case v <= DTROff:
		c.change(func(s *Serial) { s.DTR = v == DTROn }, v != AskDTR)
		now = either(c.DTR, DTROn, DTROff)
	case v <= RTSOff:
		c.change(func(s *Serial) { s.RTS = v == RTSOn }, v != AskRTS)
		now = either(c.RTS, RTSOn, RTSOff)
	case v <= FlowInRTS || v == FlowInDTR:
		c.change(func(s *Serial) { s.FlowIn = v }, v != AskFlowIn)
		now = c.FlowIn
	default: // there is no such value
		return
	}
	c.reply(SetControl, now)
}

func either(on bool, yes, no byte) byte {
	if on {
		return yes
	}
	return no
}

// Modem reports the state of the modem's circuits (ModemDCD, ModemRI, ModemDSR, ModemCTS), if one that the client's
// mask has changed. It returns whether something is to be sent.
func (c *ComPort) Modem(state byte) bool {
	state &= ModemDCD | ModemRI | ModemDSR | ModemCTS
	changed := state ^ c.ModemState
	report := state
	for _, d := range []struct{ bit, delta byte }{{ModemDCD, ModemDeltaDCD}, {ModemDSR, ModemDeltaDSR},
		{ModemCTS, ModemDeltaCTS}} {
		if changed&d.bit != 0 {
			report |= d.delta
		}
	}
	if changed&ModemRI != 0 && state&ModemRI == 0 {
		report |= ModemRIEnds
	}
	c.ModemState = state
	if report&c.ModemMask == 0 && changed&c.ModemMask == 0 || changed == 0 || !c.Ready() {
		return false
	}
	c.reply(NotifyModem, report)
	return true
}

// Line reports the state of the line (LineBreak, LineParity …), if the client's mask has one of its bits. It returns
// whether something is to be sent.
func (c *ComPort) Line(state byte) bool {
	if state&c.LineMask == 0 || !c.Ready() {
		return false
	}
	c.reply(NotifyLine, state)
	return true
}
