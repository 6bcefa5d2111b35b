package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/lab"
)

// addFleet adds the flags of a town with a fleet.
func (f *labFlags) addFleet(c *cobra.Command) {
	c.Flags().IntVar(&f.nodes, "nodes", 0,
		"daemons, each with its own lines, which are one fleet over one PostgreSQL: 2 to 9 (default: one, and no "+
			"fleet)")
	c.Flags().StringVar(&f.postgres, "postgres", "",
		"with --nodes: host:port or the directory of the socket of a PostgreSQL with an empty database (default: "+
			"the lab starts its own)")
}

// checkFleet finds the mistakes in the flags of a fleet.
func (f *labFlags) checkFleet(play bool) error {
	if err := lab.CheckNodes(f.nodes); err != nil {
		return misuse{err}
	}
	switch {
	case f.nodes == 0 && f.postgres != "":
		return misused("--postgres is for the nodes of a fleet: give --nodes 3 too")
	case f.nodes > 0 && f.noDaemon:
		return misused("--nodes starts the daemons of a fleet: it cannot be combined with --no-daemon")
	case f.nodes > 0 && f.modems != "":
		return misused("the nodes of a fleet have the lab's own modems: --nodes cannot be combined with --modems")
	case f.nodes > 0 && play:
		if err := lab.CheckStory(f.nodes); err != nil {
			return misuse{err}
		}
	}
	return nil
}

// tellStory plays the story of a fleet.
func tellStory(ctx context.Context, f labFlags, w io.Writer) error {
	if err := lab.CheckStory(f.nodes); err != nil {
		return misuse{err}
	}
	ctx, stop := untilHangUp(ctx)
	defer stop()
	fmt.Fprintf(w, "starting a town with %d nodes and PostgreSQL …\n", f.nodes)
	l, err := f.start(ctx, func(text string) { fmt.Fprintln(w, text) })
	if err != nil {
		return err
	}
	defer l.Close()
	tellKept(w, l)
	err = l.TellStory(ctx, w)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(w)
		return errors.New("lab: interrupted")
	case err != nil:
		fmt.Fprintf(w, "\nA step did not happen; the logs of the nodes are in %s\n", l.Dir())
		return exitStatus(1)
	}
	fmt.Fprintln(w, "\nAll happened as told.")
	return nil
}
