package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// sealed returns a server that ran three times, with 5, 5 and 4 rows: seals 1 to 6, of the rows 0, 5, 5, 10, 10, 14.
func sealed(t *testing.T) *node {
	n := newNode(t)
	for _, rows := range []int{5, 5, 4} {
		n.run(t, rows)
		<-time.After(time.Minute) // of the bubble
	}
	return n
}

// TestAttacks: each change of the rows or of the seals is a finding that says where, also one by somebody who has every
// key but the one that signs seals, and rewrites the chain.
func TestAttacks(t *testing.T) {
	type state struct {
		rows  []Row
		seals []string
	}
	forge := func(s *state, change func([]Row) []Row) { s.rows = relink(change(s.rows)) }
	for name, tt := range map[string]struct {
		change func(*state)
		want   []string // each in a finding; none: no finding
		note   string
	}{
		"nothing": {func(*state) {}, nil, ""},
		"changed row": {func(s *state) { s.rows[6].Who = "paia-02" },
			[]string{"row 7: it was changed"}, ""},
		"changed time": {func(s *state) { s.rows[13].Time = s.rows[13].Time.Add(1) },
			[]string{"row 14: it was changed"}, ""},
		"rewritten chain": {func(s *state) { forge(s, func(r []Row) []Row { r[6].Text = "x"; return r }) },
			[]string{"row 10: seals1:4: seal 4 of", "a row from 6 to 10 is not the one that was sealed; 2 more seals " +
				"up to seal 6 (row 14)"}, ""},
		"rewritten tail": {func(s *state) { forge(s, func(r []Row) []Row { r[13].Text = "x"; return r }) },
			[]string{"row 14: seals1:6: seal 6 of", "a row from 11 to 14"}, ""},
		"row taken out": {func(s *state) { s.rows = slices.Delete(s.rows, 6, 7) },
			[]string{"row 8: row 7 is missing"}, ""},
		"row taken out, rewritten": {func(s *state) { forge(s, func(r []Row) []Row { return slices.Delete(r, 6, 7) }) },
			[]string{"a row from 6 to 10", "the rows end at row 13, and seal 6 of"}, ""},
		"row put in, rewritten": {func(s *state) { forge(s, func(r []Row) []Row { return slices.Insert(r, 6, r[0]) }) },
			[]string{"a row from 6 to 10"}, ""},
		"cut tail": {func(s *state) { s.rows = s.rows[:12] },
			[]string{"row 12: seals1:6: the rows end at row 12, and seal 6 of"}, ""},
		"cut tail and seals": {func(s *state) { s.rows, s.seals = s.rows[:10], s.seals[:5] },
			nil, "the seals end with seal 5"},
		"all rows gone": {func(s *state) { s.rows = nil },
			[]string{"the rows end at row 0"}, ""},
		"cut head": {func(s *state) { s.rows = s.rows[3:] },
			[]string{"row 4: rows 1 to 3 are missing"}, ""},
		"cut head, rewritten": {func(s *state) { forge(s, func(r []Row) []Row { return r[3:] }) },
			[]string{"a row from 1 to 5", "the rows end at row 11"}, ""},
		"reordered": {func(s *state) { s.rows[6], s.rows[7] = s.rows[7], s.rows[6] },
			[]string{"row 8: row 7 is missing", "row 7: it stands after row 8"}, ""},
		"exchanged contents": {func(s *state) { s.rows[6].Text, s.rows[7].Text = s.rows[7].Text, s.rows[6].Text },
			[]string{"row 7: it was changed", "row 8: it was changed"}, ""},
		"repeated": {func(s *state) { s.rows = slices.Insert(s.rows, 7, s.rows[6]) },
			[]string{"row 7: it stands after row 7"}, ""},
		"spliced": {func(s *state) {
			other := relink(slices.Clone(s.rows))
			for i := range other {
				other[i].Who = "other"
			}
			s.rows = slices.Concat(s.rows[:7], relink(other)[7:])
		}, []string{"row 8: it was changed", "a row from 6 to 10"}, ""},
		"no seals": {func(s *state) { s.seals = nil }, []string{"there are no seals of the key"}, ""},
		"seal taken out": {func(s *state) { s.seals = slices.Delete(s.seals, 2, 3) },
			[]string{"seals1:3: seal 3 is missing before it"}, ""},
		"seals taken out": {func(s *state) { s.seals = slices.Delete(s.seals, 1, 4) },
			[]string{"seals1:2: seals 2 to 4 are missing before it"}, ""},
		"first seals gone": {func(s *state) { s.seals = s.seals[3:] }, nil, "the seals begin with number 4"},
		"old seal replayed": {func(s *state) { s.seals = append(s.seals, s.seals[1]) },
			[]string{"seals1:7: seal 2 was put here again"}, ""},
		"old seal at the end": {func(s *state) { s.seals = append(s.seals[:5], s.seals[1]) },
			[]string{"seals1:6: seal 2 was put here again"}, "rows 11 to 14 are not sealed yet"},
		"seals reordered": {func(s *state) { s.seals[2], s.seals[3] = s.seals[3], s.seals[2] },
			[]string{"seal 4 stands before seal 3"}, ""},
		"seal changed": {func(s *state) { s.seals[5] = strings.Replace(s.seals[5], "seq=14", "seq=12", 1) },
			[]string{"seals1:6: a damaged seal: its signature does not fit"}, ""},
		"seal cut short": {func(s *state) { s.seals[5] = s.seals[5][:200] },
			nil, "seals1:6: a seal that was not written to its end: it is incomplete"},
		"seal cut short in between": {func(s *state) { s.seals[2] = s.seals[2][:200] + "\n" },
			[]string{"seal 3 is missing"}, "seals1:3: a seal that was not written"},
		"lines of a log": {func(s *state) {
			for i, l := range s.seals {
				s.seals[i] = `<110>1 2026-11-29T10:00:00Z h ringback 1 - - {"seal":"` + strings.TrimSpace(l) + "\"}\nnoise\n"
			}
		}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := sealed(t)
				s := &state{n.journal.copied(), n.lines(t)}
				tt.change(s)
				<-time.After(2 * time.Hour)
				r := verify(t, s.rows, []ed25519.PublicKey{n.key(t)}, strings.Join(s.seals, ""))
				if len(tt.want) == 0 && len(r.Findings) > 0 || !strings.Contains(r.all(), tt.note) {
					t.Errorf("got:\n%s", r.all())
				}
				for _, want := range tt.want {
					if !slices.ContainsFunc(r.Findings, func(f Finding) bool {
						return strings.Contains(f.String(), want)
					}) {
						t.Errorf("no finding %q:\n%s", want, r.all())
					}
				}
				if name == "nothing" && (r.Rows != 14 || r.Seals != 6 || r.Fitting != 6 || r.Sealed != 14 ||
					len(r.Notes) > 0) {
					t.Errorf("%+v", r)
				}
			})
		})
	}
}

