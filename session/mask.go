package session

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/console"
)

const (
	maxReason = 500 // the longest reason kept, in characters
	// the shortest secret that is masked: masking shorter ones would reveal them by masking single letters everywhere
	minSecret = 3
)

// Debugf sends a line to the debug output.
func (s *Session) Debugf(format string, args ...any) {
	if s.cfg.Debug != nil {
		s.cfg.Debug(s.call.TTY, console.Clean(fmt.Sprintf(format, args...)))
	}
}

// Scrub returns text from elsewhere (a panic, a reason) as one printable line, with the secrets typed on this call
// masked.
func (s *Session) Scrub(text string) string {
	s.masking.Lock()
	for _, secret := range slices.Concat(s.secrets, s.nobodies) {
		text = strings.ReplaceAll(text, secret, "[secret]")
	}
	s.masking.Unlock()
	text = console.Clean(text)
	if r := []rune(text); len(r) > maxReason {
		text = string(r[:maxReason]) + "…"
	}
	return text
}

// KeepSecret remembers a secret of the caller, so that Scrub masks it.
func (s *Session) KeepSecret(secret string) {
	if len(secret) < minSecret {
		return
	}
	s.masking.Lock()
	defer s.masking.Unlock()
	s.secrets = append(s.secrets, secret)
	if s.recorder != nil {
		s.recorder.Hide(secret)
	}
}

// record takes the recorder of the session that has begun; nil: there is none. It masks what Scrub masks.
func (s *Session) record(r Recorder) {
	if r == nil {
		return
	}
	s.masking.Lock()
	defer s.masking.Unlock()
	s.recorder = r
	for _, secret := range slices.Concat(s.secrets, s.nobodies) {
		r.Hide(secret)
	}
}

// Recorder returns what the front end passes all output of the session to; nil: it is not recorded.
func (s *Session) Recorder() Recorder {
	s.masking.Lock()
	defer s.masking.Unlock()
	return s.recorder
}

// recorded ends the recording of the session, if there is one.
func (s *Session) recorded(reason string) {
	s.masking.Lock()
	r := s.recorder
	s.recorder = nil
	s.masking.Unlock()
	if r != nil {
		r.Close(s.Scrub(reason))
	}
}

// nobody records whether a typed name belongs to no known user, so that Scrub masks it.
func (s *Session) nobody(name string, is bool) {
	s.masking.Lock()
	defer s.masking.Unlock()
	s.nobodies = slices.DeleteFunc(s.nobodies, func(n string) bool { return n == name })
	if is && len(name) >= minSecret {
		s.nobodies = append(s.nobodies, name)
	}
}
