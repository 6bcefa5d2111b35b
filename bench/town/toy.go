package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// toyModem answers immediately and has no telephone line: a dial command gives CONNECT. It does not echo, and it stores
// what is written into its S registers, so that it can prove its state as a real modem does. ATZ restores their first
// values.
type toyModem struct {
	port      *os.File
	registers [256]byte
	buf       [256]byte
	out       []byte // output, in one write

	data    bool      // a call is up: only the escape sequence is recognized
	line    []byte    // the incomplete command line
	escapes int       // consecutive escape characters since the silence
	last    time.Time // arrival of the last octet; zero: none since CONNECT
}

// The registers that the modem uses itself.
const (
	s2  = 2  // the escape character
	s12 = 12 // the guard time of the escape sequence, in units of guardUnit
)

const guardUnit = 20 * time.Millisecond

func newToyModem(port *os.File) *toyModem {
	m := &toyModem{port: port}
	m.reset()
	return m
}

// reset loads the stored profile. Its guard time is short, because the calls of a benchmark have no data that could be
// mistaken for an escape.
func (m *toyModem) reset() {
	m.registers = [256]byte{s2: '+', s12: 1}
}

// guard is the silence required around an escape sequence.
func (m *toyModem) guard() time.Duration { return time.Duration(m.registers[s12]) * guardUnit }

// serve runs until the port is closed.
func (m *toyModem) serve() {
	for {
		n, err := m.port.Read(m.buf[:])
		m.take(m.buf[:n], time.Now())
		if err == nil && len(m.out) > 0 {
			_, err = m.port.Write(m.out)
			m.out = m.out[:0]
		}
		if err != nil {
			return
		}
	}
}

// take handles octets that were read together.
func (m *toyModem) take(b []byte, now time.Time) {
	for _, c := range b {
		silent := now.Sub(m.last) >= m.guard()
		m.last = now
		switch {
		case m.data:
			m.takeData(c, silent)
		case c == '\b':
			m.line = m.line[:max(0, len(m.line)-1)]
		case c != '\r':
			m.line = append(m.line, c)
		default:
			m.execute(bytes.ToUpper(m.line))
			m.line = m.line[:0]
		}
	}
}

// takeData waits for the escape sequence: silence, three escape characters, silence. silent reports that the guard time
// had passed before this octet. A CR after the three characters counts as the second silence, because a busy machine
// reads both together. The sequence is not answered by OK: that could also come late, and be taken for the next
// command's answer.
func (m *toyModem) takeData(c byte, silent bool) {
	switch {
	case m.escapes == 3 && c == '\r':
		m.data, m.escapes = false, 0
	case m.escapes == 3 || c != m.registers[s2]:
		m.escapes = 0
	case silent || m.escapes > 0:
		m.escapes++
	}
}

// execute executes a command line. It ignores one that does not begin with AT.
func (m *toyModem) execute(line []byte) {
	body, ok := bytes.CutPrefix(line, []byte("AT"))
	if !ok {
		return
	}
	for len(body) > 0 {
		c := body[0]
		body = body[1:]
		switch c {
		case 'D', 'A':
			m.data, m.escapes, m.last = true, 0, time.Time{}
			m.say("CONNECT")
			return
		case 'Z':
			m.reset()
		case 'S':
			if body, ok = m.register(body); !ok {
				m.say("ERROR")
				return
			}
		case '&', '%', '\\':
			body = body[min(1, len(body)):]
		}
		body = bytes.TrimLeft(body, "0123456789")
	}
	m.say("OK")
}

// register executes what follows the S of Sn=v and Sn?.
func (m *toyModem) register(body []byte) (rest []byte, ok bool) {
	n, body, ok := number(body)
	switch {
	case !ok || len(body) == 0:
		return nil, false
	case body[0] == '?':
		m.say(fmt.Sprintf("%03d", m.registers[n]))
		return body[1:], true
	case body[0] == '=':
		m.registers[n], body, ok = number(body[1:])
		return body, ok
	}
	return nil, false
}

func number(b []byte) (n byte, rest []byte, ok bool) {
	rest = bytes.TrimLeft(b, "0123456789")
	v, err := strconv.ParseUint(string(b[:len(b)-len(rest)]), 10, 8)
	return byte(v), rest, err == nil
}

func (m *toyModem) say(text string) { m.out = append(m.out, "\r\n"+text+"\r\n"...) }
