package main

import (
	"slices"
	"sync"
	"time"

	"github.com/ringback/ringback/bench/wire"
)

// seen collects which modems were connected and how many commands they read.
type seen struct {
	mu       sync.Mutex
	opened   []*wire.Opened // since the last report
	commands int
}

// connected notes a connection. The function that it returns notes a command on it.
func (s *seen) connected(line int) func(begun time.Time) {
	o := &wire.Opened{Line: line, Time: time.Now()}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = append(s.opened, o)
	return func(begun time.Time) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.commands++
		if o.Command.IsZero() {
			o.Command = begun
		}
	}
}

// report returns what happened since the last report.
func (s *seen) report() (opened []wire.Opened, commands int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.opened {
		opened = append(opened, *o)
	}
	commands = s.commands
	s.opened, s.commands = nil, 0
	return slices.Clip(opened), commands
}
