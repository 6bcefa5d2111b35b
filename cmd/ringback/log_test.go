package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/zap"

	"github.com/ringback/ringback/config"
)

func TestLogFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ringback.log")
	defer syscall.Umask(syscall.Umask(0))
	for range 2 {
		log, err := newLogger(config.Log{Level: "info", Format: "json", File: path})
		if err != nil {
			t.Fatal(err)
		}
		log.Debug("not told")
		log.Warn("told", zap.Int("line", 65))
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	lines := strings.Split(readFile(t, path), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[1], `{"level":"warn","time":"`) || !strings.HasSuffix(lines[1], `,"msg":"told","line":65}`) {
		t.Errorf("%q", lines)
	}
}

// A link in a directory that others may write would have a daemon of root's append to any file.
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
		if _, err := newLogger(config.Log{Level: "info", Format: "console", File: path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if got := readFile(t, victim); got != "as it was" {
		t.Errorf("%q", got)
	}
	if _, err := newLogger(config.Log{Level: "info", Format: "console", File: filepath.Join(dir, "none", "log")}); err == nil || !strings.Contains(err.Error(), "leave log.file out") {
		t.Errorf("%v", err)
	}
}
