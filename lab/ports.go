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

// Check returns an error for a kind that does not exist.
func (p Ports) Check() error {
	if !slices.Contains(AllPorts, p) {
		return fmt.Errorf("--ports %q: must be rfc2217, tcp or pty", p)
	}
	return nil
}

// serveLine gives a line's modem its port and returns the port's URL. lis is nil if the kind needs none.
func (l *Lab) serveLine(tty int, m *exchange.Modem, lis net.Listener) (string, error) {
	kind := l.portsOf(tty - firstTTY)
	switch {
	case l.opt.Line != nil:
		return l.opt.Line(tty, m)
	case kind == PTY:
		link := filepath.Join(l.dir, fmt.Sprintf("tty%d", tty))
		_, err := m.ServePTY(link)
		return "pty://" + link, err
	case kind == TCP:
		l.wg.Go(func() { m.ServeTCP(lis) })
	default:
		l.wg.Go(func() { m.ServeRFC2217(lis) })
	}
	return string(kind) + "://" + lis.Addr().String(), nil
}

// portsOf is how line i is connected.
func (l *Lab) portsOf(i int) Ports {
	if l.opt.Lines != nil && l.opt.Lines[i].Ports != "" {
		return Ports(l.opt.Lines[i].Ports)
	}
	return l.opt.Ports
}

// lineCount is how many lines the town has.
func (l *Lab) lineCount() int {
	switch {
	case l.nodes != nil:
		return len(l.nodes) * nodeLines
	case l.opt.Lines != nil:
		return len(l.opt.Lines)
	}
	return lineCount
}

// listening reports for each line whether its port has a listener.
func (l *Lab) listening() []bool {
	all := make([]bool, l.lineCount())
	for i := range all {
		all[i] = l.opt.Line == nil && l.portsOf(i) != PTY
	}
	return all
}
