package audit

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ringback/ringback/broker/journal"
)

// Header is what an export says of itself.
type Header struct {
	Site     string    // name of the access server; "" unknown
	Journal  string    // its identity
	Exported time.Time // when it was made
	From, To time.Time // the rows that were selected; zero: no limit
	User     string    // "" all
	Seq      int64     // the number of the row before the first; 0: none
	Digest   []byte    // of that row
}

// Selects reports whether a row is in the export.
func (h Header) Selects(a journal.Audit) bool {
	return (h.From.IsZero() || !a.Time.Before(h.From)) && (h.To.IsZero() || a.Time.Before(h.To)) &&
		(h.User == "" || a.Who == h.User)
}

// exporter writes one format. Rows that were not selected are passed to keep, for a format that can be verified without
// their content.
type exporter interface {
	begin(h Header) error
	row(a journal.Audit) error
	keep(a journal.Audit) error
	end() error
}

// Formats are the formats of an export.
var Formats = []string{"csv", "json", "html"}

// Exporter writes the selected rows of an audit. Its memory does not grow with them.
type Exporter struct {
	w      *bufio.Writer
	to     exporter
	header Header
	begun  bool
	Rows   int64 // that were selected
}

// NewExporter returns an Exporter to w in one of Formats. The header selects the rows; its Seq and Digest are ignored.
// Times in HTML are in the time zone of header.Exported.
func NewExporter(w io.Writer, format string, header Header) *Exporter {
	out := bufio.NewWriterSize(w, 64<<10)
	e := &Exporter{w: out, header: header}
	e.header.Seq, e.header.Digest = 0, make([]byte, journal.DigestSize)
	switch format {
	case "json":
		e.to = &jsonExport{w: out}
	case "html":
		e.to = &htmlExport{w: out}
	default:
		e.to = &csvExport{w: csv.NewWriter(out)}
	}
	return e
}

// Row takes the next row of the audit.
func (e *Exporter) Row(a journal.Audit) error {
	selected := e.header.Selects(a)
	if !selected && !e.begun {
		e.header.Seq, e.header.Digest = a.Seq, a.Digest
		return nil
	}
	if err := e.begin(); err != nil {
		return err
	}
	if !selected {
		return e.to.keep(a)
	}
	e.Rows++
	return e.to.row(a)
}

func (e *Exporter) begin() error {
	if e.begun {
		return nil
	}
	e.begun = true
	return e.to.begin(e.header)
}

// End ends the export after the last row.
func (e *Exporter) End() error {
	if err := e.begin(); err != nil {
		return err
	}
	if err := e.to.end(); err != nil {
		return err
	}
	return e.w.Flush()
}

// exportFormat is the first value of an export in JSON.
const exportFormat = "ringback audit 1"

// jsonHeader is a Header in JSON.
type jsonHeader struct {
	Format   string     `json:"format"`
	Site     string     `json:"site,omitempty"`
	Journal  string     `json:"journal"`
	Exported time.Time  `json:"exported"`
	From     time.Time  `json:"from,omitzero"`
	To       time.Time  `json:"to,omitzero"`
	User     string     `json:"user,omitempty"`
	Before   jsonBefore `json:"before"`
}

type jsonBefore struct {
	Seq    int64  `json:"seq"`
	Digest string `json:"digest"`
}

// jsonRow is a row in JSON, with its content.
type jsonRow struct {
	Seq    int64             `json:"seq"`
	Time   time.Time         `json:"time,omitzero"`
	Kind   string            `json:"kind"`
	Who    string            `json:"who"`
	Text   string            `json:"text"`
	Raw    map[string]string `json:"raw,omitempty"` // base64 of texts that are no UTF-8, by their names
	Digest string            `json:"digest"`
}

// jsonKept is a row whose content is kept back.
type jsonKept struct {
	Seq  int64  `json:"seq"`
	Kept string `json:"kept_back"` // its RowDigest
}

