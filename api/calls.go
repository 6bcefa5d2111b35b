package api

import (
	"context"
	"net/http"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
)

// callTable has the rows of this file.
var callTable = []Route{
	{"list-active-calls", http.MethodGet, "/v1/calls/active", Read, nil, "List the calls that are up, oldest first"},
	{"list-call-history", http.MethodGet, "/v1/calls/history", Read, nil,
		"List the calls that have ended, newest first"},
}

// CallFilter is the query of both lists of calls. It is exported for huma, which embeds no other.
type CallFilter struct {
	Line  int       `query:"line" minimum:"0" doc:"only calls of this TTY; 0: all"`
	User  string    `query:"user" maxLength:"256" doc:"only calls of this user"`
	Since time.Time `query:"since" doc:"only calls that began at this time or later"`
}

func (f CallFilter) query() client.CallQuery {
	return client.CallQuery{Line: f.Line, User: f.User, Since: f.Since}
}

type callHistory struct {
	More    bool `header:"Ringback-More" doc:"whether there are older calls beyond the limit"`
	Damaged int  `header:"Ringback-Damaged" doc:"number of calls omitted because their rows are damaged"`
	Body    []client.Call
}

// callRoutes registers the routes of calls.
func (s *Server) callRoutes(r *registry) {
	register(r, "list-active-calls", func(_ context.Context, in *CallFilter) (*list[client.Call], error) {
		return &list[client.Call]{s.Daemon.ActiveCalls(in.query())}, nil
	})
	register(r, "list-call-history", func(ctx context.Context, in *struct {
		CallFilter
		Last int `query:"last" minimum:"1" maximum:"10000" default:"100" doc:"maximum number of calls"`
	}) (*callHistory, error) {
		q := in.query()
		q.Last = in.Last
		v, left, err := s.Daemon.CallHistory(ctx, q)
		return &callHistory{left.Older, left.Damaged, v}, status(err)
	})
}

func (d daemon) ActiveCalls(q client.CallQuery) []client.Call {
	return calls(d.b.ActiveCalls(callQuery(q)))
}

func (d daemon) CallHistory(ctx context.Context, q client.CallQuery) ([]client.Call, client.CallsLeftOut, error) {
	v, more, damaged, err := d.b.CallHistory(ctx, callQuery(q))
	return calls(v), client.CallsLeftOut{Older: more, Damaged: len(damaged)}, err
}

func callQuery(q client.CallQuery) broker.CallQuery {
	return broker.CallQuery{TTY: q.Line, User: q.User, Since: q.Since, Limit: q.Last}
}

func calls(all []broker.CallView) []client.Call {
	v := make([]client.Call, 0, len(all))
	for _, c := range all {
		end := c.End
		if end.IsZero() {
			end = time.Now()
		}
		v = append(v, client.Call{
			ID: c.ID, TTY: c.TTY, Direction: c.Direction, Caller: c.Caller, Called: c.Called, User: c.User,
			Service: c.Service, Leg: c.Leg, Callback: c.CallbackID, Connect: c.Connect, Speed: c.Speed,
			Start: c.Start.Local(), Ended: ended(c.End), Seconds: max(end.Sub(c.Start), 0).Seconds(),
			Cause: c.Cause, TerminateCause: c.TerminateCause,
			OctetsIn: c.OctetsIn, OctetsOut: c.OctetsOut,
		})
	}
	return v
}
