package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab/dialects"
)

// The sample has a line for each family, and the files of its town name their profiles.
func TestSampleModems(t *testing.T) {
	all, err := ReadModems(AllModems)
	if err != nil {
		t.Fatal(err)
	}
	names := dialects.Names()
	if len(all) != len(names) {
		t.Fatalf("%d lines for %d families", len(all), len(names))
	}
	dir := t.TempDir()
	l := mustBuild(t, Options{Dir: dir, Lines: all})
	conf := read(t, dir, "ringback.yaml")
	for i, m := range all {
		if m.Family != names[i] || !strings.Contains(conf, "profile: "+m.Family+", caller_id: true,") {
			t.Errorf("line %d: %s, and the configuration has no such profile", i, m.Family)
		}
	}
	if l.urls[len(all)-1] == "" || len(l.lines) != len(all) {
		t.Errorf("%d modems, ports %q", len(l.lines), l.urls)
	}
	scenarios, err := LineScenarios(all)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range scenarios {
		caller := ""
		if all[i].ShowsCaller {
			caller = "84001"
		}
		if s.Callback["caller"] != caller || s.Callback["phase"] != "completed" {
			t.Errorf("%s: %v", s.Name, s.Callback)
		}
	}
}

func TestReadModems(t *testing.T) {
	if all, err := ReadModems(""); all != nil || err != nil {
		t.Errorf("without a file: %v, %v", all, err)
	}
	if _, err := ReadModems(filepath.Join(t.TempDir(), "none")); err == nil ||
		!strings.Contains(err.Error(), "`--modems all` needs no file") {
		t.Errorf("no such file: %v", err)
	}
	path := filepath.Join(t.TempDir(), "m.yaml")
	if err := os.WriteFile(path, []byte("lines: [{family: hayes}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadModems(path); err == nil || !strings.Contains(err.Error(), path+":1:") {
		t.Errorf("no such family: %v", err)
	}
}

// A changed configuration of one town is not used with other modems.
func TestOtherModems(t *testing.T) {
	dir := t.TempDir()
	modems, err := dialects.Parse("m", []byte("lines: [{family: zyxel}]"))
	if err != nil {
		t.Fatal(err)
	}
	mustBuild(t, Options{Dir: dir, Lines: modems}).Close()
	write(t, dir, "ringback.yaml", read(t, dir, "ringback.yaml")+"# mine\n")
	if _, err := build(t, Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "the same --modems") {
		t.Errorf("the usual town in its directory: %v", err)
	}
	mustBuild(t, Options{Dir: dir, Lines: modems})
}
