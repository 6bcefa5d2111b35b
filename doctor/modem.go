package doctor

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/port"
)

// modemChecks look at the settings of the modems. Except the first, they ask them, see Site.Ask.
var modemChecks = []Check{
	{"dial-tone", "init does not switch off the detection of dial tone or busy (X0 to X3)", blindInit},
	{"modem", "each modem can be reached and answers AT", silentModems},
	{"modem-dcd", "DCD is off without a call", modemCarrier},
	{"modem-wires", "DSR and CTS are on", modemWires},
	{"answers-itself", "no modem answers calls by itself (S0)", autoAnswer},
	{"stored-profile", "the profile that a reset loads does not undo &C1, &D2 and the result codes", storedProfile},
}

// Modem is what a modem says. Settings are by their command: "X": 4, "&C": 1, "S0": 0.
type Modem struct {
	Err     error // why it was not asked, or does not answer; the rest is then unknown
	Signals lines.Signals
	Active  map[string]int // nil: the modem does not show its settings
	Stored  map[string]int // that ATZ loads
}

var errNotAsked = errors.New("--modems was not given: no port is opened")

// modems calls f for each line whose modem may be asked: on a port with signals, that no program uses.
func (s *Site) modems(ctx context.Context, f func(l config.Line, m Modem)) error {
	switch {
	case s.Ask == nil:
		return errNotAsked
	case s.Self.Denied != nil:
		return errDenied
	case s.Daemon != nil:
		return errors.New("the daemon uses the ports: stop it to have its modems asked")
	}
	if s.asked == nil {
		s.askAll(ctx)
	}
	for _, l := range s.Lines {
		if m, ok := s.asked[l.TTY]; ok {
			f(l, m)
		}
	}
	return ctx.Err()
}

func (s *Site) askAll(ctx context.Context) {
	s.asked = map[int]Modem{}
	holders, _ := s.processes()
	for _, l := range s.Lines {
		busy := l.Address.Scheme == port.Serial && len(holders[s.resolve(l.Address.Path)]) > 0
		if l.Address.InBand() || busy || ctx.Err() != nil {
			continue // a caller of another program could be on the line
		}
		m, err := s.Ask(ctx, l)
		m.Err = err
		s.asked[l.TTY] = m
	}
}

// blind finds the command X, but not &X or +X.
var blind = regexp.MustCompile(`(?i)(?:^|[^&%\\+*$#X-])(X[0-3])`)

// unheard says what a modem with X0 to X3 does not recognize (V.250 6.3.7), and what follows for a callback.
var unheard = [...]string{deafToBoth, deafToBoth,
	"does not report BUSY, so a callback to a busy number waits until its time is over",
	"dials without waiting for dial tone, so a dead line is not noticed (NO DIALTONE)"}

const deafToBoth = "neither waits for dial tone nor reports BUSY, so a callback waits until its time is over"

func blindInit(_ context.Context, s *Site) (found []Finding, _ error) {
	for _, l := range s.Lines {
		if x := blind.FindStringSubmatch(l.Init); x != nil {
			found = append(found, at(l, "write X4 in init, unless a PBX without dial tone requires it",
				"init has %s: the modem %s", strings.ToUpper(x[1]), unheard[x[1][1]-'0']))
		}
	}
	return found, nil
}

func silentModems(ctx context.Context, s *Site) (found []Finding, err error) {
	err = s.modems(ctx, func(l config.Line, m Modem) {
		if m.Err != nil {
			fix := remedy(l, m.Err.Error(), "ringback modem probe "+l.Port+" shows more")
			found = append(found, at(l, fix, "%v", m.Err))
		}
	})
	return found, err
}

func modemCarrier(ctx context.Context, s *Site) (found []Finding, err error) {
	err = s.modems(ctx, func(l config.Line, m Modem) {
		if m.Signals.Has(lines.DCD) {
			found = append(found, at(l, fixCarrier, "DCD is on although no program uses the line"))
		}
	})
	return found, err
}

func modemWires(ctx context.Context, s *Site) (found []Finding, err error) {
	err = s.modems(ctx, func(l config.Line, m Modem) {
		if m.Err == nil {
			found = append(found, wires(l, m.Signals.Has(lines.DSR), m.Signals.Has(lines.CTS))...)
		}
	})
	return found, err
}

func autoAnswer(ctx context.Context, s *Site) (found []Finding, err error) {
	err = s.modems(ctx, func(l config.Line, m Modem) {
		if rings := max(m.Active["S0"], m.Stored["S0"]); rings > 0 {
			found = append(found, at(l, "ATS0=0&W in the modem", "S0=%d: the modem answers by itself while ringback "+
				"does not run, or before it has set the modem up", rings))
		}
	})
	return found, err
}

