package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem/probe"
	"github.com/ringback/ringback/lines/modem/profiles"
	"github.com/ringback/ringback/lines/port"
	"github.com/ringback/ringback/schema"
)

func newModem() *cobra.Command {
	c := &cobra.Command{Use: "modem", Short: "identify a modem on a port, or test the modems of lines"}
	c.AddCommand(newModemProbe(), newModemTest())
	return c
}

func newModemProbe() *cobra.Command {
	var path string
	var tty int
	var timeout time.Duration
	var f daemonFlags
	c := &cobra.Command{
		Use:   "probe PORT",
		Short: "find out what modem is on a port, and propose the configuration of its line",
		Long: `Opens a port, finds the speed at which the modem answers, asks it for its name, explains each answer, and checks what
a line needs: S2, &C with DCD, &D, and on a port without modem signals the registers that store the proof of its state.
It prints the YAML of the line. PORT is a URL as in the configuration, or a device such as /dev/ttyUSB0; a speed in the
URL is the only one that is tried.

The probe does not dial and does not store anything in the modem; each setting that it changes is restored. A port that
is in use, by a line of a daemon or by another program, is not touched. Exit status 1: there is no modem.`,
		Example: "  ringback modem probe /dev/ttyUSB0\n" +
			"  ringback modem probe 'rfc2217://console1.example.net:2001' -o json",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			o, err := probeOptions(args[0])
			if err != nil {
				return misused("%w", err)
			}
			if timeout <= 0 {
				return misused("--timeout %v: must be more than 0", timeout)
			}
			o.TTY, o.Profiles, o.Patience = tty, profiles.Shipped(), timeout
			if path != "" {
				cfg, problems := config.Load(path, nil)
				if cfg == nil {
					printProblems(cmd.ErrOrStderr(), problems.Only(schema.Error))
					return exitStatus(1)
				}
				o.Profiles = cfg.Profiles
			}
			r, err := probe.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			return f.print(cmd.OutOrStdout(), r, r.Print)
		},
	}
	c.Flags().StringVarP(&path, "config", "c", "", "configuration whose modems_dir has more profiles (default: none)")
	c.Flags().IntVar(&tty, "tty", 1, "TTY number of the proposed line")
	c.Flags().DurationVar(&timeout, "timeout", probe.DefaultPatience,
		"longest wait for an answer of the modem, for a slow network")
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table or json")
	return c
}

// probeSpeeds are tried on a port whose URL names no speed, the usual ones first. Modems since V.34 detect the speed.
var probeSpeeds = []int{115200, 9600, 57600, 38400, 19200, 2400}

// probeOptions describes a port for the probe.
func probeOptions(text string) (probe.Options, error) {
	if strings.HasPrefix(text, "/dev/") {
		text = string(port.Serial) + "://" + text
	}
	a, err := port.Parse(text)
	if err != nil {
		return probe.Options{}, err
	}
	at := func(speed int) port.Address {
		b := a
		if speed != 0 {
			b.Speed = speed
		}
		return b
	}
	o := probe.Options{
		Open: func(ctx context.Context, speed int) (lines.Port, error) { return at(speed).Open(ctx, port.Options{}) },
		URL:  func(speed int) string { return at(speed).String() },
	}
	switch {
	case a.Speed != 0:
		o.Speeds = []int{a.Speed}
	case a.Scheme == port.Serial:
		o.Speeds = probeSpeeds
	case strings.HasPrefix(string(a.Scheme), string(port.RFC2217)):
		o.Speeds = append([]int{0}, probeSpeeds...) // the server's own first
	}
	if a.Scheme == port.Serial {
		o.USB = probe.USB("/sys", a.Path)
	}
	return o, nil
}
