package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/dialects"
	"github.com/ringback/ringback/lines/modem/profiles"
	"github.com/ringback/ringback/texts"
)

// labFlags are the flags of the commands that start a lab.
type labFlags struct {
	dir   string
	pace  float64
	ports string
	aaa   string
	// modems is the file of the lines' modems
	modems   string
	language string // what callers read; "": English
	// noDaemon: the ports are for the lines of another daemon
	noDaemon bool
	nodes    int    // of a fleet; 0: none
	postgres string // for the fleet; "": the lab's own
}

func (f *labFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.dir, "dir", "", "directory for the lab's files (default: in your state directory)")
	c.Flags().Float64Var(&f.pace, "pace", 1,
		"speed factor of the telephone network (ring cadence, training, dialing), 1 or greater; the broker's own "+
			"waits do not change")
	c.Flags().StringVar(&f.ports, "ports", string(lab.RFC2217),
		"how the daemon reaches its modems: rfc2217 (with modem signals), tcp or pty (without)")
	c.Flags().StringVar(&f.aaa, "aaa", string(lab.ByRADIUS),
		"AAA server of the lab: radius, radsec, tacacs or tacacs-tls")
	c.Flags().StringVar(&f.modems, "modems", "",
		"file of the lines' modems (docs/reference/lab-modems.md), or all: a line with a modem of each family")
}

// check finds the mistakes on the command line before anything is started.
func (f *labFlags) check() error {
	err := errors.Join(lab.CheckPace(f.pace), lab.Ports(f.ports).Check(), lab.AAA(f.aaa).Check())
	if err != nil {
		return misuse{err}
	}
	return nil
}

// untilHangUp returns a ctx that also ends when the terminal is closed.
func untilHangUp(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGHUP)
}

// start starts the lab; tell is called with each step that it waits for.
func (f *labFlags) start(ctx context.Context, tell func(string)) (*lab.Lab, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	modems, err := f.readModems(ctx)
	if err != nil {
		return nil, err
	}
	return lab.Start(ctx, lab.Options{Dir: f.dir, Pace: f.pace, Ports: lab.Ports(f.ports), AAA: lab.AAA(f.aaa),
		Lines: modems, Binary: binary, Command: howCalled(binary), Tell: tell, NoDaemon: f.noDaemon,
		Nodes: f.nodes, Postgres: f.postgres, Language: f.spoken()})
}

// spoken returns the language of the town; "" for English.
func (f *labFlags) spoken() texts.Language {
	if l := texts.Language(f.language); l != texts.English {
		return l
	}
	return ""
}

// readModems reads the file of --modems.
func (f *labFlags) readModems(ctx context.Context) ([]dialects.Line, error) {
	return waitFor(ctx, f.modems, func() ([]dialects.Line, error) {
		return lab.ReadModems(f.modems, profiles.Shipped().Names()...)
	})
}

// howCalled returns a command that the user can paste to run this program: its path, unless `go run` built it
// temporarily.
func howCalled(binary string) string {
	if strings.Contains(binary, "go-build") {
		return "go run ./cmd/ringback"
	}
	if os.Args[0] != "" {
		return os.Args[0]
	}
	return binary
}

