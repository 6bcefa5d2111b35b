package recordings

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// mend reads what is known about a file of an earlier process. A last line that is not whole is cut off.
func mend(path string) (Info, error) {
	f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return Info{}, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return Info{}, err
	}
	head, err := NewReader(io.NewSectionReader(f, 0, st.Size()))
	if err != nil {
		return Info{}, err
	}
	h := head.Header
	info := Info{About: h.Session, Began: time.Unix(h.Timestamp, 0)}
	tail, size, err := lastLine(f, st.Size())
	if err != nil {
		return Info{}, err
	}
	if info.Octets = size; size < st.Size() {
		if err := f.Truncate(size); err != nil {
			return Info{}, err
		}
	}
	if e, err := parseEvent(tail); err == nil { // otherwise it is the header
		info.Duration = e.At
		if e.Code == Marker {
			info.Lost, info.Complete = parseEnd(e.Data)
		}
	}
	return info, nil
}

// tailSize is how much of the end of a file is read. It has at least one whole line: the longest one that is written
// has six octets for each of a chunk.
const tailSize = 64 << 10

// lastLine returns the last whole line without its end, and where that is.
func lastLine(f io.ReaderAt, size int64) (line []byte, end int64, err error) {
	from := max(size-tailSize, 0)
	buf := make([]byte, size-from)
	if _, err := f.ReadAt(buf, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, err
	}
	at := bytes.LastIndexByte(buf, '\n')
	if at < 0 {
		return nil, 0, errors.New("the file has no whole line")
	}
	begin := bytes.LastIndexByte(buf[:at], '\n') + 1
	if !json.Valid(buf[begin:at]) {
		return nil, 0, errors.New("the last line is not JSON")
	}
	return buf[begin:at], from + int64(at) + 1, nil
}

// freeOf returns the octets of the disk of a path that this user may fill.
func freeOf(path string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, err
	}
	return st.Bavail * uint64(st.Bsize), nil
}
