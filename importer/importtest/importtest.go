// Package importtest has what the tests of all importers need: the rules that every report and every result obey, and
// what a local user of a result is granted.
package importtest

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/importer"
)

// Read is an importer.
type Read func(data []byte) (*importer.Site, *importer.Report, error)

// Accounted fails unless each line of the input is in the report once, in order, with a kind and a note, and neither
// the report nor the error has one of the secrets. It returns the result; nil after an error, which is an
// *importer.Error.
func Accounted(t testing.TB, read Read, data string, secrets ...string) (*importer.Site, *importer.Report) {
	t.Helper()
	site, report, err := read([]byte(data))
	shown := ""
	if err != nil {
		var e *importer.Error
		if !errors.As(err, &e) || e.Msg == "" {
			t.Fatalf("%q: error %T %v", data, err, err)
		}
		shown = err.Error()
	} else {
		text, err := json.Marshal(report)
		if err != nil {
			t.Fatal(err)
		}
		var table strings.Builder
		report.Print(&table, true)
		shown = string(text) + table.String()
	}
	for _, s := range secrets {
		if strings.Contains(shown, s) {
			t.Fatalf("%q: the secret %q is shown: %s", data, s, shown)
		}
	}
	if err != nil {
		return nil, nil
	}
	lines, err := importer.Lines([]byte(data))
	if err != nil || len(lines) != len(report.Rows) {
		t.Fatalf("%q: %d rows, %d lines, %v", data, len(report.Rows), len(lines), err)
	}
	for i, row := range report.Rows {
		known := row.Kind == importer.Imported || row.Kind == importer.Harmless || row.Kind == importer.Unsupported
		if row.Line != i+1 || !known || row.Note == "" || row.Note == "not read" {
			t.Fatalf("%q: row %+v", data, row)
		}
	}
	return site, report
}

// Hostile reads every cut of a sample, its lines doubled, joined and in UTF-16, and inputs that are too large. Whatever
// is read has full accounting, and passes check-config.
func Hostile(t *testing.T, read Read, sample string, secrets ...string) {
	t.Helper()
	for i := range len(sample) {
		if site, _ := Accounted(t, read, sample[:i], secrets...); site != nil && i%97 == 0 {
			Load(t, site)
		}
	}
	lines := strings.SplitAfter(sample, "\n")
	for i := range lines {
		twice := strings.Join(append(append(append([]string{}, lines[:i+1]...), lines[i]), lines[i+1:]...), "")
		if site, _ := Accounted(t, read, twice, secrets...); site != nil {
			Load(t, site)
		}
	}
	for _, text := range []string{strings.ReplaceAll(sample, "\n", " "), strings.ReplaceAll(sample, "\n", "\r\n"),
		strings.ReplaceAll(sample, " ", "\u00a0"), strings.Repeat(sample, 2), "", "\n\n", "\x00", "\xff\xfe",
		"This is the manual of an access server. It has chapters about users and about telephone numbers."} {
		if site, _ := Accounted(t, read, text, secrets...); site != nil {
			Load(t, site)
		}
	}
	if _, _, err := read([]byte(strings.Repeat("# a comment of ten megabytes\n", 10<<20/29))); err == nil ||
		!strings.Contains(err.Error(), "the maximum is") {
		t.Errorf("10 MiB: %v", err)
	}
	wide := []byte{0xFF, 0xFE}
	for _, c := range []byte(sample) { // samples are ASCII
		wide = append(wide, c, 0)
	}
	plain, _, err := read([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	same, _, err := read(wide)
	if err != nil {
		t.Fatal(err)
	}
	if Text(plain) != Text(same) {
		t.Errorf("UTF-16 is read in another way")
	}
	if _, _, err := read(wide[:len(wide)-1]); err == nil {
		t.Error("UTF-16 with half a character is read")
	}
}

// Text is all files of a result.
func Text(s *importer.Site) string {
	var b strings.Builder
	for _, f := range s.Files() {
		b.WriteString("== " + f.Path + "\n" + f.Text)
	}
	return b.String()
}

// Load writes a result into a directory and loads it: check-config accepts it.
func Load(t testing.TB, s *importer.Site) *config.Config {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	if err := (importer.Writer{Dir: dir}).Write(s.Files()); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Load(filepath.Join(dir, importer.Main), nil)
	if cfg == nil {
		t.Fatalf("%v\n%s", problems, Text(s))
	}
	return cfg
}

// Login is what the local users of a configuration are granted.
func Login(t testing.TB, cfg *config.Config, service aaa.Service, user, password string) aaa.Result {
	t.Helper()
	l, err := aaa.NewLocal(cfg.Users)
	if err != nil {
		t.Fatal(err)
	}
	_, res := l.Start(t.Context(), aaa.Request{Service: service, User: user, Password: aaa.Secret(password)})
	return res
}

// Callback is the part of an authorization from which a callback is decided.
type Callback struct {
	Callback   bool
	Dialstring string
	Further    string
	Place      string
	Lines      string
	Rotary     int // -1: none
	NoVerify   bool
	PrivLevel  int
}

// CallbackOf returns that part.
func CallbackOf(a aaa.Authorization) Callback {
	text := func(v any) string { b, _ := json.Marshal(v); return string(b) }
	c := Callback{Callback: a.Callback, Dialstring: a.Dialstring.String(), Further: strings.Join(a.Further, " "),
		Place: a.CallbackID, Lines: text(a.Lines), Rotary: -1, NoVerify: a.NoVerify, PrivLevel: a.PrivLevel}
	if len(a.Lines) == 0 {
		c.Lines = ""
	}
	if a.Rotary != nil {
		c.Rotary = *a.Rotary
	}
	return c
}

// Want is what a report must have about the lines with a text.
type Want struct {
	File string // "": any
	Text string // part of the line
	Kind importer.Kind
	Note string // part of the note
}

// Rows fails unless there are lines with each text, of the kind and with the note.
func Rows(t testing.TB, report *importer.Report, all []Want) {
	t.Helper()
	for _, want := range all {
		found := false
		for _, row := range report.Rows {
			if want.File != "" && row.File != want.File || !strings.Contains(row.Text, want.Text) {
				continue
			}
			found = true
			if row.Kind != want.Kind || !strings.Contains(row.Note, want.Note) {
				t.Errorf("%q: %+v", want.Text, row)
			}
		}
		if !found {
			t.Errorf("no line %q", want.Text)
		}
	}
}
