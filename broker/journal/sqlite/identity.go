package sqlite

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// identityName is the file in the state directory that says which journal belongs there and how many transactions it
// has had. It detects a journal that is lost, emptied, exchanged or truncated.
const identityName = "journal.id"

// identity says which journal a file is, and how many transactions it has.
type identity struct {
	id      string // 32 hexadecimal digits
	commits int64
}

// identityFormat has a fixed length, so that rewriting it needs no more room on the disk.
const identityFormat = "ringback journal %s commits %019d\n"

var identityLine = regexp.MustCompile(`^ringback journal ([0-9a-f]{32}) commits ([0-9]{19})\n$`)

// none reports whether there is no identity yet: the file does not exist, or the journal has an older schema.
func (i identity) none() bool { return i.id == "" }

// expected reads the expected identity of the journal at path; none if it is not recorded.
func expected(path string) (i identity, err error) {
	name := filepath.Join(filepath.Dir(path), identityName)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return i, nil
	}
	if err != nil {
		return i, err
	}
	if len(b) == 0 { // a crash after the file was made, before its first line was on disk (keepIdentity)
		return i, nil
	}
	found := identityLine.FindStringSubmatch(string(b))
	if found == nil {
		return i, fmt.Errorf("%s is damaged (if %s is the right journal, remove %[1]s, and ringback recreates it)",
			name, filepath.Base(path))
	}
	i.id = found[1]
	i.commits, err = strconv.ParseInt(found[2], 10, 64)
	return i, err
}

func (i identity) text() string { return fmt.Sprintf(identityFormat, i.id, i.commits) }

// stored reads the identity in the journal itself; none if its schema has none.
func stored(c *conn) (i identity, err error) {
	version, err := c.number("PRAGMA user_version")
	if err != nil || version < 3 {
		return i, err
	}
	rows, err := c.query("SELECT hash, (SELECT n FROM marks WHERE name = 'commits') FROM marks WHERE name = 'identity'")
	if err != nil {
		return i, err
	}
	if len(rows) == 1 {
		id, ok := rows[0][0].([]byte)
		n, ok2 := rows[0][1].(int64)
		if ok && ok2 && len(id) == 16 {
			return identity{hex.EncodeToString(id), n}, nil
		}
	}
	return i, errors.New("the marks of its identity are missing or damaged" + toRepair)
}

// differs returns how the found journal differs from the expected one; nil if it does not, or none was expected.
func (i identity) differs(found identity) error {
	const remove = "remove " + identityName + " to continue without the missing part: callbacks and accounting " +
		"records of that part are lost, and a callback may be dialed again"
	switch {
	case i.none():
		return nil
	case found.none():
		return fmt.Errorf("is missing or empty, but %s says that it has %d transactions: put it back, or "+
			"restore a backup and remove %[1]s, or remove %[1]s alone "+
			"(and the write-ahead log, -wal, if it still exists) to create an empty journal: pending callbacks and "+
			"unsent accounting records are lost then", identityName, i.commits)
	case i.id != found.id:
		return fmt.Errorf("is not the journal that belongs here (identity %.8s, %s says %.8s): put the "+
			"right one back, or %s", found.id, identityName, i.id, remove)
	case found.commits < i.commits:
		return fmt.Errorf("lacks the last %d of %d transactions: its write-ahead log (-wal) is lost or damaged, or "+
			"it is an older copy: restore both files, or %s",
			i.commits-found.commits, i.commits, remove)
	}
	return nil
}

