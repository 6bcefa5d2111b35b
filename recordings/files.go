package recordings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ringback/ringback/broker/events"
)

// List returns all recordings, the newest first.
func (s *Store) List() []Info {
	s.mu.Lock()
	all := make([]Info, 0, len(s.done)+len(s.live))
	for _, i := range s.done {
		all = append(all, i)
	}
	live := make([]*Recording, 0, len(s.live))
	for _, r := range s.live {
		live = append(live, r)
	}
	s.mu.Unlock()
	for _, r := range live {
		all = append(all, r.info())
	}
	slices.SortFunc(all, func(a, b Info) int {
		if c := b.Began.Compare(a.Began); c != 0 {
			return c
		}
		return strings.Compare(b.ID, a.ID)
	})
	return all
}

// ErrNone is the error for a recording that is not there.
var ErrNone = errors.New("there is no such recording")

// ErrLive is the error for the removal of a recording whose session continues.
var ErrLive = errors.New("the session of this recording continues")

// ErrAmbiguous is the error for the beginning of several IDs.
var ErrAmbiguous = errors.New("several recordings begin so: write more of the ID")

// find returns a recording by its ID, or the beginning of its ID that no other one has; live is its session's if that
// continues.
func (s *Store) find(id string) (info Info, live *Recording, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := 0
	for other, i := range s.done {
		if other == id {
			return i, nil, nil
		}
		if strings.HasPrefix(other, id) {
			info, found = i, found+1
		}
	}
	for other, r := range s.live {
		if other == id {
			return Info{}, r, nil
		}
		if strings.HasPrefix(other, id) {
			live, found = r, found+1
		}
	}
	switch {
	case found == 0 || id == "":
		return Info{}, nil, ErrNone
	case found > 1:
		return Info{}, nil, ErrAmbiguous
	}
	return info, live, nil
}

// Read opens the file of a recording, by its ID or the beginning of it, up to its last whole line; the caller closes
// it.
func (s *Store) Read(id string) (Info, io.ReadCloser, error) {
	info, live, err := s.find(id)
	if err != nil {
		return Info{}, nil, err
	}
	if live != nil {
		info = live.info()
	}
	// Not blocking: a pipe in place of the file would wait for a writer.
	f, err := os.OpenFile(s.path(info.ID), os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		err = ErrNone
	}
	if err != nil {
		return Info{}, nil, err
	}
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		f.Close()
		return Info{}, nil, errors.Join(err, fmt.Errorf("%s is not a regular file", f.Name()))
	}
	return info, struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, info.Octets), f}, nil
}

// Remove removes a recording for an operator.
func (s *Store) Remove(id, by string) error {
	info, live, err := s.find(id)
	switch {
	case err != nil:
		return err
	case live != nil:
		return ErrLive
	}
	return s.remove(info, by, "")
}

func (s *Store) remove(i Info, by, why string) error {
	if err := os.Remove(s.path(i.ID)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.mu.Lock()
	_, there := s.done[i.ID]
	delete(s.done, i.ID)
	s.mu.Unlock()
	if there {
		s.Happened(events.RecordingRemoved{Recording: i.ID, Call: i.Call, User: i.User, By: by, Reason: why})
	}
	return nil
}

// retention is who removes old recordings, in the audit.
const retention = "retention"

// Prune removes the recordings that ended longer ago than they are kept, and then the oldest until all together are not
// larger than they may be.
func (s *Store) Prune(now time.Time) {
	l := *s.limits.Load()
	var sum int64
	for _, i := range s.List() { // the newest first
		var why string
		if old := now.Sub(i.Began.Add(i.Duration)); l.Keep > 0 && old > l.Keep {
			why = "older than recordings.keep"
		} else if sum += i.Octets; l.MaxSize > 0 && sum > l.MaxSize { // all older ones go too
			why = "beyond recordings.max_size"
		}
		if why == "" || i.Live {
			continue
		}
		if err := s.remove(i, retention, why); err != nil {
			s.fail(err)
		}
	}
}
