package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/config"
)

// journalFlags are the flags that select the journal.
type journalFlags struct {
	daemonFlags
	stateDir string
	config   string
}

func (f *journalFlags) add(c *cobra.Command) {
	f.addOutput(c)
	c.Flags().StringVar(&f.stateDir, "state-dir", "",
		"directory of the journal (default: state_dir of the configuration, else the daemon's usual place)")
	c.Flags().StringVarP(&f.config, "config", "c", "", "the configuration file that names state_dir")
}

// path returns the journal's file.
func (f *journalFlags) path() (string, error) {
	if err := f.check(); err != nil {
		return "", err
	}
	dir := f.stateDir
	if dir == "" && f.config != "" {
		cfg, problems := config.Load(f.config, nil)
		if cfg == nil {
			return "", fmt.Errorf("%s has errors: %v (see ringback check-config, or give --state-dir)", f.config,
				problems[0])
		}
		dir = cfg.StateDir
	}
	if dir == "" {
		dir = config.DefaultStateDir()
	}
	return filepath.Abs(filepath.Join(dir, "journal.db"))
}

// operator returns the user that runs a command, for the audit.
func operator() string { return fmt.Sprintf("uid %d", os.Getuid()) }

func newJournal() *cobra.Command {
	c := &cobra.Command{
		Use:   "journal",
		Short: "check, back up, restore or repair the journal",
		Long: `The journal is the file journal.db in state_dir: calls, callbacks, unsent accounting records, the audit.

While the daemon runs:

  ringback journal check                      verify every row
  ringback journal backup /backup/monday      copy journal and keys into a new directory

While it is stopped:

  ringback journal restore /backup/monday     put a backup in place
  ringback journal salvage                    keep the readable rows of a damaged journal
  ringback journal vacuum                     rewrite the file without its free space

docs/how-to/journal.md explains when to use which.`,
	}
	c.AddCommand(newJournalCheck(), newJournalBackup(), newJournalRestore(), newJournalSalvage(), newJournalVacuum())
	return c
}

func newJournalCheck() *cobra.Command {
	var f journalFlags
	c := &cobra.Command{
		Use:   "check",
		Short: "verify every row, the audit chain and the file of the journal",
		Long: `Verifies the checksum of every row, the chain of the audit, the structure of the file, and that no transaction is missing. It changes nothing, and
the daemon may run. The exit status is 1 if something is damaged.

  ringback journal check
  ringback journal check --state-dir /var/lib/ringback -o json
  ringback journal check --state-dir /backup/monday`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := f.path()
			if err != nil {
				return err
			}
			v, err := sqlite.Check(cmd.Context(), path)
			if err != nil {
				return err
			}
			if err := f.print(cmd.OutOrStdout(), v, func(w io.Writer) { checkText(w, v) }); err != nil {
				return err
			}
			if len(v.Damaged) > 0 {
				return exitStatus(1)
			}
			return nil
		},
	}
	f.add(c)
	return c
}

func checkText(w io.Writer, c sqlite.Checked) {
	for _, d := range c.Damaged {
		fmt.Fprintf(w, "damaged: %s\n", d)
	}
	fmt.Fprintf(w, "journal: %s\n  %d KiB, %d KiB of it free, %d transactions\n", c.Path, c.Octets>>10, c.Free>>10,
		c.Commits)
	for _, table := range slices.Sorted(maps.Keys(c.Rows)) {
		fmt.Fprintf(w, "%-14s %d rows\n", table, c.Rows[table])
	}
	fmt.Fprintf(w, "pending callbacks: %d\n", c.Pending)
	if !c.GivesBack {
		fmt.Fprintln(w, "free space is not returned to the file system: run `ringback journal vacuum` once")
	}
	if len(c.Damaged) == 0 {
		fmt.Fprintln(w, "no damage")
	}
}

