package cli

import (
	"os"
	"path/filepath"
	"syscall"
)

// giveToGroup lets the group of a file's directory read the file, if root has given the directory to a group that is
// not its own: the daemon runs in it.
func giveToGroup(f *os.File) error {
	info, err := os.Stat(filepath.Dir(f.Name()))
	if err != nil {
		return err
	}
	dir, ok := info.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 || dir.Gid == 0 {
		return nil
	}
	if err := f.Chown(-1, int(dir.Gid)); err != nil {
		return err
	}
	return f.Chmod(0o640)
}
