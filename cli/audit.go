package cli

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/audit"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/tables"
)

func newAudit() *cobra.Command {
	c := &cobra.Command{
		Use:   "audit",
		Short: "verify and export the audit, and show the key of its seals",
		Long: `The audit is a part of the journal: logins, callbacks, orders of operators, reloads. A running daemon signs its end
(a seal) at an interval and appends that to a file outside of the journal. With the public key and the seals, an auditor
verifies without any secret that no row was changed, removed or cut off since.

  ringback audit key > maui.pub                                  on the server, once, for the auditor
  ringback audit verify --key maui.pub --seals audit.seals       on the server, or with --journal or --export elsewhere
  ringback audit export --from 2026-11-01 --to 2026-11-30 -o html > november.html

docs/how-to/audit.md explains the procedure.`,
	}
	c.AddCommand(newAuditKey(), newAuditVerify(), newAuditExport())
	return c
}

func newAuditKey() *cobra.Command {
	var f journalFlags
	var rotate bool
	c := &cobra.Command{
		Use:   "key",
		Short: "print the public key of the seals",
		Long: `Prints the public key with which auditors verify the seals of the audit, in PEM. The key is made at the first start
of the daemon, or by this command: audit.key in state_dir, mode 0600.

--rotate makes a new key and prints its public key. The daemon uses it from its next start or reload on: a seal that is
signed by both keys joins them, so auditors may keep the one that they have. Give them the new one if others may have
read the old one.

  ringback audit key > maui.pub
  ringback audit key --rotate && ringback reload`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := f.path()
			if err != nil {
				return err
			}
			dir := filepath.Dir(path)
			if _, err := os.Stat(dir); err != nil {
				return fmt.Errorf("state directory: %w (start the daemon once, or name it with --state-dir or -c)", err)
			}
			v := auditKey{File: filepath.Join(dir, audit.KeyFile)}
			get := audit.Key
			if rotate {
				get, v.Next = audit.Rotate, true
			}
			key, err := get(dir)
			if err != nil {
				return err
			}
			v.Fingerprint, v.PEM = audit.Fingerprint(key), audit.PublicPEM(key)
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) {
				next := ""
				if v.Next {
					next = ", from the next start or reload on"
				}
				fmt.Fprintf(w, "# public key of %s%s\n# SHA-256 %s\n%s", v.File, next, v.Fingerprint, v.PEM)
			})
		},
	}
	f.add(c)
	c.Flags().BoolVar(&rotate, "rotate", false, "make a new key, for the next start or reload")
	return c
}

type auditKey struct {
	File        string `json:"file"`
	Fingerprint string `json:"sha256"`
	PEM         string `json:"pem"`
	Next        bool   `json:"next,omitempty"` // it is used from the next start or reload on
}

// verifyFlags are the flags of `audit verify`.
type verifyFlags struct {
	journalFlags
	journal, export string
	keys, seals     []string
}

