package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/doctor"
)

// bundleEvents is the number of recent events in a bundle.
const bundleEvents = 1000

// bundled is a file of a support bundle.
type bundled struct {
	name string
	data []byte
}

func newSupportBundle(version string) *cobra.Command {
	var f daemonFlags
	var path, file string
	c := &cobra.Command{
		Use:   "support-bundle",
		Short: "collect what others need to find a fault, without secrets, into one file",
		Long: `Collects the configuration in force without secrets, what a reload would change, health, lines, modems, rotaries, queue,
AAA servers, the fleet, pending and recent callbacks, recent events, versions, and with -c the output of "ringback
doctor". A part that cannot be read is replaced by the reason. Names of users, and telephone numbers, are in it: read it
before you send it.

Without --file, prints all of it. With --file, writes it as tar.gz, for your user only; a file that exists is not
overwritten.

  ringback support-bundle | less
  ringback support-bundle -c /etc/ringback/ringback.yaml --file bundle.tar.gz`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cl, err := f.client()
			if err != nil {
				return err
			}
			files := bundle(cmd.Context(), cl, version)
			if path != "" {
				files = append(files, doctorFile(cmd.Context(), path))
			}
			w := cmd.OutOrStdout()
			if file == "" {
				for _, b := range files {
					fmt.Fprintf(w, "==> %s <==\n%s\n", b.name, console.CleanText(string(b.data)))
				}
				return nil
			}
			if err := writeBundle(file, files, time.Now()); err != nil {
				return fmt.Errorf("--file: %w", err)
			}
			for _, b := range files {
				fmt.Fprintf(w, "%8d  %s\n", len(b.data), b.name)
			}
			fmt.Fprintf(w, "written to %s; it has names of users and telephone numbers\n", file)
			return nil
		},
	}
	f.add(c)
	c.Flags().StringVarP(&path, "config", "c", "", "configuration file for the output of doctor (default: without it)")
	c.Flags().StringVar(&file, "file", "", "file to write, in the format tar.gz (default: print all of it)")
	return c
}

// bundle asks the daemon for each part.
func bundle(ctx context.Context, cl *client.Client, version string) (files []bundled) {
	add := func(name string, v any, err error) {
		if err != nil {
			files = append(files, bundled{name + ".error.txt", []byte(err.Error() + "\n")})
			return
		}
		text, err := json.MarshalIndent(v, "", "  ")
		if err != nil {
			text = []byte(err.Error())
		}
		files = append(files, bundled{name + ".json", append(text, '\n')})
	}
	daemon, err := cl.Version(ctx)
	add("version", map[string]any{"command": version, "go": runtime.Version(), "os": runtime.GOOS,
		"architecture": runtime.GOARCH, "daemon": daemon, "time": time.Now()}, err)
	config, err := cl.Config(ctx)
	add("config", config, err)
	diff, err := cl.ConfigDiff(ctx)
	add("config-diff", diff, err)
	health, err := cl.Health(ctx)
	add("health", health, err)
	lines, err := cl.Lines(ctx)
	add("lines", lines, err)
	modems, err := cl.Modems(ctx)
	add("modems", modems, err)
	rotaries, err := cl.Rotaries(ctx)
	add("rotaries", rotaries, err)
	queue, err := cl.Queue(ctx)
	add("queue", queue, err)
	servers, err := cl.AAAServers(ctx)
	add("aaa-servers", servers, err)
	fleet, err := cl.Fleet(ctx)
	add("fleet", fleet, err)
	if fleet.Node != "" {
		nodes, err := cl.Nodes(ctx)
		add("nodes", nodes, err)
	}
	callbacks, err := cl.Callbacks(ctx, true)
	add("callbacks", callbacks, err)
	recent, err := cl.RecentEvents(ctx, bundleEvents)
	add("events", recent, err)
	return files
}

// doctorFile is the output of doctor.
func doctorFile(ctx context.Context, path string) bundled {
	site, err := siteOf(ctx, path, "")
	if err != nil {
		return bundled{"doctor.error.txt", []byte(err.Error() + "\n")}
	}
	var b bytes.Buffer
	doctorText(&b, doctor.Run(ctx, site, doctor.Checks()))
	return bundled{"doctor.txt", b.Bytes()}
}

// writeBundle writes a new file that only this user may read. After an error there is none.
func writeBundle(path string, files []bundled, now time.Time) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(path)
		}
	}()
	return tarFiles(f, files, now)
}

func tarFiles(w io.Writer, files []bundled, now time.Time) error {
	z := gzip.NewWriter(w)
	t := tar.NewWriter(z)
	for _, b := range files {
		if err := t.WriteHeader(&tar.Header{Name: "ringback-support/" + b.name, Mode: 0o600, Size: int64(len(b.data)),
			ModTime: now}); err != nil {
			return err
		}
		if _, err := t.Write(b.data); err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), z.Close())
}
