package config

import (
	"os"
	"path/filepath"
)

// DefaultStateDir returns the default of state_dir: /var/lib/ringback for root, otherwise ringback in the
// user's state directory (XDG Base Directory Specification); "" if the user has no home.
func DefaultStateDir() string { return stateDir(os.Geteuid() == 0, os.Getenv) }

// SystemSocket is the default of api.socket for root.
const SystemSocket = "/run/ringback/ringback.sock"

// DefaultSocket returns the default of api.socket if state_dir is not set either: SystemSocket for root, otherwise
// in DefaultStateDir.
func DefaultSocket() string { return socketIn(os.Geteuid() == 0, DefaultStateDir()) }

func stateDir(root bool, getenv func(string) string) string {
	if root {
		return "/var/lib/ringback"
	}
	if d := getenv("XDG_STATE_HOME"); filepath.IsAbs(d) { // a relative path must be ignored
		return filepath.Join(d, "ringback")
	}
	if d := getenv("HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, ".local", "state", "ringback")
	}
	return ""
}

func socketIn(root bool, state string) string {
	if root {
		return SystemSocket
	}
	return filepath.Join(state, "ringback.sock")
}
