package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// Row is a row of the audit as an auditor has it.
type Row struct {
	journal.Audit        // Digest is empty if the source has none
	Kept          []byte // the RowDigest of a row whose content is kept back; nil: the row has its content
}

// Finding is something that must not be.
type Finding struct {
	Row  int64  `json:"row,omitempty"`  // of the audit
	Seal int64  `json:"seal,omitempty"` // its number
	File string `json:"file,omitempty"` // of seals
	Line int    `json:"line,omitempty"` // in File
	Text string `json:"text"`
}

// String returns the finding as a line of text.
func (f Finding) String() string {
	where := ""
	if f.Row > 0 {
		where = fmt.Sprintf("row %d: ", f.Row)
	}
	if f.File != "" {
		where += fmt.Sprintf("%s:%d: ", f.File, f.Line)
	}
	return where + f.Text
}

// Report is the result of a verification.
type Report struct {
	Rows     int64     `json:"rows"`                     // that were read
	First    int64     `json:"first_row"`                // number of the first one
	Last     int64     `json:"last_row"`                 // and of the last one
	Kept     int64     `json:"rows_kept_back,omitempty"` // of them, without content
	Seals    int       `json:"seals"`                    // signed by a key that is trusted
	Fitting  int       `json:"seals_fitting"`            // that fit a row
	Sealed   int64     `json:"sealed_row"`               // the last row with a seal that fits
	SealTime time.Time `json:"sealed_at,omitzero"`       // its time
	Keys     []string  `json:"keys"`                     // fingerprints of the trusted keys
	Findings []Finding `json:"findings"`
	More     int       `json:"findings_not_listed,omitempty"`
	Notes    []string  `json:"notes"` // what an auditor should know, and is no finding
}

// maxFindings is how many findings are listed; the others are counted.
const maxFindings = 200

// verified is a seal with the place where it was found.
type verified struct {
	*Seal
	file string
	line int
}

// Verifier compares the rows of an audit with seals: ReadSeals for each file of them, then Begin, Row for each row in
// their order, and End. Its memory does not grow with the rows.
type Verifier struct {
	keys  []ed25519.PublicKey // that the auditor trusts
	seals []verified
	files map[string]int // seals by file

	report  Report
	partial bool // the rows end before the journal does
	seq     int64
	digest  []byte // of row seq; nil: unknown
	last    time.Time
	back    int       // rows whose time is earlier than that of the row before
	backRow int64     // the first of them
	next    int       // the first seal of a later row
	fit     *verified // the last that fits
	unfit   []verified
}

// NewVerifier returns a Verifier for an auditor who trusts these keys.
func NewVerifier(keys ...ed25519.PublicKey) *Verifier {
	return &Verifier{keys: keys, files: map[string]int{},
		report: Report{Keys: []string{}, Findings: []Finding{}, Notes: []string{}}}
}

// Trust adds keys that the auditor trusts.
func (v *Verifier) Trust(keys ...ed25519.PublicKey) { v.keys = append(v.keys, keys...) }

func (v *Verifier) find(f Finding) {
	if len(v.report.Findings) >= maxFindings {
		v.report.More++
		return
	}
	v.report.Findings = append(v.report.Findings, f)
}

func (v *Verifier) note(format string, args ...any) {
	if len(v.report.Notes) < maxFindings {
		v.report.Notes = append(v.report.Notes, fmt.Sprintf(format, args...))
	}
}

// maxLine limits the octets of a line of a file with seals, such as a log.
const maxLine = 1 << 20

