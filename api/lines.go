package api

import (
	"context"
	"net/http"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/tty"
)

// lineTable has the rows of this file.
var lineTable = []Route{
	{"list-lines", http.MethodGet, "/v1/lines", Read, nil, "List the lines and their state"},
	{"clear-line", http.MethodPost, "/v1/lines/{tty}/clear", Operate, []events.Kind{"line.cleared"},
		"Hang up the call on a line"},
	{"clear-counters", http.MethodDelete, "/v1/lines/counters", Operate,
		[]events.Kind{"line.counters_cleared"},
		"Set the counters of all lines to zero"},
	{"clear-line-counters", http.MethodDelete, "/v1/lines/{tty}/counters", Operate,
		[]events.Kind{"line.counters_cleared"},
		"Set the counters of a line to zero"},
	{"start-chat", http.MethodPost, "/v1/lines/{tty}/chat", Operate,
		[]events.Kind{"line.chat", "line.chat_dialed", "line.chat_rejected"},
		"Run a chat script on the modem of a line that nothing uses"},
	{"busy-out-line", http.MethodPut, "/v1/lines/{tty}/busyout", Operate, []events.Kind{"line.busyout"},
		"Let a line finish its call, and then take no more"},
	{"restore-line", http.MethodDelete, "/v1/lines/{tty}/busyout", Operate, []events.Kind{"line.restored"},
		"Let a line that is busied out take calls again"},
	{"test-modem", http.MethodPost, "/v1/lines/{tty}/test", Operate, []events.Kind{"modemtest.ended"},
		"Test two lines with a call from one to the other"},
	{"list-modems", http.MethodGet, "/v1/modems", Read, nil, "List how the modem of each line is operated"},
	{"list-rotaries", http.MethodGet, "/v1/rotaries", Read, nil,
		"List the rotaries with their lines and the callbacks that wait for one"},
	{"list-queue", http.MethodGet, "/v1/queue", Read, nil, "List the requests that wait for a line, in order"},
	{"list-users", http.MethodGet, "/v1/users", Read, nil, "List the users on the lines"},
	{"list-listeners", http.MethodGet, "/v1/listeners", Read, nil,
		"List the doors for users who come over the network"},
	{"clear-vty", http.MethodPost, "/v1/vtys/{vty}/clear", Operate, []events.Kind{"line.cleared"},
		"End the session on a vty"},
}

// lineRoutes registers the routes of lines and their modems.
func (s *Server) lineRoutes(r *registry) {
	register(r, "list-lines", func(context.Context, *struct{}) (*list[client.Line], error) {
		return &list[client.Line]{s.Daemon.Lines()}, nil
	})
	register(r, "clear-line", func(ctx context.Context, in *struct {
		TTY int `path:"tty"`
	}) (*struct{}, error) {
		return nil, status(s.Daemon.ClearLine(ctx, in.TTY))
	})
	register(r, "clear-counters", func(ctx context.Context, _ *struct{}) (*one[client.Cleared], error) {
		n, err := s.Daemon.ClearCounters(ctx)
		return &one[client.Cleared]{client.Cleared{Cleared: n}}, status(err)
	})
	register(r, "clear-line-counters", func(ctx context.Context, in *struct {
		TTY int `path:"tty"`
	}) (*one[client.Cleared], error) {
		n, err := s.Daemon.ClearCounters(ctx, in.TTY)
		return &one[client.Cleared]{client.Cleared{Cleared: n}}, status(err)
	})
	register(r, "start-chat", func(ctx context.Context, in *struct {
		TTY    int    `path:"tty"`
		Script string `query:"script" required:"true" maxLength:"4096" doc:"regular expression on the names of scripts"`
		Number string `query:"number" maxLength:"100" doc:"the number that the script dials; absent: none"`
	}) (*one[client.ChatRun], error) {
		run, err := s.Daemon.StartChat(ctx, in.TTY, in.Script, in.Number)
		return &one[client.ChatRun]{run}, status(err)
	})
	register(r, "busy-out-line", func(ctx context.Context, in *struct {
		TTY    int    `path:"tty"`
		Reason string `query:"reason" maxLength:"16384" doc:"for operators and the audit; may be empty"`
	}) (*struct{}, error) {
		return nil, status(s.Daemon.BusyOutLine(ctx, in.TTY, in.Reason))
	})
	register(r, "restore-line", func(ctx context.Context, in *struct {
		TTY int `path:"tty"`
	}) (*struct{}, error) {
		return nil, status(s.Daemon.RestoreLine(ctx, in.TTY))
	})
	register(r, "test-modem", func(ctx context.Context, in *struct {
		TTY    int    `path:"tty"`
		With   int    `query:"with" doc:"the line to call; 0: the next one that may be tested"`
		Number string `query:"number" maxLength:"100" doc:"the number to dial; absent: that of the called line"`
	}) (*one[client.ModemTest], error) {
		t, err := s.Daemon.TestModem(ctx, in.TTY, in.With, in.Number)
		return &one[client.ModemTest]{t}, status(err)
	})
	register(r, "list-modems", func(context.Context, *struct{}) (*list[client.Modem], error) {
		return &list[client.Modem]{s.Daemon.Modems()}, nil
	})
	register(r, "list-rotaries", func(context.Context, *struct{}) (*list[client.Rotary], error) {
		return &list[client.Rotary]{s.Daemon.Rotaries()}, nil
	})
	register(r, "list-queue", func(context.Context, *struct{}) (*list[client.Queued], error) {
		return &list[client.Queued]{s.Daemon.Queue()}, nil
	})
	register(r, "list-users", func(context.Context, *struct{}) (*list[client.User], error) {
		return &list[client.User]{s.Daemon.Users()}, nil
	})
	register(r, "list-listeners", func(context.Context, *struct{}) (*list[client.Listener], error) {
		v := []client.Listener{}
		if s.Listeners != nil {
			v = s.Listeners()
		}
		return &list[client.Listener]{v}, nil
	})
	register(r, "clear-vty", func(ctx context.Context, in *struct {
		VTY int `path:"vty" minimum:"0" maximum:"100000"`
	}) (*struct{}, error) {
		return nil, status(s.Daemon.ClearLine(ctx, tty.VTY(in.VTY)))
	})
}

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
		l.Busyout = &client.Busyout{Reason: o.Reason, By: o.By, Since: o.Since.Local(), Quarantine: o.Quarantine,
			Drain: o.Drain}
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
	case s.State == lines.BusiedOut && s.Busyout != nil && s.Busyout.Drain:
		return "`ringback undrain`"
	case s.State == lines.BusiedOut:
		return "`ringback line restore N`"
	case s.Busyout != nil:
		return "the end of its call, to be busied out"
	}
	return ""
}
