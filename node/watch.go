package node

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
)

// watchEvery is the minimum interval of checks of all lines, since each call changes some.
const watchEvery = 100 * time.Millisecond

// watchLines reports each line that goes out of service or returns, and each notice, once, until ctx ends.
func watchLines(ctx context.Context, p *lines.Pool, happened func(events.Event)) {
	out, notices := map[int]string{}, map[int][]string{}
	for {
		changed := p.Changed()
		there := map[int]bool{}
		for _, s := range p.Lines() {
			there[s.TTY] = true
			reportNotices(s, notices[s.TTY], happened)
			notices[s.TTY] = s.Notices
			reason := s.OutOfService()
			if reason == out[s.TTY] {
				continue
			}
			if out[s.TTY] = reason; reason != "" {
				happened(events.LineDown{Line: s.TTY, Port: s.Port, Reason: reason})
			} else {
				happened(events.LineUp{Line: s.TTY, Port: s.Port})
			}
		}
		maps.DeleteFunc(out, func(tty int, _ string) bool { return !there[tty] }) // removed by a reload
		maps.DeleteFunc(notices, func(tty int, _ []string) bool { return !there[tty] })
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(watchEvery):
		case <-ctx.Done():
			return
		}
	}
}

// reportNotices reports the changes of a line's notices.
func reportNotices(s lines.Status, before []string, happened func(events.Event)) {
	for _, text := range s.Notices {
		if !slices.Contains(before, text) {
			happened(events.LineNotice{Line: s.TTY, Port: s.Port, Notice: text})
		}
	}
	for _, text := range before {
		if !slices.Contains(s.Notices, text) {
			happened(events.LineNotice{Line: s.TTY, Port: s.Port, Notice: text, Over: true})
		}
	}
}
