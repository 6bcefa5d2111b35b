package node

import (
	"context"
	"slices"
	"time"

	"github.com/ringback/ringback/lines"
	"go.uber.org/zap"
)

// watchEvery is how often the states of all lines are looked at, at most: each call changes some.
const watchEvery = 100 * time.Millisecond

// watchLines logs each line that goes out of service, and its return, and each notice, once.
func (d *daemon) watchLines(ctx context.Context, p *lines.Pool) {
	out, notices := map[int]string{}, map[int][]string{}
	for {
		changed := p.Changed()
		for _, s := range p.Lines() {
			d.logNotices(s, notices[s.TTY])
			notices[s.TTY] = s.Notices
			reason := outOfService(s)
			if reason == out[s.TTY] {
				continue
			}
			if out[s.TTY] = reason; reason != "" {
				d.log.Warn("line out of service", zap.Int("line", s.TTY), zap.String("port", s.Port), zap.String("reason", reason))
			} else {
				d.log.Info("line back in service", zap.Int("line", s.TTY), zap.String("port", s.Port))
			}
		}
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

// logNotices logs what has changed of a line's notices.
func (d *daemon) logNotices(s lines.Status, before []string) {
	for _, text := range s.Notices {
		if !slices.Contains(before, text) {
			d.log.Warn("line notice", zap.Int("line", s.TTY), zap.String("port", s.Port), zap.String("notice", text))
		}
	}
	for _, text := range before {
		if !slices.Contains(s.Notices, text) {
			d.log.Info("line notice cleared", zap.Int("line", s.TTY), zap.String("port", s.Port), zap.String("notice", text))
		}
	}
}

// outOfService says why a line is not in service; "" it is, or it starts.
func outOfService(s lines.Status) string {
	if s.State == lines.Quarantined || s.State == lines.Down && s.Reason != "starting" {
		return string(s.State) + ": " + s.Reason
	}
	return ""
}
