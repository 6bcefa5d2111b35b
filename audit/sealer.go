package audit

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/broker/journal"
)

// Journal is what a Sealer needs of the journal.
type Journal interface {
	AuditHead() journal.AuditHead
	// Audited receives a value after the head has changed.
	Audited() <-chan struct{}
	// AuditDigest returns the digest of a row; nil if there is no such row.
	AuditDigest(ctx context.Context, seq int64) ([]byte, error)
}

// Settings are those of the configuration.
type Settings struct {
	File  string        // where seals go
	Every time.Duration // at the latest
	Rows  int64         // or after so many rows
}

// State is what a Sealer reports to operators.
type State struct {
	File    string
	Number  int64     // of the last seal; 0: none yet
	Row     int64     // the last row that is sealed
	Sealed  time.Time // when
	Rows    int64     // rows that are not sealed yet
	Failed  error     // why the last attempt failed; nil if it did not
	Since   time.Time // when they began to fail
	Busy    time.Time // when the attempt under way began; zero if there is none
	Changed string    // how the journal differs from what was sealed before the start; "" if it does not
}

// Sealer seals the audit of a journal: at its start and stop, at each reload, at an interval and after a number of
// rows. It has a goroutine of its own, so that no call waits for a seal. A seal that cannot be written is tried again.
type Sealer struct {
	dir      string
	journal  Journal
	happened func(events.Event)

	reloads chan Settings
	stop    chan struct{}
	done    chan struct{}

	// of the goroutine
	settings Settings
	key      ed25519.PrivateKey
	last     *Seal // nil: none yet
	pending  *Seal // it may be in the file, and must be, before there is another one with its number
	checked  bool  // the journal was compared with the last seal

	mu    sync.Mutex
	state State
}

// retryMin and retryMax limit the wait after a failure.
const (
	retryMin = 5 * time.Second
	retryMax = time.Minute
)

// Start starts a Sealer, whose key and last seal are in stateDir. happened receives its events and may block. The
// caller must Close it, before the journal.
func Start(stateDir string, settings Settings, j Journal, happened func(events.Event)) *Sealer {
	s := &Sealer{dir: stateDir, settings: settings, journal: j, happened: happened, reloads: make(chan Settings, 1),
		stop: make(chan struct{}), done: make(chan struct{})}
	s.state.File = settings.File
	go s.run()
	return s
}

// Reload takes new settings, seals, and replaces the key if a new one was made. It does not block.
func (s *Sealer) Reload(settings Settings) {
	for {
		select {
		case s.reloads <- settings:
			return
		case <-s.reloads: // older settings that were not taken yet
		}
	}
}

// Close makes the last seal and ends the Sealer. If the disk of the seals hangs, it returns after patience.
func (s *Sealer) Close(patience time.Duration) error {
	close(s.stop)
	t := time.NewTimer(patience)
	defer t.Stop()
	select {
	case <-s.done:
		return s.State().Failed
	case <-t.C:
		return fmt.Errorf("%s: the disk has not finished a seal for %v", s.State().File, patience)
	}
}

// State returns the state of sealing.
func (s *Sealer) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.state
	st.Rows = max(s.journal.AuditHead().Seq-st.Row, 0)
	return st
}

func (s *Sealer) run() {
	defer close(s.done)
	why, wait := AtStart, retryMin
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for {
		err := s.attempt(why)
		if err != nil {
			timer.Reset(wait)
			wait = min(2*wait, retryMax)
		} else {
			timer.Reset(s.settings.Every)
			wait = retryMin
		}
		next := s.wait(timer, err != nil)
		if next == AtStop {
			_ = s.attempt(AtStop) // Close returns the error
			return
		}
		if err == nil || next == AtReload {
			why = next
		}
	}
}

// wait returns why the next seal is to be made.
func (s *Sealer) wait(timer *time.Timer, failed bool) string {
	for {
		select {
		case <-s.stop:
			return AtStop
		case s.settings = <-s.reloads:
			return AtReload
		case <-timer.C:
			return AtTime
		case <-s.journal.Audited():
			if !failed && s.journal.AuditHead().Seq-s.row() >= s.settings.Rows {
				return AtRows
			}
		}
	}
}

// row returns the last row that is sealed.
func (s *Sealer) row() int64 {
	if s.last == nil {
		return 0
	}
	return s.last.Head.Seq
}

// attempt makes a seal and records how it went.
func (s *Sealer) attempt(why string) error {
	now := time.Now()
	s.mu.Lock()
	s.state.Busy, s.state.File = now, s.settings.File
	s.mu.Unlock()
	err := s.seal(why)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Busy = time.Time{}
	if s.last != nil {
		s.state.Number, s.state.Row, s.state.Sealed = s.last.Number, s.last.Head.Seq, s.last.Time
	}
	if err != nil && s.state.Failed == nil {
		s.state.Since = now
	}
	s.state.Failed = err
	return err
}

