package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/explain"
)

// reportText prints a report as text.
func reportText(w io.Writer, r *explain.Report, explained bool) {
	for _, p := range r.Packets {
		arrow := "<-"
		switch {
		case p.Sent:
			arrow = "->"
		case p.Remark:
			arrow = "--"
		}
		fmt.Fprintf(w, "%s %s: %s\n", arrow, p.Server, p.What)
		for _, l := range p.Lines {
			fmt.Fprintf(w, "     %s\n", l)
		}
	}
	for _, s := range r.Silent {
		if r.Result != aaa.Silent.String() { // otherwise the result says it already
			fmt.Fprintf(w, "\nmethod %s is silent: %s\n", s.Method, s.Reason)
		}
	}
	fmt.Fprintf(w, "\nuser %s: %s", r.User, r.Result)
	if r.Server != "" {
		fmt.Fprintf(w, " by %s", r.Server)
	}
	if r.Reason != "" {
		fmt.Fprintf(w, ": %s", r.Reason)
	}
	fmt.Fprintln(w)
	if r.Identity != r.User && r.Identity != "" {
		fmt.Fprintf(w, "logged in as %s: with EAP, the server's User-Name is the user\n", r.Identity)
	}
	if explained {
		explainReadings(w, *r.Authorization)
	}
	if a := r.Authorization; r.Service == aaa.Outbound && a != nil && a.DialOut != nil {
		explainDialOut(w, *a)
	}
	if r.Decision != nil {
		fmt.Fprintf(w, "\n%s\n", decisionText(*r.Decision))
		if explained {
			fmt.Fprintf(w, "%s", r.Trace)
		}
	}
	explainWays(w, r.Ways)
	if explained && r.Wait != nil {
		explainWait(w, r.Wait)
	}
	fmt.Fprintf(w, "\nresult: %s\n", r.Outcome)
	if r.Hint != "" {
		fmt.Fprintf(w, "fix: %s\n", r.Hint)
	}
}

// explainReadings prints how each attribute was interpreted, and the resulting authorization.
func explainReadings(w io.Writer, a aaa.Authorization) {
	if len(a.Readings) > 0 {
		fmt.Fprintln(w, "\ninterpretation of the attributes")
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, x := range a.Readings {
			taken := "-> " + x.Field
			if x.Field == "" {
				taken = "(left)"
			}
			fmt.Fprintf(t, "  %s\t%s\t%s\t%s\t%s\n", x.Dialect, x.Attribute, x.Value, taken, x.Note)
		}
		t.Flush()
	}
	a.Readings, a.Attributes = nil, nil
	data, _ := json.MarshalIndent(a, "  ", "  ")
	fmt.Fprintf(w, "\nauthorization\n  %s\n", data)
}

// explainDialOut prints what was granted to a user or a site that dials out.
func explainDialOut(w io.Writer, a aaa.Authorization) {
	fmt.Fprintln(w, "\ngranted for dial-outs")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	secret := ""
	if a.SendSecret != "" {
		secret = a.SendSecret.String()
	}
	for _, row := range [][2]string{{"numbers", strings.Join(a.Numbers(), ", ")},
		{"modem script", a.DialOut.ModemScript}, {"system script", a.DialOut.SystemScript},
		{"send name", a.DialOut.SendName}, {"send secret", secret},
		{"send auth", a.DialOut.SendAuth}} {
		fmt.Fprintf(t, "  %s\t%s\n", row[0], cmp.Or(console.CleanText(row[1]), "-"))
	}
	t.Flush()
}

// explainWays prints what a caller of PPP gets, by how it asks for a callback.
func explainWays(w io.Writer, ways []explain.Way) {
	if len(ways) == 0 {
		return
	}
	fmt.Fprintln(w, "\nby the caller's request for a callback")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, way := range ways {
		fmt.Fprintf(t, "  %s\t%s\n", way.Request, way.Outcome)
	}
	t.Flush()
}

// explainWait prints the parts of the wait; lines with the same forced wait are grouped.
func explainWait(out io.Writer, w *explain.Wait) {
	fmt.Fprintf(out, "\nwait between hang-up and dial: %s\n", w)
	for i := 0; i < len(w.Lines); {
		first := w.Lines[i]
		last := first
		for ; i < len(w.Lines) && w.Lines[i].ForcedWait == first.ForcedWait; i++ {
			last = w.Lines[i]
		}
		name := fmt.Sprintf("tty %d", first.TTY)
		if last != first {
			name = fmt.Sprintf("tty %d to %d", first.TTY, last.TTY)
		}
		fmt.Fprintf(out, "  forced_wait of %s: %s\n", name, first.ForcedWait)
	}
	if w.AAA != "" {
		fmt.Fprintf(out, "  delay requested by AAA: %s\n", w.AAA)
	}
	if w.Policy != "" {
		fmt.Fprintf(out, "  wait of the group's policy: %s\n", w.Policy)
	}
}
