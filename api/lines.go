package api

import (
	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lines"
)

func (d daemon) Lines() []client.Line {
	status := d.b.Lines()
	v := make([]client.Line, 0, len(status))
	for _, s := range status {
		l := lineOf(s)
		if t, ok := d.b.LastTest(s.TTY); ok {
			v := modemTestOf(t)
			l.Test = &v
		}
		v = append(v, l)
	}
	return v
}

// lineOf returns a line for clients.
func lineOf(s lines.Status) client.Line {
	l := client.Line{
		TTY: s.TTY, Port: s.Port, Modem: string(s.Modem), State: string(s.State), Reason: s.Reason, Notices: s.Notices,
		InBand: s.InBand, Change: s.Change, Owner: s.Owner, Signals: s.Signals, Since: s.Since.Local(), Speed: s.Speed,
		Connect: s.Connect,
		Profile: s.Profile, Answered: ended(s.Answered), Retry: ended(s.Retry), WaitsFor: waitsFor(s),
		Calls: s.Counts[lines.CallsIn], Dials: s.Counts[lines.Dials], Noise: s.Counts[lines.Noise],
		Counters: s.Counts.ByName(), CountersSince: s.CountsSince.Local(),
	}
	if o := s.Busyout; o != nil {
		l.Busyout = &client.Busyout{Reason: o.Reason, By: o.By, Since: o.Since.Local(), Quarantine: o.Quarantine}
	}
	if s.Rotary != lines.NoRotary {
		l.Rotary = &s.Rotary
	}
	if f := s.Failure; f != nil {
		row := lines.FailureOf(f.Kind)
		l.Failure = &client.LineFailure{Kind: string(f.Kind), Text: f.Text, Time: f.Time.Local(), Cause: row.Cause,
			Fix: row.Fix}
	}
	return l
}

// waitsFor returns what ends the state of a line that takes no calls; "" if it takes some.
func waitsFor(s lines.Status) string {
	switch {
	case s.State == lines.Down:
		return "the port and its modem: ringback tries again by itself, and at once after `ringback clear line N`"
	case s.State == lines.Quarantined && s.Busyout != nil && s.Busyout.Quarantine:
		return "its repair, and then `ringback line restore N`"
	case s.State == lines.Quarantined:
		return "the proof that the line is on hook: ringback tries again by itself, and at once after " +
			"`ringback clear line N`"
	case s.State == lines.BusiedOut:
		return "`ringback line restore N`"
	case s.Busyout != nil:
		return "the end of its call, to be busied out"
	}
	return ""
}
