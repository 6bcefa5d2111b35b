package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// Why a seal was made.
const (
	AtStart   = "start"
	AtStop    = "stop"
	AtReload  = "reload"
	AtRows    = "rows"   // as many rows as configured were added
	AtTime    = "time"   // the configured time has passed
	AtNewKey  = "newkey" // the key was replaced: this seal has both
	sealBegin = "ringback-seal v1 "
)

// Seal is the signed head of the audit's chain at a time. Number counts the seals of a key file from 1, and Prev chains
// them, so that a seal that is missing shows too.
type Seal struct {
	Number int64
	Head   journal.AuditHead
	Time   time.Time // by the clock of the node, in UTC
	Next   time.Time // when the next seal is due at the latest; zero after a stop
	Why    string
	Prev   [sha256.Size]byte // Sum of the seal before it; zero for the first
	Key    ed25519.PublicKey // that signed it
	NewKey ed25519.PublicKey // of AtNewKey: signs the seals after this one, and has signed this one too; else nil

	text string // as it was signed and stored
	sum  [sha256.Size]byte
}

// String returns the seal's line.
func (s *Seal) String() string { return s.text }

// Sum returns the SHA-256 of the seal's line, which the next seal has as Prev.
func (s *Seal) Sum() [sha256.Size]byte { return s.sum }

var b64 = base64.RawURLEncoding

// body returns what precedes the signatures.
func (s *Seal) body() string {
	next := "-"
	if !s.Next.IsZero() {
		next = s.Next.UTC().Format(time.RFC3339Nano)
	}
	b := fmt.Sprintf(sealBegin+"n=%d time=%s next=%s why=%s journal=%s seq=%d digest=%x prev=%x key=%s", s.Number,
		s.Time.UTC().Format(time.RFC3339Nano), next, s.Why, s.Head.Journal, s.Head.Seq, s.Head.Digest, s.Prev,
		b64.EncodeToString(s.Key))
	if s.NewKey != nil {
		b += " newkey=" + b64.EncodeToString(s.NewKey)
	}
	return b
}

// sign signs the seal with its key, and with the new one if it has one.
func (s *Seal) sign(key, newKey ed25519.PrivateKey) {
	s.Key = key.Public().(ed25519.PublicKey)
	text := ""
	if newKey != nil {
		s.NewKey = newKey.Public().(ed25519.PublicKey)
		text = s.body()
		text += " newsig=" + b64.EncodeToString(ed25519.Sign(newKey, []byte(text)))
	} else {
		text = s.body()
	}
	s.store(text + " sig=" + b64.EncodeToString(ed25519.Sign(key, []byte(text))))
}

func (s *Seal) store(text string) { s.text, s.sum = text, sha256.Sum256([]byte(text)) }

// maxSeal limits the octets of a seal's line.
const maxSeal = 1024

// parseSeal finds the seal in a line, which may have other text around it, such as a line of syslog. It checks the
// seal's own signatures, and says nothing about whose keys they are. found is false if the line has no seal at all.
func parseSeal(line []byte) (s *Seal, found bool, err error) {
	i := bytes.Index(line, []byte(sealBegin))
	if i < 0 {
		return nil, false, nil
	}
	text := line[i:]
	if len(text) > maxSeal {
		text = text[:maxSeal]
	}
	fields := &fieldReader{rest: string(text[len(sealBegin):])}
	s = &Seal{}
	s.Number = fields.number("n", 1)
	s.Time = fields.time("time")
	if next := fields.text("next"); next != "-" {
		s.Next = fields.parseTime("next", next)
	}
	s.Why = fields.text("why")
	s.Head.Journal = fields.text("journal")
	s.Head.Seq = fields.number("seq", 0)
	fields.hex("digest", s.Head.Digest[:])
	fields.hex("prev", s.Prev[:])
	s.Key = fields.base64("key", ed25519.PublicKeySize)
	if s.Why == AtNewKey {
		s.NewKey = fields.base64("newkey", ed25519.PublicKeySize)
		signed := string(text[:len(text)-len(fields.rest)-1])
		if sig := fields.base64("newsig", ed25519.SignatureSize); fields.err == nil &&
			!ed25519.Verify(s.NewKey, []byte(signed), sig) {
			return nil, true, errors.New("the signature by its new key does not fit")
		}
	}
	signed := string(text[:max(len(text)-len(fields.rest)-1, 0)])
	sig := fields.last("sig", ed25519.SignatureSize)
	switch {
	case fields.err != nil:
		return nil, true, fields.err
	case !ed25519.Verify(s.Key, []byte(signed), sig):
		return nil, true, errors.New("its signature does not fit: it was changed")
	}
	s.store(string(text[:len(text)-len(fields.rest)]))
	if want := s.body(); !strings.HasPrefix(s.text, want+" ") {
		return nil, true, errors.New("it is not written as ringback writes it")
	}
	return s, true, nil
}

// cut is the error for a seal that ends before this field.
type cut struct{ field string }

func (c cut) Error() string { return "it is incomplete: there is no whole " + c.field }

// fieldReader reads the fields of a seal in their order; the first error stays.
type fieldReader struct {
	rest string
	err  error
}

// text returns the value of the next field, which must have this name.
func (f *fieldReader) text(name string) string {
	if f.err != nil {
		return ""
	}
	value, rest, ok := strings.Cut(f.rest, " ")
	value, named := strings.CutPrefix(value, name+"=")
	if !ok || !named || value == "" {
		f.err = cut{name}
		return ""
	}
	f.rest = rest
	return value
}

func (f *fieldReader) number(name string, least int64) int64 {
	text := f.text(name)
	n, err := strconv.ParseInt(text, 10, 64)
	if f.err == nil && (err != nil || n < least) {
		f.err = fmt.Errorf("its %s is no number: %.40q", name, text)
	}
	return n
}

func (f *fieldReader) time(name string) time.Time { return f.parseTime(name, f.text(name)) }

func (f *fieldReader) parseTime(name, text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if f.err == nil && err != nil {
		f.err = fmt.Errorf("its %s is no time: %.40q", name, text)
	}
	return t
}

func (f *fieldReader) hex(name string, into []byte) {
	text := f.text(name)
	b, err := hex.DecodeString(text)
	if f.err == nil && (err != nil || len(b) != len(into)) {
		f.err = fmt.Errorf("its %s is no SHA-256: %.80q", name, text)
	}
	copy(into, b)
}

func (f *fieldReader) base64(name string, size int) []byte {
	text := f.text(name)
	b, err := b64.Strict().DecodeString(text)
	if f.err == nil && (err != nil || len(b) != size) {
		f.err = fmt.Errorf("its %s is damaged", name)
	}
	return b
}

// last reads the last field, which ends with its base64, whatever follows.
func (f *fieldReader) last(name string, size int) []byte {
	if f.err != nil {
		return nil
	}
	value, named := strings.CutPrefix(f.rest, name+"=")
	n := b64.EncodedLen(size)
	if !named || len(value) < n {
		f.err = cut{name}
		return nil
	}
	b, err := b64.Strict().DecodeString(value[:n])
	if err != nil {
		f.err = fmt.Errorf("its %s is damaged", name)
	}
	f.rest = value[n:]
	return b
}
