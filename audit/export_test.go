package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/ringback/ringback/broker/journal"
)

// hostile are texts of callers, servers and files that try to be something else in an export.
var hostile = []string{"", "plain", `=HYPERLINK("http://x","y")`, "+1", "-1", "@SUM(A1)", "\t=1", "'=1", "''", "＝1",
	`a"b,c;d`, "line\nline\r\nline\r", "\x00\x1b[31m", "\xff\xfe", "\u202egnp.exe", "\u2028", `\`, `\n`, `\"`, `\\"`,
	"</td><script>alert(1)</script>", "&lt;", "{{.}}", "ünïcödé", strings.Repeat("x", 70_000)}

// hostileRows returns rows with these texts, in a chain.
func hostileRows() (rows []Row) {
	for i, s := range hostile {
		rows = append(rows, Row{Audit: journal.Audit{Time: time.Unix(int64(i), int64(i)), Kind: s, Who: s, Text: s}})
	}
	return relink(rows)
}

// export writes rows in a format.
func export(t testing.TB, format string, h Header, rows []Row) string {
	t.Helper()
	var b bytes.Buffer
	x := NewExporter(&b, format, h)
	for _, r := range rows {
		if err := x.Row(r.Audit); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.End(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// read reads an export.
func read(text string) (h Header, rows []Row, err error) {
	err = ReadExport(strings.NewReader(text), func(got Header) error { h = got; return nil }, func(r Row) error {
		rows = append(rows, r)
		return nil
	})
	return h, rows, err
}

// TestExportIsReadAgain: what is exported is read as it was in the journal, octet for octet, and CSV has no formulas.
func TestExportIsReadAgain(t *testing.T) {
	want := hostileRows()
	for _, format := range []string{"csv", "json"} {
		text := export(t, format, Header{Journal: "j", Exported: time.Unix(9, 0)}, want)
		_, got, err := read(text)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s: %d rows, %v", format, len(got), err)
		}
		for i := range want {
			if got[i].RowDigest() != want[i].RowDigest() || !bytes.Equal(got[i].Digest, want[i].Digest) {
				t.Errorf("%s: row %d is %+v", format, i+1, got[i])
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string {
			return string(b)
		})).Draw(t, "text")
		c := cell(s)
		if back, err := uncell(c); err != nil || back != s {
			t.Fatalf("%q is read as %q, %v", c, back, err)
		}
		if strings.ContainsAny(c, "\r\n\t\x00") || c != "" && strings.ContainsRune("=+-@\t\r", rune(c[0])) {
			t.Fatalf("a cell %q", c)
		}
	})
}

// TestHTML: the page has no element, attribute or address that comes from a text, and nothing from elsewhere.
func TestHTML(t *testing.T) {
	text := export(t, "html", Header{Site: "<b>&", Journal: "j", Exported: time.Unix(9, 0).UTC(), User: "</dd>"}, nil)
	rows := hostileRows()
	text += export(t, "html", Header{Site: "maui", Exported: time.Unix(9, 0).UTC()}, rows)
	for _, bad := range []string{"<script", "<b>", "\x1b", "\x00", "\u202e", "http://x\"", "src=", "href="} {
		if strings.Contains(text, bad) {
			t.Errorf("the page has %q", bad)
		}
	}
	for _, want := range []string{"Audit of maui", "&lt;script&gt;", "1970-01-01 00:00:05 +0000",
		fmt.Sprintf("%d rows.", len(rows)), "default-src 'none'"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

// TestSelection: an export in JSON of some rows verifies against the seals without the content of the others, also if
// it begins late; changed rows show.
func TestSelection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		for range 4 {
			n.run(t, 3)
			<-time.After(time.Minute)
		}
		for i := range n.journal.rows {
			n.journal.rows[i].Time = time.Unix(int64(i), 0)
			n.journal.rows[i].Who = []string{"ted", "ann"}[i%2]
		}
		// the seals are of these rows
		rows := relink(n.journal.copied())
		n = newNode(t)
		for i := range 4 {
			for _, r := range rows[3*i : 3*i+3] {
				n.journal.rows = append(n.journal.rows, r.Audit)
			}
			n.run(t, 0)
		}
		seals := strings.Join(n.lines(t), "")
		for name, tt := range map[string]struct {
			h           Header
			first, read int64
			kept        int64
			change      func(string) string
			finding     string
		}{
			"all":   {Header{}, 1, 12, 0, nil, ""},
			"user":  {Header{User: "ann"}, 2, 11, 5, nil, ""},
			"times": {Header{From: time.Unix(6, 0), To: time.Unix(8, 0)}, 7, 6, 4, nil, ""},
			"none":  {Header{User: "nobody"}, 0, 0, 0, nil, ""},
			"changed": {Header{User: "ann"}, 2, 11, 5, func(s string) string {
				return strings.Replace(s, `"text":"tty 4"`, `"text":"tty 5"`, 1)
			}, "row 4: it was changed"},
			"changed what is kept back": {Header{User: "ann"}, 2, 11, 5, func(s string) string {
				i := strings.Index(s, `"kept_back":"`) + len(`"kept_back":"`)
				return s[:i] + strings.Repeat("0", 64) + s[i+64:]
			}, "row 4: it was changed"},
			"a row taken out": {Header{}, 1, 11, 0, func(s string) string {
				lines := strings.Split(s, "\n")
				return strings.Join(append(lines[:4], lines[5:]...), "\n")
			}, "row 5: row 4 is missing"},
			"moved": {Header{From: time.Unix(6, 0)}, 7, 6, 0, func(s string) string {
				return strings.Replace(s, `"seq":6`, `"seq":5`, 1)
			}, "row 7: row 6 is missing"},
		} {
			tt.h.Exported = time.Unix(99, 0)
			text := export(t, "json", tt.h, rows)
			if tt.change != nil {
				text = tt.change(text)
			}
			v := NewVerifier(n.key(t))
			if err := v.ReadSeals("seals", strings.NewReader(seals)); err != nil {
				t.Fatal(err)
			}
			err := ReadExport(strings.NewReader(text), func(h Header) error {
				v.Begin(h.Seq, h.Digest, true)
				return nil
			}, func(r Row) error {
				v.Row(r)
				return nil
			})
			r := v.End(time.Now())
			if err != nil || r.First != tt.first || r.Rows != tt.read || r.Kept != tt.kept ||
				(tt.finding == "") != (len(r.Findings) == 0) || !strings.Contains(r.all(), tt.finding) {
				t.Errorf("%s: %+v\n%s\n%v", name, r, r.all(), err)
			}
			if tt.change == nil && r.Sealed != 12 {
				t.Errorf("%s: sealed up to %d", name, r.Sealed)
			}
		}
	})
}

// TestForeignExport: what another program may read in another way, or what is cut off, is an error.
func TestForeignExport(t *testing.T) {
	rows := hostileRows()[:3]
	good := map[string]string{}
	for _, format := range []string{"csv", "json"} {
		good[format] = export(t, format, Header{Journal: "j", Exported: time.Unix(9, 0)}, rows)
	}
	for name, tt := range map[string]struct{ format, from, to string }{
		"a second text":      {"json", `"text":"plain"`, `"text":"plain","text":"plain"`},
		"another letter":     {"json", `"text":"plain"`, `"Text":"plain"`},
		"an unknown key":     {"json", `"text":"plain"`, `"text":"plain","note":"x"`},
		"an escape":          {"json", `"text":"plain"`, `"text":"pl\u0061in"`},
		"an offset":          {"json", `00:00:01.000000001Z`, `01:00:01.000000001+01:00`},
		"second rows":        {"json", "\n]}", "\n],\"rows\":[]}"},
		"more after the end": {"json", "\n]}\n", "\n]}\n{}"},
		"cut off":            {"json", "\n]}\n", ""},
		"another format":     {"json", "ringback audit 1", "ringback audit 2"},
		"no digest":          {"json", `"before":{"seq":0,`, `"before":{"seq":-1,`},
		"a control":          {"csv", "plain,plain", "\"plain\x1b\",plain"},
		"an apostrophe":      {"csv", "plain,plain", "'plain,plain"},
		"other columns":      {"csv", "seq,time", "time,seq"},
		"a sixth column":     {"csv", "plain,plain", "plain,plain,plain"},
		"a number":           {"csv", "\n2,", "\n+2,"},
	} {
		text := strings.Replace(good[tt.format], tt.from, tt.to, 1)
		if text == good[tt.format] {
			t.Fatalf("%s: nothing to change", name)
		}
		if _, got, err := read(text); err == nil {
			t.Errorf("%s: read as %+v", name, got)
		}
	}
}

// endless is an export with a row that does not end.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	if e.n == 0 {
		e.n = copy(p, `{"format":"ringback audit 1","journal":"`)
		return e.n, nil
	}
	for i := range p {
		p[i] = 'x'
	}
	e.n += len(p)
	if e.n > 8*maxRow {
		return 0, io.ErrUnexpectedEOF
	}
	return len(p), nil
}

// TestEndlessExport: a row that does not end is not read into memory.
func TestEndlessExport(t *testing.T) {
	err := ReadExport(&endless{}, func(Header) error { return nil }, func(Row) error { return nil })
	if err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

// FuzzReadExport: what is read and written again is read the same.
func FuzzReadExport(f *testing.F) {
	for _, format := range []string{"csv", "json"} {
		f.Add(export(f, format, Header{Journal: "j", Exported: time.Unix(9, 0)}, hostileRows()[:12]))
		f.Add(export(f, format, Header{User: "plain", Exported: time.Unix(9, 0)}, hostileRows()[:4]))
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, rows, err := read(text)
		if err != nil {
			return
		}
		for _, r := range rows {
			if r.Kept != nil {
				return
			}
		}
		_, again, err := read(export(t, "csv", Header{}, rows))
		if err != nil || !reflect.DeepEqual(again, rows) {
			t.Errorf("%+v is read as %+v, %v", rows, again, err)
		}
	})
}

// FuzzSeal: a seal that is accepted is found again in its own text, and nowhere in a part of it.
func FuzzSeal(f *testing.F) {
	n := &node{dir: f.TempDir(), journal: newMemory(), sealed: make(chan struct{}, 9)}
	key, err := ownKey(n.dir)
	if err != nil {
		f.Fatal(err)
	}
	s := &Seal{Number: 3, Head: n.journal.AuditHead(), Time: time.Unix(1, 0), Why: AtTime}
	s.sign(key, nil)
	f.Add([]byte(s.String()))
	f.Add([]byte("<110>1 " + s.String() + `"}`))
	s.Why = AtNewKey
	s.sign(key, key)
	f.Add([]byte(s.String()))
	f.Fuzz(func(t *testing.T, line []byte) {
		s, found, err := parseSeal(line)
		if err != nil || !found {
			return
		}
		again, _, err := parseSeal([]byte("x " + s.String() + "y"))
		if err != nil || again.String() != s.String() || !bytes.Contains(line, []byte(s.String())) {
			t.Errorf("%q: %v", line, err)
		}
		if _, _, err := parseSeal([]byte(s.String()[:len(s.String())-1])); err == nil {
			t.Error("a part of a seal is a seal")
		}
	})
}
