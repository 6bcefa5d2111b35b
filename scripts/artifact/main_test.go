package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

var test = release{version: "1.2.3", revision: "abc", date: time.Unix(1790000000, 0).UTC()}

// TestManPage: help is plain text, and no line of it is a request to roff.
func TestManPage(t *testing.T) {
	root := &cobra.Command{Use: "ringback"}
	c := &cobra.Command{Use: "cancel ID", Short: "cancel a 'callback'", Run: func(*cobra.Command, []string) {},
		Long: "Cancels it.\n.SH no request\n\n  ringback cancel \\e 7\n\nThe end."}
	c.Flags().StringP("reason", "r", "none", "the `TEXT` of -- it")
	root.AddCommand(c)
	const want = `.TH "RINGBACK-CANCEL" 1 "2026-09-21" "ringback 1.2.3" "ringback manual"
.SH NAME
ringback\-cancel \- cancel a \(aqcallback\(aq
.SH SYNOPSIS
.B ringback cancel ID [flags]
.SH DESCRIPTION
Cancels it.
\&.SH no request
.PP
.RS 2
.nf
ringback cancel \ee 7
.fi
.RE
.PP
The end.
.SH OPTIONS
.TP
\fB\-r, \-\-reason\fR \fITEXT\fR
the TEXT of \-\- it (default none)
.SH SEE ALSO
.BR ringback (1)
`
	if got := test.manPage(c); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestImageIsReproducible: the same files make the same octets, whatever their times.
func TestImageIsReproducible(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"ringback.yaml", "binary"} {
		if err := write(filepath.Join(dir, name), []byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	var images [2][]byte
	for i := range images {
		path := filepath.Join(dir, "image.tar")
		args := []string{"amd64=" + dir + "/binary", "armv7=" + dir + "/binary"}
		if err := test.image(path, dir, args); err != nil {
			t.Fatal(err)
		}
		var err error
		if images[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dir+"/binary", time.Time{}, time.Unix(int64(i+1), 0)); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(images[0], images[1]) {
		t.Error("two images differ")
	}
	if text := string(images[0]); !strings.Contains(text, `"architecture":"arm","os":"linux","variant":"v7"`) {
		t.Error("the image for armv7 does not say so")
	}
	if err := test.image(filepath.Join(dir, "x"), dir, []string{"mips=" + dir + "/binary"}); err == nil ||
		!strings.Contains(err.Error(), "unknown architecture") {
		t.Error(err)
	}
}

// TestSBOMOfThis lists what is in this test's binary, twice.
func TestSBOMOfThis(t *testing.T) {
	dir := t.TempDir()
	var first string
	for range 2 {
		if err := test.sbom(dir+"/bom", []string{os.Args[0]}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(dir + "/bom")
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(data)
		}
		if string(data) != first || !strings.Contains(first, `"name": "github.com/spf13/cobra"`) ||
			!strings.Contains(first, `"name": "std"`) {
			t.Errorf("%.3000s", data)
		}
	}
}

func TestUnusable(t *testing.T) {
	for name, value := range map[string]string{"SOURCE_DATE_EPOCH": "", "VERSION": "", "REVISION": ""} {
		t.Setenv("SOURCE_DATE_EPOCH", "1790000000")
		t.Setenv("VERSION", "1")
		t.Setenv("REVISION", "a")
		t.Setenv(name, value)
		if err := run([]string{"man", t.TempDir()}); err == nil || !strings.Contains(err.Error(), "$"+name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
