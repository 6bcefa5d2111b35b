package api

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// registerBody adds the handler of a route whose requests have a body in JSON, a B. Errors about the body do not repeat
// what it has, which may be a secret.
func registerBody[B, O any](r *registry, id string, handler func(context.Context, B) (*O, error)) {
	op := r.operation(id)
	op.SkipValidateBody = true // decodeBody does it
	op.MaxBodyBytes = -1       // the guard has limited it
	description := r.api.OpenAPI()
	schemas := description.Components.Schemas
	schema := schemas.Schema(reflect.TypeFor[B](), true, id)
	huma.Register(r.api, op, func(ctx context.Context, in *struct {
		RawBody []byte `contentType:"application/json"`
	}) (*O, error) {
		var body B
		if err := decodeBody(schemas, schema, in.RawBody, &body); err != nil {
			return nil, err
		}
		return handler(ctx, body)
	})
	description.Paths[op.Path].Post.RequestBody.Content["application/json"].Schema = schema
}

// decodeBody checks a body by its schema and decodes it.
func decodeBody(schemas huma.Registry, schema *huma.Schema, text []byte, into any) error {
	var parsed any
	if json.Unmarshal(text, &parsed) != nil {
		return huma.Error422UnprocessableEntity("the body is not JSON")
	}
	path, found := huma.NewPathBuffer([]byte{}, 0), huma.ValidateResult{}
	path.Push("body")
	huma.Validate(schemas, schema, path, huma.ModeWriteToServer, parsed, &found)
	for _, err := range found.Errors {
		if detail := (*huma.ErrorDetail)(nil); errors.As(err, &detail) {
			detail.Value = nil
		}
	}
	if len(found.Errors) > 0 {
		return huma.Error422UnprocessableEntity("the body is not valid", found.Errors...)
	}
	if json.Unmarshal(text, into) != nil {
		return huma.Error422UnprocessableEntity("the body does not have the form of its schema")
	}
	return nil
}