// ReadSeals reads the seals of a file, one in a line. Lines without one, such as those of a log, are ignored. The error
// is that of r.
func (v *Verifier) ReadSeals(name string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 64<<10)
	for n := 1; ; n++ {
		line, err := readLine(in)
		s, found, bad := parseSeal(line)
		switch {
		case errors.As(bad, &cut{}):
			// A write that a full disk or a crash cut short is made again: a seal that is missing shows by its number.
			v.note("%s:%d: a seal that was not written to its end: %v", name, n, bad)
		case bad != nil:
			v.find(Finding{File: name, Line: n, Text: "a damaged seal: " + bad.Error()})
		case found:
			v.files[name]++
			s.text = "" // only its sum is needed
			v.seals = append(v.seals, verified{s, name, n})
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
}

// readLine reads a line; what is longer than maxLine is left out.
func readLine(in *bufio.Reader) (line []byte, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if len(line) < maxLine {
			line = append(line, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// Begin ends the reading of seals. The rows begin after row seq, whose digest is given; 0 and nil for a whole audit.
// partial says that the rows may end before the seals do, as in an export.
func (v *Verifier) Begin(seq int64, digest []byte, partial bool) {
	v.seq, v.digest, v.partial = seq, digest, partial
	if seq == 0 {
		v.digest = make([]byte, journal.DigestSize)
	}
	v.trust()
	v.chain()
	slices.SortStableFunc(v.seals, func(a, b verified) int {
		return cmp.Compare(a.Head.Seq, b.Head.Seq)
	})
	v.report.Seals = len(v.seals)
	if len(v.seals) == 0 {
		v.find(Finding{Text: "there are no seals of the key: nothing proves that the rows are those of the server"})
	}
	for v.next < len(v.seals) && v.seals[v.next].Head.Seq < seq {
		v.next++ // of rows before the export: their digests are unknown
	}
	v.fits()
}

// stamp formats the time of a seal.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// Row checks the next row.
func (v *Verifier) Row(r Row) {
	if v.report.Rows == 0 {
		v.report.First = r.Seq
	}
	v.report.Rows++
	if r.Kept != nil {
		v.report.Kept++
	}
	if r.Seq <= v.seq {
		v.find(Finding{Row: r.Seq, Text: fmt.Sprintf("it stands after row %d: the rows were reordered or repeated",
			v.seq)})
		return
	}
	if r.Seq != v.seq+1 {
		v.missing(v.seq+1, r.Seq-1)
		v.digest = nil
	}
	stored := r.Digest
	if v.digest != nil {
		row := r.RowDigest()
		if r.Kept != nil {
			copy(row[:], r.Kept)
		}
		want := journal.NextDigest(v.digest, row)
		if len(stored) == 0 {
			stored = want
		}
		if !bytes.Equal(stored, want) {
			v.find(Finding{Row: r.Seq,
				Text: "it was changed: its content does not fit its digest and the row before it"})
		}
	}
	v.seq, v.digest = r.Seq, stored
	v.clock(r)
	v.fits()
}

func (v *Verifier) missing(from, to int64) {
	text := fmt.Sprintf("rows %d to %d are missing before it, so that it cannot be checked itself", from, to)
	if from == to {
		text = fmt.Sprintf("row %d is missing before it, so that it cannot be checked itself", from)
	}
	v.find(Finding{Row: to + 1, Text: text})
	for v.next < len(v.seals) && v.seals[v.next].Head.Seq <= to {
		v.next++
	}
}

// clockBack is how much earlier than the row before it a row may be: rows are written in the order in which their
// transactions end.
const clockBack = 5 * time.Second

func (v *Verifier) clock(r Row) {
	if r.Kept != nil || r.Time.IsZero() {
		return
	}
	if r.Time.Before(v.last.Add(-clockBack)) {
		if v.back++; v.back == 1 {
			v.backRow = r.Seq
		}
	}
	v.last = r.Time
}

// fits compares the seals of row v.seq with its digest.
func (v *Verifier) fits() {
	for ; v.next < len(v.seals) && v.seals[v.next].Head.Seq == v.seq; v.next++ {
		s := v.seals[v.next]
		if v.digest == nil {
			continue // unknown: an export without digests
		}
		if !bytes.Equal(s.Head.Digest[:], v.digest) {
			v.unfit = append(v.unfit, s)
			continue
		}
		v.endUnfit()
		v.report.Fitting++
		if v.fit == nil || s.Number > v.fit.Number {
			v.fit = &s
			v.report.Sealed, v.report.SealTime = s.Head.Seq, s.Time
		}
	}
}

// endUnfit reports the seals in a row that did not fit, as one finding.
func (v *Verifier) endUnfit() {
	if len(v.unfit) == 0 {
		return
	}
	first, last := v.unfit[0], v.unfit[len(v.unfit)-1]
	from := int64(1)
	if v.fit != nil {
		from = v.fit.Head.Seq + 1
	}
	f := first.finding("seal %d of %s does not fit: a row from %d to %d is not the one that was sealed", first.Number,
		stamp(first.Time), min(from, first.Head.Seq), first.Head.Seq)
	f.Row = first.Head.Seq
	if len(v.unfit) > 1 {
		f.Text += fmt.Sprintf("; %d more seals up to seal %d (row %d) do not fit either", len(v.unfit)-1, last.Number,
			last.Head.Seq)
	}
	v.find(f)
	v.unfit = nil
}

// End returns the result, after the last row.
func (v *Verifier) End(now time.Time) Report {
	v.endUnfit()
	v.report.Last = v.seq
	if rest := v.seals[v.next:]; len(rest) > 0 {
		top := rest[len(rest)-1]
		if v.partial {
			v.note("%d seals, up to seal %d of %s, are of later rows (up to %d)", len(rest), top.Number,
				stamp(top.Time), top.Head.Seq)
		} else {
			f := top.finding("the rows end at row %d, and seal %d of %s has row %d: the rows after %[1]d were cut off",
				v.seq, top.Number, stamp(top.Time), top.Head.Seq)
			f.Row = v.seq
			v.find(f)
		}
	}
	if v.back > 0 {
		v.note("%d rows are more than %v earlier than the row before them, the first is row %d: the clock was set back",
			v.back, clockBack, v.backRow)
	}
	if v.report.Rows > 0 && v.seq > v.report.Sealed {
		v.note("rows %d to %d are not sealed yet", max(v.report.Sealed+1, v.report.First), v.seq)
	}
	v.endOfSeals(now)
	return v.report
}

// endOfSeals notes seals that end although the server should have made more.
func (v *Verifier) endOfSeals(now time.Time) {
	var last *verified
	for i, s := range v.seals {
		if last == nil || s.Number > last.Number {
			last = &v.seals[i]
		}
	}
	if last != nil && !last.Next.IsZero() && now.After(last.Next.Add(lateSeal)) {
		v.note("the seals end with seal %d of %s, and the next one was due at %s: the server does not run, or newer "+
			"seals were not given", last.Number, stamp(last.Time), stamp(last.Next))
	}
}
