package api

import (
	"context"
	"fmt"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ringback/ringback/api/client"
)

// maxLogLength limits how long a level of the log is set for.
const maxLogLength = 7 * 24 * time.Hour

// logRoutes registers the routes of the log.
func (s *Server) logRoutes(r *registry) {
	const none = "this daemon has no log level"
	register(r, "get-log-level", func(context.Context, *struct{}) (*one[client.LogLevel], error) {
		if s.LogLevel == nil {
			return nil, huma.Error404NotFound(none)
		}
		return &one[client.LogLevel]{s.LogLevel()}, nil
	})
	register(r, "set-log-level", func(ctx context.Context, in *struct {
		Level string `query:"level" enum:"debug,info,warn,error,default" required:"true" doc:"default: that of log.level"`
		For   string `query:"for" maxLength:"30" doc:"a duration such as 10m; default: until the next start"`
	}) (*one[client.LogLevel], error) {
		if s.SetLogLevel == nil {
			return nil, huma.Error404NotFound(none)
		}
		var length time.Duration
		if in.For != "" {
			var err error
			if length, err = time.ParseDuration(in.For); err != nil || length <= 0 || length > maxLogLength {
				return nil, huma.Error422UnprocessableEntity(fmt.Sprintf("%q is not a duration of up to %v "+
					"(example: 10m)", in.For, maxLogLength))
			}
		}
		level := in.Level
		if level == "default" {
			level = ""
		}
		v, err := s.SetLogLevel(level, length, By(ctx))
		return &one[client.LogLevel]{v}, status(err)
	})
}