// recognize compares the journal at path with the expected identity, before anything is written. Its connection cannot
// write, so that a refused journal is unchanged. broken describes damage to the structure of the right journal; "" if
// none.
func recognize(path string) (broken string, warnings []string, err error) {
	want, err := expected(path)
	if err != nil {
		return "", nil, err
	}
	if empty(path) {
		if want.none() && !empty(path+"-wal") {
			return "", nil, fmt.Errorf("is missing or empty, but its write-ahead log exists: put it back, or "+
				"move %s-wal aside to create an empty journal: "+
				"pending callbacks and unsent accounting records are lost then", filepath.Base(path))
		}
		if want.none() && keyLeft(path) {
			warnings = append(warnings, fmt.Sprintf("%s and %s are missing, but the key of a journal exists: "+
				"ringback creates an empty journal, and the contents of the previous one are lost",
				filepath.Base(path), identityName))
		}
		return "", warnings, want.differs(identity{})
	}
	if err := checkFile(path); err != nil {
		return "", nil, err
	}
	c, err := openConn(path, "ro")
	if err != nil {
		return "", nil, err
	}
	defer c.close()
	tables, err := c.number("SELECT count(*) FROM sqlite_master")
	switch {
	case code(err) == codeReadOnly && want.none():
		return "", nil, nil // the first start was interrupted before there was a log: there is nothing to lose
	case err != nil:
		return "", nil, err
	case tables == 0:
		return "", nil, want.differs(identity{})
	}
	if id, err := c.number("PRAGMA application_id"); err != nil || id != applicationID {
		return "", nil, err // openWriter says what else the file may be
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil || version > schemaVersion {
		return "", nil, err // as above
	}
	if version == schemaVersion {
		rows, err := c.query(tablesQuery)
		names := map[string]bool{}
		for _, row := range rows {
			name, _ := row[0].(string)
			names[name] = true
		}
		if err := errors.Join(err, complete(names)); err != nil {
			return "", nil, err
		}
	}
	found, err := stored(c)
	if err != nil {
		return "", nil, err
	}
	if !found.none() {
		if err := isBackup(c); err != nil {
			return "", nil, err
		}
	}
	// Without transactions, the start that creates the file was interrupted before.
	if want.none() && found.commits > 0 {
		warnings = append(warnings, fmt.Sprintf("%s was missing and is recreated: it is not known whether this "+
			"journal is the latest", identityName))
	}
	if err := want.differs(found); err != nil {
		return "", nil, err
	}
	broken, more, err := quickCheck(c)
	if broken != "" && version < schemaVersion {
		return "", nil, fmt.Errorf("is damaged: %s%s", broken, hint(path, codeCorrupt))
	}
	return broken, append(warnings, more...), err
}

// isBackup refuses the file of a backup.
func isBackup(c *conn) error {
	n, err := c.number("SELECT count(*) FROM marks WHERE name = 'backup'")
	if err == nil && n > 0 {
		err = errors.New("is a backup that was copied here by hand (put the journal back, then run `ringback journal " +
			"restore` " +
			"with the backup's directory)")
	}
	return err
}

// empty reports whether a file is missing or empty.
func empty(path string) bool {
	info, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() == 0
}

// keepIdentity opens the file that says which journal this is, and creates it if it is missing.
func keepIdentity(path string, i identity) (*os.File, error) {
	dir := filepath.Dir(path)
	f, err := os.OpenFile(filepath.Join(dir, identityName), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w (may this user write to %s?)", err, dir)
	}
	if _, err = f.WriteAt([]byte(i.text()), 0); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// keyLeft reports whether the key of a journal is beside path.
func keyLeft(path string) bool {
	_, err := os.Lstat(keyPath(path))
	return err == nil
}

// inode is a file as last seen, to detect another file with its name.
type inode struct {
	path string
	stat unix.Stat_t // not os.FileInfo: each commit looks four times
}

func inodeOf(path string) (i inode, err error) {
	i.path = path
	if err := i.read(); err != nil {
		return i, &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	return i, nil
}

func (i *inode) read() error {
	err := unix.Lstat(i.path, &i.stat)
	for err == unix.EINTR { // some network file systems
		err = unix.Lstat(i.path, &i.stat)
	}
	return err
}

func (i *inode) empty() bool { return i.stat.Size == 0 }

// look updates the file's state. It returns an error if the name no longer refers to the file; shorter reports whether
// it lost octets since the last look.
func (i *inode) look() (shorter bool, err error) {
	was := i.stat
	err = i.read()
	if err == nil && i.stat.Dev == was.Dev && i.stat.Ino == was.Ino {
		return i.stat.Size < was.Size, nil
	}
	i.stat = was
	return false, fmt.Errorf("%s was removed or replaced while ringback runs: nothing can be recorded, and no "+
		"callback is promised or dialed, until that file is back "+
		"(otherwise stop ringback and restore a backup)", i.path)
}
