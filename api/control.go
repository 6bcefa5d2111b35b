package api

import (
	"bytes"
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
)

// daemonTable has the rows of this file.
var daemonTable = []Route{
	{"get-health", http.MethodGet, "/v1/health", Read, nil,
		"Show the health of the daemon, its journal and its disk"},
	{"get-metrics", http.MethodGet, "/v1/metrics", Read, nil, "Show the metrics in the text format of Prometheus"},
	{"note-backup", http.MethodPost, "/v1/journal/backups", Admin, []events.Kind{"journal.backed-up"},
		"Record a journal backup in the audit"},
	{"reload", http.MethodPost, "/v1/reload", Admin, []events.Kind{"reload.done", "reload.failed"},
		"Reload the configuration; status 422 and the same answer if the old one stays in force"},
	{"get-log-level", http.MethodGet, "/v1/log/level", Read, nil, "Show the level of the log"},
	{"set-log-level", http.MethodPut, "/v1/log/level", Admin, []events.Kind{"log.level"},
		"Set the level of the log, until the next start or for a while"},
	{"make-page-link", http.MethodPost, "/v1/page/links", Operate, []events.Kind{"page.linked"},
		"Make a link that opens the operator's page, once and within 15 minutes, with the role of the client"},
	{"get-version", http.MethodGet, "/v1/version", Read, nil, "Show the version of the daemon"},
}

// daemonRoutes registers the routes of the daemon as a whole.
func (s *Server) daemonRoutes(r *registry) {
	register(r, "get-health", func(ctx context.Context, _ *struct{}) (*one[client.Health], error) {
		if s.Health == nil {
			return nil, huma.Error404NotFound("this daemon does not report its health")
		}
		return &one[client.Health]{s.Health(ctx)}, nil
	})
	register(r, "get-metrics", s.metrics)
	register(r, "note-backup", func(ctx context.Context, in *struct {
		Journal string `query:"journal" required:"true" maxLength:"4096"`
		Dir     string `query:"dir" required:"true" maxLength:"4096"`
	}) (*struct{}, error) {
		if s.BackedUp == nil {
			return nil, huma.Error404NotFound("this daemon does not record backups")
		}
		return nil, status(s.BackedUp(in.Journal, in.Dir, By(ctx)))
	})
	register(r, "reload", s.reload)
	s.logRoutes(r)
	register(r, "make-page-link", s.pageLink)
	register(r, "get-version", func(context.Context, *struct{}) (*one[client.Version], error) {
		return &one[client.Version]{s.Version()}, nil
	})
}

func (s *Server) pageLink(ctx context.Context, _ *struct{}) (*one[client.PageLink], error) {
	if s.PageLink == nil {
		return nil, huma.Error404NotFound("this daemon serves no page")
	}
	p, _ := ctx.Value(peerKey{}).(*peer)
	url, err := s.PageLink(p.name(), s.Roles().of(p), By(ctx))
	if err != nil {
		return nil, huma.Error409Conflict(err.Error())
	}
	return &one[client.PageLink]{client.PageLink{URL: url}}, nil
}

type metricsOutput struct {
	ContentType string `header:"Content-Type"`
	Body        []byte `contentType:"text/plain"`
}

func (s *Server) metrics(ctx context.Context, _ *struct{}) (*metricsOutput, error) {
	if s.Metrics == nil {
		return nil, huma.Error404NotFound("this daemon does not export metrics")
	}
	var text bytes.Buffer
	if err := s.Metrics(ctx, &text); err != nil {
		return nil, huma.Error500InternalServerError(err.Error())
	}
	return &metricsOutput{"text/plain; version=0.0.4; charset=utf-8", text.Bytes()}, nil
}

type reloadOutput struct {
	Status int
	Body   client.Reload
}

func (s *Server) reload(ctx context.Context, _ *struct{}) (*reloadOutput, error) {
	if s.Reload == nil {
		return nil, huma.Error404NotFound("this daemon does not reload its configuration")
	}
	r, err := s.Reload(ctx, By(ctx))
	return reloaded(r, err)
}

// reloaded is the answer with the result of a reload, or of the question what one would change.
func reloaded(r client.Reload, err error) (*reloadOutput, error) {
	if err != nil {
		return nil, huma.Error503ServiceUnavailable(err.Error())
	}
	if !r.Applied {
		return &reloadOutput{http.StatusUnprocessableEntity, r}, nil
	}
	return &reloadOutput{http.StatusOK, r}, nil
}
