package api

import (
	"context"
	"net/http"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
)

// callbackTable has the rows of this file.
var callbackTable = []Route{
	{"list-callbacks", http.MethodGet, "/v1/callbacks", Read, nil,
		"List pending callbacks, newest first; with all, also ended ones"},
	{"get-callback", http.MethodGet, "/v1/callbacks/{id}", Read, nil,
		"Show one callback with its decision, history and attempts"},
	{"cancel-callback", http.MethodDelete, "/v1/callbacks/{id}", Operate, []events.Kind{"callback.ended"},
		"Cancel a pending callback"},
	{"order-callback", http.MethodPost, "/v1/callbacks", Operate,
		[]events.Kind{"callback.ordered", "order.rejected"},
		"Call a user back who has not called, as the policies allow; the user must log in"},
	{"retry-callback", http.MethodPost, "/v1/callbacks/{id}/retry", Operate, []events.Kind{"callback.retry"},
		"End the wait of a callback for its next attempt"},
	{"list-ceilings", http.MethodGet, "/v1/ceilings", Read, nil,
		"List what callbacks have used and reserved of their ceilings"},
}

type callbackList struct {
	Older int    `header:"Ringback-Older" doc:"number of older callbacks omitted because of the limit; -1: some"`
	Stale string `header:"Ringback-Stale" doc:"of a fleet: why these are only the callbacks that this node knows"`
	Body  []client.Callback
}

// callbackRoutes registers the routes of callbacks.
func (s *Server) callbackRoutes(r *registry) {
	register(r, "list-callbacks", func(ctx context.Context, in *struct {
		All   bool      `query:"all"`
		Limit int       `query:"limit" minimum:"0" default:"100" doc:"maximum number of callbacks; 0: no limit"`
		Since time.Time `query:"since" doc:"only callbacks created at this time or later"`
		User  string    `query:"user" maxLength:"256" doc:"only callbacks of this user"`
		Node  string    `query:"node" maxLength:"63" doc:"of a fleet: only callbacks that this node promised or holds"`
	}) (*callbackList, error) {
		if in.Node != "" && s.Fleet.Node == nil {
			return nil, errAlone
		}
		v, older, err := s.Daemon.Callbacks(ctx, client.CallbackQuery{All: in.All, Limit: in.Limit,
			Since: in.Since, User: in.User, Node: in.Node})
		return &callbackList{older, s.Fleet.status().Stale(), v}, status(err)
	})
	register(r, "get-callback", func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"64"`
	}) (*one[client.CallbackDetail], error) {
		v, err := s.Daemon.Callback(ctx, in.ID)
		return &one[client.CallbackDetail]{v}, status(err)
	})
	register(r, "cancel-callback", func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"64"`
	}) (*struct{}, error) {
		return nil, status(s.Daemon.CancelCallback(ctx, in.ID))
	})
	register(r, "order-callback", func(ctx context.Context, in *struct {
		User    string    `query:"user" required:"true" maxLength:"256" doc:"name of the user"`
		Number  string    `query:"number" maxLength:"100" doc:"if AAA leaves the number to the caller"`
		Line    int       `query:"line" minimum:"0" doc:"the TTY that counts as called: its lists, its rotary; 0: the first that serves"`
		Service string    `query:"service" enum:"exec,ppp" default:"exec"`
		At      time.Time `query:"at" doc:"not before this time; absent: now"`
	}) (*one[client.Ordered], error) {
		id, err := s.Daemon.OrderCallback(ctx, client.CallbackOrder{User: in.User, Number: in.Number, Line: in.Line,
			Service: in.Service, At: in.At})
		return &one[client.Ordered]{client.Ordered{ID: id}}, status(err)
	})
	register(r, "retry-callback", func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"64"`
	}) (*struct{}, error) {
		return nil, status(s.Daemon.RetryCallback(ctx, in.ID))
	})
	register(r, "list-ceilings", func(ctx context.Context, _ *struct{}) (*list[client.Ceiling], error) {
		v, err := s.Daemon.Ceilings(ctx)
		return &list[client.Ceiling]{v}, status(err)
	})
}
