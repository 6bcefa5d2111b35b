package main

import (
	"bytes"
	"net"
	"time"

	"github.com/ringback/ringback/bench/wire"
)

// tap is a listener whose connections report what the modem reads, at the time when it reads it.
type tap struct {
	net.Listener
	dialed func(wire.Dial) // each dial script; may be nil
	seen   *seen           // connections and commands; may be nil
	line   int             // of seen
}

func (t *tap) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tapped := &tapped{Conn: c, ear: ear{dialed: t.dialed}}
	if t.seen != nil {
		tapped.ear.commanded = t.seen.connected(t.line)
	}
	return tapped, nil
}

type tapped struct {
	net.Conn
	ear ear
}

func (c *tapped) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.ear.hear(b[:n], time.Now())
	return n, err
}

// ear finds the lines of a dial script in what a modem reads, plain or over Telnet: AT, which only the script and a
// probe before it send, and the dial command.
type ear struct {
	dialed    func(wire.Dial)       // may be nil
	commanded func(begun time.Time) // called for each command line, with the time of its first octet; may be nil

	line  []byte
	begun time.Time // start of the line
	at    time.Time // start of the last AT
}

func (e *ear) hear(b []byte, now time.Time) {
	for _, c := range b {
		switch {
		case c == '\r':
			e.whole(now)
			e.line = e.line[:0]
		case c < ' ' || c > '~': // part of Telnet
			e.line = e.line[:0]
		default:
			if len(e.line) == 0 {
				e.begun = now
			}
			e.line = append(e.line, c)
		}
	}
}

// whole handles a line whose CR has come.
func (e *ear) whole(now time.Time) {
	if bytes.Equal(e.line, []byte("AT")) {
		e.at = e.begun
	}
	if number, ok := bytes.CutPrefix(e.line, []byte("ATDT ")); ok && e.dialed != nil {
		e.dialed(wire.Dial{Number: string(number), Began: e.at, Dial: e.begun, Time: now})
	}
	if e.commanded != nil && bytes.HasPrefix(e.line, []byte("AT")) {
		e.commanded(e.begun)
	}
}
