package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/config"
)

// stall is a reader that takes nothing while it is held.
type stall struct {
	held sync.Mutex
	mu   sync.Mutex
	got  bytes.Buffer
}

func (s *stall) Write(p []byte) (int, error) {
	s.held.Lock()
	defer s.held.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.Write(p)
}

// records counts the records that were read, and those that are said to be dropped.
func (s *stall) records(t *testing.T) (read, dropped int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(s.got.String()) {
		var r struct {
			Msg   string
			Count int
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if r.Msg == "log records dropped" {
			dropped += r.Count
		} else {
			read++
		}
	}
	return read, dropped
}

// TestLogStalls: nobody who logs waits for a reader who takes nothing; when it takes again, each record has come or is counted.
func TestLogStalls(t *testing.T) {
	t.Parallel()
	s := &stall{}
	log, err := newLogger(config.Log{Level: "info", Format: "json"}, s)
	if err != nil {
		t.Fatal(err)
	}
	s.held.Lock()
	const all = 3 * logQueue
	for n := range all {
		log.Info("event", zap.Int("n", n)) // with the reader held, a log that waits hangs here
	}
	s.held.Unlock()
	var read, dropped int
	eventually(t, "all records read or counted", func() bool {
		log.Info("one more")
		read, dropped = s.records(t)
		return dropped > 0 && read+dropped >= all
	})
	if read < logQueue {
		t.Errorf("%d records read, %d dropped of %d", read, dropped, all)
	}
}

// TestLogFlushIsBounded: the end of the daemon does not wait for a reader who takes nothing.
func TestLogFlushIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		log, err := newLogger(config.Log{Level: "info", Format: "console"}, w)
		if err != nil {
			t.Fatal(err)
		}
		log.Info("event")
		began := time.Now()
		log.Sync()
		if took := time.Since(began); took != logFlush {
			t.Errorf("the end took %v", took)
		}
		go io.Copy(io.Discard, r)
		log.Sync()
		close(log.queue)
		w.Close()
	})
}

// TestLogReopen: after logrotate has renamed the file, SIGHUP's reopen writes to a new one; a file that cannot be opened leaves the old one.
func TestLogReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "ringback.log")
	log, err := newLogger(config.Log{Level: "info", Format: "json", File: path}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	log.Info("first")
	log.Sync()
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := log.reopen(); err != nil {
		t.Fatal(err)
	}
	log.Info("second")
	log.Sync()
	if old, now := readFile(t, path+".1"), readFile(t, path); !strings.Contains(old, "first") || strings.Contains(old, "second") || !strings.Contains(now, "second") {
		t.Errorf("the old file has %q, the new one %q", old, now)
	}
	log.path = dir
	if err := log.reopen(); err == nil || !strings.Contains(err.Error(), "log.file") {
		t.Errorf("a directory for a file: %v", err)
	}
	log.Info("third")
	log.Sync()
	if now := readFile(t, path); !strings.Contains(now, "third") {
		t.Errorf("the file has %q", now)
	}
}
