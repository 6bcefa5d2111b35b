package audit

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// span is which seals a key may sign, by their numbers.
type span struct{ from, to int64 }

// trust leaves the seals of keys that are trusted: those of the auditor, and those joined to them by a seal with two
// keys. A key that was replaced signs no seal after that one.
func (v *Verifier) trust() {
	spans := map[string]span{}
	for _, k := range v.keys {
		spans[string(k)] = span{1, math.MaxInt64}
	}
	slices.SortStableFunc(v.seals, func(a, b verified) int { return cmp.Compare(a.Number, b.Number) })
	for more := true; more; {
		more = false
		for _, s := range v.seals {
			if s.NewKey == nil {
				continue
			}
			old, ok := spans[string(s.Key)]
			fresh, ok2 := spans[string(s.NewKey)]
			if !ok && !ok2 || ok && old.to < s.Number {
				continue
			}
			wantOld, wantNew := old, fresh
			if !ok {
				wantOld = span{1, s.Number}
			}
			wantOld.to = min(wantOld.to, s.Number)
			if !ok2 {
				wantNew = span{s.Number + 1, math.MaxInt64}
			}
			wantNew.from = max(wantNew.from, s.Number+1)
			if wantOld != old || wantNew != fresh || !ok || !ok2 {
				spans[string(s.Key)], spans[string(s.NewKey)], more = wantOld, wantNew, true
			}
		}
	}
	journals := map[string]bool{}
	kept := v.seals[:0:0]
	var others []verified
	for _, s := range v.seals {
		if p, ok := spans[string(s.Key)]; ok && p.from <= s.Number && s.Number <= p.to {
			kept = append(kept, s)
			journals[s.Head.Journal] = true
			if fp := Fingerprint(s.Key); !slices.Contains(v.report.Keys, fp) {
				v.report.Keys = append(v.report.Keys, fp)
			}
			continue
		}
		others = append(others, s)
	}
	foreign := 0
	for _, s := range others {
		if !journals[s.Head.Journal] {
			foreign++
			continue
		}
		text := "seal %d is signed by another key, %.16s…"
		if _, ok := spans[string(s.Key)]; ok {
			text = "seal %d is signed by a key that was not in use then, %.16s…"
		}
		v.find(s.finding(text, s.Number, Fingerprint(s.Key)))
	}
	if foreign > 0 {
		v.note("%d seals of other keys and other journals are ignored", foreign)
	}
	v.seals = kept
}

func (s verified) finding(format string, args ...any) Finding {
	return Finding{Seal: s.Number, File: s.file, Line: s.line, Text: fmt.Sprintf(format, args...)}
}

// lateSeal is how much later than due a seal may be.
const lateSeal = 2 * time.Minute

// chain checks that the seals, which are in the order of their numbers, follow from each other, and leaves one of each.
func (v *Verifier) chain() {
	kept := v.seals[:0:0]
	for _, s := range v.seals {
		if len(kept) == 0 {
			if s.Number > 1 {
				v.note("the seals begin with number %d: earlier files of seals were not given", s.Number)
			}
			kept = append(kept, s)
			continue
		}
		last := kept[len(kept)-1]
		switch {
		case s.Number == last.Number && s.sum == last.sum:
			// A copy, such as that of syslog; or the same line twice, after a write whose end was uncertain.
			if s.file == last.file && s.line > last.line+1 {
				v.find(s.finding("seal %d was put here again, it is that of line %d: an old seal was replayed",
					s.Number, last.line))
			}
			continue
		case s.Number == last.Number:
			v.find(s.finding("there are two seals %d, the other one is %s:%d: the server's state was copied or rolled "+
				"back, and both went on", s.Number, last.file, last.line))
			continue
		case s.Number == last.Number+1 && s.Prev != last.sum:
			v.find(s.finding("seal %d does not follow from seal %d: one of them is not of this chain", s.Number,
				last.Number))
		case s.Number > last.Number+2:
			v.find(s.finding("seals %d to %d are missing before it", last.Number+1, s.Number-1))
		case s.Number > last.Number+1:
			v.find(s.finding("seal %d is missing before it", last.Number+1))
		}
		v.compare(last, s)
		kept = append(kept, s)
	}
	v.seals = kept
}

// compare compares a seal with the one before it.
func (v *Verifier) compare(last, s verified) {
	if s.file == last.file && s.line < last.line {
		v.find(s.finding("seal %d stands before seal %d: the lines were reordered", s.Number, last.Number))
	}
	switch {
	case s.Head.Journal != last.Head.Journal:
		v.note("the journal of seal %d (%s) is another one than that of seal %d: it was restored from a backup, "+
			"salvaged or replaced", s.Number, stamp(s.Time), last.Number)
	case s.Head.Seq < last.Head.Seq:
		v.find(s.finding("seal %d has %d rows, seal %d had %d: the journal was replaced by an older one", s.Number,
			s.Head.Seq, last.Number, last.Head.Seq))
	}
	switch {
	case s.Time.Before(last.Time.Add(-time.Second)):
		v.note("the clock was set back by %v between seal %d (%s) and seal %d",
			last.Time.Sub(s.Time).Round(time.Second), last.Number, stamp(last.Time), s.Number)
	case !last.Next.IsZero() && s.Time.After(last.Next.Add(lateSeal)):
		v.note("no seal from %s to %s, although one was due at %s: the server or the disk of the seals did not run",
			stamp(last.Time), stamp(s.Time), stamp(last.Next))
	}
}
