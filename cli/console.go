package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/commands"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/texts"
)

func newConsole() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "console [COMMAND…]",
		Short: "an IOS-style command line for a running daemon",
		Long: `Opens the command line of IOS for a running daemon: words may be shortened (sh li), ? lists what may follow,
Tab completes, the arrow keys recall earlier lines, and "| include", "| exclude" and "| begin" select rows of a show
command. Debug output (debug callback) appears while you type; "terminal no monitor" hides it. Ctrl-C ends a command
that runs.

With COMMAND, or if standard input is no terminal, it runs the commands without a prompt, one per line, and the exit
status is 1 if one of them fails.`,
		Example: "  ringback console\n  ringback console show line\n" +
			"  printf 'show line\\nshow callback\\n' | ringback console",
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			v, err := cl.Version(cmd.Context())
			if err != nil {
				return err
			}
			in, out := cmd.InOrStdin(), cmd.OutOrStdout()
			switch {
			case len(args) > 0:
				return runConsole(cmd.Context(), cl, strings.NewReader(strings.Join(args, " ")), out)
			case !term.IsTerminal(int(os.Stdin.Fd())) || !term.IsTerminal(int(os.Stdout.Fd())):
				return runConsole(cmd.Context(), cl, in, out)
			}
			return atConsole(cmd.Context(), cl, v.Hostname, os.Stdin, octets(out))
		},
	}
	c.Flags().SetInterspersed(false) // flags of the daemon come before COMMAND
	f.add(c)
	return c
}

// consoleTree has the commands of the console. They are those of a privileged user: the admin API decides.
func consoleTree(u commands.User) *console.Tree {
	leave := func(context.Context, console.Args, io.Writer) error { return console.ErrExit }
	u.Level = commands.Privileged
	nodes := u.Nodes()
	for _, word := range []string{"exit", "logout", "quit"} {
		nodes = append(nodes, console.Node{Word: word, Help: texts.HelpLeave, Run: leave})
	}
	slices.SortStableFunc(nodes, func(a, b console.Node) int { return strings.Compare(a.Word, b.Word) })
	return &console.Tree{Commands: nodes}
}

// runConsole runs one command per line, without a prompt.
func runConsole(ctx context.Context, cl *client.Client, in io.Reader, out io.Writer) error {
	tree := consoleTree(commands.User{Client: cl})
	failed := false
	for lines := bufio.NewReaderSize(in, 2*console.DefaultMaxLine); ; {
		text, err := nextLine(lines)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, console.ErrTooLong) {
			return err
		}
		var m *console.Match
		if err == nil {
			m, err = tree.Lookup(text)
		}
		if err == nil && m != nil {
			err = m.Node.Run(ctx, m.Args, out)
		}
		switch {
		case errors.Is(err, console.ErrExit):
			return nil
		case errors.As(err, new(*console.LookupError)):
			fmt.Fprintf(out, "%s: %s\n", err, console.Clean(text))
		case err != nil:
			fmt.Fprintf(out, "%% %s\n", console.Clean(err.Error()))
		}
		failed = failed || err != nil
	}
	if failed {
		return exitStatus(1)
	}
	return nil
}

// nextLine returns the next line without its end; console.ErrTooLong for one that is too long, which is skipped.
func nextLine(r *bufio.Reader) (string, error) {
	line, more, err := r.ReadLine()
	long := len(line) > console.DefaultMaxLine
	text := string(line)
	for more && err == nil {
		long = true
		_, more, err = r.ReadLine()
	}
	if err == nil && long {
		err = console.ErrTooLong
	}
	return text, err
}

// atConsole is the console of a person at a terminal.
func atConsole(ctx context.Context, cl *client.Client, host string, in *os.File, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return err
	}
	defer term.Restore(int(in.Fd()), before)
	near, far := net.Pipe() // a terminal has no deadlines of its own
	defer near.Close()
	keys := &keyboard{to: far}
	go keys.read(in)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		_, _ = io.Copy(out, far)
	}()
	t := console.NewTerminal(near)
	if _, rows, err := term.GetSize(int(in.Fd())); err == nil {
		t.Length = rows
	}
	u := commands.User{Client: cl, Terminal: t, Monitor: commands.NewMonitor(ctx, cl, true, t.Notify)}
	defer u.Monitor.Close()
	host, _, _ = strings.Cut(console.Clean(host), ".")
	tree := consoleTree(u)
	tree.Commands = keys.interruptible(tree.Commands)
	err = tree.Run(ctx, t, host+"#")
	near.Close()
	<-shown
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// keyboard passes on what is typed. Ctrl-C ends the command that runs.
type keyboard struct {
	to io.WriteCloser

	mu     sync.Mutex
	cancel context.CancelCauseFunc // of the command that runs; nil: none
}

var errCtrlC = errors.New("interrupted by Ctrl-C")

// typedAhead is how many reads of the keyboard wait for the end of a command. More are dropped.
const typedAhead = 256

// read passes on what is typed until the end of the input, and then closes the other side.
func (k *keyboard) read(in io.Reader) {
	typed := make(chan []byte, typedAhead)
	go func() {
		for b := range typed {
			if _, err := k.to.Write(b); err != nil {
				break
			}
		}
		k.to.Close()
		for range typed {
		}
	}()
	defer close(typed)
	buf := make([]byte, 1024)
	for {
		n, err := in.Read(buf)
		if n > 0 && !k.interrupts(buf[:n]) {
			select {
			case typed <- slices.Clone(buf[:n]):
			default:
			}
		}
		if err != nil {
			return
		}
	}
}

// interrupts ends the command that runs if Ctrl-C was typed, and reports whether there was one.
func (k *keyboard) interrupts(typed []byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cancel == nil || bytes.IndexByte(typed, 3) < 0 {
		return false
	}
	k.cancel(errCtrlC)
	return true
}

// interruptible returns the commands so that Ctrl-C ends them.
func (k *keyboard) interruptible(nodes []console.Node) []console.Node {
	nodes = slices.Clone(nodes)
	for i := range nodes {
		nodes[i].Next = k.interruptible(nodes[i].Next)
		run := nodes[i].Run
		if run == nil || nodes[i].Keys {
			continue
		}
		nodes[i].Run = func(ctx context.Context, args console.Args, w io.Writer) error {
			ctx, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			k.running(cancel)
			defer k.running(nil)
			said := &output{w: w}
			err := run(ctx, args, said)
			if failed := said.failed(); err == nil {
				err = failed
			}
			if context.Cause(ctx) == errCtrlC {
				return errCtrlC
			}
			return err
		}
	}
	return nodes
}

func (k *keyboard) running(cancel context.CancelCauseFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cancel = cancel
}
