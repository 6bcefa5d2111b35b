package node

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/ringback/ringback/api"
)

// maxTurns is how many operators a turns counts: more than that ask nothing costly at a time.
const maxTurns = 1024

// turns limits how often each operator asks something costly, and how many do so at a time.
type turns struct {
	most  int           // at a time
	every time.Duration // of one operator, on average
	burst int           // of one operator, at once

	mu   sync.Mutex
	now  int
	each map[string]*rate.Limiter
}

// take returns what ends the turn of an operator; the error is an api.Busy.
func (t *turns) take(who string) (release func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now >= t.most {
		return nil, api.Busy{Text: "others ask this at the moment: try again in a few seconds", Wait: 5 * time.Second}
	}
	l := t.each[who]
	if l == nil {
		if t.forget(); len(t.each) >= maxTurns {
			return nil, api.Busy{Text: "too many operators ask this: try again in a minute", Wait: time.Minute}
		}
		l = rate.NewLimiter(rate.Every(t.every), t.burst)
		t.each[who] = l
	}
	if !l.Allow() {
		return nil, api.Busy{Text: "you have asked this too often: try again in " + t.every.String(), Wait: t.every}
	}
	t.now++
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.now--
	}), nil
}

// forget drops the operators who have not asked for a while. mu is held.
func (t *turns) forget() {
	if t.each == nil {
		t.each = map[string]*rate.Limiter{}
	}
	for who, l := range t.each {
		if l.Tokens() >= float64(t.burst) {
			delete(t.each, who)
		}
	}
}
