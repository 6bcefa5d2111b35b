package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/importer"
	"github.com/ringback/ringback/packaging"
	"github.com/ringback/ringback/schema"
)

func newImport() *cobra.Command {
	c := &cobra.Command{
		Use:   "import",
		Short: "import the configuration of another product",
		Long: `Makes a configuration of ringback from that of another product: ringback.yaml, a policy file for each group of users, and
a report in which every line of the input appears once, as imported, harmless or unsupported, with what it became or the
reason. The result passes "ringback check-config" as it is.`,
	}
	c.AddCommand(newImportIOS(), newImportMgetty(), newImportPortMaster(), newImportTacPlus(), newImportFreeRADIUS())
	return c
}

// importFlags are the flags of all imports.
type importFlags struct {
	daemonFlags
	out string
	all bool
}

func (f *importFlags) add(c *cobra.Command) {
	f.formats = []string{"table", "json", "yaml"}
	c.Flags().StringVar(&f.out, "out", "", "directory to write the configuration into; nothing in it is overwritten, "+
		"except the sample of the packages while nobody has changed it (default: none, only the report is made)")
	c.Flags().StringVarP(&f.output, "output", "o", "table", "table, json or yaml: format of the report")
	c.Flags().BoolVar(&f.all, "all", false, "harmless lines too, in the table")
}

// importReport is the output of the imports.
type importReport struct {
	*importer.Report
	Files []string `json:"files"` // written, ringback.yaml last; none without --out
}

// run reads the file, "-" for standard input, writes what read makes of it, and prints the report. Without --out, the
// result is checked too.
func (f *importFlags) run(cmd *cobra.Command, path string,
	read func(data []byte) (*importer.Site, *importer.Report, error)) error {
	if err := f.check(); err != nil {
		return err
	}
	data, err := readImport(cmd, path)
	if err != nil {
		return err
	}
	site, report, err := read(data)
	if err != nil {
		return fmt.Errorf("%s: %w\nringback: nothing was written", path, err)
	}
	report.File = path
	return f.finish(cmd, site, report, nil)
}

// finish writes what was read, unless err is not nil, and prints the report.
func (f *importFlags) finish(cmd *cobra.Command, site *importer.Site, report *importer.Report, err error) error {
	if err := f.check(); err != nil {
		return err
	}
	if err != nil {
		return fmt.Errorf("%w\nringback: nothing was written", err)
	}
	out := importReport{Report: report, Files: []string{}}
	w := importer.Writer{Dir: f.out, Check: checkImported, Share: giveToGroup, Sample: packaging.Sample}
	if f.out == "" {
		if w.Dir, err = os.MkdirTemp("", "ringback-import-"); err != nil {
			return err
		}
		defer os.RemoveAll(w.Dir)
	}
	files := site.Files()
	if err := w.Write(files); err != nil {
		return fmt.Errorf("%w\nringback: nothing was written", err)
	}
	if f.out != "" {
		for _, file := range files {
			out.Files = append(out.Files, filepath.Join(f.out, filepath.FromSlash(file.Path)))
		}
	}
	return f.print(cmd.OutOrStdout(), out, func(w io.Writer) { f.table(w, out) })
}

// readImport reads the input, of which there may be one octet more than an import takes.
func readImport(cmd *cobra.Command, path string) ([]byte, error) {
	limited := func(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, importer.MaxInput+1)) }
	if path == "-" {
		return waitFor(cmd.Context(), path, func() ([]byte, error) { return limited(cmd.InOrStdin()) })
	}
	in, err := openInput(cmd.Context(), path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := limited(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// checkImported is what check-config does. What it finds is a mistake of the import, not of the user.
func checkImported(file string) error {
	_, problems := config.Load(file, nil)
	var all []string
	for _, p := range problems.Only(schema.Error) {
		if rel, err := filepath.Rel(filepath.Dir(file), p.File); err == nil {
			p.File = rel
		}
		all = append(all, "  "+p.String())
	}
	if all == nil {
		return nil
	}
	return errors.New("the import would not pass check-config; please report this, and remove the lines of the input " +
		"that cause it:\n" + strings.Join(all, "\n"))
}

func (f *importFlags) table(w io.Writer, out importReport) {
	out.Print(w, f.all)
	if f.out == "" {
		fmt.Fprintln(w, "nothing was written: give --out DIR for that")
		return
	}
	main := out.Files[len(out.Files)-1]
	fmt.Fprintf(w, "%s and %d other files: written and checked\n\nnext:\n  ringback check-config -c %s\n", main,
		len(out.Files)-1, main)
}