func newJournalBackup() *cobra.Command {
	var f journalFlags
	c := &cobra.Command{
		Use:   "backup DIR",
		Short: "copy the journal and its keys into the new directory DIR",
		Long: `Copies the journal, as of one moment, and its keys into the new directory DIR (mode 0700), and verifies the copy. The daemon may run and
continues to write; the backup is noted in its audit. Anyone able to read DIR can forge rows of the journal: protect it like state_dir.

  ringback journal backup /backup/ringback-$(date +%F)
  ringback journal backup --state-dir /var/lib/ringback /backup/monday -o json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := f.path()
			if err != nil {
				return err
			}
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return err
			}
			if err := sqlite.Backup(cmd.Context(), path, dir); err != nil {
				return err
			}
			noted := f.noteBackup(cmd.Context(), path, dir)
			if noted != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "the backup is valid, but it could not be noted in the audit: %v\n",
					noted)
			}
			v := backedUp{Path: path, Dir: dir, Audited: noted == nil}
			return f.print(cmd.OutOrStdout(), v,
				func(w io.Writer) { fmt.Fprintf(w, "%s backed up to %s, and verified\n", path, dir) })
		},
	}
	f.add(c)
	return c
}

type backedUp struct {
	Path    string `json:"path"`
	Dir     string `json:"dir"`
	Audited bool   `json:"audited"`
}

// noteBackup records a backup in the audit: through the daemon that uses the journal, or directly if none runs.
func (f *journalFlags) noteBackup(ctx context.Context, path, dir string) error {
	err := sqlite.Note(ctx, path, "journal backed up", operator(), "to "+dir)
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cl, err := f.client()
	if err != nil {
		return err
	}
	return cl.NoteBackup(ctx, path, dir)
}

func newJournalRestore() *cobra.Command {
	var f journalFlags
	var dial bool
	c := &cobra.Command{
		Use:   "restore DIR",
		Short: "replace the journal with the backup DIR (daemon stopped)",
		Long: `Verifies the backup in DIR and replaces the journal with it; the old files are kept in a directory beside it. The daemon must be
stopped. Callbacks that were pending when the backup was made may have been dialed since: they end as cancelled, unless you give
--dial-pending. The restore is noted in the audit.

  ringback journal restore /backup/monday
  ringback journal restore --dial-pending /backup/monday     the lines were idle since the backup`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := f.path()
			if err != nil {
				return err
			}
			v, err := sqlite.Restore(cmd.Context(), path, args[0], operator(), dial)
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { restoredText(w, v, "restored") })
		},
	}
	f.add(c)
	c.Flags().BoolVar(&dial, "dial-pending", false, "dial the callbacks that were pending when the backup was made")
	return c
}

func restoredText(w io.Writer, r sqlite.Restored, what string) {
	for _, l := range r.Lost {
		fmt.Fprintln(w, l)
	}
	fmt.Fprintf(w, "%s %s; the old files are kept in %s\n", r.Path, what, r.Kept)
	for _, id := range r.Cancelled {
		fmt.Fprintf(w, "callback %s cancelled: it may have been dialed already\n", id)
	}
	fmt.Fprintf(w, "pending callbacks that the daemon will dial: %d\n", r.Pending)
}

func newJournalSalvage() *cobra.Command {
	var f journalFlags
	var dial bool
	c := &cobra.Command{
		Use:   "salvage",
		Short: "rebuild a damaged journal from its readable rows (daemon stopped)",
		Long: `Creates a new journal from every readable row, even if the daemon refuses to start, and keeps the damaged files in a directory beside it. The
daemon must be stopped. Restore a backup instead if you have a recent one. If the newest transactions are missing, pending callbacks may have been
dialed already: they end as cancelled, unless you give --dial-pending. The salvage is noted in the audit.

  ringback journal check
  ringback journal salvage`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := f.path()
			if err != nil {
				return err
			}
			v, err := sqlite.Salvage(cmd.Context(), path, operator(), dial)
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) { restoredText(w, v, "salvaged") })
		},
	}
	f.add(c)
	c.Flags().BoolVar(&dial, "dial-pending", false, "dial pending callbacks though the newest transactions are missing")
	return c
}

func newJournalVacuum() *cobra.Command {
	var f journalFlags
	c := &cobra.Command{
		Use:   "vacuum",
		Short: "rewrite the journal without its free space (daemon stopped)",
		Long: `Rewrites the journal without its free space. The daemon must be stopped, and the disk needs room for two more copies. A journal created
before ringback had retention needs this once; a newer one returns free space by itself. The rewrite is noted in the audit.

  ringback journal vacuum`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := f.path()
			if err != nil {
				return err
			}
			before, after, err := sqlite.Vacuum(cmd.Context(), path, operator())
			if err != nil {
				return err
			}
			v := vacuumed{Path: path, Before: before, After: after}
			return f.print(cmd.OutOrStdout(), v,
				func(w io.Writer) { fmt.Fprintf(w, "%s: %d KiB before, %d KiB now\n", path, before>>10, after>>10) })
		},
	}
	f.add(c)
	return c
}

type vacuumed struct {
	Path   string `json:"path"`
	Before int64  `json:"octets_before"`
	After  int64  `json:"octets"`
}
