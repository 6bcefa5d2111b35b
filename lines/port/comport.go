package port

import (
	"encoding/binary"

	"github.com/ringback/ringback/lines"
)

// COM-PORT commands as sent by the client; those of the server add fromServer to the same number (RFC 2217 §2–5).
const (
	comSignature      = 0
	comBaudRate       = 1
	comDataSize       = 2
	comParity         = 3
	comStopSize       = 4
	comControl        = 5
	comModemState     = 7
	comSuspend        = 8
	comResume         = 9
	comLineStateMask  = 10
	comModemStateMask = 11

	fromServer = 100
)

// Values of SET-PARITY, SET-STOPSIZE (RFC 2217 §2) and SET-CONTROL (§3).
const (
	parityNone   = 1
	parityOdd    = 2
	parityEven   = 3
	flowOff      = 1
	flowXonXoff  = 2
	flowRTSCTS   = 3
	breakOn      = 5
	breakOff     = 6
	dtrOn        = 8
	dtrOff       = 9
	rtsOn        = 11
	rtsOff       = 12
	everyCircuit = 255 // SET-MODEMSTATE-MASK (§4)
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
	dst = append(dst, cmdIAC, cmdSB, optComPort, command)
	dst = appendData(dst, value, false)
	return append(dst, cmdIAC, cmdSE)
}

// appendSettings appends the settings of the line for the server. speed 0 keeps the server's speed.
func appendSettings(dst []byte, speed int, flow string, format Format) []byte {
	if speed != 0 {
		dst = appendSpeed(dst, speed)
	}
	dst = appendCom(dst, comDataSize, byte(format.DataBits()))
	dst = appendCom(dst, comParity, map[byte]byte{'n': parityNone, 'o': parityOdd, 'e': parityEven}[format.Parity()])
	dst = appendCom(dst, comStopSize, byte(format.StopBits())) // 1 is one, 2 is two
	control := byte(flowOff)
	switch flow {
	case FlowHardware:
		control = flowRTSCTS
	case FlowSoftware:
		control = flowXonXoff
	}
	dst = appendCom(dst, comControl, control)
	dst = appendCom(dst, comLineStateMask, 0)
	dst = appendCom(dst, comModemStateMask, everyCircuit)
	dst = appendDrive(dst, toModem, true)
	// Some servers report the state when the mask is set, some at the next change, some on request.
	return appendCom(dst, comModemState)
}

func appendSpeed(dst []byte, speed int) []byte {
	return appendCom(dst, comBaudRate, binary.BigEndian.AppendUint32(nil, uint32(speed))...)
}

// appendDrive appends the commands that raise or drop DTR and RTS.
func appendDrive(dst []byte, which lines.Signals, on bool) []byte {
	dtr, rts := byte(dtrOff), byte(rtsOff)
	if on {
		dtr, rts = dtrOn, rtsOn
	}
	if which.Has(lines.DTR) {
		dst = appendCom(dst, comControl, dtr)
	}
	if which.Has(lines.RTS) {
		dst = appendCom(dst, comControl, rts)
	}
	return dst
}
