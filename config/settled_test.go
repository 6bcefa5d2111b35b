package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// The parts of a configuration as a writer writes them: each prefix but the empty one is a valid file.
const (
	settledHead = "hostname: h\naaa: {lists: {login: {default: [none]}}}\n" +
		"lines:\n- {tty: 65, port: \"tcp://127.0.0.1:1\"}\n"
	settledTail = "- {tty: 66, port: \"tcp://127.0.0.1:2\"}\n"
)

// TestLoadSettled: a file is loaded when nobody writes it. The times of the files are those of the bubble.
func TestLoadSettled(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		first string        // what is in the file
		old   time.Duration // for which
		write func(t *testing.T, path string)
		took  time.Duration
		lines int
	}{
		{"not changed", settledHead, time.Hour, nil, 0, 1},
		{"changed just now", settledHead, 0, nil, time.Second, 1},
		{"half a second ago", settledHead, time.Second / 2, nil, time.Second, 1},
		{"the clock of the server is ahead", settledHead, -time.Hour, nil, time.Second, 1},
		{"the rest comes", settledHead, 0, func(t *testing.T, path string) {
			<-time.After(time.Second / 2)
			writeAt(t, path, settledHead+settledTail)
		}, 2 * time.Second, 2},
		{"the rest comes within the clock's step", settledHead, 0, func(t *testing.T, path string) {
			info, err := os.Stat(path)
			if err != nil {
				t.Error(err)
				return
			}
			<-time.After(time.Second / 2)
			writeAt(t, path, settledHead+settledTail)
			if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil {
				t.Error(err)
			}
		}, 2 * time.Second, 2},
		{"three pieces after an empty file", "", 0, func(t *testing.T, path string) {
			for _, text := range []string{"host", settledHead, settledHead + settledTail} {
				<-time.After(700 * time.Millisecond)
				writeAt(t, path, text)
			}
		}, 4 * time.Second, 2},
		{"replaced by another of the same size and time", settledHead, 0, func(t *testing.T, path string) {
			info, err := os.Stat(path)
			if err != nil {
				t.Error(err)
				return
			}
			<-time.After(time.Second / 2)
			other := path + ".new"
			writeAt(t, other, strings.Replace(settledHead, "65", "77", 1))
			if err := os.Chtimes(other, info.ModTime(), info.ModTime()); err != nil {
				t.Error(err)
			}
			if err := os.Rename(other, path); err != nil {
				t.Error(err)
			}
		}, 2 * time.Second, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "ringback.yaml")
			synctest.Test(t, func(t *testing.T) {
				writeAt(t, path, row.first)
				long := time.Now().Add(-row.old)
				if err := os.Chtimes(path, long, long); err != nil {
					t.Fatal(err)
				}
				if row.write != nil {
					go row.write(t, path)
				}
				began := time.Now()
				cfg, problems := LoadSettled(t.Context(), path, nil)
				if cfg == nil || len(cfg.Lines) != row.lines {
					t.Fatalf("%d lines are wanted: %v, %v", row.lines, cfg, problems)
				}
				if took := time.Since(began); took != row.took {
					t.Errorf("after %v, want %v", took, row.took)
				}
				if strings.Contains(row.name, "replaced") && cfg.Lines[0].TTY != 77 {
					t.Errorf("the old file: tty %d", cfg.Lines[0].TTY)
				}
			})
		})
	}
}

// TestLoadSettledGivesUp: a file that is always being written, and the end of the context.
func TestLoadSettledGivesUp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(dir, "ringback.yaml")
		writeAt(t, path, settledHead)
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			for n := 1; ctx.Err() == nil; n++ {
				<-time.After(300 * time.Millisecond)
				writeAt(t, path, settledHead+strings.Repeat("#", n))
			}
		}()
		began := time.Now()
		cfg, problems := LoadSettled(t.Context(), path, nil)
		if cfg != nil || len(problems) != 1 || problems[0].File != path ||
			!strings.HasPrefix(problems[0].Msg, "the file is still being written") || problems[0].Hint == "" {
			t.Errorf("%v, %v", cfg, problems)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("after %v", took)
		}
		stop()
		synctest.Wait()
		<-time.After(time.Second)
		writeAt(t, path, settledHead)
		gone, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("the daemon stops"))
		if cfg, problems = LoadSettled(gone, path, nil); cfg != nil || len(problems) != 1 ||
			problems[0].Msg != "the daemon stops" {
			t.Errorf("%v, %v", cfg, problems)
		}
	})
}

// TestLoadSettledPolicies: the files of policies_dir are waited for as well.
func TestLoadSettledPolicies(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		path, long := filepath.Join(dir, "ringback.yaml"), time.Now().Add(-time.Hour)
		if err := os.Mkdir(filepath.Join(dir, "policies"), 0o700); err != nil {
			t.Fatal(err)
		}
		policy := filepath.Join(dir, "policies", "staff.yaml")
		writeAt(t, path, "policies_dir: policies\n"+settledHead)
		writeAt(t, policy, "lim")
		for _, old := range []string{path, filepath.Join(dir, "policies")} {
			if err := os.Chtimes(old, long, long); err != nil {
				t.Fatal(err)
			}
		}
		go func() {
			<-time.After(time.Second / 2)
			writeAt(t, policy, "lines: [65]\n")
		}()
		began := time.Now()
		_, problems := LoadSettled(t.Context(), path, nil)
		for _, p := range problems {
			if p.File == policy && strings.Contains(p.String(), "lim:") {
				t.Errorf("the unfinished file: %v", p)
			}
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("after %v: %v", took, problems)
		}
	})
}

// writeAt writes a file, in the time of the bubble.
func writeAt(t *testing.T, path, text string) {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Error(err)
	}
	if err := os.Chtimes(path, time.Now(), time.Now()); err != nil {
		t.Error(err)
	}
}
