package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
)

// explainTable has the rows of this file.
var explainTable = []Route{
	{"explain-policy", http.MethodGet, "/v1/policies/explain", Operate, nil,
		"Explain what the policies in force decide about a request; nothing is asked or dialed"},
	{"test-login", http.MethodPost, "/v1/aaa/test", Operate,
		[]events.Kind{"login.tested", "login.failed", "login.locked"},
		"Log in with AAA as a caller would, and explain what would happen; nothing is dialed. A wrong password " +
			"counts as a failed login of the operator"},
	{"simulate-policies", http.MethodPost, "/v1/policies/simulate", Operate, []events.Kind{"policies.simulated"},
		"Compare changed policy files with those in force over the callbacks of the journal; nothing is changed"},
}

// Explain answers what would happen to a caller. A function that is nil is not available.
type Explain struct {
	// Policy decides about a request, which is JSON with the keys of `request` in a file of policy tests. The error may
	// be an Invalid.
	Policy func(ctx context.Context, request string) (client.PolicyExplanation, error)
	// Login logs in with AAA, and blocks until the login has ended. The error may be an Invalid or a Busy.
	Login func(ctx context.Context, q client.LoginTest) (client.LoginReport, error)
	// Simulate compares policy files with those in force, and blocks until its end, that of ctx or its time limit. The
	// error may be an Invalid or a Busy.
	Simulate func(ctx context.Context, q client.Simulation) (client.SimulationReport, error)
}

// largeBodies are the sizes of the bodies of routes that need more than maxBody, by pattern.
var largeBodies = map[string]int64{"POST /v1/policies/simulate": 1 << 20}

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

// Busy is the error of a question that cannot be answered now.
type Busy struct {
	Text string
	Wait time.Duration // until it can
}

func (b Busy) Error() string { return b.Text }

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
	registerBody(r, "test-login", func(ctx context.Context, q client.LoginTest) (*one[client.LoginReport], error) {
		if s.Explain.Login == nil {
			return nil, huma.Error404NotFound("this daemon tests no logins")
		}
		v, err := s.Explain.Login(ctx, q)
		return &one[client.LoginReport]{v}, faults(err)
	})
	registerBody(r, "simulate-policies", func(ctx context.Context, q client.Simulation) (*one[client.SimulationReport],
		error) {
		if s.Explain.Simulate == nil {
			return nil, huma.Error404NotFound("this daemon simulates no policies")
		}
		v, err := s.Explain.Simulate(ctx, q)
		return &one[client.SimulationReport]{v}, faults(err)
	})
}

// faults converts an error of Explain to an HTTP status.
func faults(err error) error {
	var busy Busy
	if errors.As(err, &busy) {
		wait := strconv.Itoa(int(math.Ceil(busy.Wait.Seconds())))
		return huma.ErrorWithHeaders(huma.Error429TooManyRequests(busy.Text), http.Header{"Retry-After": {wait}})
	}
	var invalid Invalid
	if !errors.As(err, &invalid) {
		return status(err)
	}
	var details []error
	for _, f := range invalid {
		details = append(details, &huma.ErrorDetail{Location: f.At, Message: f.Text})
	}
	return huma.Error422UnprocessableEntity("the question is not valid", details...)
}
