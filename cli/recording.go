package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/recordings"
)

func newRecording() *cobra.Command {
	c := &cobra.Command{Use: "recording", Short: "play, export or remove the recording of a session"}
	c.AddCommand(newRecordingPlay(), newRecordingExport(), newRecordingRemove())
	return c
}

func newRecordingPlay() *cobra.Command {
	var f daemonFlags
	p := player{speed: 1, idle: 3 * time.Second}
	c := &cobra.Command{
		Use:   "play ID",
		Short: "play the recording of a session on this terminal",
		Long: `Plays what the user of a session saw, at the speed at which they saw it; Ctrl-C ends. Pauses are cut to --idle. Of a
session that continues, it plays what there is so far.

What a host or a caller has sent does not act on this terminal: text, colors and the movements of the cursor are played;
window titles, the clipboard, status requests, modes of the keyboard and the mouse, and the like are dropped. The terminal
should have 80 columns and 24 rows or more. The audit has who plays a recording. The role admin is required.`,
		Example: "  ringback recording play YQK3QOS7ANN7KDMYCDNJCQMMUD --speed 4",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !(p.speed > 0 && p.speed <= 1000) { // nor NaN
				return misused("--speed %v: must be more than 0, and at most 1000", p.speed)
			}
			if p.idle < 0 {
				return misused("--idle %v: must not be negative", p.idle)
			}
			cl, err := f.client()
			if err != nil {
				return err
			}
			file, err := fetchRecording(cmd.Context(), cl, args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			p.out = octets(cmd.OutOrStdout())
			return p.play(cmd.Context(), file)
		},
	}
	f.add(c)
	c.Flags().Float64Var(&p.speed, "speed", p.speed, "how many times as fast as it was")
	c.Flags().DurationVar(&p.idle, "idle", p.idle, "longest pause before --speed; 0s: as it was")
	return c
}

// fetchRecording returns a recording in a file that has no name: a client that reads as slowly as a user types would be
// disconnected. The caller closes it.
func fetchRecording(ctx context.Context, cl *client.Client, id string) (*os.File, error) {
	from, err := cl.Recording(ctx, id)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	file, err := os.CreateTemp("", "ringback-recording-")
	if err != nil {
		return nil, err
	}
	err = os.Remove(file.Name())
	if err == nil {
		_, err = io.Copy(file, from)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("read recording %q: %w", id, err)
	}
	return file, nil
}

// player plays a recording.
type player struct {
	speed float64       // above 0
	idle  time.Duration // the longest pause; 0: any
	out   io.Writer     // takes control sequences: what is written must be safe

	safe recordings.Sanitizer
}

// play plays until the end, or until ctx ends, which is no error.
func (p *player) play(ctx context.Context, from io.Reader) error {
	r, err := recordings.NewReader(from)
	if err != nil {
		return err
	}
	ending, at := "the recording was cut off", time.Duration(0)
	defer func() { fmt.Fprintf(p.out, "%s[%s]\r\n", recordings.PlayReset, console.Clean(ending)) }()
	for {
		e, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			ending = "the recording is damaged"
			return err
		case !p.wait(ctx, e.At-at):
			ending = "stopped"
			return nil
		}
		at = e.At
		switch e.Code {
		case recordings.Output:
			if _, err := io.WriteString(p.out, p.safe.Text(e.Data)); err != nil {
				return err
			}
		case recordings.Marker:
			if recordings.IsEnd(e) {
				ending = e.Data
			} else if e.Data != "" {
				fmt.Fprintf(p.out, "\x1b[7m[%s]\x1b[0m", console.Clean(e.Data))
			}
		}
	}
}

// wait waits for a pause of the recording; false: ctx has ended.
func (p *player) wait(ctx context.Context, pause time.Duration) bool {
	if p.idle > 0 {
		pause = min(pause, p.idle)
	}
	t := time.NewTimer(time.Duration(float64(pause) / p.speed))
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func newRecordingExport() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "export ID",
		Short: "write the recording of a session to standard output, as an asciicast v2 file",
		Long: `Writes the recording of a session to standard output, as an asciicast v2 file: "asciinema play FILE" plays it, without
the care that "ringback recording play" takes of the terminal. The file has whatever the user saw: keep it as you keep
the recordings. The audit has who exports a recording. The role admin is required.`,
		Example: "  ringback recording export YQK3QOS7ANN7KDMYCDNJCQMMUD > session.cast",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			from, err := cl.Recording(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			defer from.Close()
			w := cmd.OutOrStdout()
			if !term.IsTerminal(int(os.Stdout.Fd())) { // on a terminal, what would act on it is shown instead
				w = octets(w)
			}
			_, err = io.Copy(w, from)
			return err
		},
	}
	f.add(c)
	return c
}

func newRecordingRemove() *cobra.Command {
	var f daemonFlags
	c := &cobra.Command{
		Use:   "remove ID",
		Short: "remove the recording of a session that has ended",
		Long: `Removes the recording of a session that has ended. Old recordings are removed without it (recordings.keep and
recordings.max_size). The audit has who removes a recording. The role admin is required.`,
		Example: "  ringback recording remove YQK3QOS7ANN7KDMYCDNJCQMMUD",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			if err := cl.RemoveRecording(cmd.Context(), args[0]); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "recording %s is removed\n", args[0])
			return nil
		},
	}
	f.add(c)
	return c
}
