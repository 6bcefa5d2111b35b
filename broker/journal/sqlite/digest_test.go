package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// chainOf calculates the digest of the chain after some rows, from the description in docs/how-to/audit.md.
func chainOf(rows ...journal.Audit) []byte {
	digest := make([]byte, 32)
	for _, a := range rows {
		row := []byte("ringback audit row\n")
		row = binary.BigEndian.AppendUint64(row, uint64(a.Seq))
		row = binary.BigEndian.AppendUint64(row, uint64(a.Time.UnixNano()))
		for _, s := range []string{a.Kind, a.Who, a.Text} {
			row = append(binary.BigEndian.AppendUint64(row, uint64(len(s))), s...)
		}
		inner := sha256.Sum256(row)
		sum := sha256.Sum256(append(append([]byte("ringback audit\n"), digest...), inner[:]...))
		digest = sum[:]
	}
	return digest
}

// auditOf reads the audit without a key.
func auditOf(t *testing.T, path string) (rows []journal.Audit) {
	t.Helper()
	r, err := OpenAudit(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	err = r.Each(context.Background(), func(a journal.Audit) error {
		rows = append(rows, a)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// TestDigests: each row has the digest of the chain up to it, which is also the head, also for a row that another group
// of its transaction had to give up, and for a copy of the file without keys on a read-only medium.
func TestDigests(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	if h := j.AuditHead(); h.Seq != 0 || h.Digest != [32]byte{} || len(h.Journal) != 32 {
		t.Errorf("head of an empty audit: %+v", h)
	}
	commit(t, j, journal.AddAudit{Audit: record("one")}, journal.AddAudit{Audit: record("")})
	<-j.Audited()
	errs := j.CommitEach(context.Background(),
		[]journal.Mutation{journal.AddAudit{Audit: record("given up")}, journal.EndCall{ID: "none"}},
		[]journal.Mutation{journal.AddAudit{Audit: journal.Audit{Kind: "k\x00\n", Who: "\xff", Text: "=1",
			Time: at(7)}}})
	if errs[0] == nil || errs[1] != nil {
		t.Fatal(errs)
	}
	<-j.Audited()
	rows := auditOf(t, path)
	if len(rows) != 3 || rows[2].Text != "=1" {
		t.Fatalf("%+v", rows)
	}
	for i, a := range rows {
		if !bytes.Equal(a.Digest, chainOf(rows[:i+1]...)) {
			t.Errorf("row %d: digest %x", i+1, a.Digest)
		}
	}
	h := j.AuditHead()
	if h.Seq != 3 || !bytes.Equal(h.Digest[:], chainOf(rows...)) {
		t.Errorf("head %+v", h)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(dir, "journal.db")
	if err := copyFile(path, copied); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if got := auditOf(t, copied); len(got) != 3 {
		t.Errorf("the copy has %+v", got)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("beside the copy: %v, %v", entries, err)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

// TestDigestsAreAdded: an older journal gets the digests of its rows once; a row that was changed since has another
// digest than its content.
func TestDigestsAreAdded(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	for range 2*signPage + 1 {
		commit(t, j, journal.AddAudit{Audit: record("x")})
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, path, dropFleet, "ALTER TABLE audit DROP COLUMN digest", "DELETE FROM marks WHERE name = 'digest'",
		"DELETE FROM goose_db_version WHERE version_id > 22", "PRAGMA user_version = 22")
	if _, err := OpenAudit(context.Background(), path); err == nil {
		t.Error("a journal without digests was opened")
	}
	j = open(t, path)
	commit(t, j, journal.AddAudit{Audit: record("y")})
	rows := auditOf(t, path)
	if h := j.AuditHead(); h.Seq != int64(len(rows)) || !bytes.Equal(h.Digest[:], chainOf(rows...)) {
		t.Errorf("head %+v", h)
	}
	if bad, err := j.Verify(context.Background()); err != nil || len(bad) > 0 {
		t.Errorf("%v, %v", bad, err)
	}
}

// TestDigestIsOfWhatWasWritten: what another program changes in the file while it is open does not become part of the
// chain that goes on, and the check reports it; nor do a cut tail or a changed mark before a start.
func TestDigestIsOfWhatWasWritten(t *testing.T) {
	for name, tt := range map[string]struct {
		statement string
		closed    bool
	}{
		"changed":           {"UPDATE audit SET text = 'forged' WHERE seq = 1", false},
		"its digest":        {"UPDATE audit SET digest = zeroblob(32) WHERE seq = 2", false},
		"cut":               {"DELETE FROM audit WHERE seq = 2", false},
		"cut before":        {"DELETE FROM audit WHERE seq = 2", true},
		"the mark":          {"UPDATE marks SET hash = zeroblob(32) WHERE name = 'digest'", false},
		"the changed start": {"UPDATE audit SET time = 1 WHERE seq = 1", true},
	} {
		t.Run(name, func(t *testing.T) {
			path := newPath(t)
			j := open(t, path)
			commit(t, j, journal.AddAudit{Audit: record("one")})
			commit(t, j, journal.AddAudit{Audit: record("two")})
			was := auditOf(t, path)
			if tt.closed {
				if err := j.Close(); err != nil {
					t.Fatal(err)
				}
			}
			edit(t, path, tt.statement)
			if tt.closed {
				j = open(t, path)
			} else if bad, err := j.VerifyAudit(context.Background()); err != nil || len(bad) == 0 {
				t.Errorf("verify: %v, %v", bad, err)
			}
			third := journal.Audit{Seq: 3, Time: time.Unix(9, 0), Kind: "three", Who: "w", Text: "t"}
			commit(t, j, journal.AddAudit{Audit: third})
			if h := j.AuditHead(); !bytes.Equal(h.Digest[:], chainOf(append(was, third)...)) {
				t.Errorf("the chain continues another one: %+v", h)
			}
		})
	}
}

// TestDigestsOutliveTheConnection: after a disk error the writer continues the chain that it knows.
func TestDigestsOutliveTheConnection(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	commit(t, j, journal.AddAudit{Audit: record("one")})
	was := auditOf(t, path)
	edit(t, path, "UPDATE marks SET hash = zeroblob(32) WHERE name = 'digest'",
		"UPDATE audit SET digest = zeroblob(32) WHERE seq = 1")
	next := journal.Audit{Seq: 2, Time: time.Unix(9, 0), Kind: "k"}
	broken := onWriter{do: func(*writer) error { return errors.New("an error of the disk") }}
	if err := j.Commit(context.Background(), broken); err == nil {
		t.Fatal("no error of the disk")
	}
	commit(t, j, journal.AddAudit{Audit: next})
	if h := j.AuditHead(); !bytes.Equal(h.Digest[:], chainOf(append(was, next)...)) {
		t.Errorf("%+v", h)
	}
}
