package api

import (
	"context"
	"net/http"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
)

// lockdownTable has the rows of this file.
var lockdownTable = []Route{
	{"get-lockdown", http.MethodGet, "/v1/lockdown", Read, nil, "Show the state of the lockdown"},
	{"order-lockdown", http.MethodPut, "/v1/lockdown", Operate, []events.Kind{"lockdown.began"},
		"Stop all dialing, and with sessions end all sessions"},
	{"lift-lockdown", http.MethodDelete, "/v1/lockdown", Admin, []events.Kind{"lockdown.lifted"}, "End the lockdown"},
}

// lockdownRoutes registers the routes of the lockdown.
func (s *Server) lockdownRoutes(r *registry) {
	register(r, "get-lockdown", func(context.Context, *struct{}) (*one[client.Lockdown], error) {
		return &one[client.Lockdown]{s.Daemon.Lockdown()}, nil
	})
	register(r, "order-lockdown", func(ctx context.Context, in *struct {
		Reason   string `query:"reason" maxLength:"16384" doc:"for operators and the audit"`
		Sessions bool   `query:"sessions" doc:"end all sessions and admit none"`
	}) (*one[client.Lockdown], error) {
		v, err := s.Daemon.OrderLockdown(ctx, in.Reason, in.Sessions)
		return &one[client.Lockdown]{v}, status(err)
	})
	register(r, "lift-lockdown", func(ctx context.Context, in *struct {
		Reason string `query:"reason" maxLength:"16384" doc:"for the audit; may be empty"`
	}) (*struct{}, error) {
		return nil, status(s.Daemon.LiftLockdown(ctx, in.Reason))
	})
}
