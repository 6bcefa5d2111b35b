package port

import (
	"encoding/binary"

	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/nvt"
)

// modemStateBits pairs the bits of NOTIFY-MODEMSTATE (RFC 2217 §4) with our signals. The lower four bits report
// changes since the last report, and are not needed here.
var modemStateBits = []struct {
	bit byte
	sig lines.Signals
}{{128, lines.DCD}, {64, lines.RI}, {32, lines.DSR}, {16, lines.CTS}}

func modemState(b byte) (s lines.Signals) {
	for _, m := range modemStateBits {
		if b&m.bit != 0 {
			s |= m.sig
		}
	}
	return s
}

// appendCom appends a COM-PORT subnegotiation. Octets of 255 in the value are doubled (RFC 2217 §1).
func appendCom(dst []byte, command byte, value ...byte) []byte {
	dst = append(dst, nvt.IAC, nvt.SB, nvt.OptComPort, command)
	dst = appendData(dst, value, false)
	return append(dst, nvt.IAC, nvt.SE)
}

// appendSettings appends the settings of the line for the server. speed 0 keeps the server's speed.
func appendSettings(dst []byte, speed int, flow string, format Format) []byte {
	if speed != 0 {
		dst = appendSpeed(dst, speed)
	}
	dst = appendCom(dst, nvt.SetDataSize, byte(format.DataBits()))
	parity := map[byte]byte{'n': nvt.ParityNone, 'o': nvt.ParityOdd, 'e': nvt.ParityEven}[format.Parity()]
	dst = appendCom(dst, nvt.SetParity, parity)
	dst = appendCom(dst, nvt.SetStopSize, byte(format.StopBits())) // 1 is one, 2 is two
	control := byte(nvt.FlowNone)
	switch flow {
	case FlowHardware:
		control = nvt.FlowRTSCTS
	case FlowSoftware:
		control = nvt.FlowXonXoff
	}
	dst = appendCom(dst, nvt.SetControl, control)
	dst = appendCom(dst, nvt.SetLineMask, 0)
	dst = appendCom(dst, nvt.SetModemMask, nvt.EveryCircuit)
	dst = appendDrive(dst, toModem, true)
	// Some servers report the state when the mask is set, some at the next change, some on request.
	return appendCom(dst, nvt.NotifyModem)
}

func appendSpeed(dst []byte, speed int) []byte {
	return appendCom(dst, nvt.SetBaudRate, binary.BigEndian.AppendUint32(nil, uint32(speed))...)
}

// appendDrive appends the commands that raise or drop DTR and RTS.
func appendDrive(dst []byte, which lines.Signals, on bool) []byte {
	dtr, rts := byte(nvt.DTROff), byte(nvt.RTSOff)
	if on {
		dtr, rts = nvt.DTROn, nvt.RTSOn
	}
	if which.Has(lines.DTR) {
		dst = appendCom(dst, nvt.SetControl, dtr)
	}
	if which.Has(lines.RTS) {
		dst = appendCom(dst, nvt.SetControl, rts)
	}
	return dst
}
