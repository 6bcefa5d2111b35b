package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/tables"
)

func newShowRecordings() *cobra.Command {
	var f callFlags
	c := &cobra.Command{
		Use:   "recordings",
		Short: "show the recordings of sessions",
		Long: `Shows the recordings of EXEC sessions whose group has "record: true", newest first. STATE is "live" while the session
continues, "complete" afterwards, "gaps" if the disk did not take all output or the recording became too long, and "cut
off" if a crash or a full disk ended it. An ID is that of the session in accounting. The role admin is required.
--since accepts a time (2026-11-21, "2026-11-21 10:04", RFC 3339) or how long ago (90m, 36h, 7d).`,
		Example: "  ringback show recordings --user acme-support --since 7d",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at := tables.Here()
			cl, err := f.ended(at)
			if err != nil {
				return err
			}
			v, older, err := cl.Recordings(cmd.Context(), f.query)
			if err != nil {
				return err
			}
			if f.machine() {
				tables.RecordingsLeftOut(cmd.ErrOrStderr(), older)
			}
			return f.print(cmd.OutOrStdout(), v, func(w io.Writer) {
				tables.Recordings(w, v, f.wide(), at)
				tables.RecordingsLeftOut(w, older)
			})
		},
	}
	f.addTable(c)
	c.Flags().IntVar(&f.query.Line, "line", 0, "only recordings of this TTY")
	c.Flags().StringVar(&f.query.User, "user", "", "only recordings of this user")
	c.Flags().IntVar(&f.query.Last, "last", 20, fmt.Sprintf("show at most this many, the newest (1 to %d)",
		client.MaxCalls))
	c.Flags().StringVar(&f.since, "since", "",
		"only sessions that began at this time or later: a time, or how long ago")
	return c
}