// TestManyFindings: the list of findings is bounded.
func TestManyFindings(t *testing.T) {
	v := NewVerifier()
	v.Begin(0, nil, false)
	first := relink(make([]Row, 1))[0]
	for range 10_000 {
		v.Row(first)
	}
	if r := v.End(time.Now()); len(r.Findings) != maxFindings || r.More < 9000 {
		t.Errorf("%d findings, %d more", len(r.Findings), r.More)
	}
}

// TestOtherKeys: seals of a key that the auditor does not trust count for nothing. Those for the same journal are a
// finding, those of another server in the same file are not.
func TestOtherKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, other, attacker := sealed(t), newNode(t), newNode(t)
		other.journal.id = strings.Repeat("cd", 16)
		other.run(t, 3)
		attacker.journal.add(14)
		attacker.run(t, 0)
		ours := strings.Join(n.lines(t), "")
		r := verify(t, n.journal.copied(), []ed25519.PublicKey{n.key(t)}, ours, strings.Join(other.lines(t), ""))
		if len(r.Findings) > 0 || !strings.Contains(r.all(), "2 seals of other keys and other journals are ignored") {
			t.Error(r.all())
		}
		r = verify(t, attacker.journal.copied(), []ed25519.PublicKey{n.key(t)}, ours,
			strings.Join(attacker.lines(t), ""))
		if !strings.Contains(r.all(), "seal 1 is signed by another key") ||
			!strings.Contains(r.all(), "a row from 1 to 5 is not the one that was sealed") {
			t.Error(r.all())
		}
		r = verify(t, attacker.journal.copied(), []ed25519.PublicKey{n.key(t)}, strings.Join(attacker.lines(t), ""))
		if !strings.Contains(r.all(), "there are no seals of the key") {
			t.Error(r.all())
		}
	})
}

// TestFork: a server whose state was copied, or rolled back, signs two seals with one number.
func TestFork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := sealed(t)
		fork := newNode(t)
		copyFile(t, n.dir+"/"+KeyFile, fork.dir+"/"+KeyFile)
		fork.run(t, 14)
		r := verify(t, n.journal.copied(), []ed25519.PublicKey{n.key(t)}, strings.Join(n.lines(t), ""),
			strings.Join(fork.lines(t), ""))
		if !strings.Contains(r.all(), "finding: seals2:1: there are two seals 1, the other one is seals1:1") {
			t.Error(r.all())
		}
		// a copy of the same seals, as in syslog, is none
		both := strings.Join(n.lines(t), "")
		if r = verify(t, n.journal.copied(), []ed25519.PublicKey{n.key(t)}, both, both); len(r.Findings) > 0 {
			t.Error(r.all())
		}
	})
}

// TestRestoredJournal: a journal that was put back to an older state shows, also after it went on.
func TestRestoredJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := sealed(t)
		n.journal.rows = n.journal.rows[:7]
		n.journal.add(1)
		n.run(t, 9)
		r := verify(t, n.journal.copied(), []ed25519.PublicKey{n.key(t)}, strings.Join(n.lines(t), ""))
		if !strings.Contains(r.all(), "seal 7 has 8 rows, seal 6 had 14: the journal was replaced by an older one") ||
			!strings.Contains(r.all(), "seal 4 of") {
			t.Error(r.all())
		}
	})
}

// TestClockSetBack: the times of seals and rows show it, and nothing else does.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := sealed(t)
		for i := range 4 {
			n.journal.rows[10+i].Time = n.journal.rows[10+i].Time.Add(-time.Hour)
		}
		rows := relink(n.journal.copied())
		pub, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		var text string
		var last *Seal
		for i, at := range []time.Duration{0, time.Minute, -time.Hour} {
			s := &Seal{Number: int64(i + 1), Time: time.Now().Add(at), Why: AtTime,
				Next: time.Now().Add(24 * time.Hour)}
			s.Head.Journal, s.Head.Seq = n.journal.id, int64(4*i+6)
			copy(s.Head.Digest[:], rows[4*i+5].Digest)
			if last != nil {
				s.Prev = last.Sum()
			}
			s.sign(key, nil)
			text, last = text+s.String()+"\n", s
		}
		r := verify(t, rows, []ed25519.PublicKey{pub}, text)
		if len(r.Findings) > 0 || !strings.Contains(r.all(), "the clock was set back by 1h1m0s between seal 2") ||
			!strings.Contains(r.all(), "1 rows are more than 5s earlier than the row before them, the "+
				"first is row 11") {
			t.Error(r.all())
		}
	})
}
