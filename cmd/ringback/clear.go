package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newClear() *cobra.Command {
	var f daemonFlags
	line := &cobra.Command{
		Use:   "line N",
		Short: "hang up whatever is on line N",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := lineNumber("clear line", args[0])
			if err != nil {
				return err
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			if err := cl.ClearLine(cmd.Context(), n); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "line %d cleared\n", n)
			return nil
		},
	}
	f.add(line)
	c := &cobra.Command{Use: "clear", Short: "reset a line of a running daemon"}
	c.AddCommand(line)
	return c
}

func newCancel() *cobra.Command {
	var f daemonFlags
	cb := &cobra.Command{
		Use:   "callback ID",
		Short: "end a pending callback as cancelled",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			if err := cl.CancelCallback(cmd.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "callback %s cancelled\n", args[0])
			return nil
		},
	}
	f.add(cb)
	c := &cobra.Command{Use: "cancel", Short: "take back a promise of a running daemon"}
	c.AddCommand(cb)
	return c
}
