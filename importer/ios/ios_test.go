package ios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/importer"
)

// samples are the configurations of testdata/ios.
func samples(t testing.TB) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../../testdata/ios/*.cfg")
	if err != nil || len(paths) < 5 {
		t.Fatalf("samples: %v, %v", paths, err)
	}
	all := map[string]string{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(path)] = string(text)
	}
	return all
}

// everyLineOnce checks the law of the report: a row for each line, in order.
func everyLineOnce(t testing.TB, text string, r *importer.Report) {
	t.Helper()
	lines := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		lines++
	}
	if len(r.Rows) != lines {
		t.Fatalf("%d rows for %d lines", len(r.Rows), lines)
	}
	for i, row := range r.Rows {
		if row.Line != i+1 {
			t.Fatalf("row %d is that of line %d", i+1, row.Line)
		}
		if row.Note == "" {
			t.Errorf("line %d: no note: %+v", i+1, row)
		}
		switch row.Kind {
		case importer.Imported, importer.Harmless, importer.Unsupported:
		default:
			t.Errorf("line %d: kind %q", i+1, row.Kind)
		}
	}
}

func TestSamples(t *testing.T) {
	for name, text := range samples(t) {
		for _, text := range []string{text, strings.ReplaceAll(text, "\n", "\r\n")} {
			_, r, err := Import([]byte(text), Options{})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			everyLineOnce(t, text, r)
			for _, row := range r.Rows {
				if strings.Contains(row.Note, "does not know") {
					t.Errorf("%s: line %d (%s): %s", name, row.Line, row.Text, row.Note)
				}
			}
		}
	}
}

// TestCutOff: a text that was cut off anywhere is an error, because all that is missing may be a limit. Only the ends
// of the last lines may be missing.
func TestCutOff(t *testing.T) {
	for name, text := range samples(t) {
		last := strings.LastIndex(text, "\nend") + len("\nend")
		step, begin := 1, 7
		if len(text) > 4<<10 && os.Getenv("RINGBACK_LONG") == "" { // the work is the square of the length
			step, begin = 47, 61
		}
		for n := 0; n < len(text); n += step {
			_, _, err := Import([]byte(text[:n]), Options{})
			if whole := n >= last; (err == nil) != whole && n <= last+2 { // a prompt behind it may be incomplete
				t.Fatalf("%s, cut after octet %d (%q): error %v", name, n, text[max(0, n-20):n], err)
			}
		}
		// The beginning is missing: each line that is left has a row, or it is an error.
		for n := 0; n < len(text); n += begin {
			rest := text[n:]
			if _, r, err := Import([]byte(rest), Options{Fragment: true}); err == nil {
				everyLineOnce(t, rest, r)
			}
		}
	}
}

// TestDoubled: with every line doubled, a text means the same, or it is an error.
func TestDoubled(t *testing.T) {
	for name, text := range samples(t) {
		var b strings.Builder
		for line := range strings.Lines(text) {
			b.WriteString(line + line)
		}
		want, _, err := Import([]byte(text), Options{})
		if err != nil {
			t.Fatal(err)
		}
		got, r, err := Import([]byte(b.String()), Options{})
		if name == "as5300.cfg" { // the first line of its banner ends the text that the line itself begins
			if err == nil {
				t.Errorf("%s: a doubled banner was accepted", name)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		everyLineOnce(t, b.String(), r)
		a, z := want.Files(), got.Files()
		if len(a) != len(z) {
			t.Fatalf("%s: %d files, doubled %d", name, len(a), len(z))
		}
		for i := range a {
			if a[i] != z[i] {
				t.Errorf("%s: %s differs if doubled:\n%s\n%s", name, a[i].Path, a[i].Text, z[i].Text)
			}
		}
	}
}

// FuzzImport: whatever the text is, it ends, and a report has each line once and no secret.
func FuzzImport(f *testing.F) {
	for _, text := range samples(f) {
		f.Add(text)
	}
	f.Add("username a password 0 x\nline 1 9999\nline 3 4\nmodem InOut\nend\n")
	f.Add("banner motd #a\nb#\nmenu x title ^C a ^C\nline aux 0\n vacant-message #\n#\nend")
	f.Fuzz(func(t *testing.T, text string) {
		for _, fragment := range []bool{false, true} {
			site, r, err := Import([]byte(text), Options{Fragment: fragment})
			if err != nil {
				if site != nil || r != nil {
					t.Fatal("an error, and a result")
				}
				continue
			}
			if !strings.HasPrefix(text, "\xef\xbb\xbf") && !strings.HasPrefix(text, "\xff\xfe") &&
				!strings.HasPrefix(text, "\xfe\xff") {
				everyLineOnce(t, text, r)
			}
			site.Files()
			for _, u := range site.Users {
				if u.Password == "" && u.Hash == "" {
					t.Errorf("user %q has no password", u.Name)
				}
			}
		}
	})
}
