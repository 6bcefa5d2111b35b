package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Town is what other processes must know about a running lab.
type Town struct {
	PID     int    `json:"pid"`
	Dir     string `json:"dir"`     // directory of its files
	Socket  string `json:"socket"`  // the daemon's admin socket; "": the lab has no daemon
	Control string `json:"control"` // the lab's own socket, for `lab call`
	Number  string `json:"number"`  // to call
}

// ErrNoLab is returned by Find if no lab runs.
var ErrNoLab = errors.New("no lab is running: start one with `ringback lab`")

// home is the user's state directory for labs.
func home() string {
	base := os.Getenv("XDG_STATE_HOME")
	if base == "" {
		h, err := os.UserHomeDir()
		if err != nil {
			h = os.TempDir()
		}
		base = filepath.Join(h, ".local", "state")
	}
	return filepath.Join(base, "ringback", "lab")
}

func pointer() string { return filepath.Join(home(), "running.json") }

// Find returns the running lab of this user.
func Find() (Town, error) {
	data, err := os.ReadFile(pointer())
	if errors.Is(err, os.ErrNotExist) {
		return Town{}, ErrNoLab
	}
	if err != nil {
		return Town{}, fmt.Errorf("look for a running lab: %w", err)
	}
	var t Town
	if json.Unmarshal(data, &t) != nil {
		return Town{}, fmt.Errorf("look for a running lab: %s: the file is damaged (remove it)", pointer())
	}
	if !alive(t.PID) {
		return Town{}, ErrNoLab
	}
	return t, nil
}

func alive(pid int) bool {
	err := unix.Kill(pid, 0)
	return pid > 0 && (err == nil || errors.Is(err, unix.EPERM))
}

// publish makes the lab findable; the returned function undoes this.
func publish(t Town) (func(), error) {
	data, err := json.Marshal(t)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(home(), 0o700); err != nil {
		return nil, fmt.Errorf("record the running lab: %w", err)
	}
	tmp := fmt.Sprintf("%s.%d", pointer(), t.PID)
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return nil, fmt.Errorf("record the running lab: %w", err)
	}
	if err := os.Rename(tmp, pointer()); err != nil {
		return nil, fmt.Errorf("record the running lab: %w", err)
	}
	return func() {
		if now, err := Find(); err == nil && now.PID == t.PID {
			os.Remove(pointer())
		}
	}, nil
}
