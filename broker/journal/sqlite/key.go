package sqlite

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// keySize is the length of a key in octets.
const keySize = 32

// namesKeyName is the file of the key with which unknown user names are hashed.
const namesKeyName = "names.key"

// stateKey reads a key of the state directory: 32 octets as hexadecimal digits, in a file of mode 0600. If the file is
// missing, stateKey creates it and returns when it is on disk.
func stateKey(path string) ([]byte, error) {
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("key %s: %w", path, errors.Unwrap(err))
	}
	return makeKey(path)
}

func readKey(path string) (rowKey, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w (it must be a file of mode 0600 that this user may read, not a link)", path,
			errors.Unwrap(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key %s: mode %v gives others access (chmod 600 %s)", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, 2*keySize+2))
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("key %s: is not a key of %d octets in hexadecimal digits (restore a backup)",
			path, keySize)
	}
	return key, nil
}

// leftKey matches the temporary files of makeKey.
var leftKey = regexp.MustCompile(`^(journal\.key|journal\.key\.new|names\.key)\.[0-9]+$`)

// removeLeftKeys removes what an interrupted makeKey left in a locked state directory.
func removeLeftKeys(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if e.Type().IsRegular() && leftKey.MatchString(e.Name()) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// makeKey writes a new key under another name first, so that a crash leaves a complete key or none.
func makeKey(path string) ([]byte, error) {
	key := make([]byte, keySize)
	rand.Read(key)
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("key %s: %w (may this user write to %s?)", path, err, filepath.Dir(path))
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintf(f, "%x\n", key)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	if err := os.Link(f.Name(), path); err != nil { // unlike a rename it replaces nothing
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	return key, syncDir(filepath.Dir(path))
}
