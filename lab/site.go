package lab

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/ringback/ringback/lab/exchange"
)

// The town has one site, a system behind a modem that operators dial with `ringback call harbor`. The daemon logs on
// there with what the town's AAA server has for the user harbor-out.
const (
	siteName   = "harbor"
	siteNumber = "84020"
	siteUser   = "maui-nas-04"
	siteSecret = "piliwale"
)

// site is the system. Its modem answers every call.
type site struct {
	dte *exchange.DTE
	in  *bufio.Reader
	cr  bool // the last octet was a carriage return: a line feed behind it does not end another line
}

// serveSite serves the callers of a modem, one after the other, until ctx ends.
func serveSite(ctx context.Context, m *exchange.Modem) {
	dte := m.DTE()
	defer dte.Close()
	stop := context.AfterFunc(ctx, func() { dte.Close() })
	defer stop()
	s := &site{dte: dte, in: bufio.NewReader(dte)}
	if _, err := io.WriteString(dte, "ATE0S0=1\r"); err != nil {
		return
	}
	for {
		line, err := s.in.ReadString('\n')
		if err != nil {
			return
		}
		if strings.HasPrefix(line, "CONNECT") && dte.Signals()&exchange.DCD != 0 {
			s.session()
		}
	}
}

// session serves one caller. It ends with the call, after three wrong passwords, or when the caller says so.
func (s *site) session() {
	s.say("\r\nHarbor of Kahului. Authorized use only.\r\n")
	for range 3 {
		user, ok := s.ask("harbor login: ", true)
		if !ok {
			return
		}
		password, ok := s.ask("Password: ", false)
		if !ok {
			return
		}
		if user == siteUser && password == siteSecret {
			s.serve()
			return
		}
		s.say("Login incorrect\r\n")
	}
	s.hangUp()
}

func (s *site) serve() {
	for {
		order, ok := s.ask("harbor> ", true)
		if !ok {
			return
		}
		switch order {
		case "":
		case "tide":
			s.say("High tide at 14:20, 0.7 m.\r\n")
		case "ships":
			s.say("Pier 1: Mauna Loa, from Honolulu. Pier 2: none.\r\n")
		case "exit":
			s.say("Aloha.\r\n")
			s.hangUp()
			return
		default:
			s.say(fmt.Sprintf("%.20q: not known. There are: tide, ships, exit.\r\n", order))
		}
	}
}

func (s *site) say(text string) { _, _ = io.WriteString(s.dte, text) } // the next read finds out

func (s *site) hangUp() {
	s.dte.SetDTR(false)
	s.dte.SetDTR(true)
}

// ask returns the line that the caller types; false if the call is over.
func (s *site) ask(prompt string, echo bool) (line string, ok bool) {
	s.say(prompt)
	for {
		c, err := s.in.ReadByte()
		after := s.cr
		s.cr = c == '\r'
		switch {
		case err != nil || s.dte.Signals()&exchange.DCD == 0:
			return "", false
		case c == '\n' && after:
		case c == '\r' || c == '\n': // a file has the latter
			s.say("\r\n")
			return line, true
		case c == 8 || c == 127:
			if len(line) > 0 {
				line = line[:len(line)-1]
				if echo {
					s.say("\b \b")
				}
			}
		case len(line) < 80:
			line += string(rune(c))
			if echo {
				s.say(string(rune(c)))
			}
		}
	}
}
