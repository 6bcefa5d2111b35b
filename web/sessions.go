package web

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"net/http"
	"sync"
	"time"
)

// Most sessions and links at a time: the oldest ends for one more.
const (
	maxSessions = 1024
	maxLinks    = 64
	linkTime    = 15 * time.Minute // how long a link can be used
)

// session is an operator who is logged in. Its state is on the server alone.
type session struct {
	operator Operator
	csrf     string
	begun    time.Time
	seen     time.Time // guarded by sessions.mu
	// of the certificate by which the operator logged in, which each request must show; zero: by other means
	certificate [sha256.Size]byte
}

// sessions has the sessions by the hash of their cookie: what is in memory logs nobody in.
type sessions struct {
	mu    sync.Mutex
	open  map[[sha256.Size]byte]*session
	links map[[sha256.Size]byte]link
}

// link is a login by a link, once.
type link struct {
	operator Operator
	until    time.Time
}

func newSessions() *sessions {
	return &sessions{open: map[[sha256.Size]byte]*session{}, links: map[[sha256.Size]byte]link{}}
}

// begin returns the cookie's value of a new session.
func (s *sessions) begin(o Operator, certificate [sha256.Size]byte) (string, *session) {
	now, cookie := time.Now(), rand.Text()
	in := &session{operator: o, csrf: rand.Text(), begun: now, seen: now, certificate: certificate}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(now)
	if len(s.open) >= maxSessions {
		var oldest [sha256.Size]byte
		var first *session
		for k, o := range s.open {
			if first == nil || o.seen.Before(first.seen) {
				oldest, first = k, o
			}
		}
		delete(s.open, oldest)
	}
	s.open[sha256.Sum256([]byte(cookie))] = in
	return cookie, in
}

// sweep ends what is too old. mu is held.
func (s *sessions) sweep(now time.Time) {
	for k, in := range s.open {
		if in.over(now) {
			delete(s.open, k)
		}
	}
	for k, l := range s.links {
		if !now.Before(l.until) {
			delete(s.links, k)
		}
	}
}

func (in *session) over(now time.Time) bool {
	return now.Sub(in.seen) >= idleTime || now.Sub(in.begun) >= absoluteTime
}

// find returns the session of a cookie; nil if there is none. With use, it is not idle.
func (s *sessions) find(cookie string, use bool) *session {
	now, key := time.Now(), sha256.Sum256([]byte(cookie))
	s.mu.Lock()
	defer s.mu.Unlock()
	in := s.open[key]
	if in == nil {
		return nil
	}
	if in.over(now) {
		delete(s.open, key)
		return nil
	}
	if use {
		in.seen = now
	}
	return in
}

func (s *sessions) end(cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sha256.Sum256([]byte(cookie)))
}

// Link returns the path of a page that logs an operator in, once and within 15 minutes.
func (s *Server) Link(o Operator) string {
	now, key := time.Now(), rand.Text()
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	s.sessions.sweep(now)
	if len(s.sessions.links) >= maxLinks {
		var oldest [sha256.Size]byte
		var first time.Time
		for k, l := range s.sessions.links {
			if first.IsZero() || l.until.Before(first) {
				oldest, first = k, l.until
			}
		}
		delete(s.sessions.links, oldest)
	}
	s.sessions.links[sha256.Sum256([]byte(key))] = link{o, now.Add(linkTime)}
	return "/login?token=" + key
}

// follow returns the operator of a link, which cannot be used again.
func (s *sessions) follow(key string) (Operator, bool) {
	now, hash := time.Now(), sha256.Sum256([]byte(key))
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.links[hash]
	delete(s.links, hash)
	return l.operator, ok && now.Before(l.until)
}

// cookieName returns the name of the session's cookie. The prefix __Host- keeps other sites of the domain from setting
// it.
func (s *Server) cookieName() string {
	if s.config.Secure {
		return "__Host-ringback"
	}
	return "ringback"
}

func (s *Server) setCookie(w http.ResponseWriter, value string) {
	c := &http.Cookie{Name: s.cookieName(), Value: value, Path: "/", HttpOnly: true, Secure: s.config.Secure,
		SameSite: http.SameSiteStrictMode}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// sessionOf returns the session of a request; nil if there is none. A client with the certificate of an operator gets
// one. The operator of a certificate has the role that it has now.
func (s *Server) sessionOf(w http.ResponseWriter, r *http.Request) *session {
	by, shown := s.certified(r)
	if c, err := r.Cookie(s.cookieName()); err == nil {
		in := s.sessions.find(c.Value, r.URL.Path != "/stream")
		switch {
		case in == nil:
		case in.certificate == [sha256.Size]byte{}:
			return in
		case shown && in.certificate == fingerprint(r):
			now := *in
			now.operator = by
			return &now
		}
	}
	if !shown {
		return nil
	}
	cookie, in := s.sessions.begin(by, fingerprint(r))
	s.setCookie(w, cookie)
	return in
}

// certified returns the operator of the client's certificate.
func (s *Server) certified(r *http.Request) (Operator, bool) {
	if c := certificateOf(r); c != nil && s.config.Certificate != nil {
		return s.config.Certificate(c)
	}
	return Operator{}, false
}

func certificateOf(r *http.Request) *x509.Certificate {
	if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 {
		return nil
	}
	return r.TLS.VerifiedChains[0][0]
}

func fingerprint(r *http.Request) [sha256.Size]byte { return sha256.Sum256(certificateOf(r).Raw) }

// proven reports whether a form is of this session.
func (in *session) proven(csrf string) bool {
	return subtle.ConstantTimeCompare([]byte(in.csrf), []byte(csrf)) == 1
}
