package tables

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/lines"
)

// Lines prints IOS's columns and the state. Columns of IOS that would be empty (AccO, AccI, Overruns) are left out.
func Lines(w io.Writer, v []client.Line, wide bool) {
	t := console.Table{Heads: []string{"", "Tty", "Tx/Rx", "Modem", "Roty", "Uses", "Noise", "State", "Signals"},
		Right: []bool{false, true, true, false, true, true, true}}
	if wide {
		t.Heads = append(t.Heads, "Calls", "Dials", "Profile", "Port", "Connect", "Owner", "Reason")
	}
	for _, l := range v {
		remarks := append(busyText(l), l.Notices...)
		if l.Change != "" {
			remarks = append(remarks, l.Change)
		}
		if l.Reason != "" {
			remarks = append([]string{l.Reason}, remarks...)
		}
		uses := l.Counters[lines.CallsIn.String()] + l.Counters[lines.CallsOut.String()]
		row := []any{lineMark(l), l.TTY, speedText(l.Speed), l.Modem, rotaryText(l.Rotary), uses, l.Noise, l.State,
			signalText(l, !wide)}
		if wide {
			t.Row(append(row, l.Calls, l.Dials, profileText(l.Profile), l.Port, l.Connect, l.Owner,
				strings.Join(remarks, "; "))...)
			continue
		}
		t.Row(row...)
		t.Note(strings.Join(remarks, "; "))
	}
	t.WriteTo(w)
}

// lineMark is the mark of IOS before a line's number.
func lineMark(l client.Line) string {
	switch lines.State(l.State) {
	case lines.Idle:
		return "I"
	case lines.Down, lines.Quarantined, lines.BusiedOut:
		return ""
	}
	return "*"
}

// speedText is Tx/Rx: a port has one speed for both.
func speedText(speed int) string {
	if speed == 0 {
		return "-"
	}
	return fmt.Sprintf("%[1]d/%[1]d", speed)
}

// signalText returns the modem signals of a line; with modems, only those that the modem sets.
func signalText(l client.Line, modems bool) string {
	if l.InBand {
		return "in-band"
	}
	if !modems {
		return l.Signals
	}
	on := slices.DeleteFunc(strings.Fields(l.Signals), func(name string) bool { return name == "DTR" || name == "RTS" })
	return strings.Join(on, " ")
}

func profileText(name string) string {
	if name == "" {
		return "generic"
	}
	return name
}

// Line prints all that is known of one line, in rows of 80 columns: a value that is longer goes on below itself. If
// wide, each value is in one row.
func Line(w io.Writer, l client.Line, wide bool, at Place) {
	p := valuePrinter{w, wide}
	p.value(0, fmt.Sprintf("line %d: ", l.TTY), fmt.Sprintf("%s since %s", l.State, at.Clock(l.Since)))
	field := func(name string, value any) {
		if text := console.Clean(fmt.Sprint(value)); text != "" {
			head := fmt.Sprintf("  %-12s ", name)
			p.value(len(head), head, text)
		}
	}
	field("reason", l.Reason)
	for _, text := range busyText(l) {
		field("busyout", text)
	}
	field("waits for", l.WaitsFor)
	if l.Retry != nil {
		field("tried again", at.Clock(*l.Retry))
	}
	for _, n := range l.Notices {
		field("notice", n)
	}
	field("reload", l.Change)
	field("port", l.Port)
	field("Tx/Rx", speedText(l.Speed))
	signals := l.Signals
	if l.InBand {
		signals = "in-band: this kind of port has none"
	}
	field("signals", signals)
	field("modem", l.Modem)
	field("profile", profileText(l.Profile))
	field("rotary", rotaryText(l.Rotary))
	field("owner", l.Owner)
	field("connect", l.Connect)
	if l.Answered != nil {
		field("probe", "answered at "+at.Clock(*l.Answered))
	}
	lineCounters(p, l, at)
	lineFailure(p, l.Failure, at)
	if t := l.Test; t != nil {
		p.value(2, fmt.Sprintf("last modem test at %s: ", at.Clock(t.Started)),
			fmt.Sprintf("%s (tty %d called tty %d, by %s)", t.Result, t.TTY, t.With, console.Clean(t.By)))
		for _, text := range testLines(*t) {
			p.value(4, "  ", console.Clean(text))
		}
	}
}

// lineCounters prints the counters that are not 0.
func lineCounters(p valuePrinter, l client.Line, at Place) {
	fmt.Fprintf(p.w, "counters since %s\n", at.Clock(l.CountersSince))
	width := 0
	for _, n := range l.Counters {
		width = max(width, len(fmt.Sprint(n)))
	}
	none := true
	for _, c := range lines.Counters() {
		if n := l.Counters[c.String()]; n > 0 {
			none = false
			head := fmt.Sprintf("  %*d  ", width, n)
			p.value(len(head), head, c.Doc())
		}
	}
	if none {
		fmt.Fprintln(p.w, "  none")
	}
}

func lineFailure(p valuePrinter, f *client.LineFailure, at Place) {
	if f == nil {
		return
	}
	p.value(2, fmt.Sprintf("last failure at %s: ", at.Clock(f.Time)), console.Clean(f.Text))
	const cause, fix = "  likely cause: ", "  fix:          "
	p.value(len(cause), cause, console.Clean(f.Cause))
	p.value(len(fix), fix, console.Clean(f.Fix))
}

// valuePrinter prints values after their heads.
type valuePrinter struct {
	w    io.Writer
	wide bool // each in one row
}

// columns is the width of a terminal.
const columns = 80

// value prints a text that is clean after its head; further rows begin at a column.
func (p valuePrinter) value(column int, head, text string) {
	rows := []string{text}
	if !p.wide {
		rows = console.Wrap(text, columns-console.Width(head), columns-column)
	}
	fmt.Fprintln(p.w, head+rows[0])
	for _, row := range rows[1:] {
		fmt.Fprintln(p.w, strings.Repeat(" ", column)+row)
	}
}

// busyText says that a line takes no more calls, unless its state says so.
func busyText(l client.Line) []string {
	if l.Busyout == nil || l.State == string(lines.BusiedOut) ||
		l.Busyout.Quarantine && l.State == string(lines.Quarantined) {
		return nil
	}
	text := "takes no more calls, by " + l.Busyout.By
	if l.Busyout.Reason != "" {
		text += ": " + l.Busyout.Reason
	}
	return []string{text}
}

func rotaryText(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}
