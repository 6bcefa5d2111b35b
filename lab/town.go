package lab

import (
	_ "embed"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ringback/ringback/lab/exchange"
)

// The telephones of the subscribers. Any user may log in from any of them.
const (
	mainNumber = "55555"
	firstTTY   = 65
	lineCount  = 4
)

// resident is a subscriber with a PC and a modem.
type resident struct {
	Name, Number, About string
}

var residents = []resident{
	{"austin-01", "84001", "austin-01, at home"},
	{"austin-02", "84002", "austin-02, in a hotel"},
	{"kihei-03", "84003", "kihei-03, in the office"},
}

// DirectNumber is the number of a line alone; mainNumber reaches the first free line.
func DirectNumber(tty int) string { return fmt.Sprintf("5555%03d", tty) }

// users are the logins in the generated files.
var users = []struct{ Name, Password, About string }{
	{"austin-01", "maui-1993", "call 84001, no 2nd login"},
	{"austin-02", "hana-1993", "call number given (84…)"},
	{"kihei-03", "wailea-03", "call 84003"},
	{"paia-04", "hookipa-4", "no callback, may dial 84…"},
	{"lahaina-05", "banyan-05", "PPP, call number given"},
}

// reserved are numbers without a modem.
var reserved = []struct {
	Number, About string
	Behavior      exchange.Behavior
}{
	{"84010", "is always busy", exchange.Busy},
	{"84011", "rings, nobody answers", exchange.NoAnswer},
	{"84012", "a person answers", exchange.Voice},
}

// screenWidth is the width of a classic terminal: no line of Screen is longer, unless a path of the user makes it so.
const screenWidth = 80

// Screen explains the town on one screen and leaves the last lines for the Invitation.
func (l *Lab) Screen() string {
	var b strings.Builder
	pace := "real speed"
	if l.opt.Pace != 1 {
		pace = fmt.Sprintf("%g times real speed", l.opt.Pace)
	}
	if l.nodes == nil {
		fmt.Fprintf(&b, "A town on this machine; its telephone network runs at %s.\n", pace)
	}
	switch {
	case l.nodes != nil:
		fmt.Fprintf(&b, "A town with a fleet of %d nodes; its network runs at %s.\n", len(l.nodes), pace)
		l.describeNodes(&b)
	case l.opt.NoDaemon:
		l.describePorts(&b)
	default:
		fmt.Fprintf(&b, "ringback (pid %d) answers number %s with %d modems, tty %d to %d.\n", l.PID(), mainNumber,
			l.lineCount(), firstTTY, firstTTY+l.lineCount()-1)
	}
	row := func(format string, args ...any) {
		b.WriteString("  " + strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
	}
	const columns = "%-6s %-23s %-10s %-10s %s"
	row(columns, "number", "whose PC and modem", "user", "password", "RADIUS action")
	for i := range len(residents) + len(reserved) {
		var number, about, user, password, says string
		if i < len(residents) {
			number, about = residents[i].Number, residents[i].About
		} else {
			number, about = reserved[i-len(residents)].Number, reserved[i-len(residents)].About
		}
		if i < len(users) {
			user, password, says = users[i].Name, users[i].Password, users[i].About
		} else if i == len(residents)+len(reserved)-1 {
			user = "Any user may call from any PC."
		}
		row(columns, number, about, user, password, says)
	}
	b.WriteString("\nPaste into a second terminal:\n")
	for _, c := range l.commands() {
		line := fmt.Sprintf("  %-*s", len(l.opt.Command)+25, l.opt.Command+" "+c.command)
		if full := line + "  " + c.about; len(full) <= screenWidth {
			line = full
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	if l.opt.NoDaemon {
		b.WriteString("\n")
		return b.String()
	}
	if l.nodes != nil {
		fmt.Fprintf(&b, "They ask %s. For another node, give --socket DIR/%s.sock. You may edit\n"+
			"the configurations in DIR, %s\n\n", l.nodes[0].Name, l.nodes[1].Name, l.dir)
		return b.String()
	}
	if l.other != "" {
		fmt.Fprintf(&b, "They find the lab in %s. For this one, give show and debug --socket %s\n", l.other,
			l.Town().Socket)
	}
	fmt.Fprintf(&b, "The configuration, which you may edit: %s\n\n", l.dir)
	return b.String()
}

// suggestion is a command for a second terminal.
type suggestion struct{ command, about string }

func (l *Lab) commands() []suggestion {
	if l.nodes != nil {
		return []suggestion{
			{"show nodes", "what each node sees of all"},
			{"show callbacks --all", "of all nodes"},
			{"lab call --as austin-02", "use another PC"},
		}
	}
	call := suggestion{"lab call --as austin-02", "use another PC"}
	if l.opt.NoDaemon {
		return []suggestion{{"modem probe " + l.urls[0], ""}, call}
	}
	return []suggestion{
		{"debug all", "stream live debug events"},
		{"show callbacks --all", "also: show line|users|listeners"},
		{"show callback ID --trace", "why, when, modem output"},
		{"call " + siteName, "dial a site at " + siteNumber},
		call,
	}
}

// describeNodes prints the nodes of a fleet, a row for each.
func (l *Lab) describeNodes(b *strings.Builder) {
	for i, n := range l.nodes {
		dials := ""
		if i == 0 {
			dials = " (answers only)"
		}
		fmt.Fprintf(b, "  %s (pid %d): %s is rotary %d%s, %s its own lines\n", n.Name, n.PID(), n.Number, fleetRotary,
			dials, n.Own)
	}
}

// describePorts prints what a daemon that is not the lab's needs.
func (l *Lab) describePorts(b *strings.Builder) {
	fmt.Fprintf(b, "It has no daemon. Ports of its modems at number %s, for lines of yours:\n", mainNumber)
	for urls := range slices.Chunk(l.urls, 2) {
		both := "  " + strings.Join(urls, "   ")
		if len(both) > screenWidth {
			both = "  " + strings.Join(urls, "\n  ")
		}
		b.WriteString(both + "\n")
	}
	if s := l.sockets; s.auth != nil {
		fmt.Fprintf(b, "  RADIUS server %s, accounting %s, secret in\n  %s\n", s.auth.LocalAddr(), s.acct.LocalAddr(),
			filepath.Join(l.dir, l.opt.AAA.secretFile()))
	} else {
		fmt.Fprintf(b, "  AAA server (%s) %s, with its secret or certificates in\n  %s\n", l.opt.AAA, s.stream.Addr(),
			l.dir)
	}
	b.WriteString("\n")
}

// Invitation tells a person at a subscriber's PC what to type. main is the town's number to call; leaving says what
// Ctrl-] does besides leaving the PC; "": nothing.
func Invitation(name, main, leaving string) string {
	number := ""
	for _, r := range residents {
		if r.Name == name {
			number = r.Number
		}
	}
	return fmt.Sprintf("You sit at %s's PC and modem, number %s. Type:\n"+
		"  ats0=1        so that the modem answers when you are called back\n"+
		"  atdt %s    and log in as one of the users\n"+
		"Ctrl-] leaves%s.\n", name, number, main, leaving)
}
