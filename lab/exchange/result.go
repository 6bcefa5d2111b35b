package exchange

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// result is a result code, in the numbering of V.250 §6.3 and, past 8, of common data pumps.
type result uint8

const (
	resultOK          result = 0
	resultConnect     result = 1
	resultRing        result = 2
	resultNoCarrier   result = 3
	resultError       result = 4
	resultNoDialtone  result = 6
	resultBusy        result = 7
	resultNoAnswer    result = 8
	resultDelayed     result = 24
	resultRinging     result = 11 // as U.S. Robotics numbers it
	resultVoice       result = 12 // likewise
	resultBlacklisted result = 32
)

// results are all result codes.
var results = []result{
	resultOK, resultConnect, resultRing, resultNoCarrier, resultError, resultNoDialtone, resultBusy, resultNoAnswer,
	resultRinging, resultVoice,
	resultDelayed, resultBlacklisted,
}

// String returns the verbose form.
func (r result) String() string {
	switch r {
	case resultOK:
		return "OK"
	case resultConnect:
		return "CONNECT"
	case resultRing:
		return "RING"
	case resultNoCarrier:
		return "NO CARRIER"
	case resultError:
		return "ERROR"
	case resultNoDialtone:
		return "NO DIALTONE"
	case resultBusy:
		return "BUSY"
	case resultNoAnswer:
		return "NO ANSWER"
	case resultRinging:
		return "RINGING"
	case resultVoice:
		return "VOICE"
	case resultDelayed:
		return "DELAYED"
	case resultBlacklisted:
		return "BLACKLISTED"
	}
	return strconv.Itoa(int(r))
}

// connectCode is the number of a CONNECT with speed.
func connectCode(text string) int {
	switch strings.TrimPrefix(text, "CONNECT ") {
	case "1200":
		return 5
	case "2400":
		return 10
	case "4800":
		return 11
	case "9600":
		return 12
	case "14400":
		return 15
	case "19200":
		return 16
	case "38400":
		return 17
	case "57600":
		return 18
	case "115200":
		return 19
	}
	return int(resultConnect)
}

// frameResult frames a result code: V.250 §5.7.1, 0 CR or CR LF OK CR LF.
func (p *profile) frameResult(code int, text string) []byte {
	if !p.verbose {
		return append(strconv.AppendInt(nil, int64(code), 10), p.s[3])
	}
	return p.frameInfo(text)
}

// frameInfo frames information text: without the leading CR LF if results are numeric.
func (p *profile) frameInfo(text string) []byte {
	b := make([]byte, 0, len(text)+4)
	if p.verbose {
		b = append(b, p.s[3], p.s[4])
	}
	b = append(b, text...)
	return append(b, p.s[3], p.s[4])
}

// say sends a result code to the DTE.
func (m *Modem) say(r result) { m.sayText(r, m.cfg.Dialect.text(r)) }

// sayText sends a result code with a given verbose form.
func (m *Modem) sayText(r result, text string) {
	if m.profile.quiet || m.silent() || (r == resultOK && m.fault.NeverOK) {
		return
	}
	b := m.profile.frameResult(int(r), text)
	if m.fault.Stale && (r == resultOK || r == resultError) {
		b, m.stale = m.stale, b
	}
	if r == resultOK && m.fault.DelayOK > 0 {
		m.hold(piece{wait: m.fault.DelayOK, data: b, deafens: true})
		return
	}
	m.sendPiece(piece{data: b, deafens: true})
}

// sayRing sends RING, with the caller's number in it if the dialect has it there.
func (m *Modem) sayRing(c *call) {
	d := &m.cfg.Dialect
	switch {
	case strings.HasPrefix(d.CallerIDText, "RING") && m.showsCaller() && c.rings > d.CallerIDTime.rings():
		m.sayText(resultRing, d.inCase(d.callerID(c.from.presents())))
	case d.VoiceRingText != "" && c.from.cfg.Telephone && (d.RingCommand == "" || m.profile.ownRing):
		m.sayText(resultRing, d.inCase(d.VoiceRingText))
	case d.RingText != "" && (d.RingCommand == "" || m.profile.ownRing):
		m.sayText(resultRing, d.inCase(d.RingText))
	default:
		m.say(resultRing)
	}
}

// sayRinging sends RINGING while the far end rings, if the dialect has it.
func (m *Modem) sayRinging() {
	if m.cfg.Dialect.HearsRinging && m.state == Dialing {
		m.say(resultRinging)
	}
}

// sayConnect sends CONNECT; it includes the speed from X1 on.
func (m *Modem) sayConnect() {
	if m.profile.quiet || m.silent() {
		return
	}
	m.progress(m.cfg.Dialect.Negotiated)
	text := m.cfg.Dialect.inCase(m.cfg.ConnectText)
	if m.profile.x == 0 {
		text = m.cfg.Dialect.text(resultConnect)
	}
	b := m.profile.frameResult(connectCode(m.cfg.ConnectText), text)
	if m.fault.SplitConnect <= 0 {
		m.send(b)
		return
	}
	for wait := time.Duration(0); len(b) > 0; wait = m.fault.SplitConnect {
		n := min(3, len(b))
		m.hold(piece{wait: wait, data: b[:n]})
		b = b[n:]
	}
}

// progress sends lines about the call that are no result codes.
func (m *Modem) progress(texts []string) {
	for _, text := range texts {
		if m.profile.verbose && !m.profile.quiet {
			m.inform("%s", text)
		}
	}
}

// inform sends a line of information text.
func (m *Modem) inform(format string, args ...any) {
	m.send(m.profile.frameInfo(fmt.Sprintf(format, args...)))
}

// presents is the number that the network shows for a caller.
func (m *Modem) presents() string {
	switch {
	case m.cfg.WithholdsNumber:
		return "P"
	case m.cfg.PresentsNumber != "":
		return m.cfg.PresentsNumber
	case m.cfg.Number == "":
		return "O"
	}
	return m.cfg.Number
}

// showsCaller reports whether the modem shows the caller's number to its DTE.
func (m *Modem) showsCaller() bool {
	return m.cfg.CallerID && (m.profile.callerID || m.cfg.Dialect.CallerIDAlways)
}

// showCaller sends the caller's number as +VCID=1 requires.
func (m *Modem) showCaller(from *Modem) {
	now := time.Now()
	number := from.presents()
	eol := string([]byte{m.profile.s[3], m.profile.s[4]})
	switch d := &m.cfg.Dialect; {
	case strings.HasPrefix(d.CallerIDText, "RING"): // sayRing sends it
		return
	case d.CallerIDText != "":
		m.inform("%s", strings.ReplaceAll(d.callerID(number), "\n", eol))
		return
	}
	m.inform("DATE = %s%sTIME = %s%sNMBR = %s", now.Format("0102"), eol, now.Format("1504"), eol, number)
}
