package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
)

// loginTable has the rows of this file.
var loginTable = []Route{
	{"list-login-locks", http.MethodGet, "/v1/login-locks", Read, nil,
		"List the names, numbers and lines whose logins are locked or delayed"},
	{"clear-login-locks", http.MethodPost, "/v1/login-locks/clear", Operate, []events.Kind{"login.unlocked"},
		"Clear the failed logins of a name or number, or all"},
	{"list-aaa-servers", http.MethodGet, "/v1/aaa/servers", Read, nil, "List the AAA servers and their state"},
}

// loginRoutes registers the routes of logins and AAA servers.
func (s *Server) loginRoutes(r *registry) {
	register(r, "list-login-locks", func(context.Context, *struct{}) (*list[client.LoginLock], error) {
		return &list[client.LoginLock]{s.Daemon.LoginLocks()}, nil
	})
	register(r, "clear-login-locks", s.clearLoginLocks)
	register(r, "list-aaa-servers", func(context.Context, *struct{}) (*list[client.AAAServer], error) {
		servers := []client.AAAServer{}
		if s.AAAServers != nil {
			servers = append(servers, s.AAAServers()...)
		}
		return &list[client.AAAServer]{servers}, nil
	})
}

type clearLoginLocksInput struct {
	Of  string `query:"of" maxLength:"256" doc:"a user name, or a calling number"`
	All bool   `query:"all" doc:"clear all, instead of one name or number"`
}

// Resolve requires either a name or number, or all.
func (in *clearLoginLocksInput) Resolve(huma.Context) []error {
	if (in.Of == "") != in.All {
		return []error{&huma.ErrorDetail{Message: "set either of (a user name or calling number) or all=true",
			Location: "query.of"}}
	}
	return nil
}

func (s *Server) clearLoginLocks(ctx context.Context, in *clearLoginLocksInput) (*one[client.Cleared], error) {
	n, err := s.Daemon.ClearLoginLocks(ctx, in.Of)
	return &one[client.Cleared]{client.Cleared{Cleared: n}}, status(err)
}