func (s *Sealer) seal(why string) error {
	if s.key == nil {
		if err := s.open(); err != nil {
			return err
		}
	}
	if !s.checked {
		if err := s.compare(); err != nil {
			return err
		}
		s.checked = true
	}
	if s.pending != nil {
		if err := s.append(s.pending); err != nil {
			return err
		}
	}
	if why == AtStart || why == AtReload {
		if err := s.rotate(); err != nil {
			return err
		}
	}
	next := s.next(why)
	next.sign(s.key, nil)
	return s.append(next)
}

// next returns the seal after the last one, without signatures.
func (s *Sealer) next(why string) *Seal {
	now := time.Now().UTC()
	n := &Seal{Number: 1, Head: s.journal.AuditHead(), Time: now, Why: why}
	if why != AtStop {
		n.Next = now.Add(s.settings.Every)
	}
	if s.last != nil {
		n.Number, n.Prev = s.last.Number+1, s.last.Sum()
	}
	return n
}

// append writes a signed seal. If that fails, it must be the next one to be written, because the file may have it.
func (s *Sealer) append(n *Seal) error {
	s.pending = n
	if err := appendLine(s.settings.File, n.text); err != nil {
		return fmt.Errorf("write a seal: %w", err)
	}
	s.pending, s.last = nil, n
	s.happened(events.AuditSealed{Number: n.Number, Row: n.Head.Seq, Seal: n.text})
	if err := replaceFile(filepath.Join(s.dir, LastFile), n.text+"\n"); err != nil {
		return fmt.Errorf("write the last seal: %w", err)
	}
	return nil
}

// open reads the key, or makes it, and finds the last seal.
func (s *Sealer) open() error {
	key, err := ownKey(s.dir)
	if err != nil {
		return err
	}
	fresh, err := readKey(filepath.Join(s.dir, NewKeyFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	own := key.Public().(ed25519.PublicKey)
	accept := func(n *Seal) bool { return n.Key.Equal(own) || n.NewKey.Equal(own) }
	for _, path := range []string{filepath.Join(s.dir, LastFile), s.settings.File} {
		n, err := lastSeal(path, accept)
		if err != nil {
			return fmt.Errorf("read the last seal: %w", err)
		}
		if n != nil && (s.last == nil || n.Number > s.last.Number) {
			s.last = n
		}
	}
	if s.last != nil && fresh != nil && s.last.NewKey.Equal(fresh.Public()) { // the rename was interrupted
		if err := s.takeKey(); err != nil {
			return err
		}
		key = fresh
	}
	s.key = key
	return nil
}

// rotate replaces the key if a new one was made: a seal with both is signed by both, and seals after it by the new one.
func (s *Sealer) rotate() error {
	fresh, err := readKey(filepath.Join(s.dir, NewKeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	n := s.next(AtNewKey)
	n.sign(s.key, fresh)
	if err := s.append(n); err != nil && s.pending != nil {
		return err
	}
	if err := s.takeKey(); err != nil {
		s.key, s.last = nil, nil // read again
		return err
	}
	s.key = fresh
	s.happened(events.AuditKeyReplaced{Old: Fingerprint(n.Key), New: Fingerprint(n.NewKey)})
	return nil
}

func (s *Sealer) takeKey() error {
	if err := os.Rename(filepath.Join(s.dir, NewKeyFile), filepath.Join(s.dir, KeyFile)); err != nil {
		return err
	}
	return syncDir(s.dir)
}

// compare compares the journal with the last seal before this start.
func (s *Sealer) compare() error {
	if s.last == nil {
		return nil
	}
	was, head := s.last.Head, s.journal.AuditHead()
	changed := ""
	switch {
	case was.Journal != head.Journal:
		s.happened(events.Alarm{Text: fmt.Sprintf("seal %d of the audit is of another journal (it had %d rows): it "+
			"was restored from a backup, salvaged or replaced", s.last.Number, was.Seq)})
	case head.Seq < was.Seq:
		changed = fmt.Sprintf("it ends at row %d, seal %d has row %d", head.Seq, s.last.Number, was.Seq)
	case was.Seq > 0:
		digest, err := s.journal.AuditDigest(context.Background(), was.Seq)
		if err != nil {
			return err
		}
		if !bytes.Equal(digest, was.Digest[:]) {
			changed = fmt.Sprintf("row %d or one before it was changed since seal %d", was.Seq, s.last.Number)
		}
	}
	if changed == "" {
		return nil
	}
	s.happened(events.Alarm{Text: "the audit is not the one that was sealed: " + changed})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state.Changed = changed
	return nil
}
