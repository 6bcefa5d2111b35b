package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// siteFlags are the flags of `call`.
type siteFlags struct {
	daemonFlags
	number  string
	line    int
	rotary  int
	escape  string
	linger  time.Duration
	verbose bool
}

func newCall() *cobra.Command {
	var f siteFlags
	c := &cobra.Command{
		Use:   "call SITE",
		Short: "dial a site and join the call",
		Long: `Has a running daemon dial a site and joins the call: what the site sends is shown, and what is typed is sent to it.

The profile of the site is that of "sites" in the configuration or, with "dial_out: {login}", that of the user SITE-out
at AAA (Service-Type Outbound): its number, the script that dials, and the script that logs on there. Which numbers may
be dialed, when and how often, says the "dial_out" of the policy file whose group has the user SITE-out. The dial is
recorded before it is made.

At a terminal, ~. at the beginning of a line hangs up, ~? shows help, and ~~ sends a ~; all other keys are the site's,
Ctrl-C too. If standard input is no terminal, all of it is sent, and the call is hung up when it has ended and nothing has
come for the time of --linger; SIGINT hangs up. Lines of ringback are on standard error and begin with a mark in brackets
that is drawn for each call and shown before it: the site does not know it, so it cannot pretend to be ringback.

The exit status is 0 if there was a call, however it ended, and otherwise 1.`,
		Example: "  ringback call harbor\n  ringback call harbor --number 84007 --line 65\n" +
			"  printf 'show clock\\rexit\\r' | ringback call harbor",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	f.add(c)
	fl := c.Flags()
	fl.StringVar(&f.number, "number", "", "number to dial, in the notation of callers, instead of the profile's first")
	fl.IntVar(&f.line, "line", 0, "TTY of the line that dials (default: any that may dial the site)")
	fl.IntVar(&f.rotary, "rotary", -1, "rotary of the line that dials, 0 to 100 (default: any)")
	fl.StringVar(&f.escape, "escape", "~", "escape character at a terminal, or none")
	fl.DurationVar(&f.linger, "linger", 5*time.Second, "silence after the end of standard input before the hang-up")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "show the dialogue of the scripts, secrets masked")
	c.MarkFlagsMutuallyExclusive("line", "rotary")
	return c
}

func (f *siteFlags) run(cmd *cobra.Command, site string) error {
	switch {
	case cmd.Flags().Changed("number") && strings.TrimSpace(f.number) == "":
		return misused("--number is empty (leave it out for the number of the profile)")
	case cmd.Flags().Changed("line") && f.line < 1:
		return misused("--line %d: must be a TTY", f.line)
	case f.rotary < -1 || f.rotary > 100:
		return misused("--rotary %d: must be 0 to 100", f.rotary)
	case f.escape != "none" && (len(f.escape) != 1 || f.escape[0] <= ' ' || f.escape[0] > '~'):
		return misused("--escape %q: must be one character, or none", f.escape)
	case f.linger < 0:
		return misused("--linger %v: must not be negative", f.linger)
	}
	cl, err := f.client()
	if err != nil {
		return err
	}
	conn, err := cl.CallSite(cmd.Context(), client.SiteCall{Site: site, Number: f.number, Line: f.line,
		Rotary: f.rotary})
	if err != nil {
		return err
	}
	defer conn.Close()
	j := &joined{flags: f, conn: conn, site: site, out: octets(cmd.OutOrStdout()), errs: octets(cmd.ErrOrStderr()),
		mark: strings.ToLower(rand.Text()[:6])}
	defer context.AfterFunc(cmd.Context(), func() { _ = conn.Hangup() })()
	return j.run(os.Stdin)
}

// joined is an operator's side of a call to a site.
type joined struct {
	flags     *siteFlags
	conn      *client.SiteConn
	site      string
	out       io.Writer // octets of the site
	errs      io.Writer // octets: the terminal may be raw
	mark      string
	restore   func() // the terminal; nil: it is as it was
	heard     atomic.Int64
	connected bool
}

