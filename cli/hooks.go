package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/hooks"
)

func newHooks() *cobra.Command {
	c := &cobra.Command{
		Use:   "hooks",
		Short: "test the hooks of a configuration",
		Long: `Hooks are programs and addresses that are told of events: the key hooks of the configuration. show health says which
of a running daemon fail.

  ringback hooks test -c ringback.yaml siem

docs/how-to/hooks.md explains how to set them up and what a receiver must do.`,
	}
	c.AddCommand(newHooksTest())
	return c
}

// hookTested is the output of `hooks test`.
type hookTested struct {
	Hook    string  `json:"hook"`
	Message string  `json:"message"` // its ID
	Taken   bool    `json:"taken"`
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"`
}

func newHooksTest() *cobra.Command {
	var f daemonFlags
	var file string
	c := &cobra.Command{
		Use:   "test -c ringback.yaml NAME",
		Short: "send an event of type test to a hook",
		Long: `Sends a message of the type "test" to the hook NAME of the configuration, once, and prints whether it was taken. It
needs no daemon, and works before a reload. Run it as the user of the daemon, on the same machine: the command of a hook
runs as the user who calls this.

  ringback hooks test -c ringback.yaml siem
  sudo -u ringback ringback hooks test -c /etc/ringback/ringback.yaml pager -o json

Exit status 0: the message was taken; 1: it was not.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if file == "" {
				return misused("-c is required: the configuration file with the hook")
			}
			cfg, problems := config.Load(file, nil)
			if cfg == nil {
				return problems.Err()
			}
			h, err := hookOf(cfg, args[0])
			if err != nil {
				return err
			}
			began := time.Now()
			m := hooks.NewMessage(hooks.TestType, cfg.Hostname, began, []byte(`{}`))
			v := hookTested{Hook: h.Name, Message: m.ID, Taken: true}
			if err := h.Deliver(cmd.Context(), m); err != nil {
				v.Taken, v.Error = false, err.Error()
			}
			v.Seconds = time.Since(began).Seconds()
			if err := f.print(cmd.OutOrStdout(), v, func(w io.Writer) {
				if v.Taken {
					fmt.Fprintf(w, "%s: taken after %.1f s (message %s)\n", v.Hook, v.Seconds, v.Message)
					return
				}
				fmt.Fprintf(w, "%s: NOT taken: %s\n", v.Hook, console.Clean(v.Error))
			}); err != nil {
				return err
			}
			if !v.Taken {
				return exitStatus(1)
			}
			return nil
		},
	}
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table or json")
	c.Flags().StringVarP(&file, "config", "c", "", "the configuration file")
	return c
}

func hookOf(cfg *config.Config, name string) (hooks.Hook, error) {
	var names []string
	for _, h := range cfg.Hooks {
		if h.Name == name {
			return h, nil
		}
		names = append(names, h.Name)
	}
	if len(names) == 0 {
		return hooks.Hook{}, fmt.Errorf("%s has no hooks", cfg.File)
	}
	return hooks.Hook{}, fmt.Errorf("%s has no hook %q (it has %s)", cfg.File, name, strings.Join(names, ", "))
}
