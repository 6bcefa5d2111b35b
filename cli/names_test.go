package cli

import (
	"bytes"
	"context"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/api/client"
)

// TestNamedCommandsExist: each row of the tables is a command with the argument or flag.
func TestNamedCommandsExist(t *testing.T) {
	root := newRoot("")
	for path := range namedArgs {
		if c, _, err := root.Find(strings.Fields(path)); err != nil || c.ValidArgsFunction == nil {
			t.Errorf("%s: %v", path, err)
		}
	}
	for _, path := range userFlags {
		if c, _, err := root.Find(strings.Fields(path)); err != nil || c.Flags().Lookup("user") == nil {
			t.Errorf("%s --user: %v", path, err)
		}
	}
}

// TestCompletionIsSilent: without a daemon, or with one that does not answer, a shell gets no names and no message.
func TestCompletionIsSilent(t *testing.T) {
	dir := t.TempDir()
	hangs := filepath.Join(dir, "s")
	l, err := net.Listen("unix", hangs)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, socket := range []string{filepath.Join(dir, "none"), hangs} {
		root := newRoot("")
		var out, errs bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&errs)
		root.SetArgs([]string{cobra.ShellCompNoDescRequestCmd, "show", "line", "--socket", socket, ""})
		if err := root.Execute(); err != nil {
			t.Error(err)
		}
		if want := ":36\n"; out.String() != want { // no names; no files, keep the order
			t.Errorf("%s: %q, want %q", socket, out.String(), want)
		}
	}
}

// TestHostileNames: a name that a shell would interpret is not completed, and a description is one line of text.
func TestHostileNames(t *testing.T) {
	root := newRoot("")
	c, _, err := root.Find([]string{"show", "calls"})
	if err != nil {
		t.Fatal(err)
	}
	kind := func(context.Context, *cobra.Command, *client.Client) ([]cobra.Completion, error) {
		return []cobra.Completion{"kim", "$(reboot)", "a b", "`id`", "x;y", "-rf", "a\nb", "é", "kim@example.net",
			described("id", "evil\x1b[2J\nname")}, nil
	}
	got, _ := find(c, kind)
	if want := []string{"kim", "kim@example.net", "id\tevil.[2J.name"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestFormatsOfHelp(t *testing.T) {
	for usage, want := range map[string][]string{
		"table or json": {"table", "json"},
		"table (80 columns), wide (all columns) or json": {"table", "wide", "json"},
		"csv or html": {"html", "csv"},
	} {
		if got, _ := formats(usage)(t.Context(), nil, nil); !slices.Equal(got, want) {
			t.Errorf("%s: %q", usage, got)
		}
	}
}
