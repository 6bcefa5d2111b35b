package config

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/ringback/ringback/policies"
)

const (
	settle       = time.Second      // for which the files of a reload must be unchanged
	settleWithin = 10 * time.Second // for which a reload waits for that
)

// LoadSettled is Load for files that an editor or a program may be writing: it never returns a part of a file. It reads
// the files again until none of them has changed for a second, which blocks for at most 10 seconds; files that keep
// changing, and the end of ctx, are errors. A writer that pauses for longer than a second is not noticed.
func LoadSettled(ctx context.Context, path string, o Overrides) (*Config, Problems) {
	ctx, cancel := context.WithTimeoutCause(ctx, settleWithin, errChanging)
	defer cancel()
	for before := stamps(nil); ; {
		read := stamps{}
		cfg, problems := load(path, o, read)
		changed := read.changed()
		if changed == "" && before == nil {
			changed = read.recent()
		} else if changed == "" {
			changed = read.other(before)
		}
		if changed == "" {
			return cfg, problems
		}
		before = read
		again := time.NewTimer(settle)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return nil, Problems{{File: changed, Msg: context.Cause(ctx).Error(),
				Hint: "reload when it is written; best write another file beside it, and rename that to " +
					filepath.Base(changed)}}
		}
	}
}

var errChanging = errors.New("the file is still being written: it has changed again and again for 10 seconds")

// stamp is what changes when a file is written or replaced; zero: there is no such file.
type stamp struct {
	size   int64
	time   int64 // of the last change of the contents, in ns
	device uint64
	inode  uint64
}

// stamps has the stamps of files from before they were read.
type stamps map[string]stamp

// note keeps the stamp of a file that is read next, if it was not read before.
func (s stamps) note(path string) {
	if _, ok := s[path]; s != nil && !ok {
		s[path] = stampOf(path)
	}
}

// changed returns a file that was written or replaced after its stamp was taken; "": none.
func (s stamps) changed() string {
	for path, was := range s {
		if stampOf(path) != was {
			return path
		}
	}
	return ""
}

// other returns a file that had another stamp before, or was not read; "": none.
func (s stamps) other(before stamps) string {
	for path, at := range s {
		if was, ok := before[path]; !ok || was != at {
			return path
		}
	}
	return ""
}

// recent returns a file whose last change is less than a second old, or in the future: the clock of a file server need
// not be ours. "": none.
func (s stamps) recent() string {
	for path, at := range s {
		if at != (stamp{}) && time.Since(time.Unix(0, at.time)) < settle {
			return path
		}
	}
	return ""
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	s := stamp{size: info.Size(), time: info.ModTime().UnixNano()}
	s.device, s.inode = identity(info)
	return s
}

// noteDir keeps the stamps of a directory and its files.
func (s stamps) noteDir(dir string) {
	s.note(dir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // the reader of the directory reports it
	}
	for _, e := range entries {
		if e.Type() != fs.ModeDir {
			s.note(filepath.Join(dir, e.Name()))
		}
	}
}

// readFile is the function readFile, with the stamp.
func (s stamps) readFile(path string, most int64) ([]byte, access, error) {
	s.note(path)
	return readFile(path, most)
}

// loadDir is policies.LoadDir, with the stamps.
func (s stamps) loadDir(dir string, site policies.Site) (*policies.Set, Problems) {
	if s != nil {
		s.noteDir(dir)
	}
	return policies.LoadDir(dir, site)
}
