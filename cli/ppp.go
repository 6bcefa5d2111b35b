package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/ppp/trace"
	"github.com/ringback/ringback/tables"
)

func newPPP() *cobra.Command {
	c := &cobra.Command{Use: "ppp", Short: "capture the frames of PPP on a line"}
	c.AddCommand(newPPPCapture())
	return c
}

func newPPPCapture() *cobra.Command {
	var f daemonFlags
	var file string
	var payload bool
	c := &cobra.Command{
		Use:   "capture TTY -w FILE",
		Short: "write the frames of PPP on a line to a file for Wireshark",
		Long: `Writes the frames of PPP on line TTY to FILE until Ctrl-C, those of the call that is up and those of later calls. The
file has the format of tcpdump and Wireshark (pcap, link type PPP_WITH_DIR): "tshark -r FILE" names LCP, PAP, CHAP, CBCP,
IPCP and their options, with the direction of each frame. It contains each frame that was received without damage, and
each one that was sent. To see the negotiation, start the capture before the call.

Passwords of PAP, responses of CHAP, MS-CHAP and EAP, and the proof of an MS-CHAPv2 server are overwritten with "*" before
they leave the daemon. User names and telephone numbers are not. The packets of users are captured with --payload only:
they have whatever users send, passwords of other services too. The start and the end of a capture are recorded in the
log and in the audit of the journal, with the user ID of the operator.

The call never waits for the file. If it cannot be written fast enough, frames are lost, and their number is printed.`,
		Example: "  ringback ppp capture 65 -w ppp.pcap\n" +
			"  ringback ppp capture 65 --payload -w - | tshark -r - -V",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			tty, err := lineNumber(args[0])
			if err != nil {
				return err
			}
			if file == "" {
				return misused(`-w FILE is required ("-": standard output)`)
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			w := &captureWriter{file: file, out: octets(cmd.OutOrStdout()), says: cmd.ErrOrStderr(), line: tty}
			return w.run(cmd.Context(), cl, payload)
		},
	}
	f.add(c)
	c.Flags().StringVarP(&file, "write", "w", "", `file to write; "-": standard output`)
	c.Flags().BoolVar(&payload, "payload", false, "capture the packets of users too")
	return c
}

// captureWriter writes a capture.
type captureWriter struct {
	file   string // "-": out
	out    io.Writer
	says   io.Writer // to the operator
	line   int
	frames uint64
	lost   uint64
	buf    []byte
}

// run captures until ctx ends, the file cannot be written, or the daemon stops.
func (c *captureWriter) run(ctx context.Context, cl *client.Client, payload bool) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	closing := func() error { return nil }
	fail := func(err error) {
		if err != nil {
			cancel(writeError{err})
		}
	}
	began := false
	err = cl.PPPCapture(ctx, c.line, payload, func() {
		began = true
		var err error
		closing, err = c.open()
		fail(err)
	}, func(f client.PPPFrame) {
		if ctx.Err() == nil {
			fail(c.frame(f))
		}
	})
	closed := closing()
	if began {
		fmt.Fprintf(c.says, "%s captured, %d lost\n", tables.Numbered(int(c.frames), "frame", "frames"), c.lost)
	}
	var failed writeError
	switch {
	case errors.As(context.Cause(ctx), &failed):
		return failed.error
	case err != nil:
		return err
	}
	return closed
}

// writeError is why the file cannot be written.
type writeError struct{ error }

// open begins the file, once the daemon has accepted the capture: a mistake in the command must not empty a file. A new
// file is for its owner only.
func (c *captureWriter) open() (closing func() error, err error) {
	closing = func() error { return nil }
	if c.file != "-" {
		file, err := os.OpenFile(c.file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return closing, err
		}
		c.out, closing = file, file.Close
	}
	_, err = c.out.Write(trace.Header())
	fmt.Fprintf(c.says, "capturing PPP on line %d; Ctrl-C ends\n", c.line)
	return closing, err
}

// frame writes one frame, with one Write.
func (c *captureWriter) frame(f client.PPPFrame) error {
	if f.Lost > c.lost {
		fmt.Fprintf(c.says, "%s lost: the capture is not taken fast enough\n",
			tables.Numbered(int(f.Lost-c.lost), "frame", "frames"))
		c.lost = f.Lost
	}
	c.buf = trace.AppendRecord(c.buf[:0], f.Time, f.Out, f.Protocol, f.Info)
	if _, err := c.out.Write(c.buf); err != nil {
		return err
	}
	c.frames++
	return nil
}
