package cli

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/replay"
	"github.com/ringback/ringback/tables"
)

// simulateFlags are the flags of `policy simulate`.
type simulateFlags struct {
	fromFlags
	with, file, stateDir string
	journal              bool
	examples             int
}

func newPolicySimulate() *cobra.Command {
	var f simulateFlags
	c := &cobra.Command{
		Use:   "simulate [DIR] --with DIR --journal|--from FILE",
		Short: "replay past requests against changed policy files and print the differences",
		Long: `Decides about requests of the past twice: with the present policy files (DIR; default: those of -c, else
` + policiesDir + `) and with changed ones (--with DIR). Prints what is decided otherwise: rejected, admitted, the minutes and,
with the tariff of -c, the money of the calls concerned, and the users. It asks no daemon and changes nothing.

--journal takes the callbacks of the journal: what AAA granted, the number, the calls that they made. The journal does not
have what AAA granted to users who were not called back; how many these are is printed. It does not know either how many
sessions a user had. If a group required an access window, a callback is replayed with the window in which it was promised,
until when it was open and by how many operators; no other window is open in a replay. Limits of groups are not compared: what they change depends on other calls.

--from takes a file in which each line is a JSON object with the keys of a request in a file of tests (ringback policy test
--help), and connected, how long the call of its callback lasted:

  {"user": "reno-07", "number": "", "typed": "84007", "time": "2026-11-02T08:00:00+01:00", "connected": "12m"}

Exit status 0, whether there are differences or not; 1: a file has errors.`,
		Example: `  ringback policy simulate -c ringback.yaml --journal --with policies.new
  ringback policy simulate policies.d --from past.jsonl --with policies.new -o json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.with == "":
				return misused("--with DIR is required: the directory of the changed policy files")
			case f.journal == (f.file != ""):
				return misused("give --journal or --from FILE: where the past requests are")
			case f.examples < 0:
				return misused("--differences %d: must be 0 or more", f.examples)
			}
			return f.run(cmd, strings.Join(args, ""))
		},
	}
	f.add(c)
	fl := c.Flags()
	fl.StringVar(&f.with, "with", "", "directory of the changed policy files (required)")
	fl.BoolVar(&f.journal, "journal", false, "replay the callbacks of the journal")
	fl.StringVar(&f.stateDir, "state-dir", "", "directory of the journal (default: state_dir of -c, else the daemon's "+
		"usual place)")
	fl.StringVar(&f.file, "from", "", "replay the requests of a file, one JSON object on each line")
	fl.IntVar(&f.examples, "differences", 20, "how many single differences to print")
	return c
}

func (f *simulateFlags) run(cmd *cobra.Command, dir string) error {
	was, _, err := f.load(cmd.ErrOrStderr(), dir)
	if err != nil {
		return err
	}
	will, _, err := f.load(cmd.ErrOrStderr(), f.with)
	if err != nil {
		return err
	}
	c := replay.Comparison{Was: was, Will: will, Examples: f.examples, Progress: progress(cmd.ErrOrStderr())}
	if f.cfg != nil {
		c.Tariff = f.cfg.Tariff
	}
	r, err := f.replay(cmd.Context(), c)
	if err != nil {
		return err
	}
	return f.print(cmd.OutOrStdout(), r, func(w io.Writer) { simulationText(w, r, c.Tariff.Currency()) })
}

// replay runs the comparison with the requests of the file or of the journal.
func (f *simulateFlags) replay(ctx context.Context, c replay.Comparison) (replay.Report, error) {
	if f.journal {
		return f.replayJournal(ctx, c)
	}
	in, err := openInput(ctx, f.file)
	if err != nil {
		return replay.Report{}, err
	}
	defer in.Close()
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // the policies are all that stays: little memory, much garbage
	return c.Run(ctx, replay.Lines(f.file, in))
}

// progress returns a function that prints the number of requests every few seconds.
func progress(w io.Writer) func(int) {
	next := time.Now().Add(2 * time.Second)
	return func(total int) {
		if now := time.Now(); now.After(next) {
			next = now.Add(2 * time.Second)
			fmt.Fprintf(w, "%d requests\n", total)
		}
	}
}

func simulationText(w io.Writer, r replay.Report, currency string) {
	for _, d := range r.Examples {
		fmt.Fprintf(w, "%s %s %s\n  now   %s\n  then  %s\n", d.At, d.Time.Format(time.RFC3339), d.User,
			decidedText(d.Was), decidedText(d.Will))
	}
	if more := r.Changed - len(r.Examples); more > 0 && len(r.Examples) > 0 {
		fmt.Fprintf(w, "%s more\n", tables.Numbered(more, "difference", "differences"))
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if r.Changed > 0 {
		fmt.Fprintf(t, "now\twith the changed files\trequests\tcalls\tminutes\tcost %s\n", currency)
	}
	for _, c := range r.Changes {
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\n", c.Was, c.Will, c.Requests, usageText(c.Usage))
	}
	t.Flush()
	if r.Changed > 0 {
		fmt.Fprintf(t, "user\tdifferences\tadmitted\trejected\tcalls\tminutes\tcost %s\n", currency)
	}
	for _, u := range r.Users[:min(len(r.Users), 20)] {
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\n", u.User, u.Requests, u.Admitted, u.Rejected, usageText(u.Usage))
	}
	t.Flush()
	if more := len(r.Users) - 20; more > 0 {
		fmt.Fprintf(w, "%s more\n", tables.Numbered(more, "user", "users"))
	}
	if r.Unpriced > 0 {
		fmt.Fprintf(w, "without a price in the tariff: the calls of %s\n",
			tables.Numbered(r.Unpriced, "request", "requests"))
	}
	if r.Then > 0 {
		fmt.Fprintf(w, "when they were made, %s decided otherwise than the present files would\n",
			tables.Numbered(r.Then, "request was", "requests were"))
	}
	for _, u := range r.Unknown {
		fmt.Fprintf(w, "not known: %d %s\n", u.Requests, u.Reason)
	}
	fmt.Fprintf(w, "%s, %d decided otherwise\n", tables.Numbered(r.Requests, "request", "requests"), r.Changed)
}

// decidedText is a decision in one line.
func decidedText(d replay.Decided) string {
	text := string(d.Outcome)
	if d.Outcome == policies.CallBack {
		text += fmt.Sprintf(", attempts %d", d.Attempts.Max)
	}
	if d.NoVerify {
		text += ", no_verify"
	}
	if d.Terms != "" {
		text += ", " + d.Terms
	}
	return text + ": " + d.Reason
}

// usageText has the last columns of a row; the cost is empty without a tariff.
func usageText(u replay.Usage) string {
	cost := ""
	if u.Cost != nil {
		cost = u.Cost.String()
	}
	return fmt.Sprintf("%d\t%s\t%s", u.Calls, minutesText(u.Seconds), cost)
}

// minutesText returns seconds as minutes and seconds: "12:05".
func minutesText(seconds int64) string { return fmt.Sprintf("%d:%02d", seconds/60, seconds%60) }
