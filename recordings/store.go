package recordings

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/tty"
)

// Limits are what a reload may change.
type Limits struct {
	Keep       time.Duration // how long a recording is kept after its end; 0: forever
	MaxSize    int64         // octets of all recordings; the oldest are removed. 0: no limit
	MaxSession int64         // octets of one; 0: no limit
	Charset    string        // of what callers see: one of Charsets; "": UTF-8
}

// Options are those of a Store.
type Options struct {
	Dir      string
	Limits   Limits
	Happened func(events.Event) // reports events; it may block
	// Free returns the free octets of the disk of a path, for tests; nil: those that the system reports.
	Free func(path string) (uint64, error)

	create func(path string) (file, error) // for tests; nil: createFile
}

// MinFree is how many octets of the disk recordings leave free: without room, the journal admits nobody.
const MinFree = 64 << 20

// beginTime is the longest time in which a recording must begin.
const beginTime = 5 * time.Second

// Suffix is that of the names of files: ID + Suffix.
const Suffix = ".cast"

var validID = regexp.MustCompile(`^[A-Za-z0-9]{1,40}(-[0-9]{1,6})?$`)

// Info is what is known about a recording without its output.
type Info struct {
	About
	Began    time.Time
	Duration time.Duration
	Octets   int64  // of the file
	Lost     uint64 // octets of output that are not in it
	Live     bool   // the session continues
	Complete bool   // false: a crash or a full disk has cut it off
}

// Store is the directory. Create one with Open.
type Store struct {
	Options
	limits  atomic.Pointer[Limits]
	writers sync.WaitGroup

	mu   sync.Mutex
	live map[string]*Recording
	done map[string]Info // files whose session is over

	state State
}

// State is what the health has of the recordings.
type State struct {
	Dir    string
	Failed error     // of the disk; nil: the last write or begin succeeded
	Since  time.Time // of Failed
	Lost   uint64    // octets of output that were lost since the start
	LostAt time.Time
	Why    string // of the last loss
}

// Open reads the directory, if there is one: the first recording creates it. Files that a crash has cut off end with
// their last whole line. The error says what is wrong with the directory; a file that is none is left alone.
func Open(o Options) (*Store, error) {
	if o.Free == nil {
		o.Free = freeOf
	}
	if o.create == nil {
		o.create = createFile
	}
	s := &Store{Options: o, live: map[string]*Recording{}, done: map[string]Info{}}
	s.Configure(o.Limits)
	entries, err := os.ReadDir(o.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil {
		err = checkDir(o.Dir)
	}
	if err != nil {
		return nil, fmt.Errorf("recordings.dir: %w", err)
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), Suffix)
		if !ok || !validID.MatchString(id) || !e.Type().IsRegular() {
			continue
		}
		if info, err := mend(filepath.Join(o.Dir, e.Name())); err == nil && info.ID == id {
			s.done[id] = info
		}
	}
	return s, nil
}

// checkDir rejects a directory in which others could plant or read recordings.
func checkDir(dir string) error {
	st, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !st.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	case st.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("others have access to %s, mode %04o (chmod 700 %s)", dir, st.Mode().Perm(), dir)
	}
	return nil
}

// Configure replaces the limits.
func (s *Store) Configure(l Limits) { s.limits.Store(&l) }

