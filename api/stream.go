package api

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// heartbeat is the interval of comments on a stream. They find clients that have gone, and each checks that the client
// still has its role.
const heartbeat = 15 * time.Second

// stream registers a route that sends server-sent events. types has the data of each type of event; "message" is the
// type of those that name none. f sends until its client has gone.
func stream[I any](r *registry, id string, types map[string]any, f func(ctx context.Context, in *I, out *outlet),
	middlewares ...func(huma.Context, func(huma.Context))) {
	op := r.operation(id)
	op.Middlewares = middlewares
	op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
		"text/event-stream": {Schema: streamSchema(r.api.OpenAPI().Components.Schemas, types)}}}}
	huma.Register(r.api, op, func(_ context.Context, in *I) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			_, w := humago.Unwrap(hc)
			w.Header().Set("Content-Type", "text/event-stream")
			if hc.Method() == http.MethodHead {
				return // it would wait for events that it may not send
			}
			out := &outlet{ctx: hc.Context(), w: w, control: http.NewResponseController(w),
				tick: time.NewTicker(heartbeat)}
			defer out.tick.Stop()
			f(hc.Context(), in, out)
			_ = out.flush()
		}}, nil
	})
}

// streamSchema describes a stream as an array of its events.
func streamSchema(all huma.Registry, types map[string]any) *huma.Schema {
	var events []*huma.Schema
	for _, kind := range slices.Sorted(maps.Keys(types)) {
		name := &huma.Schema{Type: huma.TypeString, Description: "The type of the event; absent: message.",
			Enum: []any{kind}}
		events = append(events, &huma.Schema{Title: kind, Type: huma.TypeObject, Required: []string{"data"},
			Properties: map[string]*huma.Schema{"event": name, "id": {Type: huma.TypeString},
				"data": all.Schema(reflect.TypeOf(types[kind]), true, kind)}})
	}
	return &huma.Schema{Type: huma.TypeArray, Title: "server-sent events",
		Items: &huma.Schema{OneOf: events}}
}

// outlet is the sending end of a stream. Its methods are for one goroutine.
type outlet struct {
	ctx     context.Context
	w       http.ResponseWriter
	control *http.ResponseController
	tick    *time.Ticker
}

// send sends one event, at the latest with the next call of wait or flush. kind "": message; id 0: none. It blocks for
// a slow client, and fails after writeTime.
func (o *outlet) send(kind string, id uint64, data any) error {
	text, err := json.Marshal(data) // has no line break
	if err != nil {
		return err
	}
	head := ""
	if id != 0 {
		head = fmt.Sprintf("id: %d\n", id)
	}
	if kind != "" {
		head += "event: " + kind + "\n"
	}
	_, err = fmt.Fprintf(o.w, "%sdata: %s\n\n", head, text)
	return err
}

func (o *outlet) flush() error { return o.control.Flush() }

// wait sends what is left and returns when ready is closed or has a value; false if the stream is to end.
func (o *outlet) wait(ready <-chan struct{}) bool {
	if o.flush() != nil {
		return false
	}
	for {
		select {
		case <-ready:
			return true
		case <-o.tick.C:
			if !o.beat() {
				return false
			}
		case <-o.ctx.Done():
			return false
		}
	}
}

// beat sends a comment; false if the stream is to end.
func (o *outlet) beat() bool {
	if !stillAllowed(o.ctx) {
		return false
	}
	_, err := o.w.Write([]byte(": \n\n"))
	return err == nil && o.flush() == nil
}
