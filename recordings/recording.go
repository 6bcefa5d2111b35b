package recordings

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	// queueLimit is how many octets of a recording wait for the disk at most. What does not fit is lost.
	queueLimit = 256 << 10
	// chunk is the most output of one event, in octets.
	chunk = 4096
	// retryAfter is how long a recording waits after an error of the disk.
	retryAfter = time.Second
	// tellEvery is the least time between two reports that a recording loses output.
	tellEvery = time.Minute
)

// Recording is what one session shows its caller. Create one with Store.Begin. Its methods are safe for concurrent use
// and never wait for the disk: one goroutine writes while there is something to write.
type Recording struct {
	store *Store
	About
	began time.Time

	mu     sync.Mutex
	mask   masker
	text   decoder
	queue  []byte // lines for the file
	spare  []byte
	queued int    // octets of output in queue
	taken  int    // octets of lines that the goroutine writes at the moment: they are not in queue or size
	lost   uint64 // octets of output, of all
	gap    uint64 // octets of output since the last one that was recorded
	marked uint64 // those of the gaps that queue marks
	why    string // of the gap
	writes bool   // the goroutine runs
	full   bool   // it has as much output as one may have
	ended  bool
	whole  bool          // its end is in the file
	closed bool          // the file is closed
	last   time.Duration // of the last event
	retry  time.Time     // not before: the disk has failed
	told   time.Time     // when a loss was last reported

	file file  // of the goroutine, until ended
	size int64 // octets in the file, all of them whole lines; guarded by mu
}

// file is an *os.File.
type file interface {
	Write(p []byte) (int, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Output records what is shown to the caller. It keeps nothing of p.
func (r *Recording) Output(p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	now := time.Since(r.began)
	for len(p) > 0 {
		n := min(len(p), chunk)
		r.mask.write(now, p[:n], r.shown)
		p = p[n:]
	}
}

// Hide masks a secret in all output from now on. A secret of less than three octets is not masked.
func (r *Recording) Hide(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mask.hide(secret)
}

// Close ends the recording; reason is for operators, without secrets. The file is complete later: see Store.Close.
func (r *Recording) Close(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended {
		return
	}
	r.mask.flush(r.shown)
	if left := r.text.end(); left != "" {
		r.event(Event{r.last, Output, left}, len(left))
	}
	r.ended = true
	r.retry = time.Time{}
	r.last = max(r.last, time.Since(r.began))
	r.report()
	r.queue = appendEvent(r.queue, Event{r.last, Marker, endText(r.lost, reason)})
	r.write()
}

// shown records output that is masked.
func (r *Recording) shown(at time.Duration, p []byte) {
	if text := r.text.text(p); text != "" {
		r.event(Event{max(at, r.last), Output, text}, len(p))
	}
}

// event queues an event with octets of output.
func (r *Recording) event(e Event, octets int) {
	limit := r.store.limits.Load().MaxSession
	line := appendEvent(nil, e)
	switch {
	case r.full:
		r.lose(octets, r.why)
		return
	case limit > 0 && r.size+int64(r.taken+len(r.queue)+len(line)) > limit:
		r.full = true
		r.lose(octets, fmt.Sprintf("the recording has %d octets, as recordings.max_session allows", limit))
		r.last = max(r.last, e.At)
		r.report()
		r.write()
		return
	case len(r.queue)+len(line) > queueLimit:
		r.lose(octets, "the disk is too slow")
		return
	case time.Now().Before(r.retry):
		r.lose(octets, r.why)
		return
	}
	r.report()
	r.last = e.At
	r.queue = append(r.queue, line...)
	r.queued += octets
	r.write()
}

// lose counts output that is not recorded.
func (r *Recording) lose(octets int, why string) {
	if now := time.Now(); r.told.IsZero() || now.Sub(r.told) >= tellEvery {
		r.told = now
		r.store.tell(r.About, why)
	}
	r.store.lose(octets, why)
	r.lost += uint64(octets)
	if !r.full || r.gap == 0 && r.why != why { // the end of what is recorded is marked once
		r.gap += uint64(octets)
	}
	r.why = why
}

// report marks the gap before the next event.
func (r *Recording) report() {
	switch {
	case r.gap == 0:
		return
	case r.full:
		r.queue = appendEvent(r.queue, Event{r.last, Marker, "the rest is not recorded: " + r.why})
	default:
		r.queue = appendEvent(r.queue, Event{r.last, Marker, fmt.Sprintf("%d octets are not recorded: %s", r.gap,
			r.why)})
	}
	r.marked += r.gap
	r.gap = 0
}

// write starts the goroutine if it does not run.
func (r *Recording) write() {
	if r.writes {
		return
	}
	r.writes = true
	r.store.writers.Go(r.writeAll)
}

// writeAll writes what is queued until there is nothing more; after the end it closes the file.
func (r *Recording) writeAll() {
	for {
		r.mu.Lock()
		lines, octets, marked := r.queue, r.queued, r.marked
		r.queue, r.queued, r.marked = r.spare[:0], 0, 0
		if len(lines) == 0 {
			r.writes = false
			r.queue, r.spare = nil, nil // most sessions are idle most of the time
			ended := r.ended
			r.mu.Unlock()
			if ended {
				r.finish()
			}
			return
		}
		size, ended := r.size, r.ended
		r.taken = len(lines)
		r.mu.Unlock()
		err := r.store.append(r.file, size, lines)
		r.mu.Lock()
		r.spare, r.taken = lines, 0
		if err == nil {
			r.size += int64(len(lines))
			r.whole = ended
		} else {
			r.failed(octets, marked, err)
		}
		r.mu.Unlock()
	}
}

// failed counts what the disk did not take. Gaps that were marked in it are part of the next one.
func (r *Recording) failed(octets int, marked uint64, err error) {
	r.gap += marked
	r.store.fail(err)
	r.lose(octets, strings.Map(oneLine, err.Error()))
	r.retry = time.Now().Add(retryAfter)
}

// finish closes the file. It runs once, after all other methods.
func (r *Recording) finish() {
	err := r.file.Sync()
	if e := r.file.Close(); err == nil {
		err = e
	}
	if err != nil {
		r.store.fail(err)
	}
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.store.finished(r)
}

// info returns what is known of it.
func (r *Recording) info() Info {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := Info{About: r.About, Began: r.began, Duration: r.last, Octets: r.size, Lost: r.lost, Live: !r.closed,
		Complete: r.whole}
	if !r.closed {
		i.Duration = time.Since(r.began)
	}
	return i
}

// endText is the last marker of a recording that was not cut off.
func endText(lost uint64, reason string) string {
	if lost > 0 {
		return fmt.Sprintf("end, %d octets are not recorded: %s", lost, reason)
	}
	return "end: " + reason
}

// IsEnd reports whether an event is the last marker of a recording that was not cut off.
func IsEnd(e Event) bool {
	_, ok := parseEnd(e.Data)
	return ok && e.Code == Marker
}

// parseEnd reads endText.
func parseEnd(text string) (lost uint64, ok bool) {
	if strings.HasPrefix(text, "end: ") {
		return 0, true
	}
	n, _ := fmt.Sscanf(text, "end, %d octets are not recorded: ", &lost)
	return lost, n == 1
}

func oneLine(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
