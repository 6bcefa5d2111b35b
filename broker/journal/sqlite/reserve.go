package sqlite

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/broker/journal"
)

// reserveName is the file in the state directory that reserves room on the disk for the ends of sessions.
const reserveName = "reserve"

// Reserve is the default size of the reserve in octets: enough for about two thousand ends.
const Reserve = 4 << 20

// reserveSlices is the number of parts in which the room is released: what fills the disk must not get all of it at
// once.
const reserveSlices = 16

// reserveEvery is how often the journal tries to fill the reserve again.
const reserveEvery = time.Second

// reserve is room on the disk for groups with UseReserve. Only the writer's goroutine uses its file; the rest may be
// used concurrently.
type reserve struct {
	path string
	want int64
	f    *os.File

	mu   sync.Mutex
	held int64
	why  error // why it is not complete
}

// open opens the file and reserves the available room. An error concerns the file, not the room.
func (r *reserve) open(path string, want int64) (err error) {
	r.path, r.want = filepath.Join(filepath.Dir(path), reserveName), want
	r.f, err = os.OpenFile(r.path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("reserve %s: %w (may this user write to %s?)", r.path, errors.Unwrap(err), filepath.Dir(path))
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(r.f.Fd()), &st); err != nil {
		return fmt.Errorf("reserve %s: %w", r.path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("reserve %s: is not a regular file", r.path)
	}
	if st.Size == want && st.Blocks*512 >= want {
		r.set(want, nil)
		return nil
	}
	if err := r.f.Truncate(0); err != nil { // a copied file may be sparse
		return fmt.Errorf("reserve %s: %w", r.path, err)
	}
	r.take()
	return nil
}

// take completes the reserve if the disk has the room; otherwise it keeps what it has.
func (r *reserve) take() {
	held := r.size()
	if held >= r.want {
		return
	}
	err := r.extend(held)
	if err != nil {
		_ = r.f.Truncate(held) // err says more
		r.set(held, err)
		return
	}
	r.set(r.want, nil)
}

// extend reserves the room after held.
func (r *reserve) extend(held int64) error {
	if free := freeOf(r.path); free < uint64(r.want-held) { // others need what is left
		return fmt.Errorf("the disk has %d KiB free", free>>10)
	}
	err := unix.Fallocate(int(r.f.Fd()), 0, held, r.want-held)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return r.fill(held)
	}
	return err
}

// fill allocates blocks by writing data that no file system can compress.
func (r *reserve) fill(held int64) error {
	if _, err := io.Copy(io.NewOffsetWriter(r.f, held), io.LimitReader(rand.Reader, r.want-held)); err != nil {
		return err
	}
	return r.f.Sync() // delayed allocation ends here
}

// give returns a part of the room to the disk. It returns false if none is left.
func (r *reserve) give() bool {
	left := r.size()
	if left == 0 || r.f == nil {
		return false
	}
	left = max(left-max(r.want/reserveSlices, 1), 0)
	if r.f.Truncate(left) != nil {
		return false
	}
	r.set(left, errors.New("released because the disk was full"))
	return true
}

func (r *reserve) set(held int64, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held, r.why = held, why
}

// size returns how many octets of the disk it has.
func (r *reserve) size() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held
}

// missing returns why the reserve is not complete; nil if it is.
func (r *reserve) missing() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held >= r.want {
		return nil
	}
	return fmt.Errorf("%s has %d of %d KiB for the ends of sessions: %w (free space on the disk of %s; no user is "+
		"admitted until then)", r.path, r.held>>10,
		r.want>>10, r.why, filepath.Dir(r.path))
}

// retry returns a channel that is ready when it is time to fill the reserve; nil if the reserve is complete.
func (r *reserve) retry() <-chan time.Time {
	if r.missing() == nil {
		return nil
	}
	return time.After(reserveEvery)
}

func (r *reserve) close() error {
	if r.f == nil {
		return nil
	}
	return r.f.Close()
}

// usesReserve reports whether a request may be written with room from the reserve.
func (r *request) usesReserve() bool {
	for _, g := range r.groups {
		for _, m := range g {
			if _, ok := m.(journal.UseReserve); ok {
				return true
			}
		}
	}
	return false
}

// fromReserve writes the requests that may use the reserve after a full disk refused them with err. It releases only as
// much of the room as that needs.
func (w *writer) fromReserve(rs []*request, err error) error {
	for full(err) && w.reserve.give() {
		if err = w.write(rs); freeOf(w.path) > uint64(w.reserve.want) {
			break // the cause seems not to be a lack of room
		}
	}
	return err
}

// full reports whether err may be caused by a lack of room: a quota is reported as a write error.
func full(err error) bool { return code(err) == codeFull || extended(err) == codeWrite }
