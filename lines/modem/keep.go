package modem

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Proofs stores, in files of one directory, the data that proves the state of a node's modems across restarts: the
// secret in each modem's registers, and the key from which the lines' escape characters are derived. The zero value
// stores them in memory, as long as the value exists. Its methods may be called from any goroutine, but only by one
// at a time for each line.
type Proofs struct {
	dir string
	// one place for each file being written: each write occupies a thread until the disk has the file
	room chan struct{}

	mu     sync.Mutex
	key    []byte
	memory map[int]state // used if dir is ""
}

// maxWriters is the number of files that may be written at the same time, even if many lines start together.
const maxWriters = 16

// keySize is the size of the key in octets.
const keySize = 32

// OpenProofs creates the directory (mode 0700) and the key in it (0600) if they do not exist. No other process may
// use the directory.
func OpenProofs(dir string) (*Proofs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("proofs of modems: %w", err)
	}
	path := filepath.Join(dir, "key")
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = newKey()
		err = replace(path, key)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("proofs of modems: %w", err)
	case len(key) != keySize:
		return nil, fmt.Errorf("proofs of modems: %s has %d octets, not %d: remove it, check that no call is up, and "+
			"run `ringback clear line` for each line without modem signals",
			path, len(key), keySize)
	}
	return &Proofs{dir: dir, key: key, room: make(chan struct{}, maxWriters)}, nil
}

func newKey() []byte {
	key := make([]byte, keySize)
	rand.Read(key)
	return key
}

// escape returns the escape character of a line, which is the same after a restart.
func (p *Proofs) escape(tty int) byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.key == nil {
		p.key = newKey()
	}
	h := hmac.New(sha256.New, p.key)
	fmt.Fprintf(h, "escape character of tty %d", tty)
	return escapeChars[int(h.Sum(nil)[0])%len(escapeChars)]
}

func (p *Proofs) path(tty int) string { return filepath.Join(p.dir, fmt.Sprintf("tty%d", tty)) }

// load returns the stored state of a line's modem; the zero state if the modem never had a secret.
func (p *Proofs) load(tty int) (s state, err error) {
	if p.dir == "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.memory[tty], nil
	}
	text, err := os.ReadFile(p.path(tty))
	if errors.Is(err, fs.ErrNotExist) {
		return state{}, nil
	}
	if err == nil {
		text, err = opened(text)
	}
	if err == nil && json.Unmarshal(text, &s) != nil {
		err = errors.New("the file is damaged")
	}
	if err != nil {
		return state{}, fmt.Errorf("the proof of the modem's state cannot be read: %s: %w (remove it, check that no "+
			"call is up, then run `ringback clear line %d`)", p.path(tty), err, tty)
	}
	for _, one := range s.Secrets {
		if len(one.Registers) != len(one.Values) || len(one.Values) < minProof {
			return state{}, fmt.Errorf("the proof of the modem's state is damaged: %s (remove it, check that no call "+
				"is up, then run `ringback clear line %d`)", p.path(tty), tty)
		}
	}
	return s, nil
}

// save stores the state of a line's modem. It is on the disk when save returns.
func (p *Proofs) save(tty int, s state) error {
	if p.dir == "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.memory == nil {
			p.memory = map[int]state{}
		}
		p.memory[tty] = s
		return nil
	}
	text, err := json.Marshal(s)
	if err == nil {
		p.room <- struct{}{}
		err = keepRecord(p.path(tty), sealed(text))
		<-p.room
	}
	if err != nil {
		return fmt.Errorf("save the proof of the modem's state: %w", err)
	}
	return nil
}

// recordSize is the size of a record that is written in place: one sector, which a disk writes completely or not at
// all. A line is hung up with each call, and creating a new file would take two syncs and two directory changes.
const recordSize = 512

// sealed returns a record: the text, a line with its checksum, and blanks up to recordSize. A long text makes a
// longer record.
func sealed(text []byte) []byte {
	sum := sha256.Sum256(text)
	return fmt.Appendf(nil, "%-*s", recordSize, fmt.Sprintf("%s\n%x\n", text, sum))
}

var errNotWhole = errors.New("the checksum is wrong")

// opened returns the text of a record. Records of ringback 0.3 are the text alone.
func opened(record []byte) ([]byte, error) {
	text, rest, sealed := bytes.Cut(record, []byte("\n"))
	if !sealed {
		return record, nil
	}
	if sum := sha256.Sum256(text); string(bytes.TrimRight(rest, " ")) != fmt.Sprintf("%x\n", sum) {
		return nil, errNotWhole
	}
	return text, nil
}

// keepRecord overwrites the previous record if both are one sector, and otherwise writes a new file.
func keepRecord(path string, record []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return replace(path, record)
	case err != nil:
		return err
	}
	info, err := f.Stat()
	if err != nil || info.Size() != recordSize || len(record) != recordSize {
		return errors.Join(err, f.Close(), replace(path, record))
	}
	_, err = f.WriteAt(record, 0)
	if err == nil {
		err = syncData(f)
	}
	return errors.Join(err, f.Close())
}

// replace writes a file (0600). After a crash, either the old or the new file exists.
func replace(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
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
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
