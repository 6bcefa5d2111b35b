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
	opened   []*wire.Opened // not reported yet
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

// report returns what happened since the last report. A connection is reported when its first command has come.
func (s *seen) report() (opened []wire.Opened, commands int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened = slices.DeleteFunc(s.opened, func(o *wire.Opened) bool {
		if o.Command.IsZero() {
			return false
		}
		opened = append(opened, *o)
		return true
	})
	commands, s.commands = s.commands, 0
	return opened, commands
}