func newAuditVerify() *cobra.Command {
	var f verifyFlags
	c := &cobra.Command{
		Use:   "verify --key PUB --seals FILE",
		Short: "verify the rows of the audit against its seals",
		Long: `Follows the chain of the audit and compares it with the seals. It prints each row that was changed, is missing or was
put in, each seal that does not fit, and what an auditor should know besides (notes). It needs the public key, the rows
and the seals, and no secret; it changes nothing, and the daemon may run.

The rows are those of the journal (of state_dir, or the copy FILE of --journal), or those of an export in JSON or CSV.
Give all files of seals: --seals may be repeated, and lines of a log or of syslog that contain a seal are found too.

  ringback audit verify -c ringback.yaml --key maui.pub --seals /var/log/ringback/audit.seals
  ringback audit verify --journal copy/journal.db --key maui.pub --seals audit.seals.1 --seals audit.seals
  ringback audit verify --export november.json --key maui.pub --seals syslog.txt -o json

Exit status 0: no findings; 1: findings, or it could not be verified.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.add(c)
	fl := c.Flags()
	fl.StringVar(&f.journal, "journal", "", "file of the journal, such as a copy of it (default: the one of state_dir)")
	fl.StringVar(&f.export, "export", "", "an export in JSON or CSV, in place of a journal")
	fl.StringArrayVar(&f.keys, "key", nil, "file with the public key in PEM; may be repeated")
	fl.StringArrayVar(&f.seals, "seals", nil, "file with seals; may be repeated")
	return c
}

func (f *verifyFlags) run(cmd *cobra.Command) error {
	switch {
	case len(f.keys) == 0:
		return misused("--key is required: the public key that `ringback audit key` has printed on the server")
	case len(f.seals) == 0:
		return misused("--seals is required: the file of audit.seals, or a log with seals")
	case f.journal != "" && f.export != "":
		return misused("--journal and --export: give one of them")
	}
	if err := f.check(); err != nil {
		return err
	}
	v := audit.NewVerifier()
	for _, path := range f.keys {
		keys, err := waitFor(cmd.Context(), path, func() ([]ed25519.PublicKey, error) {
			return audit.ReadPublicKeys(path)
		})
		if err != nil {
			return err
		}
		v.Trust(keys...)
	}
	for _, path := range f.seals {
		if err := eachFile(cmd.Context(), path, func(r io.Reader) error { return v.ReadSeals(path, r) }); err != nil {
			return fmt.Errorf("seals: %w", err)
		}
	}
	if err := f.rows(cmd.Context(), v); err != nil {
		return err
	}
	r := v.End(time.Now())
	if err := f.print(cmd.OutOrStdout(), r, func(w io.Writer) { verifiedText(w, r) }); err != nil {
		return err
	}
	if len(r.Findings) > 0 {
		return exitStatus(1)
	}
	return nil
}

func eachFile(ctx context.Context, path string, read func(io.Reader) error) error {
	in, err := openInput(ctx, path)
	if err != nil {
		return err
	}
	defer in.Close()
	return read(in)
}

// rows passes the rows to v.
func (f *verifyFlags) rows(ctx context.Context, v *audit.Verifier) error {
	if f.export != "" {
		err := eachFile(ctx, f.export, func(r io.Reader) error {
			return audit.ReadExport(r, func(h audit.Header) error {
				v.Begin(h.Seq, h.Digest, true)
				return nil
			}, func(row audit.Row) error {
				v.Row(row)
				return ctx.Err()
			})
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", f.export, err)
		}
		return err
	}
	j, err := f.open(ctx, f.journal)
	if err != nil {
		return err
	}
	defer j.Close()
	v.Begin(0, nil, false)
	return j.Each(ctx, func(a journal.Audit) error {
		v.Row(audit.Row{Audit: a})
		return nil
	})
}

// open opens the audit of the journal at path; "" is that of the other flags.
func (f *journalFlags) open(ctx context.Context, path string) (*sqlite.Audit, error) {
	if path == "" {
		var err error
		if path, err = f.path(); err != nil {
			return nil, err
		}
	}
	return sqlite.OpenAudit(ctx, path)
}

func verifiedText(w io.Writer, r audit.Report) {
	for _, f := range r.Findings {
		fmt.Fprintf(w, "FINDING %s\n", console.Clean(f.String()))
	}
	if r.More > 0 {
		fmt.Fprintf(w, "%d more findings are not listed\n", r.More)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "note: %s\n", console.Clean(n))
	}
	fmt.Fprintf(w, "rows: %d", r.Rows)
	if r.Rows > 0 {
		fmt.Fprintf(w, " (%d to %d)", r.First, r.Last)
	}
	if r.Kept > 0 {
		fmt.Fprintf(w, ", %d of them without content", r.Kept)
	}
	fmt.Fprintf(w, "\nseals: %d, %d of them fit a row\n", r.Seals, r.Fitting)
	for _, k := range r.Keys {
		fmt.Fprintf(w, "  key SHA-256 %s\n", k)
	}
	if r.Fitting > 0 {
		fmt.Fprintf(w, "proven up to row %d, by the seal of %s\n", r.Sealed, r.SealTime.UTC().Format(time.RFC3339))
	}
	if len(r.Findings) == 0 {
		fmt.Fprintln(w, "no findings")
	}
}

// auditExportFlags are the flags of `audit export`.
type auditExportFlags struct {
	journalFlags
	journal, from, to, user, site string
}

func newAuditExport() *cobra.Command {
	var f auditExportFlags
	c := &cobra.Command{
		Use:   "export",
		Short: "export rows of the audit as CSV, JSON or a page to print",
		Long: `Writes the rows of the audit, oldest first, to standard output. It reads the journal of state_dir, or the copy FILE of
--journal; the daemon may run.

json and csv can be verified with ` + "`ringback audit verify --export`" + `. An export in JSON of some rows has digests in the
place of the others, so that it can be verified too, and does not show them. csv has only the selected rows: a selection
cannot be verified. In csv, characters that are not printable are written as \n, \x1b or \u202e, and what a spreadsheet
would take for a formula has an apostrophe before it. html is one page without scripts, to read and print.

Times in csv and json are in UTC, in html in the time zone of this machine. --from and --to take a time, a day, or how
long ago, as --since does elsewhere; a day after --to is included.

  ringback audit export -c ringback.yaml --from 2026-11-01 --to 2026-11-30 -o html > november.html
  ringback audit export --from 7d --user paia-01 -o csv
  ringback audit export --journal copy/journal.db -o json > audit.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.add(c)
	f.formats = audit.Formats
	fl := c.Flags()
	out := fl.Lookup("output")
	out.Usage, out.DefValue = "csv, json or html", "csv"
	f.output = "csv"
	fl.StringVar(&f.journal, "journal", "", "file of the journal, such as a copy of it (default: the one of state_dir)")
	fl.StringVar(&f.from, "from", "", `rows of this time or later: 2026-11-21, "2026-11-21 10:04", RFC 3339, 36h, 7d`)
	fl.StringVar(&f.to, "to", "", "rows before this time, or of this day or earlier")
	fl.StringVar(&f.user, "user", "", "rows of what this user or operator did, as the column who has it")
	fl.StringVar(&f.site, "site", "", "name of the site in the export (default: hostname of -c)")
	return c
}

func (f *auditExportFlags) run(cmd *cobra.Command) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	p := tables.Here()
	h := audit.Header{Site: f.site, Exported: p.Now, User: f.user}
	if f.from != "" {
		if h.From, err = p.Since(f.from); err != nil {
			return misused("--from %v", err)
		}
	}
	if f.to != "" {
		if h.To, err = p.Since(f.to); err != nil {
			return misused("--to %v", err)
		}
		if _, err := time.Parse(time.DateOnly, f.to); err == nil {
			h.To = h.To.AddDate(0, 0, 1)
		}
	}
	if h.Site == "" && f.config != "" {
		cfg, problems := config.Load(f.config, nil)
		if cfg == nil {
			return problems.Err()
		}
		h.Site = cfg.Hostname
	}
	ctx := cmd.Context()
	j, err := f.open(ctx, f.journal)
	if err != nil {
		return err
	}
	defer j.Close()
	if h.Journal, err = j.Identity(ctx); err != nil {
		return err
	}
	x := audit.NewExporter(cmd.OutOrStdout(), f.output, h)
	if err := j.Each(ctx, x.Row); err != nil {
		return err
	}
	if err := x.End(); err != nil {
		return err
	}
	if x.Rows == 0 {
		fmt.Fprintln(cmd.ErrOrStderr(), "no rows of the audit are of this selection")
	}
	return nil
}
