package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Writer writes the files of a Site into a directory, all or none.
type Writer struct {
	Dir   string
	Check func(file string) error // of the complete files, given ringback.yaml, before they are in place; nil: none
	// Sample is a text that the last of the files replaces, if it is there: a configuration that nobody has changed.
	Sample []byte
	// Share gives each new file, and each new directory below Dir, to the group of Dir; nil: nobody else can read them.
	Share func(f *os.File, dir string) error
}

// Write creates the directory if it is missing. It overwrites no file except Sample: one that exists is an error. The
// files are written into a directory beside their places and checked there; then each gets its place, the last of files
// (which names the others) at the end. After an error none of them is left. Only this user can read them, except as
// Share allows.
func (w Writer) Write(files []File) (err error) {
	replace, err := w.free(files)
	if err != nil {
		return err
	}
	var made []string // directories and files to remove after an error, in the order in which they were made
	defer func() {
		if err == nil {
			return
		}
		for _, path := range slices.Backward(made) {
			_ = os.Remove(path) // a directory that others use now is not empty, and stays
		}
	}()
	if _, err := makeDir(w.Dir, &made); err != nil {
		return err
	}
	staging, err := os.MkdirTemp(w.Dir, ".import-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(staging)
	if err := w.stage(staging, files); err != nil {
		return err
	}
	if w.Check != nil {
		if err := w.Check(filepath.Join(staging, filepath.FromSlash(files[len(files)-1].Path))); err != nil {
			return err
		}
	}
	return w.place(staging, files, replace, &made)
}

// free reports whether the last file replaces Sample. It is an error if another file exists.
func (w Writer) free(files []File) (replace bool, err error) {
	absent := map[string]bool{} // directories
	for i, f := range files {
		path := w.path(f)
		dir := filepath.Dir(path)
		if _, known := absent[dir]; !known {
			_, err := os.Lstat(dir)
			absent[dir] = errors.Is(err, fs.ErrNotExist)
		}
		if absent[dir] {
			continue
		}
		_, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return false, err
		case i == len(files)-1 && w.isSample(path):
			replace = true
		default:
			return false, fmt.Errorf("%s exists, and the import overwrites nothing (write into another directory with "+
				"--out)", path)
		}
	}
	return replace, nil
}

// stage writes the files into a directory of their own.
func (w Writer) stage(staging string, files []File) error {
	ready := map[string]bool{staging: true}
	for _, f := range files {
		path := filepath.Join(staging, filepath.FromSlash(f.Path))
		if dir := filepath.Dir(path); !ready[dir] {
			if err := w.directory(dir); err != nil {
				return err
			}
			ready[dir] = true
		}
		if err := w.create(path, f.Text); err != nil {
			return err
		}
	}
	return nil
}

// directory makes a directory of files.
func (w Writer) directory(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil || w.Share == nil {
		return err
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(w.Share(d, w.Dir), d.Close())
}

// place moves the files to their places: a directory that is new as a whole, which is one step for any number of files.
func (w Writer) place(staging string, files []File, replace bool, made *[]string) error {
	moved := map[string]bool{} // directories
	for i, f := range files {
		path, from := w.path(f), filepath.Join(staging, filepath.FromSlash(f.Path))
		dir := filepath.Dir(path)
		if _, known := moved[dir]; !known {
			_, err := os.Lstat(dir)
			moved[dir] = errors.Is(err, fs.ErrNotExist)
			if moved[dir] {
				if err := os.Rename(filepath.Dir(from), dir); err != nil {
					return err
				}
				*made = append(*made, dir)
			}
		}
		put := os.Link // an error if a file has come in the meantime
		switch {
		case moved[dir]:
			put = func(string, string) error { return nil }
		case replace && i == len(files)-1:
			put = os.Rename
		}
		if err := put(from, path); err != nil {
			return err
		}
		*made = append(*made, path)
	}
	return nil
}

// isSample reports whether a file has the text of Sample.
func (w Writer) isSample(path string) bool {
	text, err := os.ReadFile(path)
	return err == nil && len(w.Sample) > 0 && bytes.Equal(text, w.Sample)
}

func (w Writer) path(f File) string { return filepath.Join(w.Dir, filepath.FromSlash(f.Path)) }

// makeDir makes a directory that only this user can use and records it, unless it exists. Its parent must exist.
func makeDir(path string, made *[]string) (fresh bool, err error) {
	switch err := os.Mkdir(path, 0o700); {
	case err == nil:
		*made = append(*made, path)
		return true, nil
	case errors.Is(err, fs.ErrExist):
		return false, nil
	default:
		return false, err
	}
}

func (w Writer) create(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.WriteString(f, text)
	if err == nil && w.Share != nil {
		err = w.Share(f, w.Dir)
	}
	return errors.Join(err, f.Close())
}
