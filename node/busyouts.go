package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ringback/ringback/lines"
)

// busyouts is the file in the state directory with the lines that are busied out.
type busyouts string

func (d *daemon) busyouts() busyouts { return busyouts(filepath.Join(d.cfg.StateDir, "busyouts.json")) }

// read returns the lines of the file, by TTY; none if it does not exist.
func (path busyouts) read() (map[int]lines.Busyout, error) {
	all := map[int]lines.Busyout{}
	text, err := os.ReadFile(string(path))
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err == nil && json.Unmarshal(text, &all) != nil {
		err = errors.New("the file is damaged")
	}
	if err != nil {
		return nil, fmt.Errorf("lines that are busied out: %s: %w (remove the file, and busy out the lines again with "+
			"`ringback line busyout N`)", path, err)
	}
	return all, nil
}

// keep replaces the file.
func (path busyouts) keep(all map[int]lines.Busyout) error {
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return replaceFile(string(path), text)
}

// replaceFile replaces a file, or makes it, with mode 0600. After a crash, either the old or the new one exists.
func replaceFile(path string, text []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+"-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
