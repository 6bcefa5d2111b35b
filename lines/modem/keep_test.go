package modem

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func openProofs(t *testing.T) (*Proofs, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "lines")
	p, err := OpenProofs(dir)
	if err != nil {
		t.Fatal(err)
	}
	return p, filepath.Join(dir, "tty7")
}

func mustSave(t *testing.T, p *Proofs, s state) {
	t.Helper()
	if err := p.save(7, s); err != nil {
		t.Fatal(err)
	}
}

func wantState(t *testing.T, p *Proofs, want state) {
	t.Helper()
	if got, err := p.load(7); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("loaded %+v, %v; want %+v", got, err, want)
	}
}

// states returns the states that a modem may be stored with; the last one is larger than a sector.
func states() []state {
	many := secret{}
	for r := range 120 {
		many.Registers, many.Values = append(many.Registers, 30+r), append(many.Values, byte(r))
	}
	return []state{
		{Secrets: []secret{{[]int{18, 25, 26}, []byte{1, 2, 3}}}},
		{Secrets: []secret{{[]int{18, 25, 26}, []byte{255, 0, 10}}, {[]int{18, 25, 26}, []byte{1, 2, 3}}}},
		{Wiped: &profile{S0: 1, S2: 43, S12: 50}, Stored: &profile{S2: 28, S12: 50}},
		{},
		{Secrets: []secret{many}},
	}
}

// TestProofsAreKept: load returns the state that was saved last, whatever the file contained before, also in another
// process.
func TestProofsAreKept(t *testing.T) {
	p, path := openProofs(t)
	wantState(t, p, state{})
	for i, before := range states() {
		for j, after := range states() {
			mustSave(t, p, before)
			mustSave(t, p, after)
			wantState(t, p, after)
			again, err := OpenProofs(filepath.Dir(path))
			if err != nil {
				t.Fatal(err)
			}
			wantState(t, again, after)
			if t.Failed() {
				t.Fatalf("%d after %d", j, i)
			}
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wantState(t, p, state{})
	mustSave(t, p, states()[0])
	wantState(t, p, states()[0])
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestProofIsWrittenInPlace: the next record overwrites the sector of the previous one, so that a crash leaves one of
// the two.
func TestProofIsWrittenInPlace(t *testing.T) {
	p, path := openProofs(t)
	mustSave(t, p, states()[0])
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	mustSave(t, p, states()[1])
	after, err := os.Stat(path)
	if err != nil || !os.SameFile(before, after) || after.Size() != recordSize {
		t.Errorf("another file, or %d octets: %v", after.Size(), err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 2 { // one of the two is the key
		t.Errorf("%v, %v", entries, err)
	}
}

// TestDamagedProof: every changed octet and every missing piece of a record is detected.
func TestDamagedProof(t *testing.T) {
	p, path := openProofs(t)
	mustSave(t, p, states()[1])
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	used := len(bytes.TrimRight(whole, " "))
	try := func(what string, at int, text []byte) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := p.load(7); err == nil {
			t.Errorf("%s at %d: loaded %+v", what, at, s)
		}
	}
	for i := range used {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 1
		try("a flipped bit", i, flipped)
		if text := whole[:i]; i != bytes.IndexByte(whole, '\n') { // the text alone is a valid record of ringback 0.3
			try("cut", i, text)
		}
		zeroed := bytes.Clone(whole)
		clear(zeroed[i:])
		try("zeros from", i, zeroed)
	}
}

// TestProofOfBefore: a record of ringback 0.3 is read, and the next save writes it in the current format.
func TestProofOfBefore(t *testing.T) {
	p, path := openProofs(t)
	for _, s := range states() {
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		wantState(t, p, s)
	}
	mustSave(t, p, states()[2])
	wantState(t, p, states()[2])
	if text, err := os.ReadFile(path); err != nil || strings.Count(string(text), "\n") != 2 {
		t.Errorf("%q, %v", text, err)
	}
}

func BenchmarkSaveProof(b *testing.B) {
	p, err := OpenProofs(filepath.Join(b.TempDir(), "lines"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := p.save(7, states()[1]); err != nil {
			b.Fatal(err)
		}
	}
}
