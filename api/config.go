package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ringback/ringback/api/client"
)

// configTable has the rows of this file.
var configTable = []Route{
	{"get-config", http.MethodGet, "/v1/config", Admin, nil,
		"Show the configuration in force: the value of each key, without secrets"},
	{"diff-config", http.MethodGet, "/v1/config/diff", Admin, nil,
		"Show what a reload would change, without reloading; status 422 and the same answer if it would not apply"},
}

// configRoutes registers the routes of the configuration.
func (s *Server) configRoutes(r *registry) {
	register(r, "get-config", func(ctx context.Context, _ *struct{}) (*one[client.Config], error) {
		if s.Config == nil {
			return nil, huma.Error404NotFound("this daemon does not show its configuration")
		}
		v, err := s.Config(ctx)
		return &one[client.Config]{v}, status(err)
	})
	register(r, "diff-config", func(ctx context.Context, _ *struct{}) (*reloadOutput, error) {
		if s.ConfigDiff == nil {
			return nil, huma.Error404NotFound("this daemon does not compare its configuration")
		}
		v, err := s.ConfigDiff(ctx)
		return reloaded(v, err)
	})
}
