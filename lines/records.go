package lines

import (
	"maps"
	"time"
)

// Record is what a line's number stands for across its configurations and, if the caller of SetRecords keeps it, across
// restarts. Records are compared: neither a Failure nor a *Record changes, a count makes a new one.
type Record struct {
	Counts  Counts
	Since   time.Time // when the counts began
	Failure *Failure  // the last one; nil: none
}

// recordLocked returns the record of a line.
func (p *Pool) recordLocked(tty int) *Record {
	r := p.records[tty]
	if r == nil {
		r = &Record{Since: p.o.Now().Round(0)}
		p.records[tty] = r
		signal(p.counted)
	}
	return r
}

// recordedLocked changes the record of a line.
func (p *Pool) recordedLocked(tty int, change func(*Record)) *Record {
	r := *p.recordLocked(tty)
	change(&r)
	p.records[tty] = &r
	signal(p.counted)
	return &r
}

// Records returns the records by TTY; also those of lines that are not in the pool any more.
func (p *Pool) Records() map[int]*Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.records)
}

// SetRecords puts the records of an earlier process in the place of those that the pool has. Call it before Run, before
// a line has counted anything.
func (p *Pool) SetRecords(all map[int]*Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.Copy(p.records, all)
}

// ClearCounts sets the counters of a line to zero and returns its record, which keeps the last failure. The record of a
// number that no line has is forgotten: then known is false.
func (p *Pool) ClearCounts(tty int) (r *Record, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines[tty] == nil {
		delete(p.records, tty)
		return nil, false
	}
	return p.recordedLocked(tty, func(r *Record) { r.Counts, r.Since = Counts{}, p.o.Now().Round(0) }), true
}

// Counted returns a channel that receives a value after a record has changed. It is for one receiver, which then reads
// Records: changes in the meantime are not announced again.
func (p *Pool) Counted() <-chan struct{} { return p.counted }
