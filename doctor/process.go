package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// process is a running program.
type process struct {
	pid  int
	name string
}

func (p process) String() string { return fmt.Sprintf("%s (process %d)", p.name, p.pid) }

// list returns the running processes.
func (s *Site) list() (all []process, err error) {
	entries, err := os.ReadDir(s.path("/proc"))
	for _, e := range entries {
		pid, bad := strconv.Atoi(e.Name())
		if bad != nil {
			continue
		}
		name, err := os.ReadFile(s.path(filepath.Join("/proc", e.Name(), "comm")))
		if err == nil { // otherwise it has just ended
			all = append(all, process{pid, strings.TrimSpace(string(name))})
		}
	}
	return all, err
}

// processes returns the processes that have each device open. The error says that some could not be examined.
func (s *Site) processes() (map[string][]process, error) {
	all, err := s.list()
	if s.holders != nil || err != nil {
		return s.holders, err
	}
	s.holders, s.hidden = map[string][]process{}, map[int]bool{}
	for _, p := range all {
		dir := filepath.Join("/proc", strconv.Itoa(p.pid), "fd")
		entries, err := os.ReadDir(s.path(dir))
		if errors.Is(err, fs.ErrPermission) {
			s.hidden[p.pid] = true
		}
		seen := map[string]bool{}
		for _, e := range entries {
			target, err := os.Readlink(s.path(filepath.Join(dir, e.Name())))
			if errors.Is(err, fs.ErrPermission) { // without the right to trace it, root may list them only
				s.hidden[p.pid] = true
			}
			if err == nil && strings.HasPrefix(target, "/dev/") && !seen[target] {
				seen[target] = true
				s.holders[target] = append(s.holders[target], p)
			}
		}
	}
	if len(s.hidden) > 0 {
		return s.holders, fmt.Errorf("the files of %d processes are hidden from this user: run it as root, outside of "+
			"containers", len(s.hidden))
	}
	return s.holders, nil
}
