package session

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ringback/ringback/console"
)

const (
	maxReason = 500 // the longest reason kept, in characters
	minSecret = 3   // the shortest secret that is masked: less would mask letters everywhere and so tell what they are
)

// Debugf tells what happens, for an operator who watches.
func (s *Session) Debugf(format string, args ...any) {
	if s.cfg.Debug != nil {
		s.cfg.Debug(s.call.TTY, console.Clean(fmt.Sprintf(format, args...)))
	}
}

// Scrub makes one harmless line of what others said (a panic, a reason), without the secrets that were typed on this
// call.
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

// KeepSecret remembers what a caller proved themselves with, so that Scrub masks it.
func (s *Session) KeepSecret(secret string) {
	if len(secret) < minSecret {
		return
	}
	s.masking.Lock()
	defer s.masking.Unlock()
	s.secrets = append(s.secrets, secret)
}

// nobody remembers a name that is nobody's, or that it is somebody's after all.
func (s *Session) nobody(name string, is bool) {
	s.masking.Lock()
	defer s.masking.Unlock()
	s.nobodies = slices.DeleteFunc(s.nobodies, func(n string) bool { return n == name })
	if is && len(name) >= minSecret {
		s.nobodies = append(s.nobodies, name)
	}
}