// say prints a line of ours, behind the mark, which the site does not know. The terminal may be raw.
func (j *joined) say(format string, args ...any) {
	end := "\n"
	if j.restore != nil {
		end = "\r\n"
	}
	fmt.Fprintf(j.errs, "[%s] %s%s", j.mark, console.Clean(fmt.Sprintf(format, args...)), end)
}

// run carries octets until the call is over. It restores the terminal, whatever happens.
func (j *joined) run(in *os.File) error {
	defer j.leave()
	for {
		data, status, err := j.conn.Next()
		switch {
		case err != nil:
			j.leave()
			return fmt.Errorf("the connection to the daemon is lost, and with it the call to %s: %w", j.site,
				noEOF(err))
		case status == nil:
			j.heard.Store(time.Now().UnixNano())
			if _, err := j.out.Write(data); err != nil {
				return err
			}
		case status.State == client.SiteDialing:
			j.say("dialing %s; lines of ringback begin with [%s]", j.site, j.mark)
		case status.State == client.SiteConnected:
			j.connected = true
			j.transcript(status.Transcript, j.flags.verbose)
			j.say("connected to %s on tty %d: %s", status.Number, status.Line, status.Connect)
			if err := j.join(in); err != nil {
				return err
			}
		default:
			j.leave()
			j.transcript(status.Transcript, !j.connected || j.flags.verbose)
			if !j.connected {
				return fmt.Errorf("call %s: %s: %s", j.site, status.Result, status.Reason)
			}
			j.say("the call to %s is over: %s", status.Number, status.Reason)
			return nil
		}
	}
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return errors.New("it has ended")
	}
	return err
}

func (j *joined) transcript(lines []string, show bool) {
	for _, l := range lines {
		if show {
			j.say("%s", l)
		}
	}
}

// join lets the operator type. What reads the keys ends with the process: a read of a terminal cannot be interrupted.
func (j *joined) join(in *os.File) error {
	j.heard.Store(time.Now().UnixNano())
	if !term.IsTerminal(int(in.Fd())) {
		go j.send(in)
		return nil
	}
	e := console.Escape{}
	if j.flags.escape != "none" {
		e.Char = j.flags.escape[0]
		j.say("%s. at the beginning of a line hangs up, %s? is for help", j.flags.escape, j.flags.escape)
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return err
	}
	j.restore = func() { _ = term.Restore(int(in.Fd()), before) }
	go j.keys(in, &e)
	return nil
}

// leave makes the terminal what it was. The site may have left it with other colors, without a cursor or on its other
// screen.
func (j *joined) leave() {
	if j.restore == nil {
		return
	}
	_, _ = io.WriteString(j.out, "\x1b[0m\x1b[?25h\x1b[?1049l\x1b[?2004l\r\n")
	j.restore()
	j.restore = nil
}

// keys sends what is typed, and carries out the orders of the escape character.
func (j *joined) keys(in io.Reader, e *console.Escape) {
	b := make([]byte, 4096)
	for {
		n, err := in.Read(b)
		for typed := b[:n]; len(typed) > 0; {
			pass, o, rest := e.Feed(typed)
			if _, err := j.conn.Write(pass); err != nil {
				return
			}
			switch o {
			case console.HangUp:
				_ = j.conn.Hangup()
				return
			case console.EscapeHelp:
				fmt.Fprintf(j.errs, "\r\n[%s] %[2]c. hangs up, %[2]c%[2]c sends %[2]c, %[2]c? shows this\r\n", j.mark,
					e.Char)
			}
			typed = rest
		}
		if err != nil { // the terminal has gone
			_ = j.conn.Hangup()
			return
		}
	}
}

// send sends an input that is no terminal, and hangs up when it has ended and the site is silent.
func (j *joined) send(in io.Reader) {
	if _, err := io.Copy(j.conn, in); err != nil && errors.Is(err, client.ErrSiteClosed) {
		return
	}
	ended := time.Now()
	for {
		last := time.Unix(0, j.heard.Load())
		if ended.After(last) {
			last = ended
		}
		left := time.Until(last.Add(j.flags.linger))
		if left <= 0 {
			_ = j.conn.Hangup()
			return
		}
		<-time.After(left)
	}
}
