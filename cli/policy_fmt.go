package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/ringback/ringback/policies"
)

func newPolicyFmt() *cobra.Command {
	var write, check bool
	c := &cobra.Command{
		Use:   "fmt [-w] [--check] DIR|FILE...",
		Short: "write policy files in the canonical style",
		Long: `Formats the policy files of a directory, or single ones: the keys in the order of the reference, one on each line; a
list on one line if it fits into 100 columns; text that is no plain word in double quotes. Comments are kept: those
before the first key stay at the top, others go with the key that follows them. numbers.from_caller is rewritten as
numbers.from. Files with tests (GROUP.test.yaml) are left alone.

Prints one file; with -w, replaces all files that change and prints their names. Before that, it checks that the
formatted files are the same policies, together with the files that they extend and those that extend them. If a file
has an error, none is replaced. A file is replaced as a whole and keeps its mode and owner; a symbolic link is an error.

Exit status 0: done; 1: a file has errors or, with --check, another style.`,
		Example: "  ringback policy fmt -w policies.d\n  ringback policy fmt --check policies.d",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			paths, err := policyFiles(args)
			if err != nil {
				return err
			}
			if len(paths) > 1 && !write && !check {
				return misused("%d files: give -w to replace them, or --check", len(paths))
			}
			files, problems := policies.Format(paths...)
			if problems.HasErrors() {
				printProblems(cmd.ErrOrStderr(), problems)
				return exitStatus(1)
			}
			if !write && !check {
				_, err := fmt.Fprint(cmd.OutOrStdout(), files[0].New)
				return err
			}
			return replaceFiles(cmd, files, write, check)
		},
	}
	c.Flags().BoolVarP(&write, "write", "w", false, "replace the files that change")
	c.Flags().BoolVar(&check, "check", false, "print the names of the files that would change, and then fail")
	return c
}

// policyFiles returns the paths of policy files, of directories those of their files, each file once.
func policyFiles(args []string) (paths []string, err error) {
	var known []os.FileInfo
	add := func(path string, st os.FileInfo) {
		if !slices.ContainsFunc(known, func(k os.FileInfo) bool { return os.SameFile(k, st) }) {
			known, paths = append(known, st), append(paths, path)
		}
	}
	for _, arg := range args {
		st, err := os.Lstat(arg)
		switch {
		case err != nil:
			return nil, fileError(arg, err)
		case strings.HasSuffix(arg, policies.TestSuffix):
			return nil, fmt.Errorf("%s has tests (give the policy file)", arg)
		case !st.IsDir():
			add(filepath.Clean(arg), st)
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			return nil, fileError(arg, err)
		}
		for _, e := range entries {
			if !policies.IsFile(e.Name()) || e.IsDir() {
				continue
			}
			st, err := e.Info()
			if err != nil {
				return nil, err
			}
			add(filepath.Join(arg, e.Name()), st)
		}
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s: no policy files (GROUP.yaml)", strings.Join(args, ", "))
	}
	return paths, nil
}

// replaceFiles prints the names of the files that change and, to write, replaces them.
func replaceFiles(cmd *cobra.Command, files []policies.Formatted, write, check bool) error {
	changed := false
	for _, f := range files {
		if f.Old == f.New {
			continue
		}
		changed = true
		if write {
			if err := replaceFile(f); err != nil {
				return err
			}
		}
		fmt.Fprintln(cmd.OutOrStdout(), f.Path)
	}
	if changed && check {
		return exitStatus(1)
	}
	return nil
}

// replaceFile puts the new text in the place of a file, or leaves the file as it is.
func replaceFile(f policies.Formatted) (err error) {
	st, err := os.Lstat(f.Path)
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file (give the file that a symbolic link points to)", f.Path)
	}
	tmp, err := os.CreateTemp(filepath.Dir(f.Path), "."+filepath.Base(f.Path)+".*") // the daemon reads no hidden files
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	if err := fill(tmp, f.New, st); err != nil {
		return fmt.Errorf("%s: %w (the file is as it was)", f.Path, err)
	}
	if now, err := os.ReadFile(f.Path); err != nil || string(now) != f.Old {
		return fmt.Errorf("%s: changed meanwhile (the file is as it was; run the command again)", f.Path)
	}
	return os.Rename(tmp.Name(), f.Path)
}

// fill writes and closes a file with the mode and the owner of another.
func fill(tmp *os.File, text string, as os.FileInfo) error {
	_, err := tmp.WriteString(text)
	if owner, ok := as.Sys().(*syscall.Stat_t); ok && err == nil {
		err = tmp.Chown(int(owner.Uid), int(owner.Gid))
	}
	if err == nil {
		err = tmp.Chmod(as.Mode().Perm())
	}
	if err == nil {
		err = tmp.Sync()
	}
	return errors.Join(err, tmp.Close())
}
