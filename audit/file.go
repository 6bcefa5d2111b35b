package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// appendLine appends a line to the file at path, which it creates if needed, and syncs it. It opens the file each time,
// so that the file may be renamed or replaced in between (logrotate). After an error nothing of the line is left, if
// the file can be shortened; otherwise the next line begins on a line of its own.
func appendLine(path, line string) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	size := info.Size()
	if size > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			line = "\n" + line
		}
	}
	_, err = f.WriteString(line + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(err, f.Truncate(size))
	}
	if size == 0 {
		return syncDir(filepath.Dir(path))
	}
	return nil
}

// tailRead is how much of the end of a file with seals is read for its last one.
const tailRead = 64 << 10

// lastSeal returns the seal with the highest number that accept accepts, of those at the end of the file at path; nil
// if there is none.
func lastSeal(path string, accept func(*Seal) bool) (last *Seal, err error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	b, err := io.ReadAll(io.NewSectionReader(f, max(info.Size()-tailRead, 0), tailRead))
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(b) {
		s, _, err := parseSeal(line)
		if err == nil && s != nil && accept(s) && (last == nil || s.Number > last.Number) {
			last = s
		}
	}
	return last, nil
}

// replaceFile replaces the content of the file at path, wholly or not at all.
func replaceFile(path, text string) error {
	made := path + ".part"
	f, err := os.OpenFile(made, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(made, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
