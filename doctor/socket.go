package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/ringback/ringback/config"
)

// Self is the user of the command, as an operator of the daemon.
type Self struct {
	Name   string
	GIDs   []int // of the process
	Groups []int // that a new login would have
	// Denied is why the admin socket of a daemon may not be used; nil: it may, or there is no daemon.
	Denied error
}

// socketChecks look at the admin socket.
var socketChecks = []Check{
	{"operators", "the operators of api.group, and this user, may use the admin socket", operators},
}

func operators(_ context.Context, s *Site) (found []Finding, _ error) {
	if s.API.Socket == "" {
		return nil, nil
	}
	found = append(found, s.groupOfDaemon()...)
	if socket := s.stat(s.API.Socket); socket != nil {
		found = append(found, s.groupOfSocket(socket)...)
	}
	return append(found, s.self()...), nil
}

// file is the mode and the owner of a file.
type file struct {
	mode     fs.FileMode
	uid, gid int
}

// stat returns nil for a file that does not exist or may not be looked at.
func (s *Site) stat(path string) *file {
	info, err := os.Stat(s.path(path))
	if err != nil {
		return nil
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	return &file{info.Mode().Perm(), int(st.Uid), int(st.Gid)}
}

// gid returns the number of the group of operators; false: there is none.
func gid(api config.API) (int, bool) {
	if api.Group == nil {
		return 0, false
	}
	n, err := strconv.Atoi(api.Group.Gid)
	return n, err == nil
}

// groupOfDaemon: only a member may give its files to a group.
func (s *Site) groupOfDaemon() []Finding {
	group, ok := gid(s.API)
	if !ok || s.User.UID == 0 || slices.Contains(s.User.GIDs, group) {
		return nil
	}
	return []Finding{{
		Found: fmt.Sprintf("user %d is no member of group %s of api.group: a daemon of this user does not start",
			s.User.UID, s.API.Group.Name),
		Fix: fmt.Sprintf("usermod -aG %s USER, then start the daemon again (name the user of the daemon with --user)",
			s.API.Group.Name),
	}}
}

const fixSocket = "start the daemon again: api.group changes only with a restart"

func (s *Site) groupOfSocket(socket *file) (found []Finding) {
	group, ok := gid(s.API)
	switch {
	case !ok && socket.mode&0o060 != 0:
		return []Finding{{Found: fmt.Sprintf("members of group %s may use %s, although there is no api.group",
			groupName(socket.gid), s.API.Socket), Fix: fixSocket}}
	case !ok:
		return nil
	case socket.gid != group || socket.mode&0o060 != 0o060:
		return []Finding{{Found: fmt.Sprintf("%s has mode %04o and group %s, not that of api.group, %s", s.API.Socket,
			socket.mode, groupName(socket.gid), s.API.Group.Name), Fix: fixSocket}}
	}
	for dir := filepath.Dir(s.API.Socket); ; dir = filepath.Dir(dir) {
		if d := s.stat(dir); d != nil && d.mode&0o001 == 0 && (d.gid != group || d.mode&0o010 == 0) {
			found = append(found, Finding{
				Found: fmt.Sprintf("members of group %s may not enter %s (mode %04o, group %s), in which the admin "+
					"socket is", s.API.Group.Name, dir, d.mode, groupName(d.gid)),
				Fix: fmt.Sprintf("chgrp %s %s && chmod g+x %[2]s", s.API.Group.Name, dir)})
		}
		if dir == filepath.Dir(dir) {
			return found
		}
	}
}

// self says why the user of the command may not use the socket.
func (s *Site) self() []Finding {
	if s.Self.Denied == nil {
		return nil
	}
	f := Finding{Found: fmt.Sprintf("user %s may not use %s", s.Self.Name, s.API.Socket),
		Fix: "run as root or as the user of the daemon; for operators, set api.group and start the daemon again"}
	group, ok := gid(s.API)
	switch {
	case !ok:
	case slices.Contains(s.Self.GIDs, group):
		f.Fix = "ls -ld the socket and its directories; they are of api.group after a start of the daemon"
	case slices.Contains(s.Self.Groups, group):
		f.Found += fmt.Sprintf(": this login is older than its membership of group %s", s.API.Group.Name)
		f.Fix = fmt.Sprintf("log in again, or newgrp %s", s.API.Group.Name)
	default:
		f.Found += fmt.Sprintf(": it is no member of group %s of api.group", s.API.Group.Name)
		f.Fix = fmt.Sprintf("usermod -aG %s %s, then log in again", s.API.Group.Name, s.Self.Name)
	}
	return []Finding{f}
}

// errDenied is why the checks that ask the daemon, or open its ports, are not made.
var errDenied = errors.New("a daemon runs, but this user may not use its socket: see the check operators")
