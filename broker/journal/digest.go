package journal

import (
	"crypto/sha256"
	"encoding/binary"
)

// DigestSize is the length of a digest of the audit in octets.
const DigestSize = sha256.Size

// AuditHead is the end of the audit, as it is on disk.
type AuditHead struct {
	Journal string           // the journal's identity, 32 hexadecimal digits
	Seq     int64            // of the last row; 0: there is none
	Digest  [DigestSize]byte // of the last row; zero: there is none
}

// RowDigest returns the SHA-256 of what the audit says in one row: the text "ringback audit row\n", Seq and Time (in ns
// since 1970, UTC; 0 if zero), then Kind, Who and Text, each after its length. Numbers have 8 octets, the most
// significant first. There is no secret in it: it can be calculated from the row alone.
func (a Audit) RowDigest() [DigestSize]byte {
	b := append(make([]byte, 0, 256), "ringback audit row\n"...)
	b = binary.BigEndian.AppendUint64(b, uint64(a.Seq))
	var ns int64
	if !a.Time.IsZero() {
		ns = a.Time.UnixNano()
	}
	b = binary.BigEndian.AppendUint64(b, uint64(ns))
	for _, s := range []string{a.Kind, a.Who, a.Text} {
		b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
		b = append(b, s...)
	}
	return sha256.Sum256(b)
}

// NextDigest returns the digest of the chain at a row: the SHA-256 of the text "ringback audit\n", the digest of the
// row before it (32 zero octets for the first row), and the row's RowDigest. So a chain can be followed past a row
// whose text is kept back.
func NextDigest(before []byte, row [DigestSize]byte) []byte {
	b := append(make([]byte, 0, 80), "ringback audit\n"...)
	b = append(b, before...)
	sum := sha256.Sum256(append(b, row[:]...))
	return sum[:]
}

// DigestAfter returns the digest of the chain at this row.
func (a Audit) DigestAfter(before []byte) []byte { return NextDigest(before, a.RowDigest()) }
