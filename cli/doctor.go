package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/doctor"
	"github.com/ringback/ringback/schema"
	"github.com/ringback/ringback/tables"
)

func newDoctor() *cobra.Command {
	var name string
	var file func() string
	var modems bool
	var f daemonFlags
	c := &cobra.Command{
		Use:   "doctor",
		Short: "find what keeps the lines from working, and the commands that fix it",
		Long: `Looks for what modem lines often stumble over: a getty or ModemManager on the port, permissions, lock files, devices
named by their number, DCD that is always on, missing wires, servers without COM-PORT, settings of the modem. It prints each
problem with the command that fixes it.

It changes nothing, and asks a running daemon about its lines. With --modems it also opens the ports that no program uses and
asks the modems for their settings (AT&V, ATI4 and ATI5, ATS0?); for that, stop the daemon. Run it as root: the open files of
other users are hidden otherwise. Run as an operator, it also says why this user may not use the admin socket. Exit status 0: nothing was found; 1: something was found.

  sudo ringback doctor -c /etc/ringback/ringback.yaml --user ringback`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			site, err := siteOf(cmd.Context(), file(), name)
			if err != nil {
				return err
			}
			if modems {
				site.Ask = doctor.AskModem
			}
			r := doctor.Run(cmd.Context(), site, doctor.Checks())
			if err := f.print(cmd.OutOrStdout(), r, func(w io.Writer) { doctorText(w, r) }); err != nil {
				return err
			}
			if len(r.Findings) > 0 {
				return exitStatus(1)
			}
			return nil
		},
	}
	file = addConfig(c)
	c.Flags().StringVar(&name, "user", "", "the user that runs the daemon (default: the user that runs this command)")
	c.Flags().BoolVar(&modems, "modems", false, "open the ports that no program uses, and ask their modems")
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table or json")
	return c
}

// siteOf reads the configuration and asks the daemon, if it runs.
func siteOf(ctx context.Context, path, name string) (*doctor.Site, error) {
	cfg, problems := config.Load(path, nil)
	if cfg == nil {
		return nil, fmt.Errorf("%s has errors; `ringback check-config -c %s` lists them:\n%v", path, path,
			problems.Only(schema.Error))
	}
	u, err := userOf(name)
	if err != nil {
		return nil, err
	}
	s := &doctor.Site{Lines: cfg.Lines, User: u, API: cfg.API}
	if s.Self, err = self(); err != nil {
		return nil, err
	}
	s.Daemon, err = daemonOf(ctx, cfg.API.Socket)
	if errors.Is(err, fs.ErrPermission) {
		s.Self.Denied, err = err, nil
	}
	return s, err
}

// self is the user of this process.
func self() (s doctor.Self, err error) {
	s.Name = strconv.Itoa(os.Geteuid())
	if s.GIDs, err = os.Getgroups(); err != nil {
		return s, err
	}
	s.GIDs = append(s.GIDs, os.Getegid())
	if u, err := user.LookupId(s.Name); err == nil { // otherwise the user has no name and no other groups
		s.Name = u.Username
		known, err := userOf(u.Username)
		if err == nil {
			s.Groups = known.GIDs
		}
	}
	return s, nil
}

// daemonOf returns what the daemon says; nil if none runs. The error is fs.ErrPermission if this user may not ask it.
func daemonOf(ctx context.Context, socket string) (*doctor.Daemon, error) {
	if _, err := os.Stat(socket); errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	cl := client.New(socket)
	v, err := cl.Version(ctx)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, err
	case err != nil:
		return nil, nil // the socket of a daemon that has ended
	}
	d := &doctor.Daemon{PID: v.PID}
	if d.Lines, err = cl.Lines(ctx); err == nil {
		d.Health, err = cl.Health(ctx)
	}
	if fleet, away := cl.Fleet(ctx); away == nil && fleet.Node != "" {
		d.Nodes, _ = cl.Nodes(ctx) // without them, that check has nothing to find
	}
	return d, err
}

func userOf(name string) (u doctor.User, err error) {
	if name == "" {
		u.UID = os.Geteuid()
		u.GIDs, err = os.Getgroups()
		return u, err
	}
	found, err := user.Lookup(name)
	if err != nil {
		return u, fmt.Errorf("--user: %w", err)
	}
	groups, err := found.GroupIds()
	if err != nil {
		return u, fmt.Errorf("--user: %w", err)
	}
	u.UID, _ = strconv.Atoi(found.Uid)
	for _, g := range groups {
		n, _ := strconv.Atoi(g)
		u.GIDs = append(u.GIDs, n)
	}
	return u, nil
}

func doctorText(w io.Writer, r doctor.Report) {
	for _, f := range r.Findings {
		line := ""
		if f.TTY != 0 {
			line = fmt.Sprintf("line %d: ", f.TTY)
		}
		fmt.Fprintf(w, "%s: %s%s\n  fix: %s\n", f.Check, line, console.Clean(f.Found), console.Clean(f.Fix))
	}
	var reasons []string
	skipped := map[string][]string{}
	for _, s := range r.Skipped {
		if skipped[s.Why] == nil {
			reasons = append(reasons, s.Why)
		}
		skipped[s.Why] = append(skipped[s.Why], s.Check)
	}
	for _, why := range reasons {
		fmt.Fprintf(w, "not complete: %s: %s\n", strings.Join(skipped[why], ", "), console.Clean(why))
	}
	fmt.Fprintf(w, "%s, %s\n", tables.Numbered(len(r.Checks), "check", "checks"),
		tables.Numbered(len(r.Findings), "problem", "problems"))
}
