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

// Proofs keep, in files of one directory, what proves the state of the modems of a node across its processes: the
// secret in each modem's registers, and the key from which the lines' escape characters are derived. The zero value
// keeps them in memory, for as long as it lives. Its methods may be called from any goroutine, for one line by one at a
// time.
type Proofs struct {
	dir  string
	room chan struct{} // one place for each file that is written at a time: each holds a thread until the disk has it

	mu     sync.Mutex
	key    []byte
	memory map[int]state // where dir is ""
}

// maxWriters is how many files are written at a time, whatever the number of lines that start at once.
const maxWriters = 16

// keySize is that of the key, in octets.
const keySize = 32

// OpenProofs makes the directory where it is missing (mode 0700), and the key in it (0600). The caller owns the
// directory alone.
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
			"`ringback clear line` each line without modem signals",
			path, len(key), keySize)
	}
	return &Proofs{dir: dir, key: key, room: make(chan struct{}, maxWriters)}, nil
}

func newKey() []byte {
	key := make([]byte, keySize)
	rand.Read(key)
	return key
}

// escape is the escape character of a line, the same in each process.
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

// load returns what is known of a line's modem; the zero state where it never had a secret.
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
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return state{}, fmt.Errorf("the proof of the modem's state cannot be read: %s: %w (remove it, check that no "+
			"call is up, "+
			"then `ringback clear line %d`)", p.path(tty), err, tty)
	}
	for _, one := range s.Secrets {
		if len(one.Registers) != len(one.Values) || len(one.Values) < minProof {
			return state{}, fmt.Errorf("the proof of the modem's state is damaged: %s (remove it, check that no call "+
				"is up, "+
				"then `ringback clear line %d`)", p.path(tty), tty)
		}
	}
	return s, nil
}

// save keeps what is known of a line's modem from now on. It is on the disk when save returns.
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
		return fmt.Errorf("keep the proof of the modem's state: %w", err)
	}
	return nil
}

// recordSize is that of a record which is written in place: a sector, of which a disk writes all or nothing. A line is
// hung up with each call, and to write a file anew takes two syncs and two changes of the directory.
const recordSize = 512

// sealed is a record: the text, a line with its checksum, and blanks up to recordSize, which a long text goes beyond.
func sealed(text []byte) []byte {
	sum := sha256.Sum256(text)
	return fmt.Appendf(nil, "%-*s", recordSize, fmt.Sprintf("%s\n%x\n", text, sum))
}

var errNotWhole = errors.New("its checksum does not fit its content")

// opened is the text of a record. Those of ringback 0.3 are the text alone.
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

// keepRecord writes a record over the one before it, where both are a sector, else a new file.
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

// replace writes a file (0600) so that a crash leaves the old one or the new one.
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
