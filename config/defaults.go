package config

import (
	"os"
	"path/filepath"
)

// DefaultStateDir is state_dir where nobody says: /var/lib/ringback for root, else ringback in the user's state
// directory (XDG Base Directory Specification); "" where the user has no home.
func DefaultStateDir() string { return stateDir(os.Geteuid() == 0, os.Getenv) }

// DefaultSocket is api.socket where nobody says anything: /run/ringback/ringback.sock for root, else in
// DefaultStateDir.
func DefaultSocket() string { return socketIn(os.Geteuid() == 0, DefaultStateDir()) }

func stateDir(root bool, getenv func(string) string) string {
	if root {
		return "/var/lib/ringback"
	}
	if d := getenv("XDG_STATE_HOME"); filepath.IsAbs(d) { // a relative one is to be ignored
		return filepath.Join(d, "ringback")
	}
	if d := getenv("HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, ".local", "state", "ringback")
	}
	return ""
}

func socketIn(root bool, state string) string {
	if root {
		return "/run/ringback/ringback.sock"
	}
	return filepath.Join(state, "ringback.sock")
}
