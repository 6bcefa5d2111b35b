package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/recordings"
)

// Recordings is what the API shows of recordings. The zero value has none.
type Recordings struct {
	Store    *recordings.Store
	Happened func(events.Event) // reports who reads one; it may block until the audit has it
}

// recordingTable has the rows of this file.
var recordingTable = []Route{
	{"list-recordings", http.MethodGet, "/v1/recordings", Admin, nil, "List the recordings of sessions, newest first"},
	{"get-recording", http.MethodGet, "/v1/recordings/{id}", Admin, []events.Kind{"recording.read"},
		"Get a recording as an asciicast v2 file; of a session that continues, what there is of it"},
	{"remove-recording", http.MethodDelete, "/v1/recordings/{id}", Admin, []events.Kind{"recording.removed"},
		"Remove the recording of a session that has ended"},
}

// asciicast is the media type of asciicast files.
const asciicast = "application/x-asciicast"

type recordingID struct {
	ID string `path:"id" maxLength:"64"`
}

type recordingList struct {
	More bool `header:"Ringback-More" doc:"whether there are older recordings beyond the limit"`
	Body []client.Recording
}

// recordingRoutes registers the routes of recordings.
func (s *Server) recordingRoutes(r *registry) {
	register(r, "list-recordings", func(_ context.Context, in *struct {
		CallFilter
		Last int `query:"last" minimum:"1" maximum:"10000" default:"100" doc:"maximum number of recordings"`
	}) (*recordingList, error) {
		q := in.query()
		q.Last = in.Last
		v, more := s.Recordings.list(q)
		return &recordingList{more, v}, nil
	})
	op := r.operation("get-recording")
	op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
		asciicast: {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	op.Errors = append(op.Errors, http.StatusNotFound)
	huma.Register(r.api, op, s.recording)
	register(r, "remove-recording", func(ctx context.Context, in *recordingID) (*struct{}, error) {
		if s.Recordings.Store == nil {
			return nil, status(none(in.ID, recordings.ErrNone))
		}
		return nil, status(none(in.ID, s.Recordings.Store.Remove(in.ID, By(ctx))))
	})
}

// none returns the error about a recording as that of a Daemon.
func none(id string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, recordings.ErrNone):
		return fmt.Errorf("recording %q: %w (`ringback show recordings` lists them)", id, ErrNotFound)
	}
	return fmt.Errorf("recording %q: %w", id, err)
}

// recording sends a file. The audit has who reads it before the first octet.
func (s *Server) recording(ctx context.Context, in *recordingID) (*huma.StreamResponse, error) {
	if s.Recordings.Store == nil {
		return nil, status(none(in.ID, recordings.ErrNone))
	}
	info, file, err := s.Recordings.Store.Read(in.ID)
	if err != nil {
		return nil, status(none(in.ID, err))
	}
	s.Recordings.Happened(events.RecordingRead{Recording: info.ID, Call: info.Call, User: info.User, By: By(ctx)})
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		defer file.Close()
		_, w := humago.Unwrap(hc)
		w.Header().Set("Content-Type", asciicast)
		_, _ = io.Copy(w, file) // a client that has gone needs no error
	}}, nil
}

func (r Recordings) list(q client.CallQuery) (v []client.Recording, more bool) {
	v = []client.Recording{}
	if r.Store == nil {
		return v, false
	}
	for _, i := range r.Store.List() {
		if q.Line != 0 && i.Line != q.Line || q.User != "" && i.User != q.User || i.Began.Before(q.Since) {
			continue
		}
		if len(v) == q.Last {
			return v, true
		}
		v = append(v, client.Recording{ID: i.ID, Call: i.Call, User: i.User, TTY: i.Line, Leg: i.Leg,
			Callback: i.Callback, Group: i.Group, Start: i.Began.Local(), Seconds: i.Duration.Seconds(),
			Octets: i.Octets, Lost: i.Lost, Live: i.Live, Complete: i.Complete})
	}
	return v, false
}
