package api

import (
	"context"
	"net/http"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
)

// drainTable has the rows of this file.
var drainTable = []Route{
	{"get-drain", http.MethodGet, "/v1/drain", Read, nil, "Show whether the lines take calls, and what is in progress"},
	{"drain", http.MethodPut, "/v1/drain", Operate, []events.Kind{"drain.began"},
		"Let all lines finish their calls, and then take no more, until a restart"},
	{"undrain", http.MethodDelete, "/v1/drain", Operate, []events.Kind{"drain.ended"},
		"Let the lines take calls and callbacks again"},
}

// drainRoutes registers the routes of the drain.
func (s *Server) drainRoutes(r *registry) {
	register(r, "get-drain", func(context.Context, *struct{}) (*one[client.Drain], error) {
		return &one[client.Drain]{s.Daemon.DrainState()}, nil
	})
	register(r, "drain", func(ctx context.Context, in *struct {
		Reason string `query:"reason" maxLength:"16384" doc:"for operators and the audit; may be empty"`
		For    string `query:"for" maxLength:"32" doc:"how long, as 10m; absent: until undrain or a restart"`
	}) (*one[client.Drain], error) {
		length, err := drainLength(in.For)
		if err != nil {
			return nil, err
		}
		err = s.Daemon.Drain(ctx, in.Reason, length)
		return &one[client.Drain]{s.Daemon.DrainState()}, status(err)
	})
	register(r, "undrain", func(ctx context.Context, _ *struct{}) (*struct{}, error) {
		return nil, status(s.Daemon.Undrain(ctx))
	})
}

func (d daemon) DrainState() client.Drain { return DrainOf(d.b.DrainState()) }

// DrainOf returns the state of a drain for clients.
func DrainOf(v broker.DrainView) client.Drain {
	out := client.Drain{Calls: v.Calls, Dials: v.Dials, Pending: v.Pending}
	if v.Order != nil {
		out.Active, out.Reason, out.By, out.Since = true, v.Order.Reason, v.Order.By, ended(v.Order.Since)
		out.Until = ended(v.Order.Until)
	}
	return out
}

func (d daemon) Drain(ctx context.Context, reason string, length time.Duration) error {
	return d.b.Drain(reason, By(ctx), length)
}

func (d daemon) Undrain(ctx context.Context) error { return d.b.Undrain(By(ctx)) }
