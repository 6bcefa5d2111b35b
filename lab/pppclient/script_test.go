package pppclient

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// A script is what a server does, a line each:
//
//	< PROTOCOL OCTETS   the client's next frame begins with this; . stands for any digit
//	> PROTOCOL OCTETS   the server sends a frame
//	! OCTETS            the server sends these octets
//	+ TIME              nothing comes for this time
//
// ____ is the length of a packet, @ the data of the client's last packet.
type script string

// player plays a script on the server's end of a pipe.
type player struct {
	conn   net.Conn
	frames chan frame
	last   frame // of the client
}

// play returns the first difference from the script.
func (s script) play(conn net.Conn) error {
	p := &player{conn: conn, frames: make(chan frame, 100)}
	go p.read()
	for line := range strings.SplitSeq(strings.TrimSpace(string(s)), "\n") {
		verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if err := p.step(verb, strings.Join(strings.Fields(rest), "")); err != nil {
			return fmt.Errorf("%s: %w", strings.TrimSpace(line), err)
		}
	}
	return nil
}

// read takes what the client sends, also while the script does not wait for it.
func (p *player) read() {
	defer close(p.frames)
	var d deframer
	for in := bufio.NewReader(p.conn); ; {
		c, err := in.ReadByte()
		if err != nil {
			return
		}
		if f, ok, _ := d.octet(c); ok {
			p.frames <- f
		}
	}
}

func (p *player) step(verb, text string) error {
	if len(p.last.info) > 4 {
		text = strings.ReplaceAll(text, "@", hex.EncodeToString(p.last.info[4:]))
	}
	text = strings.Replace(text, "____", fmt.Sprintf("%04x", len(text)/2-2), 1)
	switch verb {
	case "<":
		return p.expect(text)
	case "+":
		d, err := time.ParseDuration(text)
		if err != nil {
			return err
		}
		select {
		case f := <-p.frames:
			return fmt.Errorf("the client sends %04x %x", f.protocol, f.info)
		case <-time.After(d):
			return nil
		}
	}
	b, err := hex.DecodeString(text)
	if err != nil {
		return err
	}
	if verb == ">" {
		b = framing{escapes: defaultMap}.encode(frame{binary.BigEndian.Uint16(b), b[2:]})
	}
	_, err = p.conn.Write(b)
	return err
}

func (p *player) expect(want string) error {
	select {
	case f, ok := <-p.frames:
		p.last = f
		got := fmt.Sprintf("%04x%x", f.protocol, f.info)
		if !ok || !matches(got, want) {
			return fmt.Errorf("the client sends %s", got)
		}
		return nil
	case <-time.After(5 * time.Minute):
		return errors.New("the client sends nothing")
	}
}

func matches(got, want string) bool {
	if len(got) < len(want) {
		return false
	}
	for i := range want {
		if want[i] != '.' && want[i] != got[i] {
			return false
		}
	}
	return true
}
