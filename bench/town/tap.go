package main

import (
	"bytes"
	"net"
	"time"

	"github.com/ringback/ringback/bench/wire"
)

// tap is a listener whose connections tell of each dial script that a modem is sent. It sees what the modem reads, when
// the modem reads it.
type tap struct {
	net.Listener
	dialed func(wire.Dial)
}

func (t *tap) Accept() (net.Conn, error) {
	c, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &tapped{Conn: c, ear: ear{dialed: t.dialed}}, nil
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

// ear looks for the lines of a dial script in what a modem reads, plain or by Telnet: AT, which only the script and a
// probe before it send, and the dial command.
type ear struct {
	dialed func(wire.Dial)

	line  []byte
	begun time.Time // the line
	at    time.Time // when the last AT was begun
}

func (e *ear) hear(b []byte, now time.Time) {
	for _, c := range b {
		switch {
		case c == '\r':
			e.whole(now)
			e.line = e.line[:0]
		case c < ' ' || c > '~': // Telnet's
			e.line = e.line[:0]
		default:
			if len(e.line) == 0 {
				e.begun = now
			}
			e.line = append(e.line, c)
		}
	}
}

// whole takes a line whose CR has come.
func (e *ear) whole(now time.Time) {
	if bytes.Equal(e.line, []byte("AT")) {
		e.at = e.begun
	}
	if number, ok := bytes.CutPrefix(e.line, []byte("ATDT ")); ok {
		e.dialed(wire.Dial{Number: string(number), Began: e.at, Time: now})
	}
}
