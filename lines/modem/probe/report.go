package probe

import (
	"fmt"
	"io"
	"strings"
)

// Report is what a probe has found out.
type Report struct {
	Port    string   `json:"port"`            // the URL, with the speed at which the modem answers
	Speed   int      `json:"speed,omitempty"` // bit/s; 0: the port has none, or the server's
	InBand  bool     `json:"in_band"`         // the port has no modem signals
	Signals string   `json:"signals,omitempty"`
	USB     string   `json:"usb,omitempty"` // vid:pid
	Answers []Answer `json:"answers"`
	Profile string   `json:"profile"`
	About   string   `json:"about"`          // the modems of the profile
	Also    []string `json:"also,omitempty"` // other profiles that match
	Checks  []Check  `json:"checks"`
	// registers that keep a value; for ports without modem signals
	ProofRegisters []int  `json:"proof_registers,omitempty"`
	YAML           string `json:"yaml"` // the proposed line
}

// Answer is what the modem says to one command.
type Answer struct {
	Command string   `json:"command"`
	Lines   []string `json:"lines"`
	Means   string   `json:"means"` // in plain words
}

// Verdict is the result of a check.
type Verdict string

// The verdicts.
const (
	Good    Verdict = "good"
	Bad     Verdict = "bad"     // a line needs it
	Unknown Verdict = "unknown" // it was not tried, or the modem does not say
)

// Check is one thing that a line needs of its modem.
type Check struct {
	Name    string  `json:"name"`
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"`
	Fix     string  `json:"fix,omitempty"`
}

// Print writes the report for people. The writer notices its own failures.
func (r *Report) Print(w io.Writer) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s answers", r.Port)
	if r.Speed > 0 {
		fmt.Fprintf(&b, " at %d bit/s", r.Speed)
	}
	b.WriteString("\n\n")
	if r.USB != "" {
		fmt.Fprintf(&b, "  %-8s %s\n", "USB", r.USB)
	}
	for _, a := range r.Answers {
		for i, line := range a.Lines {
			if i == 0 {
				fmt.Fprintf(&b, "  %-8s %s  (%s)\n", a.Command, line, a.Means)
				continue
			}
			fmt.Fprintf(&b, "  %-8s %s\n", "", line)
		}
	}
	fmt.Fprintf(&b, "\nprofile %s: %s\n", r.Profile, r.About)
	if len(r.Also) > 0 {
		fmt.Fprintf(&b, "also possible: %s\n", strings.Join(r.Also, ", "))
	}
	b.WriteString("\n")
	for _, c := range r.Checks {
		fmt.Fprintf(&b, "  %-8s %-16s %s\n", c.Verdict, c.Name, c.Text)
		if c.Fix != "" {
			fmt.Fprintf(&b, "  %-8s %-16s fix: %s\n", "", "", c.Fix)
		}
	}
	fmt.Fprintf(&b, "\n%s", r.YAML)
	_, _ = io.WriteString(w, b.String())
}

// propose writes the YAML of the line.
func (r *Report) propose(tty int) {
	var b strings.Builder
	fmt.Fprintf(&b, "lines:\n  - tty: %d\n    port: %q\n", tty, r.Port)
	fmt.Fprintf(&b, "    profile: %s\n", r.Profile)
	if r.InBand && len(r.ProofRegisters) > 0 {
		fmt.Fprintf(&b, "    proof_registers: %s\n", strings.ReplaceAll(fmt.Sprint(r.ProofRegisters), " ", ", "))
	}
	if r.InBand && !strings.HasPrefix(r.Port, "tcp") { // for a tcp port, none are expected
		b.WriteString("    # The port has no modem signals: the line stays down unless the next key is true.\n" +
			"    # With it, a caller that sends the modem's result codes can impersonate it.\n" +
			"    insecure_signals: false\n")
	}
	for _, c := range r.Checks {
		if c.Verdict == Bad {
			fmt.Fprintf(&b, "    # %s: %s\n", c.Name, c.Text)
		}
	}
	r.YAML = b.String()
}