func newLab() *cobra.Command {
	var f labFlags
	var play, sample bool
	c := &cobra.Command{
		Use:   "lab",
		Short: "simulate a telephone network on this machine and run ringback in it",
		Long: `Starts a telephone exchange, soft modems, a RADIUS server and ` + "`ringback serve`" +
			` as a child process, with a generated configuration.
It needs no root and no hardware.

On a terminal it explains the simulated network and connects you to a subscriber's PC modem. With --play, or without a
terminal, it plays its scenarios (the two callbacks of Cisco document 5732, one over PPP, and numbers that a policy
rejects) and exits 0 only if all ended as expected. With --modems, the lines have the modems of a file, each in a rotary of
its own, and a scenario is played for each of them: a login, a callback, the caller ID. The other commands (show, debug, clear, lab call) find the running lab
by themselves.

With --nodes 3, three daemons with lines of their own are one fleet over one PostgreSQL, which the lab starts on a socket
in its directory (Debian: postgresql-15). With --play it then plays what a fleet is for: a callback that another node dials,
a node that is killed or paused, PostgreSQL away, a drain. --postgres uses a server that runs already, with an empty
database of the user ringback (PGDATABASE, PGUSER and PGPASSWORD name others).

With --no-daemon it prints the ports of its modems, for the lines of a daemon that is installed on this machine
(docs/how-to/install.md), and runs until Ctrl-] or, without a terminal, until it is ended.`,
		Example: "  ringback lab\n  ringback lab --nodes 3 --play --pace 10\n" +
			"  ringback lab --play --pace 10 --modems all\n  ringback lab --no-daemon\n" +
			"  ringback lab --sample-modems > modems.yaml && ringback lab --modems modems.yaml\n" +
			"  ringback lab --language zh-Hant --dir /tmp/taipei-town",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if sample {
				_, err := io.WriteString(cmd.OutOrStdout(), lab.SampleModems)
				return err
			}
			if err := f.check(); err != nil {
				return err
			}
			if _, err := texts.ParseLanguage(f.language); err != nil {
				return misuse{err}
			}
			if err := f.checkFleet(play); err != nil {
				return err
			}
			terminal := term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stdout.Fd()))
			switch {
			case (play || !terminal && !f.noDaemon) && f.spoken() != "":
				return misused("the scenarios are in English: use --language on a terminal, without --play")
			case play && f.noDaemon:
				return misused("--play needs the lab's daemon: without --no-daemon")
			case f.noDaemon && !terminal:
				return lend(cmd.Context(), f, octets(cmd.OutOrStdout()))
			case f.nodes > 0 && (play || !terminal):
				return tellStory(cmd.Context(), f, octets(cmd.OutOrStdout()))
			case play || !terminal:
				return playAll(cmd.Context(), f, nil, octets(cmd.OutOrStdout()))
			}
			return visit(cmd.Context(), f, octets(cmd.OutOrStdout()))
		},
	}
	f.add(c)
	c.Flags().StringVar(&f.language, "language", string(texts.English),
		"what callers read: "+strings.Join(texts.LanguageNames(), " or "))
	c.Flags().BoolVar(&play, "play", false,
		"play the built-in scenarios, print the transcripts beside the broker's trace, and exit")
	c.Flags().BoolVar(&f.noDaemon, "no-daemon", false,
		"start the telephone network, its modems and the AAA server only")
	f.addFleet(c)
	c.Flags().BoolVar(&sample, "sample-modems", false, "print a sample of the file for --modems, and exit")
	c.AddCommand(newLabPlay(), newLabCall(), newLabAAA(), newLabAttack(), newLabSMS(), newLabRing())
	return c
}

// lend runs a town for a daemon that is not the lab's until the end of ctx.
func lend(ctx context.Context, f labFlags, w io.Writer) error {
	ctx, stop := untilHangUp(ctx)
	defer stop()
	l, err := f.start(ctx, func(text string) { fmt.Fprintln(w, text) })
	if err != nil {
		return err
	}
	defer l.Close()
	tellKept(w, l)
	fmt.Fprint(w, l.Screen())
	<-ctx.Done()
	return nil
}

