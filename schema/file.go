package schema

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// errIrregular is the error of a FIFO, which could block, and of a device, which may never end.
var errIrregular = errors.New("not a regular file")

// errSize is wrapped by the error of a file that is too large.
var errSize = errors.New("larger than")

// ReadFile reads a regular file of at most limit octets. The file may be replaced at any moment; one that is written
// meanwhile is an error, because half of a file may be valid and allow more than the whole. It never blocks on a FIFO.
// Errors are of type *fs.PathError; FileProblem says what to do about them.
func ReadFile(path string, limit int64) ([]byte, fs.FileInfo, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // does not wait for the writer of a FIFO
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	before, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	fails := func(err error) ([]byte, fs.FileInfo, error) {
		return nil, nil, &fs.PathError{Op: "read", Path: path, Err: err}
	}
	switch {
	case !before.Mode().IsRegular():
		return fails(errIrregular)
	case before.Size() > limit:
		return fails(fmt.Errorf("%w %d octets", errSize, limit))
	}
	read := bytes.NewBuffer(make([]byte, 0, before.Size()+bytes.MinRead))
	if _, err := read.ReadFrom(io.LimitReader(f, limit+1)); err != nil {
		return nil, nil, err
	}
	data := read.Bytes()
	after, err := f.Stat()
	if err == nil && (int64(len(data)) != before.Size() || !after.ModTime().Equal(before.ModTime())) {
		return fails(errors.New("was written while it was read (write another file and rename it)"))
	}
	return data, before, err
}

// Reason returns an error about a file without the file's path.
func Reason(err error) string {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}

// FileHint says what to do about an error of ReadFile or os.ReadDir; "" if the error says it.
func FileHint(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "check the path"
	case errors.Is(err, fs.ErrPermission):
		return "check that this user, or the daemon's, may read it"
	case errors.Is(err, errIrregular):
		return "give a file; a directory, a FIFO or a device cannot be read here"
	case errors.Is(err, errSize):
		return "check that it is the right file, or divide it"
	case errors.Is(err, syscall.EISDIR):
		return "give a file"
	case errors.Is(err, syscall.ELOOP):
		return "its symbolic links point to each other: remove them"
	case errors.Is(err, syscall.ENOTDIR):
		return "give a directory"
	}
	return ""
}

// FileProblem is the problem of a file that cannot be read.
func FileProblem(path string, err error) Problem {
	return Problem{File: path, Msg: Reason(err), Hint: FileHint(err)}
}