type jsonExport struct {
	w    io.Writer
	rows int
}

func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func (x *jsonExport) begin(h Header) error {
	b, err := encodeJSON(jsonHeader{exportFormat, h.Site, h.Journal, h.Exported.UTC(), utc(h.From), utc(h.To), h.User,
		jsonBefore{h.Seq, fmt.Sprintf("%x", h.Digest)}})
	if err == nil {
		_, err = fmt.Fprintf(x.w, "%s,\"rows\":[", bytes.TrimSuffix(b, []byte("}")))
	}
	return err
}

func utc(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

func (x *jsonExport) row(a journal.Audit) error { return x.put(jsonOf(a)) }

func (x *jsonExport) keep(a journal.Audit) error {
	return x.put(jsonKept{a.Seq, fmt.Sprintf("%x", a.RowDigest())})
}

func (x *jsonExport) put(row any) error {
	b, err := encodeJSON(row)
	if err != nil {
		return err
	}
	comma := ","
	if x.rows++; x.rows == 1 {
		comma = ""
	}
	_, err = fmt.Fprintf(x.w, "%s\n%s", comma, b)
	return err
}

func (x *jsonExport) end() error {
	_, err := io.WriteString(x.w, "\n]}\n")
	return err
}

// jsonOf returns a row with its content.
func jsonOf(a journal.Audit) jsonRow {
	c := jsonRow{Seq: a.Seq, Time: utc(a.Time), Kind: a.Kind, Who: a.Who, Text: a.Text,
		Digest: fmt.Sprintf("%x", a.Digest)}
	for name, s := range map[string]string{"kind": a.Kind, "who": a.Who, "text": a.Text} {
		if !utf8.ValidString(s) {
			if c.Raw == nil {
				c.Raw = map[string]string{}
			}
			c.Raw[name] = base64.StdEncoding.EncodeToString([]byte(s))
		}
	}
	return c
}

// csvColumns is the first line of an export in CSV.
var csvColumns = []string{"seq", "time", "kind", "who", "text", "digest"}

// csvExport writes no rows that were not selected: such an export cannot be verified.
type csvExport struct{ w *csv.Writer }

func (x *csvExport) begin(Header) error         { return x.w.Write(csvColumns) }
func (x *csvExport) keep(a journal.Audit) error { return nil }

func (x *csvExport) row(a journal.Audit) error { return x.w.Write(csvOf(a)) }

func csvOf(a journal.Audit) []string {
	at := ""
	if !a.Time.IsZero() {
		at = a.Time.UTC().Format(time.RFC3339Nano)
	}
	return []string{strconv.FormatInt(a.Seq, 10), at, cell(a.Kind), cell(a.Who), cell(a.Text),
		fmt.Sprintf("%x", a.Digest)}
}

func (x *csvExport) end() error {
	x.w.Flush()
	return x.w.Error()
}

// formulas are the characters with which a spreadsheet lets a formula begin, also in full width, and the apostrophe
// that is put before them.
const formulas = "=+-@＝＋－＠'"

// cell returns a text for a cell of CSV: printable, and with an apostrophe before what would be a formula. uncell
// reverses it.
func cell(s string) string {
	s = visible(s)
	if r, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune(formulas, r) {
		return "'" + s
	}
	return s
}

func uncell(s string) (string, error) {
	return invisible(strings.TrimPrefix(s, "'"))
}

// visible writes characters that are not printable, octets that are no UTF-8, and the backslash as Go does: \n, \x1b,
// \u202e, \\.
func visible(s string) string {
	q := strconv.Quote(s)
	return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
}

// invisible reverses visible.
func invisible(s string) (string, error) {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s):
			b.WriteString(s[i : i+2])
			i++
		case s[i] == '"':
			b.WriteString(`\"`)
		default:
			b.WriteByte(s[i])
		}
	}
	b.WriteByte('"')
	return strconv.Unquote(b.String())
}