// visit connects the terminal to a subscriber's PC modem.
func visit(ctx context.Context, f labFlags, w io.Writer) error {
	ctx, stop := untilHangUp(ctx)
	defer stop()
	fmt.Fprint(w, "starting the lab …")
	l, err := f.start(ctx, func(text string) { fmt.Fprint(w, "\r\x1b[K"+text) })
	fmt.Fprint(w, "\r\x1b[K") // the explanation needs the whole screen
	if err != nil {
		return err
	}
	defer l.Close()
	tellKept(w, l)
	name := "austin-01"
	dte, err := l.Attach(name)
	if err != nil {
		return err
	}
	screen := l.Screen()
	if url := l.PageLink(ctx); url != "" { // one row: all of this must fit into a terminal
		screen = strings.TrimSuffix(screen, "\n") + "Page, once: " + url + "\n\n"
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-l.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	err = lab.AtTerminal(ctx, dte, screen+lab.Invitation(name, l.Town().Number, " and ends the lab"), os.Stdin, w)
	select {
	case <-l.Done():
		return fmt.Errorf("lab: the daemon stopped; its log is %s", filepath.Join(l.Dir(), "ringback.log"))
	default:
	}
	fmt.Fprintln(w, "the lab has ended; its files stay in", l.Dir())
	return err
}

func tellKept(w io.Writer, l *lab.Lab) {
	if len(l.Kept) > 0 {
		fmt.Fprintf(w, "kept as you changed them, in %s: %s\n", l.Dir(), strings.Join(l.Kept, ", "))
	}
	for _, d := range l.Down {
		fmt.Fprintf(w, "tty %d is %s: %s\n", d.TTY, d.State, d.Reason)
	}
}

func newLabPlay() *cobra.Command {
	var f labFlags
	c := &cobra.Command{
		Use:   "play [FILE…]",
		Short: "play scenario files in a new simulated network",
		Long: `Plays scenario files (txtar archives; docs/reference/scenarios.md) one after another in a new simulated network, prints each transcript beside the
broker's trace, and exits 0 only if all ended as expected. Without a file it plays the built-in scenarios.`,
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := f.check(); err != nil {
				return err
			}
			return playAll(cmd.Context(), f, files, octets(cmd.OutOrStdout()))
		},
	}
	f.add(c)
	return c
}

func playAll(ctx context.Context, f labFlags, files []string, w io.Writer) error {
	scenarios, err := f.scenarios(ctx, files)
	if err != nil {
		return err
	}
	ctx, stop := untilHangUp(ctx)
	defer stop()
	fmt.Fprintln(w, "starting the lab …")
	l, err := f.start(ctx, func(text string) { fmt.Fprintln(w, text) })
	if err != nil {
		return err
	}
	defer l.Close()
	tellKept(w, l)
	bad := 0
	for _, s := range scenarios {
		fmt.Fprintf(w, "\n=== %s: %s\n\n", s.Name, s.Title)
		r, err := l.Play(ctx, s, w)
		if ctx.Err() != nil {
			fmt.Fprintln(w)
			return errors.New("lab: interrupted")
		}
		if err != nil {
			return err
		}
		fmt.Fprint(w, "\n\n")
		r.Print(w)
		if !r.OK() {
			bad++
		}
	}
	if bad > 0 {
		fmt.Fprintf(w, "%d of %d scenarios did not end as expected; the logs are in %s\n", bad, len(scenarios),
			l.Dir())
		return exitStatus(1)
	}
	fmt.Fprintf(w, "%d of %d scenarios ended as expected\n", len(scenarios), len(scenarios))
	return nil
}

// scenarios are those of the files, or the built-in ones for the town.
func (f *labFlags) scenarios(ctx context.Context, files []string) ([]*lab.Scenario, error) {
	if len(files) == 0 && f.modems != "" {
		modems, err := f.readModems(ctx)
		if err != nil {
			return nil, err
		}
		return lab.LineScenarios(modems)
	}
	if len(files) == 0 {
		return lab.Shipped(lab.Ports(f.ports))
	}
	var all []*lab.Scenario
	for _, path := range files {
		s, err := waitFor(ctx, path, func() (*lab.Scenario, error) { return lab.ReadScenario(path) })
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func newLabCall() *cobra.Command {
	var as string
	c := &cobra.Command{
		Use:   "call --as NAME",
		Short: "use a subscriber's PC modem in the running lab",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if as == "" {
				return misused("--as NAME is required (austin-01, austin-02, kihei-03)")
			}
			town, err := lab.Find()
			if err != nil {
				return err
			}
			conn, err := lab.Call(cmd.Context(), town, as)
			if err != nil {
				return err
			}
			defer conn.Close()
			text := lab.Invitation(as, town.Number, "")
			return lab.AtTerminal(cmd.Context(), conn, text, os.Stdin, octets(cmd.OutOrStdout()))
		},
	}
	c.Flags().StringVar(&as, "as", "", "the subscriber: austin-01, austin-02 or kihei-03")
	return c
}
