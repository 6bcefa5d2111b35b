package node

import (
	"context"
	"slices"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
)

// watchEvery is the minimum interval of checks of all lines, since each call changes some.
const watchEvery = 100 * time.Millisecond

// watchLines reports each line that goes out of service or returns, and each notice, once, until ctx ends.
func watchLines(ctx context.Context, p *lines.Pool, happened func(events.Event)) {
	out, notices := map[int]string{}, map[int][]string{} // of the lines that have one; a removed line has none
	onChange(ctx, p, func() {
		outNow, noticesNow := map[int]string{}, map[int][]string{}
		for s := range p.Each() {
			reportNotices(s, notices[s.TTY], happened)
			if len(s.Notices) > 0 {
				noticesNow[s.TTY] = s.Notices
			}
			reason := s.OutOfService()
			if reason != "" {
				outNow[s.TTY] = reason
			}
			switch {
			case reason == out[s.TTY]:
			case reason != "":
				happened(events.LineDown{Line: s.TTY, Port: s.Port, Reason: reason})
			default:
				happened(events.LineUp{Line: s.TTY, Port: s.Port})
			}
		}
		out, notices = outNow, noticesNow
	})
}

// onChange calls f at once, and after changes of lines, until ctx ends.
func onChange(ctx context.Context, p *lines.Pool, f func()) {
	for {
		changed := p.Changed()
		f()
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
