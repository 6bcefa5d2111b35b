package node

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/syslog"
)

// stall is a reader that accepts nothing while it is held.
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

// records counts the records read, and those reported as dropped.
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

// TestLogFileIsNobodyElses: a log file from an older ringback or another tool keeps no permissions for others.
func TestLogFileIsNobodyElses(t *testing.T) {
	t.Parallel()
	for mode, want := range map[os.FileMode]os.FileMode{0o644: 0o640, 0o666: 0o640, 0o600: 0o600, 0o640: 0o640} {
		path := filepath.Join(t.TempDir(), "log")
		if err := os.WriteFile(path, []byte("before\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		f, err := openLog(path)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want || info.Size() != 7 {
			t.Errorf("mode %04o became %v, %v; want %04o", mode, info.Mode(), err, want)
		}
	}
}

// TestLogStalls: logging never waits for a stalled reader; when it reads again, each record has arrived or is
// counted as dropped.
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
		log.Info("event", zap.Int("n", n)) // with the reader held, a log that blocks hangs here
	}
	s.held.Unlock()
	var read, dropped int
	eventually(t, "all records read or counted", func() bool {
		log.Info("one more")
		read, dropped = s.records(t)
		return dropped > 0 && read+dropped >= all
	})
	if h := log.health(); h.Dropped != uint64(dropped) || h.Untold != 0 {
		t.Errorf("show health: %+v, want %d dropped", h, dropped)
	}
	if read < logQueue {
		t.Errorf("%d records read, %d dropped of %d", read, dropped, all)
	}
}

// TestLogFlushIsBounded: the end of the daemon does not wait for a stalled reader.
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

// TestLogReopen: after logrotate has renamed the file, the reopen on SIGHUP writes to a new one; if that cannot
// be opened, the old one stays.
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
	if old, now := readFile(t, path+".1"), readFile(t, path); !strings.Contains(old, "first") ||
		strings.Contains(old, "second") || !strings.Contains(now, "second") {
		t.Errorf("the old file has %q, the new one %q", old, now)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("the new file: %v %v", info, err)
	}
	if err := os.Rename(path, path+".2"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path+".1", path); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{"a directory": dir, "a link": path} {
		log.path = bad
		if err := log.reopen(); err == nil || !strings.Contains(err.Error(), "log.file") {
			t.Errorf("%s for a file: %v", name, err)
		}
	}
	log.Info("third")
	log.Sync()
	if now := readFile(t, path+".2"); !strings.Contains(now, "third") {
		t.Errorf("the file has %q", now)
	}
}

func TestLogFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ringback.log")
	defer syscall.Umask(syscall.Umask(0))
	for range 2 {
		log, err := newLogger(config.Log{Level: "info", Format: "json", File: path}, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("not told")
		log.Warn("told", zap.Int("line", 65))
		log.Sync()
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	lines := strings.Split(readFile(t, path), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[1], `{"level":"warn","time":"`) ||
		!strings.HasSuffix(lines[1], `,"msg":"told","line":65}`) {
		t.Errorf("%q", lines)
	}
}

// With a link in a directory that others may write, another user could make a daemon run by root append to any
// file.
func TestLogFileIsNoLink(t *testing.T) {
	dir := t.TempDir()
	victim, link, fifo := filepath.Join(dir, "victim"), filepath.Join(dir, "link"), filepath.Join(dir, "fifo")
	if err := os.WriteFile(victim, []byte("as it was"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, link); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, fifo, dir, "/dev/null"} {
		if _, err := newLogger(config.Log{Level: "info", Format: "console", File: path}, io.Discard); err == nil ||
			!strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if got := readFile(t, victim); got != "as it was" {
		t.Errorf("%q", got)
	}
	if _, err := newLogger(config.Log{Level: "info", Format: "console", File: filepath.Join(dir, "none", "log")},
		io.Discard); err == nil || !strings.Contains(err.Error(), "remove log.file") {
		t.Errorf("%v", err)
	}
}

// Records go to the log and to the syslog server, each event with its mnemonic; what is queued at the end is sent.
func TestLogToSyslog(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	s := &stall{}
	log, err := newLogger(config.Log{Level: "error", Format: "json", Syslog: &config.Syslog{
		Server: syslog.Server{Network: syslog.Unix, Address: path}, Level: "info", Facility: 3}}, s)
	if err != nil {
		t.Fatal(err)
	}
	events.Log{Logger: log.Logger}.Take(events.Promised{Callback: "k7abcd23", Call: "qwerty22", Line: 65, User: "kim"})
	events.Log{Logger: log.Logger}.Take(events.LineChosen{})
	events.Log{Logger: log.Logger}.Take(events.LineNotice{Line: 65, Over: true})
	log.Error("journal: audit")
	log.close()
	for _, want := range []string{
		`<29> %RINGBACK-5-CALLBACK: callback promised callback=k7abcd23 call=qwerty22 line=65 user=kim number=""`,
		`<30> %RINGBACK-6-LINENOTICEOVER: line notice cleared line=65 port="" notice=""`,
		`<27> %RINGBACK-3-LOG: journal: audit`,
	} {
		buf := make([]byte, 1<<16)
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		priority, text, _ := strings.Cut(string(buf[:n]), ">")
		_, text, _ = strings.Cut(text, "]:")
		if got := priority + ">" + text; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if h := log.health(); h.Syslog == nil || *h.Syslog != (client.Syslog{Server: "unix://" + path}) {
		t.Errorf("%+v", h.Syslog)
	}
	if read, _ := s.records(t); read != 1 {
		t.Errorf("the log has %d records", read)
	}
}

// A syslog server that is away is a record of the log, and so is its return with the number of dropped records.
func TestSyslogAway(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	s := &stall{}
	log, err := newLogger(config.Log{Level: "info", Format: "json", Syslog: &config.Syslog{
		Server: syslog.Server{Network: syslog.Unix, Address: path}, Level: "error"}}, s)
	if err != nil {
		t.Fatal(err)
	}
	defer log.close()
	logged := func(text string) func() bool {
		return func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return strings.Contains(s.got.String(), text)
		}
	}
	eventually(t, "the server is reported", logged(`"event":"syslog.down"`))
	if h := log.health(); !h.Syslog.Down {
		t.Errorf("%+v", h.Syslog)
	}
	for range 3000 {
		log.Error("one")
	}
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	buf := make([]byte, 1<<16)
	var second string
	for range 2 {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		second = string(buf[:n])
	}
	if !strings.HasSuffix(second, "]: %RINGBACK-5-SYSLOGUP: syslog server receives records again server=unix://"+path+
		" dropped=952") {
		t.Errorf("%q", second)
	}
	eventually(t, "the return is logged", logged(`"dropped":952,"event":"syslog.up"`))
	go io.Copy(io.Discard, conn)
}
