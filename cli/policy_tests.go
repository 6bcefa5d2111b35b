package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/policytest"
	"github.com/ringback/ringback/tables"
)

func newPolicyTest() *cobra.Command {
	var f fromFlags
	c := &cobra.Command{
		Use:   "test [DIR]",
		Short: "run the tests that stand next to the policy files",
		Long: `Runs the tests of a directory of policy files (default: that of -c, else ` + policiesDir + `). The tests of the group
staff are in staff.test.yaml, beside staff.yaml:

  tests:
    - name: a number of the region
      request: {user: kim, number: "", typed: "84007"}
      decision: {outcome: call_back, number: "84007"}
    - name: any other number
      request: {user: kim, number: "", typed: "99001"}
      decision: {outcome: invalid_number, rule: number lists, reason: must match an allow pattern}

request has what AAA would answer and what is known about the call: user, entry (of the method list), groups (AAA's
hints), service (exec, ppp), auth (of PPP: the method by which the user authenticated; default: not known), callback
(true: AAA requires one), number (AAA's; "" leaves it to the caller) or numbers (several of AAA's), place (AAA's Callback-Id), caller_id (true: AAA
requires a callback to the calling number), address (of PPP: AAA's fixed IPv4 address), no_verify, priv_lvl (default:
1, as if AAA sets none), port_limit, sessions, typed (the number that the caller gave), caller (the calling number),
called (the number that the caller dialed), line (the called TTY), rotary (of that line), leg, time (RFC 3339;
default: 2026-01-05T12:00:00Z, a Monday), windows (the groups whose access windows are open, with the number of
operators).
decision has what must be decided: outcome (admit, call_back, ask_number, invalid_number, refuse), and if they matter
group (default: that of the file), number, reason (a part of it), rule (that decides), no_verify, lines (that call
back, best first; with -c), script and wait (of the group's file).

A last table has how many tests evaluated each rule, and how many it decided. Exit status 1: a test fails, or a file has
errors.`,
		Example: "  ringback policy test policies.d\n  ringback policy test -c ringback.yaml -o json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			set, dir, err := f.load(cmd.ErrOrStderr(), strings.Join(args, ""))
			if err != nil {
				return err
			}
			return f.runTests(cmd, set, dir)
		},
	}
	f.add(c)
	return c
}

func (f *fromFlags) runTests(cmd *cobra.Command, set *policies.Set, dir string) error {
	cases, problems := policytest.LoadDir(dir)
	if problems.HasErrors() {
		printProblems(cmd.ErrOrStderr(), problems)
		return exitStatus(1)
	}
	if len(cases) == 0 {
		return errors.New(dir + " has no tests (write GROUP" + policies.TestSuffix +
			" beside GROUP.yaml, as --help shows)")
	}
	report := policytest.Run(set, cases)
	if err := f.print(cmd.OutOrStdout(), report, func(w io.Writer) { testsText(w, report) }); err != nil {
		return err
	}
	if len(report.Failures) > 0 {
		return exitStatus(1)
	}
	return nil
}

func testsText(w io.Writer, r policytest.Report) {
	for _, f := range r.Failures {
		fmt.Fprintf(w, "FAIL %s:%d: %s\n", f.File, f.Line, f.Name)
		for _, d := range f.Diffs {
			fmt.Fprintf(w, "  %s\n    got   %s\n    want  %s\n", d.Field, orNone(d.Got), d.Want)
		}
		for line := range strings.Lines(f.Trace.String()) {
			fmt.Fprintf(w, "  %s", line)
		}
		fmt.Fprintln(w)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "rule\tevaluated\tdecided")
	for _, rule := range r.Rules {
		fmt.Fprintf(t, "%s\t%d\t%d\n", rule.Rule, rule.Evaluated, rule.Decided)
	}
	t.Flush()
	if len(r.Untested) > 0 {
		fmt.Fprintf(w, "groups without a test: %s\n", strings.Join(r.Untested, ", "))
	}
	fmt.Fprintf(w, "%s, %d failed\n", tables.Numbered(r.Cases, "test", "tests"), len(r.Failures))
}

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return s
}
