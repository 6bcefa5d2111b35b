package cli

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/costs"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/tariff"
)

func newReport() *cobra.Command {
	c := &cobra.Command{Use: "report", Short: "report what calls have cost"}
	c.AddCommand(newReportCosts())
	return c
}

// costsFlags are the flags of `report costs`.
type costsFlags struct {
	journalFlags
	by, month string
}

// costsReport is the output of `report costs`.
type costsReport struct {
	Month    string      `json:"month"`
	By       costs.By    `json:"by"`
	Currency string      `json:"currency,omitempty"` // "": there is no tariff
	Rows     []costs.Row `json:"rows"`
	Open     int         `json:"open"`    // calls that have not ended, and are not counted
	Damaged  int         `json:"damaged"` // rows that do not verify, and are not counted
}

func newReportCosts() *cobra.Command {
	var f costsFlags
	c := &cobra.Command{
		Use:   "costs -c ringback.yaml",
		Short: "report the calls of a month and what they have cost",
		Long: `Sums the calls of a month by user, by group or for the site: the callers' own calls (leg one) and the callbacks that were
connected (leg two), with their times. Leg two is the callback's user's, also if nobody logged in on it. With the tariff of
-c: what leg two has cost, what the callers would have paid to call for as long themselves (caller_per_minute of their
calling numbers), and what was saved. It reads the journal; the daemon may run. A month is that of the call's start, in
UTC.

An amount is the price of each call by today's tariff, for the time from the modem's CONNECT. Of calls that retention
(journal.keep) has removed only sums are left: they belong to no group, and their cost is estimated from their mean time.
A note says how many these are.

An amount for which no call has a price is - in the table, empty in CSV and absent in JSON; otherwise the calls without a
price are left out, and a note (in JSON, unpriced and callers_unpriced) says how many these are. In CSV, times are in seconds, amounts have a decimal point, and a name that a
spreadsheet would take for a formula has an apostrophe before it.`,
		Example: `  ringback report costs -c ringback.yaml --by user --month 2026-11
  ringback report costs -c ringback.yaml --by group --month 2026-11 -o csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.add(c)
	f.formats = []string{"table", "csv", "json", "yaml"}
	fl := c.Flags()
	fl.Lookup("output").Usage = "table, csv or json"
	fl.StringVar(&f.by, "by", "user", "user, group or site")
	fl.StringVar(&f.month, "month", "", "month, such as 2026-11 (default: this one)")
	return c
}

func (f *costsFlags) run(cmd *cobra.Command) error {
	month := time.Now().UTC()
	if f.month != "" {
		var err error
		if month, err = time.Parse("2006-01", f.month); err != nil {
			return misused("--month %s: is not a month (write 2026-11)", f.month)
		}
	}
	switch costs.By(f.by) {
	case costs.User, costs.Group, costs.Site:
	default:
		return misused("--by %s: must be user, group or site", f.by)
	}
	path, err := f.path()
	if err != nil {
		return err
	}
	table, plan, err := f.prices()
	if err != nil {
		return err
	}
	j, err := sqlite.OpenReader(cmd.Context(), path)
	if err != nil {
		return err
	}
	defer j.Close()
	r := costs.New(costs.By(f.by), month, table, plan)
	out := costsReport{Month: month.Format("2006-01"), By: costs.By(f.by), Currency: table.Currency()}
	bad, err := j.EachCallback(cmd.Context(), r.Callback)
	if err != nil {
		return err
	}
	more, err := j.EachCall(cmd.Context(), r.Call)
	if err != nil {
		return err
	}
	sums, other, err := j.Sums(cmd.Context())
	if err != nil {
		return err
	}
	for _, s := range sums {
		r.Sum(s)
	}
	out.Rows, out.Open, out.Damaged = r.Rows(), r.Open, len(bad)+len(more)+len(other)
	return f.write(cmd.OutOrStdout(), out)
}

// prices returns the tariff and the number plan of the configuration.
func (f *costsFlags) prices() (*tariff.Table, numbers.Plan, error) {
	if f.config == "" {
		return nil, numbers.Plan{}, nil
	}
	cfg, problems := config.Load(f.config, nil)
	if cfg == nil {
		return nil, numbers.Plan{}, problems.Err()
	}
	return cfg.Tariff, cfg.Numbers, nil
}

func (f *costsFlags) write(w io.Writer, r costsReport) error {
	if f.output == "csv" {
		return r.csv(w)
	}
	return f.print(w, r, r.text)
}

func (r costsReport) text(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\tcalls\tminutes\tcallbacks\tminutes\tcost %s\tcallers'\tsaved\n", r.By, r.Currency)
	var unpriced, unknown, estimated int64
	for _, row := range r.Rows {
		fmt.Fprintf(t, "%s\t%d\t%s\t%d\t%s\t%s\n", orDash(row.Name), row.LegOne.Calls, minutesText(row.LegOne.Seconds),
			row.LegTwo.Calls, minutesText(row.LegTwo.Seconds), strings.Join(r.money(row, "-"), "\t"))
		unpriced, unknown, estimated = unpriced+row.Unpriced, unknown+row.CallersUnpriced, estimated+row.Estimated
	}
	t.Flush()
	if r.Currency == "" {
		fmt.Fprintln(w, "no amounts: there is no tariff (give -c with a configuration that has one)")
		unpriced, unknown = 0, 0
	}
	for _, n := range []struct {
		count int64
		text  string
	}{
		{unpriced, "callbacks to numbers without a price in the tariff"},
		{unknown, "callbacks without a price for the caller: the calling number is unknown, or the tariff has no " +
			"caller_per_minute for it"},
		{estimated, "calls of which only sums are left: their cost is estimated"},
		{int64(r.Open), "calls are not over, and not counted"},
		{int64(r.Damaged), "rows of the journal do not verify, and are not counted (ringback journal check)"},
	} {
		if n.count > 0 {
			fmt.Fprintf(w, "%d %s\n", n.count, n.text)
		}
	}
}

// money has the three amounts of a row as text: empty ones without a tariff, unknown for one that is not known.
func (r costsReport) money(row costs.Row, unknown string) []string {
	if r.Currency == "" {
		unknown = ""
	}
	var out []string
	for _, m := range []*tariff.Money{row.Cost, row.CallersCost, row.Saved} {
		text := unknown
		if m != nil {
			text = m.String()
		}
		out = append(out, text)
	}
	return out
}

func (r costsReport) csv(w io.Writer) error {
	c := csv.NewWriter(w)
	rows := [][]string{{string(r.By), "leg_one_calls", "leg_one_seconds", "leg_two_calls", "leg_two_seconds", "cost",
		"callers_cost", "saved", "currency", "unpriced_calls", "callers_unpriced_calls", "estimated_calls"}}
	n := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, row := range r.Rows {
		cells := []string{noFormula(row.Name), n(row.LegOne.Calls), n(row.LegOne.Seconds), n(row.LegTwo.Calls),
			n(row.LegTwo.Seconds)}
		cells = append(append(cells, r.money(row, "")...), r.Currency, n(row.Unpriced), n(row.CallersUnpriced),
			n(row.Estimated))
		rows = append(rows, cells)
	}
	return c.WriteAll(rows)
}

// noFormula returns a text that no spreadsheet takes for a formula.
func noFormula(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
