package broker

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	"github.com/ringback/ringback/broker/journal/sqlite"
)

// FreshJournal makes dir a state directory as after the first start of a node. The migrations of a new journal are a
// large part of the work of a short test, so they run once.
func FreshJournal(dir string) error {
	files, err := freshJournal()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

var freshJournal = sync.OnceValues(func() (map[string][]byte, error) {
	dir, err := os.MkdirTemp("", "ringback-fresh-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	j, err := sqlite.Open(context.Background(), sqlite.Options{Path: filepath.Join(dir, "journal.db")})
	if err == nil {
		err = j.Close()
	}
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	files := map[string][]byte{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, err
		}
		files[e.Name()] = data
	}
	return files, err
})
