package audit

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/ringback/ringback/broker/journal"
)

// maxRow limits the octets of a row of an export.
const maxRow = 16 << 20

// budget is a reader that fails if a row is longer than maxRow.
type budget struct {
	r    io.Reader
	left int
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("a row has more than %d octets", maxRow)
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}

func (b *budget) renew() { b.left = maxRow }

// ReadExport reads an export in JSON or CSV, as ringback has written it. It calls begin with what the export says of
// itself, and then row for each row in their order, and returns their errors unchanged. An export in CSV has only rows;
// its Header is empty. What is not written as ringback writes it is an error, because another program might read it in
// another way.
func ReadExport(r io.Reader, begin func(Header) error, row func(Row) error) error {
	b := &budget{r, maxRow}
	in := bufio.NewReader(b)
	first, err := in.Peek(1)
	if err != nil {
		return fmt.Errorf("the export is empty: %w", err)
	}
	if first[0] == '{' {
		return readJSON(in, b, begin, row)
	}
	return readCSV(in, b, begin, row)
}

func readJSON(in io.Reader, b *budget, begin func(Header) error, row func(Row) error) error {
	d := json.NewDecoder(in)
	h, err := readHeader(d)
	if err != nil {
		return err
	}
	if err := begin(h); err != nil {
		return err
	}
	for n := 1; d.More(); n++ {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return fmt.Errorf("row %d of the export: %w", n, err)
		}
		r, err := parseRow(raw)
		if err != nil {
			return fmt.Errorf("row %d of the export: %w", n, err)
		}
		b.renew()
		if err := row(r); err != nil {
			return err
		}
	}
	for _, want := range []json.Delim{']', '}'} {
		if t, err := d.Token(); err != nil || t != want {
			return errors.Join(fmt.Errorf("the export is cut off, or not as ringback writes it: no %v after its rows",
				want), err)
		}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after the end of the export")
	}
	return nil
}

// readHeader reads up to the first row.
func readHeader(d *json.Decoder) (h Header, err error) {
	var j jsonHeader
	fields := map[string]any{"format": &j.Format, "site": &j.Site, "journal": &j.Journal, "exported": &j.Exported,
		"from": &j.From, "to": &j.To, "user": &j.User, "before": &j.Before}
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return h, errors.Join(errors.New("this is no export of ringback"), err)
	}
	for {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return h, errors.Join(errors.New("the export has no rows"), err)
		}
		if name == "rows" {
			break
		}
		into := fields[name]
		delete(fields, name)
		if into == nil {
			return h, fmt.Errorf("the export has an unknown or second %.40q", name)
		}
		if err := d.Decode(into); err != nil {
			return h, fmt.Errorf("the export's %s: %w", name, err)
		}
	}
	digest, err := hex.DecodeString(j.Before.Digest)
	switch {
	case j.Format != exportFormat:
		return h, fmt.Errorf("the export has the format %.40q, this ringback reads %q", j.Format, exportFormat)
	case err != nil || len(digest) != journal.DigestSize || j.Before.Seq < 0:
		return h, errors.New("the export's before is damaged")
	}
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return h, errors.Join(errors.New("the export's rows are no list"), err)
	}
	return Header{Site: j.Site, Journal: j.Journal, Exported: j.Exported, From: j.From, To: j.To, User: j.User,
		Seq: j.Before.Seq, Digest: digest}, nil
}

func parseRow(raw []byte) (r Row, err error) {
	var j struct {
		jsonRow
		Kept *string `json:"kept_back"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&j); err != nil {
		return r, err
	}
	r.Seq = j.Seq
	var want any
	if j.Kept != nil {
		if r.Kept, err = digestOf(*j.Kept); err != nil {
			return r, err
		}
		want = jsonKept{r.Seq, fmt.Sprintf("%x", r.Kept)}
	} else {
		if r.Audit, err = j.row(); err != nil {
			return r, err
		}
		want = jsonOf(r.Audit)
	}
	written, err := encodeJSON(want)
	var compact bytes.Buffer
	if err == nil {
		err = json.Compact(&compact, raw)
	}
	if err == nil && !bytes.Equal(written, compact.Bytes()) {
		err = errNotOurs
	}
	return r, err
}

// row is the reverse of jsonOf.
func (j jsonRow) row() (a journal.Audit, err error) {
	a = journal.Audit{Seq: j.Seq, Time: j.Time, Kind: j.Kind, Who: j.Who, Text: j.Text}
	for name, into := range map[string]*string{"kind": &a.Kind, "who": &a.Who, "text": &a.Text} {
		if text, ok := j.Raw[name]; ok {
			b, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return a, fmt.Errorf("its raw %s: %w", name, err)
			}
			*into = string(b)
		}
	}
	a.Digest, err = digestOf(j.Digest)
	return a, err
}

var errNotOurs = errors.New("it is not written as ringback writes it (verify the export as it was made)")

func digestOf(text string) ([]byte, error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != journal.DigestSize {
		return nil, errors.New("its digest is damaged")
	}
	return b, nil
}

func readCSV(in io.Reader, b *budget, begin func(Header) error, row func(Row) error) error {
	c := csv.NewReader(in)
	c.FieldsPerRecord = len(csvColumns)
	first, err := c.Read()
	if err != nil || !slices.Equal(first, csvColumns) {
		return errors.Join(fmt.Errorf("this is no export of ringback: JSON begins with {, CSV with the columns %q",
			csvColumns), err)
	}
	if err := begin(Header{Digest: make([]byte, journal.DigestSize)}); err != nil {
		return err
	}
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the export: %w", err)
		}
		r, err := parseCells(cells)
		if err != nil {
			line, _ := c.FieldPos(0)
			return fmt.Errorf("line %d of the export: %w", line, err)
		}
		b.renew()
		if err := row(r); err != nil {
			return err
		}
	}
}

func parseCells(cells []string) (r Row, err error) {
	if r.Seq, err = strconv.ParseInt(cells[0], 10, 64); err != nil {
		return r, fmt.Errorf("seq %.40q is no number", cells[0])
	}
	if cells[1] != "" {
		if r.Time, err = time.Parse(time.RFC3339Nano, cells[1]); err != nil {
			return r, fmt.Errorf("time %.40q is no time", cells[1])
		}
	}
	for i, into := range []*string{&r.Kind, &r.Who, &r.Text} {
		if *into, err = uncell(cells[2+i]); err != nil {
			return r, fmt.Errorf("%s: %w", csvColumns[2+i], errNotOurs)
		}
	}
	if r.Digest, err = digestOf(cells[5]); err != nil {
		return r, err
	}
	if !slices.Equal(csvOf(r.Audit), cells) {
		return r, errNotOurs
	}
	return r, nil
}