// undoing are settings of a stored profile that are wrong until ringback has sent its own.
var undoing = []struct {
	name  string
	right func(value int) bool
	fix   string
	what  string
}{
	{"&C", func(n int) bool { return n != 0 }, "AT&C1&W", "DCD is always on"},
	{"&D", func(n int) bool { return n >= 2 }, "AT&D2&W", "DTR does not hang up"},
	{"Q", func(n int) bool { return n == 0 }, "ATQ0&W", "result codes are suppressed"},
	{"X", func(n int) bool { return n >= 4 }, "ATX4&W", "dial tone is not waited for, or BUSY is not reported"},
	{"S3", func(n int) bool { return n == '\r' }, "ATS3=13&W", "a command line has another end"},
	{"S4", func(n int) bool { return n == '\n' }, "ATS4=10&W", "result codes have another end"},
	{"S5", func(n int) bool { return n == '\b' }, "ATS5=8&W", "another character is the backspace, so that a " +
		"command may become a dial,"},
}

func storedProfile(ctx context.Context, s *Site) (found []Finding, err error) {
	err = s.modems(ctx, func(l config.Line, m Modem) {
		for _, u := range undoing {
			if n, ok := m.Stored[u.name]; ok && !u.right(n) {
				found = append(found, at(l, u.fix+" in the modem", "the stored profile has %s: %s after each reset",
					stored(u.name, n), u.what))
			}
		}
	})
	return found, err
}

// stored returns a setting as people write it: &C0, S3=13.
func stored(name string, n int) string {
	if name[0] == 'S' {
		return fmt.Sprintf("%s=%d", name, n)
	}
	return fmt.Sprintf("%s%d", name, n)
}

// answerTime is how long a modem has for each answer.
const answerTime = 5 * time.Second

// AskModem opens the port of a line and asks its modem for its settings with commands that change nothing. It sends
// nothing while DCD is on: a call may be up.
func AskModem(ctx context.Context, l config.Line) (Modem, error) {
	p, err := l.Address.Open(ctx, port.Options{FlowControl: l.FlowControl, TTY: l.TTY, TLS: &l.TLS})
	if err != nil {
		return Modem{}, err
	}
	defer p.Close()
	stop := context.AfterFunc(ctx, func() { p.Close() })
	defer stop()
	return interview(p)
}

func interview(p lines.Port) (Modem, error) {
	if !p.HasSignals() {
		return Modem{}, fmt.Errorf("%s: no modem signals: the server does not support COM-PORT, or the device has none",
			p)
	}
	m := Modem{Signals: p.Signals()}
	if m.Signals.Has(lines.DCD) {
		return m, fmt.Errorf("%s: DCD is on: nothing was sent, because a call may be up", p)
	}
	if _, err := ask(p, "AT"); err != nil {
		return m, err
	}
	m.Signals = p.Signals()
	m.Active, m.Stored = inquire(p)
	return m, nil
}

var errRefused = errors.New("the modem answered ERROR")

// ask sends a command and returns what the modem says before OK.
func ask(p lines.Port, command string) (string, error) {
	end := time.Now().Add(answerTime)
	p.SetReadDeadline(end)
	p.SetWriteDeadline(end)
	if _, err := p.Write([]byte(command + "\r")); err != nil {
		return "", fmt.Errorf("%s: %s: %w", p, command, err)
	}
	var all []byte
	b := make([]byte, 512)
	for len(all) < 16<<10 {
		n, err := p.Read(b)
		all = append(all, b[:n]...)
		switch last := lastLine(string(all)); {
		case last == "OK" || last == "0":
			return string(all), nil
		case last == "ERROR" || last == "4":
			return "", fmt.Errorf("%s: %w to %s", p, errRefused, command)
		case err != nil:
			return "", fmt.Errorf("%s: no OK to %s within %v: %q: %w", p, command, answerTime, console(all), err)
		}
	}
	return "", fmt.Errorf("%s: the modem does not stop sending", p)
}

// console returns the end of what a modem said.
func console(b []byte) string { return string(b[max(0, len(b)-60):]) }

func lastLine(text string) string {
	if !strings.HasSuffix(text, "\r\n") && !strings.HasSuffix(text, "\r") {
		return "" // it may go on
	}
	all := strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' })
	if len(all) == 0 {
		return ""
	}
	return strings.TrimSpace(all[len(all)-1])
}

func ttyText(l config.Line) string { return strconv.Itoa(l.TTY) }
