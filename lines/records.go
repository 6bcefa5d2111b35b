package lines

import "time"

// Record is what a line's number stands for across its configurations and, if the caller of SetRecords keeps it, across
// restarts. Records are compared: a Failure never changes.
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

// Records returns the records by TTY; also those of lines that are not in the pool any more.
func (p *Pool) Records() map[int]Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make(map[int]Record, len(p.records))
	for tty, r := range p.records {
		all[tty] = *r
	}
	return all
}

// SetRecords puts the records of an earlier process in the place of those that the pool has. Call it before Run, before
// a line has counted anything.
func (p *Pool) SetRecords(all map[int]Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for tty, r := range all {
		*p.recordLocked(tty) = r
	}
}

// ClearCounts sets the counters of a line to zero and returns its record, which keeps the last failure. The record of a
// number that no line has is forgotten: then known is false.
func (p *Pool) ClearCounts(tty int) (r Record, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines[tty] == nil {
		delete(p.records, tty)
		return Record{}, false
	}
	now := p.recordLocked(tty)
	now.Counts, now.Since = Counts{}, p.o.Now().Round(0)
	signal(p.counted)
	return *now, true
}

// Counted returns a channel that receives a value after a record has changed. It is for one receiver, which then reads
// Records: changes in the meantime are not announced again.
func (p *Pool) Counted() <-chan struct{} { return p.counted }
