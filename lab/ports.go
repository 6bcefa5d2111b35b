package lab

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"

	"github.com/ringback/ringback/lab/exchange"
)

// Ports is how the daemon reaches the modems of its lines.
type Ports string

// The kinds of ports that a lab offers.
const (
	RFC2217 Ports = "rfc2217" // bytes and modem signals, as through a console server
	TCP     Ports = "tcp"     // bytes only
	PTY     Ports = "pty"     // pseudo terminals: bytes only
)

// AllPorts are the kinds, the default first.
var AllPorts = []Ports{RFC2217, TCP, PTY}

func (p Ports) check() error {
	if !slices.Contains(AllPorts, p) {
		return fmt.Errorf("lab: --ports %q: must be rfc2217, tcp or pty", p)
	}
	return nil
}

// serveLine gives a line's modem its port and returns the port's URL. lis is nil if the kind needs none.
func (l *Lab) serveLine(tty int, m *exchange.Modem, lis net.Listener) (string, error) {
	switch {
	case l.opt.Line != nil:
		return l.opt.Line(tty, m)
	case l.opt.Ports == PTY:
		link := filepath.Join(l.dir, fmt.Sprintf("tty%d", tty))
		_, err := m.ServePTY(link)
		return "pty://" + link, err
	case l.opt.Ports == TCP:
		l.wg.Go(func() { m.ServeTCP(lis) })
	default:
		l.wg.Go(func() { m.ServeRFC2217(lis) })
	}
	return string(l.opt.Ports) + "://" + lis.Addr().String(), nil
}
