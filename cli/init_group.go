package cli

import (
	"os"
	"syscall"
)

// giveToGroup lets the group of a directory read a file, or use a directory below it, if root has given the directory
// to a group that is not its own: the daemon runs in it.
func giveToGroup(f *os.File, dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || owner.Gid == 0 {
		return nil
	}
	of, err := f.Stat()
	if err != nil {
		return err
	}
	if err := f.Chown(-1, int(owner.Gid)); err != nil {
		return err
	}
	if of.IsDir() {
		return f.Chmod(0o750)
	}
	return f.Chmod(0o640)
}
