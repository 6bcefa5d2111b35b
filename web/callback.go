package web

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
)

// callback shows one callback; its parts change by themselves.
func (s *Server) callback(w http.ResponseWriter, r *http.Request, v *visit) error {
	after, err := lastEvent(r.Context(), v.api)
	if err != nil {
		return err
	}
	c, err := v.api.Callback(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, callbackPage(v, c, after))
	return nil
}

func (s *Server) confirmCancel(w http.ResponseWriter, r *http.Request, v *visit) error {
	c, err := v.api.Callback(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, confirmCancelPage(v, c))
	return nil
}

func (s *Server) cancel(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := r.PathValue("id")
	if err := v.api.CancelCallback(r.Context(), id); err != nil {
		return err
	}
	http.Redirect(w, r, "/callbacks/"+url.PathEscape(id), http.StatusSeeOther)
	return nil
}

// phases are the names of the phases of a callback.
var phases = map[string]texts.Key{"promised": texts.PagePhasePromised, "leasing": texts.PagePhaseLeasing,
	"waiting": texts.PagePhaseWaiting, "dialing": texts.PagePhaseDialing, "answered": texts.PagePhaseAnswered,
	"completed": texts.PagePhaseCompleted, "failed": texts.PagePhaseFailed, "expired": texts.PagePhaseExpired,
	"cancelled": texts.PagePhaseCancelled, "given up": texts.PagePhaseGivenUp}

// callbackState is what a stream knows of the callback of its page.
type callbackState struct {
	v     *visit
	id    string
	phase string            // that was last announced
	due   bool              // something has happened that may show
	sent  map[string]string // what was sent, by the element that it replaces
}

// readCallback returns the state for a callback. What the page shows of it is not known: the first event sends all.
func readCallback(ctx context.Context, v *visit, id string) (*callbackState, error) {
	c, err := v.api.Callback(ctx, id)
	if err != nil {
		return nil, err
	}
	return &callbackState{v: v, id: c.ID, sent: map[string]string{}}, nil
}

// concerns reports whether an event can change the page: one of the callback, or an order for all callbacks.
func (s *callbackState) concerns(e client.Event) bool {
	id, _ := e.Fields["callback"].(string)
	kind, _, _ := strings.Cut(e.Kind, ".")
	return id == s.id || kind == "lockdown" || kind == "drain"
}

// render adds the parts of the page that have changed since they were last sent.
func (s *callbackState) render(ctx context.Context, b *bytes.Buffer) error {
	s.due = false
	c, err := s.v.api.Callback(ctx, s.id)
	if err != nil {
		return err
	}
	for target, content := range map[string]templ.Component{"#callback": callbackHead(s.v, c), "#machine": machine(c),
		"#attempts": attemptList(c.Dials), "#decision": decisionTable(c.Decision), "#events": happenings(c.History)} {
		var text strings.Builder
		if err := part(target, "outerMorph", content).Render(ctx, &text); err != nil {
			return err
		}
		if s.sent[target] != text.String() {
			s.sent[target] = text.String()
			b.WriteString(text.String())
		}
	}
	if c.Phase == s.phase {
		return nil
	}
	s.phase = c.Phase
	news := say(ctx, texts.PageCallbackNews, named(ctx, phases, c.Phase))
	return part("#news", "innerHTML", plain(news)).Render(ctx, b)
}
