package api

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
)

// Adopt returns an admin socket that systemd has created (ringback.socket) as Listen returns its own. It must be at the
// path where clients look for it, and open to exactly the users that the configuration names: with a group its members
// may connect (SocketGroup=, SocketMode=0660), without one nobody else (SocketMode=0600). Its user is root or the
// daemon's. Adopt closes l after an error; the caller closes the listener.
func Adopt(l net.Listener, path string, group *user.Group) (net.Listener, error) {
	if err := adoptable(l.Addr(), path, group); err != nil {
		l.Close()
		return nil, fmt.Errorf("admin socket of systemd: %w", err)
	}
	return newSparing(l), nil
}

func adoptable(at net.Addr, path string, group *user.Group) error {
	if at.Network() != "unix" || at.String() != path {
		return fmt.Errorf("it is at %s, and api.socket is %s (write the same path in both: ListenStream= of "+
			"ringback.socket)", at, path)
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if uid := int(owner(info).Uid); uid != 0 && uid != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d, which is neither root nor the user running ringback (%d) "+
			"(SocketUser= of ringback.socket)", path, uid, os.Geteuid())
	}
	mode := info.Mode().Perm()
	if mode&0o007 != 0 {
		return fmt.Errorf("any user may connect to %s (mode %04o; SocketMode=0600 of ringback.socket)", path, mode)
	}
	gid := strconv.Itoa(int(owner(info).Gid))
	switch {
	case group == nil && mode&0o070 != 0:
		return fmt.Errorf("group %s may connect to %s (mode %04o), and api.group is not set (SocketMode=0600 of "+
			"ringback.socket, or set api.group)", gid, path, mode)
	case group != nil && (gid != group.Gid || mode&0o060 != 0o060):
		return fmt.Errorf("group %s of api.group may not connect to %s (mode %04o, group %s; SocketGroup=%[1]s and "+
			"SocketMode=0660 of ringback.socket)", group.Name, path, mode, gid)
	}
	return nil
}
