package lab

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/ringback/ringback/lab/exchange"
)

// The town: who has which telephone. Any login may be used from any of them.
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
	{"austin-01", "84001", "at home: AAA has his number and asks nothing more when he is called back"},
	{"austin-02", "84002", "in a hotel: types the number, and logs in again when called back"},
	{"kihei-03", "84003", "in the office: AAA has the number, logs in again when called back"},
}

// users are the logins of the files written.
var users = []struct{ Name, Password, About string }{
	{"austin-01", "maui-1993", "callback to 84001, no-verify"},
	{"austin-02", "hana-1993", "callback to any number 84…, with verification"},
	{"kihei-03", "wailea-03", "callback to 84003, with verification"},
	{"paia-04", "hookipa-4", "no callback: an EXEC at once"},
}

// reserved are numbers without a modem.
var reserved = []struct {
	Number, About string
	Behaviour     exchange.Behaviour
}{
	{"84010", "is always busy", exchange.Busy},
	{"84011", "rings and nobody answers", exchange.NoAnswer},
	{"84012", "somebody says hello", exchange.Voice},
}

// Screen explains the town on one screen.
func (l *Lab) Screen() string {
	var b strings.Builder
	fmt.Fprintf(&b, "A town on this machine. Telephone network ×%g; ringback (pid %d) answers %s on tty %d-%d.\n\n", l.opt.Pace, l.PID(), mainNumber, firstTTY, firstTTY+lineCount-1)
	b.WriteString("  telephone              whose PC and modem\n")
	for _, r := range residents {
		fmt.Fprintf(&b, "  %-8s %-12s  %s\n", r.Number, r.Name, r.About)
	}
	for _, r := range reserved {
		fmt.Fprintf(&b, "  %-8s %-12s  %s\n", r.Number, "", r.About)
	}
	b.WriteString("\n  user        password    RADIUS says\n")
	for _, u := range users {
		fmt.Fprintf(&b, "  %-10s  %-10s  %s\n", u.Name, u.Password, u.About)
	}
	fmt.Fprintf(&b, `
  Paste into a second terminal:
    %[1]s show lines                      %[1]s show callbacks --all
    %[1]s debug all                       %[1]s show callback ID --trace
    %[1]s lab call --as austin-02         a second subscriber
  Files (the configuration to read and change): %s

`, l.opt.Command, l.dir)
	return b.String()
}

// Invitation is what a person at the first PC is told to type.
func Invitation(name string) string {
	return fmt.Sprintf("You sit at %s's PC modem. Type:  ats0=1   then  atdt %s   and log in.  Ctrl-] leaves.\r\n\r\n", name, mainNumber)
}
