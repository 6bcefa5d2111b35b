//go:build unix

package port

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// NotLock is the error for what is in the place of a lock file and is none: the lock directory often has mode 1777, so
// every local user can make it.
type NotLock struct {
	Path string
	Mode fs.FileMode
}

// Kind says what it is, with its article.
func (e *NotLock) Kind() string {
	switch e.Mode.Type() {
	case fs.ModeNamedPipe:
		return "a FIFO"
	case fs.ModeSymlink:
		return "a symbolic link"
	case fs.ModeDir:
		return "a directory"
	case fs.ModeSocket:
		return "a socket"
	}
	return "a device"
}

// Fix is the command that removes it.
func (e *NotLock) Fix() string {
	if e.Mode.IsDir() {
		return "rm -r " + e.Path
	}
	return "rm " + e.Path
}

func (e *NotLock) Error() string {
	return fmt.Sprintf("lock file %s is %s, not a regular file, which no program makes there: remove it (%s)", e.Path,
		e.Kind(), e.Fix())
}

// openLock opens a lock file for reading. It does not block, opens nothing but a regular file (to open a device may
// have an effect), and follows no symbolic link. The caller closes the file.
func openLock(path string) (*os.File, error) {
	info, err := os.Lstat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, &NotLock{path, info.Mode()}
	}
	if err != nil {
		return nil, err
	}
	// It may have been replaced since.
	f, err := os.OpenFile(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	info, err = f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &NotLock{path, info.Mode()}
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// ReadLock returns the process that a UUCP lock file names; 0 if it contains no process number. It does not block. The
// error wraps fs.ErrNotExist if there is no lock, or a NotLock.
func ReadLock(path string) (pid int, err error) {
	f, err := openLock(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return lockOwner(f)
}

// lockOwner reads the process number of a lock: ASCII (HDB), or four binary octets as written by older programs.
func lockOwner(f io.Reader) (pid int, err error) {
	b := make([]byte, 32) // the file may be of any size
	n, err := io.ReadFull(f, b)
	if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, err
	}
	b = b[:n]
	fields := strings.Fields(string(b))
	if len(fields) > 0 { // some programs add their name after the number
		if n, err := strconv.Atoi(fields[0]); err == nil {
			return max(n, 0), nil
		}
	}
	if len(b) == 4 {
		return max(int(int32(binary.NativeEndian.Uint32(b))), 0), nil
	}
	return 0, nil
}
