package recordings

import (
	"bytes"
	"slices"
	"time"
)

// masked stands for a secret in a recording.
const masked = "[secret]"

// minSecret is the length of the shortest secret that is masked: masking shorter ones would reveal them by masking
// single letters everywhere.
const minSecret = 3

// masker masks secrets in a stream, also where they are split over writes. Octets that may begin a secret are held
// until those after them tell; each octet keeps the time at which it was written. The zero value masks nothing.
type masker struct {
	secrets [][]byte
	longest int

	held   []byte
	stamps []stamp // of held
	hidden int     // octets at the begin of held that belong to a secret whose mask was passed on
}

// stamp is when the octets before end, and after the stamp before, were written.
type stamp struct {
	end int
	at  time.Duration
}

// span is a part of held.
type span struct{ from, to int }

// hide adds a secret. What was passed on before is not masked.
func (m *masker) hide(secret string) {
	s := []byte(secret)
	if len(s) < minSecret || slices.ContainsFunc(m.secrets, func(o []byte) bool { return bytes.Equal(o, s) }) {
		return
	}
	m.secrets = append(m.secrets, s)
	m.longest = max(m.longest, len(s))
}

// write takes p, written at a time, and passes on what is certain. emit must not keep the slice.
func (m *masker) write(at time.Duration, p []byte, emit func(time.Duration, []byte)) {
	if len(p) == 0 {
		return
	}
	if len(m.secrets) == 0 {
		emit(at, p)
		return
	}
	m.held = append(m.held, p...)
	m.stamps = append(m.stamps, stamp{len(m.held), at})
	m.release(m.undecided(), emit)
}

// flush passes on what is held. The begin of a secret is masked too if it is as long as a secret may be.
func (m *masker) flush(emit func(time.Duration, []byte)) {
	if left := len(m.held) - m.hidden; left >= minSecret {
		emit(m.at(m.hidden), []byte(masked))
		m.hidden = len(m.held)
	}
	m.release(len(m.held), emit)
}

// undecided returns where the octets at the end of held begin that may begin a secret.
func (m *masker) undecided() int {
	for i := max(len(m.held)-m.longest+1, 0); i < len(m.held); i++ {
		for _, s := range m.secrets {
			if rest := m.held[i:]; len(rest) < len(s) && bytes.HasPrefix(s, rest) {
				return i
			}
		}
	}
	return len(m.held)
}

// release passes on held up to an index.
func (m *masker) release(upTo int, emit func(time.Duration, []byte)) {
	from, told := 0, m.hidden > 0 // told: the mask of the first span was passed on
	for _, s := range m.spans() {
		if s.from >= upTo {
			break
		}
		m.pass(from, s.from, emit)
		if !told {
			emit(m.at(s.from), []byte(masked))
		}
		from, told = s.to, false
	}
	m.pass(from, upTo, emit)
	m.hidden = max(max(from, m.hidden)-upTo, 0)
	m.held = append(m.held[:0], m.held[upTo:]...)
	left := m.stamps[:0]
	for _, st := range m.stamps {
		if st.end > upTo {
			left = append(left, stamp{st.end - upTo, st.at})
		}
	}
	m.stamps = left
}

// spans returns the secrets in held, those that overlap as one, in their order.
func (m *masker) spans() []span {
	var all []span
	if m.hidden > 0 {
		all = append(all, span{0, m.hidden})
	}
	for _, s := range m.secrets {
		for at := 0; ; at++ {
			i := bytes.Index(m.held[at:], s)
			if i < 0 {
				break
			}
			at += i
			all = append(all, span{at, at + len(s)})
		}
	}
	slices.SortFunc(all, func(a, b span) int { return a.from - b.from })
	merged := all[:0]
	for _, s := range all {
		if n := len(merged); n > 0 && s.from < merged[n-1].to {
			merged[n-1].to = max(merged[n-1].to, s.to)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// pass passes on a part of held with the times of its octets.
func (m *masker) pass(from, to int, emit func(time.Duration, []byte)) {
	for _, st := range m.stamps {
		if end := min(st.end, to); end > from {
			emit(st.at, m.held[from:end])
			from = end
		}
	}
}

// at returns when an octet of held was written.
func (m *masker) at(i int) time.Duration {
	for _, st := range m.stamps {
		if i < st.end {
			return st.at
		}
	}
	return 0
}
