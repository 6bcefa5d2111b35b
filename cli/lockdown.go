package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/tables"
)

// lockdownFlags are the flags of `lockdown`.
type lockdownFlags struct {
	daemonFlags
	reason         string
	sessions, lift bool
}

func newLockdown() *cobra.Command {
	var f lockdownFlags
	c := &cobra.Command{
		Use:   "lockdown",
		Short: "stop all dialing at once, or show whether it is stopped",
		Long: `With --reason, stops all dialing at once: no callback is promised, no dial begins, and the dials in progress are hung up.
Pending callbacks stay pending until their lifetime ends. Callers who need no callback are still admitted; with
--sessions all sessions are ended and nobody is admitted. A lockdown survives restarts and ends with --lift only. Without
flags, shows the state. See docs/how-to/lockdown.md.

  ringback lockdown --reason "calls to 1900 numbers"
  ringback lockdown --reason "stolen passwords" --sessions
  ringback lockdown
  ringback lockdown --lift --reason "passwords changed"

In a fleet the order goes to all nodes. The exit status is 1 if the lockdown is in force but could not be written to the
disk, or if a node of the fleet has not confirmed it: repeat the command until all have. While PostgreSQL is away it is in
force at this node only; this node sends it to the others as soon as PostgreSQL answers. --lift is never sent later.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.addOutput(c)
	c.Flags().StringVar(&f.reason, "reason", "", "why: one line of up to 200 characters, for operators and the audit")
	c.Flags().BoolVar(&f.sessions, "sessions", false, "also end all sessions and admit nobody")
	c.Flags().BoolVar(&f.lift, "lift", false, "end the lockdown")
	return c
}

func (f *lockdownFlags) run(cmd *cobra.Command) error {
	ordered := cmd.Flags().Changed("reason")
	switch {
	case f.lift && f.sessions:
		return misused("--lift ends the whole lockdown: it cannot be combined with --sessions")
	case f.sessions && !ordered:
		return misused(`--sessions: give the reason (example: --reason "stolen passwords")`)
	}
	cl, err := f.client()
	if err != nil {
		return err
	}
	if f.lift {
		if err := cl.LiftLockdown(cmd.Context(), f.reason); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), "lockdown lifted")
		return nil
	}
	var v client.Lockdown
	if ordered {
		v, err = cl.OrderLockdown(cmd.Context(), f.reason, f.sessions)
		if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) {
			err = fmt.Errorf("the lockdown was not ordered: %w; nothing is dialed while no daemon runs, but the next "+
				"one will dial: repeat the command when it runs", err)
		}
	} else {
		v, err = cl.Lockdown(cmd.Context())
	}
	if err != nil {
		return err
	}
	if err := f.print(cmd.OutOrStdout(), v, func(w io.Writer) { tables.Lockdown(w, v, tables.Here()) }); err != nil {
		return err
	}
	if err := elsewhere(v.Nodes); err != nil {
		return err
	}
	if !v.OnDisk {
		return exitStatus(1)
	}
	return nil
}

// elsewhere returns an error if nodes of the fleet have not confirmed that they are locked down too.
func elsewhere(all []client.NodeResult) error {
	var open []string
	for _, r := range all {
		switch {
		case r.Node == "*":
			return fmt.Errorf("the lockdown is in force at this node only, and the others may dial (to stop them now, "+
				"give it at each node): %s", r.Error)
		case r.Waiting || r.Error != "":
			open = append(open, r.Node)
		}
	}
	if len(open) == 0 {
		return nil
	}
	return fmt.Errorf("the lockdown is not confirmed by %s, which may still dial: repeat the command until all nodes "+
		"confirm it", strings.Join(open, ", "))
}

// lockdownAbove prints the lockdown in force above a table; nothing if there is none.
func lockdownAbove(ctx context.Context, w io.Writer, cl *client.Client) error {
	v, err := cl.Lockdown(ctx)
	if err == nil && v.Active {
		tables.Lockdown(w, v, tables.Here())
	}
	return err
}
