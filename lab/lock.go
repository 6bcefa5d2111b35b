package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// lock is a lab's claim on its directory (flock). The daemon inherits it, so the directory is free when both have
// ended, even after a crash.
type lock struct{ f *os.File }

// holder is the content of the lock file: the lab that holds it.
type holder struct {
	PID    int  `json:"pid"`
	Ending bool `json:"ending"`
}

// endTimeout is longer than the time that a daemon is given to shut down.
const endTimeout = stopTimeout + 10*time.Second

func lockPath(dir string) string { return filepath.Join(dir, "lab.lock") }

// takeLock claims the directory. It waits for a lab that is ending and reports that to tell; it fails if the lab there
// keeps running.
func takeLock(ctx context.Context, dir, command string, tell func(string)) (*lock, error) {
	f, err := os.OpenFile(lockPath(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	told := false
	deadline := time.Now().Add(endTimeout)
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			l := &lock{f}
			if err = l.write(holder{PID: os.Getpid()}); err == nil {
				return l, nil
			}
			f.Close()
			return nil, fmt.Errorf("lab: %w", err)
		}
		h, stays := heldBy(dir)
		switch {
		case !errors.Is(err, unix.EWOULDBLOCK):
			err = fmt.Errorf("lab: lock %s: %w", f.Name(), err)
		case stays:
			err = runningAlready(dir, h.PID, command)
		case time.Now().After(deadline):
			err = fmt.Errorf("lab: the previous lab in %s (pid %d) does not end: see its ringback.log, or use "+
				"another --dir", dir, h.PID)
		default:
			err = nil
		}
		if err == nil && !told {
			tell(fmt.Sprintf("waiting for the previous lab (pid %d) to end …", h.PID))
			told = true
		}
		if err == nil {
			err = pause(ctx, 50*time.Millisecond)
		}
		if err != nil {
			f.Close()
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func runningAlready(dir string, pid int, command string) error {
	return fmt.Errorf("lab: already running in %s (pid %d): join it with `%s lab call --as austin-02`, end it, or "+
		"use another --dir", dir, pid, command)
}

// heldBy returns the content of the lock file, and whether that lab keeps running.
func heldBy(dir string) (h holder, stays bool) {
	data, err := os.ReadFile(lockPath(dir))
	if err != nil || json.Unmarshal(data, &h) != nil {
		return h, false // it is being written
	}
	return h, !h.Ending && alive(h.PID)
}

func (l *lock) write(h holder) error {
	data, err := json.Marshal(h)
	if err == nil {
		_, err = l.f.WriteAt(append(data, "\n      "...), 0) // blanks overwrite the rest of a longer text
	}
	return err
}

// ending records that the lab is ending.
func (l *lock) ending() { l.write(holder{PID: os.Getpid(), Ending: true}) }

func (l *lock) release() { l.f.Close() }