// Begin creates the file of a recording and writes its header. It blocks for the disk, five seconds at most. The error
// is for operators.
func (s *Store) Begin(ctx context.Context, about About) (*Recording, error) {
	if !validID.MatchString(about.ID) {
		return nil, fmt.Errorf("recording: %q is not an ID", about.ID)
	}
	limits := *s.limits.Load()
	r := &Recording{store: s, About: about, began: time.Now(),
		text: decoder{charset: cmp.Or(about.Charset, limits.Charset)}}
	type made struct {
		file file
		size int64
		err  error
	}
	begun := make(chan made, 1)
	s.writers.Go(func() {
		f, n, err := s.begin(r)
		begun <- made{f, n, err}
	})
	ctx, cancel := context.WithTimeout(ctx, beginTime)
	defer cancel()
	var m made
	select {
	case m = <-begun:
	case <-ctx.Done():
		m.err = fmt.Errorf("the disk of %s does not answer: %w", s.Dir, context.Cause(ctx))
		s.writers.Go(func() { // the file has no session
			if late := <-begun; late.err == nil {
				late.file.Close()
				_ = os.Remove(s.path(about.ID))
			}
		})
	}
	if m.err != nil {
		s.fail(m.err)
		return nil, fmt.Errorf("recording: %w", m.err)
	}
	r.file, r.size = m.file, m.size
	s.succeed()
	s.mu.Lock()
	s.live[about.ID] = r
	s.mu.Unlock()
	s.Happened(events.RecordingBegan{Recording: about.ID, Call: about.Call, Line: about.Line, User: about.User})
	return r, nil
}

// begin creates the file.
func (s *Store) begin(r *Recording) (file, int64, error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, 0, err
	}
	if err := checkDir(s.Dir); err != nil {
		return nil, 0, err
	}
	if err := s.room(); err != nil {
		return nil, 0, err
	}
	header, err := json.Marshal(Header{Version: 2, Width: 80, Height: 24, Timestamp: r.began.Unix(),
		Title: r.User + " on " + tty.Name(r.Line), Session: r.About})
	if err != nil {
		return nil, 0, err
	}
	path := s.path(r.ID)
	f, err := s.create(path)
	if err != nil {
		return nil, 0, err
	}
	if err := s.append(f, 0, append(header, '\n')); err != nil {
		f.Close()
		_ = os.Remove(path) // err says more
		return nil, 0, err
	}
	return f, int64(len(header)) + 1, nil
}

func createFile(path string) (file, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
}

// append writes whole lines at the end of a file of a size, or nothing.
func (s *Store) append(f file, size int64, lines []byte) error {
	err := s.room()
	if err == nil {
		var n int
		if n, err = f.Write(lines); err != nil && n > 0 {
			if e := f.Truncate(size); e != nil {
				err = errors.Join(err, e)
			}
		}
	}
	if err == nil {
		s.succeed()
	}
	return err
}

// room returns an error if the disk has less free than recordings leave.
func (s *Store) room() error {
	free, err := s.Free(s.Dir)
	if err != nil {
		return err
	}
	if free < MinFree {
		return fmt.Errorf("the disk of %s has %d MiB free, and recordings leave %d MiB", s.Dir, free>>20, MinFree>>20)
	}
	return nil
}

func (s *Store) path(id string) string { return filepath.Join(s.Dir, id+Suffix) }

// finished takes a recording whose file is closed.
func (s *Store) finished(r *Recording) {
	info := r.info()
	s.mu.Lock()
	delete(s.live, r.ID)
	s.done[r.ID] = info
	s.mu.Unlock()
	s.Happened(events.RecordingEnded{Recording: r.ID, Call: r.Call, Line: r.Line, User: r.User,
		Octets: uint64(info.Octets), Lost: info.Lost})
	s.Prune(time.Now())
}

// tell reports that a recording loses output, beside the session.
func (s *Store) tell(about About, why string) {
	s.writers.Go(func() {
		s.Happened(events.RecordingLost{Recording: about.ID, Call: about.Call, Line: about.Line, User: about.User,
			Reason: why})
	})
}

// lose counts lost output for the health.
func (s *Store) lose(octets int, why string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Lost += uint64(octets)
	s.state.LostAt, s.state.Why = time.Now(), why
}

func (s *Store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.Failed == nil {
		s.state.Since = time.Now()
	}
	s.state.Failed = err
}

func (s *Store) succeed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Failed = nil
}

// State returns the state for the health.
func (s *Store) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state
	st.Dir = s.Dir
	return st
}

// Close waits until the files of all recordings that have ended are complete, or until ctx ends.
func (s *Store) Close(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		s.writers.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
