package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ringback/ringback/api/client"
)

// explainTable has the rows of this file.
var explainTable = []Route{
	{"explain-policy", http.MethodGet, "/v1/policies/explain", Operate, nil,
		"Explain what the policies in force decide about a request; nothing is asked or dialed"},
}

// Explain answers what would happen to a caller. A function that is nil is not available.
type Explain struct {
	// Policy decides about a request, which is JSON with the keys of `request` in a file of policy tests. The error may
	// be an Invalid.
	Policy func(ctx context.Context, request string) (client.PolicyExplanation, error)
}

// Invalid is the error of a question that cannot be answered as it is: what is wrong with its values.
type Invalid []Fault

// Fault is what is wrong with a value.
type Fault struct{ At, Text string } // At: query.request.number

func (v Invalid) Error() string {
	var all []string
	for _, f := range v {
		all = append(all, f.Text)
	}
	return strings.Join(all, "; ")
}

// explainRoutes registers the routes of explanations.
func (s *Server) explainRoutes(r *registry) {
	register(r, "explain-policy", func(ctx context.Context, in *struct {
		Request string `query:"request" required:"true" maxLength:"16384" doc:"a JSON object with the keys of a request in a file of policy tests: user, service, number, typed, caller, called, line, time, …; time: now, and the access windows that are open now, if it names none"`
	}) (*one[client.PolicyExplanation], error) {
		if s.Explain.Policy == nil {
			return nil, huma.Error404NotFound("this daemon does not explain its policies")
		}
		v, err := s.Explain.Policy(ctx, in.Request)
		return &one[client.PolicyExplanation]{v}, faults(err)
	})
}

// faults converts an error of Explain to an HTTP status.
func faults(err error) error {
	invalid, ok := err.(Invalid) //nolint:errorlint // it is not wrapped
	if !ok {
		return status(err)
	}
	var details []error
	for _, f := range invalid {
		details = append(details, &huma.ErrorDetail{Location: f.At, Message: f.Text})
	}
	return huma.Error422UnprocessableEntity("the question is not valid", details...)
}
