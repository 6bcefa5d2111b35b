package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"
)

// A watched command runs until Ctrl-C, through errors of the daemon, but not after wrong use.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		c := &cobra.Command{Use: "x", SilenceUsage: true, SilenceErrors: true, RunE: func(cmd *cobra.Command,
			args []string) error {
			runs++
			switch {
			case len(args) > 0:
				return misused("no arguments")
			case runs == 2:
				return errors.New("no daemon\x1b[2J")
			case runs == 3:
				fmt.Fprintln(cmd.OutOrStdout(), "unwell")
				return exitStatus(1)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "run", runs)
			return nil
		}}
		addWatch(c)
		var out strings.Builder
		c.SetOut(&out)
		watched := func(args ...string) (time.Duration, error) {
			out.Reset()
			runs = 0
			ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
			defer cancel()
			c.SetArgs(args)
			start := time.Now()
			err := c.ExecuteContext(ctx)
			return time.Since(start), err
		}
		if took, err := watched("--watch"); err != nil || took != 7*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		if got := out.String(); got != "run 1\nno daemon[2J\nunwell\nrun 4\n" {
			t.Errorf("%q", got)
		}
		for _, args := range [][]string{{"--watch=1s", "x"}, {"--watch=1ms"}} {
			if took, err := watched(args...); !errors.As(err, &misuse{}) || took != 0 {
				t.Errorf("%q: %v after %v", args, err, took)
			}
		}
	})
}

func TestYAML(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	v := []any{map[string]any{"a": 1, "b": "no", "c": "x: \x1b[2J\n", "d": nil, "e": []string{}, "f": 1.5, "g": "007"}}
	if err := writeYAML(&b, v); err != nil {
		t.Fatal(err)
	}
	const want = `- a: 1
  b: "no"
  c: "x: \e[2J\n"
  d: null
  e: []
  f: 1.5
  g: "007"
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
