package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/ringback/ringback/broker/events"
)

// Route is a row of the table of routes.
type Route struct {
	ID           string // of the operation in the OpenAPI description
	Method, Path string
	Role         Role          // that a client needs
	Audit        []events.Kind // what the audit has of the order; nil: it changes nothing
	Summary      string
}

// Routes is the table of the API: nothing is served without a row here, and each row has a handler.
var Routes = slices.Concat(lineTable, siteTable, callTable, callbackTable, loginTable, lockdownTable, drainTable,
	fleetTable, accessTable, usageTable, daemonTable, configTable, eventTable, pppTable, explainTable, recordingTable)

// registry registers the handlers of the table.
type registry struct {
	api  huma.API
	left []Route // without a handler so far
}

// operation returns the description of a route, which has no handler so far. It panics if there is no such row.
func (r *registry) operation(id string) huma.Operation {
	i := slices.IndexFunc(r.left, func(row Route) bool { return row.ID == id })
	if i < 0 {
		panic("api: the table of routes has no row " + id + ", or it has a handler already")
	}
	row := r.left[i]
	r.left = slices.Delete(r.left, i, i+1)
	op := huma.Operation{OperationID: row.ID, Method: row.Method, Path: row.Path, Summary: row.Summary,
		Description: "Needs the role " + row.Role.String() + ".",
		Extensions:  map[string]any{"x-role": row.Role.String()},
		Errors:      []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity}}
	if row.Audit != nil {
		op.Extensions["x-audit"] = row.Audit
	}
	return op
}

// register adds the handler of a route.
func register[I, O any](r *registry, id string, handler func(context.Context, *I) (*O, error)) {
	huma.Register(r.api, r.operation(id), handler)
}

// done panics if a row has no handler.
func (r *registry) done() {
	for _, row := range r.left {
		panic("api: no handler for " + row.ID)
	}
}

// pages are what is served besides the operations; each needs the role Read.
var pages = []string{"/openapi.json", "/openapi-3.0.json", "/openapi.yaml", "/openapi-3.0.yaml", "/docs",
	"/schemas/{schema}"}

// rolesByPattern returns the role that each pattern of the multiplexer needs.
func rolesByPattern() map[string]Role {
	roles := map[string]Role{}
	for _, row := range Routes {
		roles[row.Method+" "+row.Path] = row.Role
	}
	for _, path := range pages {
		roles[http.MethodGet+" "+path] = Read
	}
	return roles
}

// queries returns the names of the parameters in the query of each operation, by its pattern of the multiplexer.
func queries(description *huma.OpenAPI) map[string][]string {
	all := map[string][]string{}
	for _, row := range Routes {
		for _, op := range []*huma.Operation{description.Paths[row.Path].Get, description.Paths[row.Path].Post,
			description.Paths[row.Path].Put, description.Paths[row.Path].Delete} {
			if op == nil || op.OperationID != row.ID {
				continue
			}
			names := []string{}
			for _, p := range op.Parameters {
				if p.In == "query" {
					names = append(names, p.Name)
				}
			}
			all[row.Method+" "+row.Path] = names
		}
	}
	return all
}
