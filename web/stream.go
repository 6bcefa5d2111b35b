package web

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/a-h/templ"
	"go.uber.org/zap"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
)

// How often a stream sends: changes within streamEvery are one message.
const (
	streamEvery = 250 * time.Millisecond
	listEvery   = time.Second     // of the list of callbacks
	newsEvery   = 5 * time.Second // of what a screen reader says
	beatEvery   = 15 * time.Second
	streamWrite = 20 * time.Second // within which a browser must take a message
)

// stream sends what has changed since the page was rendered, as server-sent events with the parts of the page.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, v *visit) error {
	after, err := strconv.ParseUint(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")), 10, 64)
	if err != nil {
		http.Error(w, say(r.Context(), texts.PageStreamAfter), http.StatusBadRequest)
		return nil
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	out := &streamOut{w: w, control: http.NewResponseController(w), v: v, last: after, changed: map[int]bool{},
		board: r.URL.Query().Get("page") == "board"}
	switch id := r.URL.Query().Get("callback"); {
	case id != "":
		if out.callback, err = readCallback(ctx, v, id); err != nil {
			return err
		}
	default:
		// A stream that goes on may have been cut off before it sent what it sends less often.
		out.callbacks = r.Header.Get("Last-Event-ID") != ""
		if out.state, err = readBoard(ctx, v.api); err != nil {
			return err
		}
		fleet, err := v.api.Fleet(ctx)
		if err != nil {
			return err
		}
		out.fleet = fleet.Node != ""
	}
	query := client.EventQuery{After: after, Kinds: []string{"callback", "health", "lockdown"}}
	switch {
	case out.callback != nil: // any event may be of the callback
		query.Kinds = nil
	case out.board:
		query.Kinds = append(query.Kinds, "line.state", "line.removed", "login.succeeded")
	}
	events, ended := make(chan client.Event, 256), make(chan error, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		ended <- v.api.Events(ctx, query, nil, func(e client.Event) {
			select {
			case events <- e:
			case <-ctx.Done():
			}
		})
	})
	defer reading.Wait()
	defer cancel()
	w.Header().Set("Content-Type", "text/event-stream")
	if out.write(": \n\n") != nil {
		return nil
	}
	if err := out.run(ctx, s, r, events, ended); err != nil && ctx.Err() == nil {
		s.config.Log.Debug("a stream of the page has ended", zap.Error(err))
	}
	return nil
}

// streamOut is a stream to one browser.
type streamOut struct {
	w       http.ResponseWriter
	control *http.ResponseController
	v       *visit
	state   boardState
	board   bool
	fleet   bool // there is one: whether the list of callbacks is stale is part of the health
	// of a stream to the page of one callback; nil: another page
	callback *callbackState
	last     uint64 // the newest event that was taken

	changed           map[int]bool // tiles to send
	callbacks, health bool         // parts to send
	listed            time.Time    // when the list of callbacks was last sent
	news              tile         // what a screen reader is told next
	told              time.Time    // when a screen reader was last given something
}

// run sends until the browser or the daemon has gone, or the session has ended.
func (o *streamOut) run(ctx context.Context, s *Server, r *http.Request, events <-chan client.Event,
	ended <-chan error) error {
	var due <-chan time.Time
	if o.dirty() {
		due = time.After(streamEvery)
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		select {
		case e := <-events:
			if o.take(e); due == nil && o.dirty() {
				due = time.After(streamEvery)
			}
		case <-due:
			due = nil
			if err := o.send(ctx); err != nil {
				return err
			}
			if o.dirty() { // what is sent less often
				due = time.After(streamEvery)
			}
		case <-beat.C:
			if s.sessionOf(o.w, r) == nil || o.write(": \n\n") != nil {
				return nil
			}
		case err := <-ended: // the daemon stops, or events were missed
			_ = o.write("event: stale\ndata: \n\n")
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// take notes what an event changes on the page.
func (o *streamOut) take(e client.Event) {
	o.last = e.ID
	if o.callback != nil {
		o.callback.due = o.callback.due || o.callback.concerns(e)
		return
	}
	if tty, changed := o.state.take(e); changed {
		o.changed[tty] = true
		if t, ok := o.state[tty]; ok {
			o.news = t
		}
	}
	kind, _, _ := strings.Cut(e.Kind, ".")
	o.callbacks = o.callbacks || kind == "callback" || o.fleet && kind == "health"
	o.health = o.health || kind == "health" || kind == "lockdown"
}

func (o *streamOut) dirty() bool {
	return o.board && len(o.changed) > 0 || o.callbacks || o.health || o.callback != nil && o.callback.due
}

// send sends the parts that have changed in one message.
func (o *streamOut) send(ctx context.Context) error {
	var b bytes.Buffer
	if o.callback != nil {
		if err := o.callback.render(ctx, &b); err != nil {
			return err
		}
	}
	if o.callbacks && time.Since(o.listed) >= listEvery {
		o.callbacks, o.listed = false, time.Now()
		pending, err := readPending(ctx, o.v.api)
		if err != nil {
			return err
		}
		if err := part("#pending", "outerMorph", pendingTable(o.v, pending)).Render(ctx, &b); err != nil {
			return err
		}
	}
	if o.health {
		h, err := o.v.api.Health(ctx)
		if err != nil {
			return err
		}
		if err := part("#state", "outerMorph", stateBadge(h)).Render(ctx, &b); err != nil {
			return err
		}
	}
	o.health = false
	id := fmt.Sprintf("id: %d\n", o.last) // of the last message: a browser that has it has all
	if !o.board || len(o.changed) == 0 {
		return o.message(id, b.String())
	}
	if err := o.message("", b.String()); err != nil {
		return err
	}
	b.Reset()
	if err := o.tiles(ctx, &b); err != nil {
		return err
	}
	return o.message("event: tiles\n"+id, b.String())
}

// message sends an event. It sends nothing without data: then what has happened does not show on the page.
func (o *streamOut) message(head, data string) error {
	if data == "" {
		return nil
	}
	return o.write(head + "data: " + strings.ReplaceAll(data, "\n", "\ndata: ") + "\n\n")
}

// tiles adds the elements that static/page.js puts in place of those with the same id: hundreds in a second are too
// many for htmx. A tile without content is that of a line that was removed.
func (o *streamOut) tiles(ctx context.Context, b *bytes.Buffer) error {
	all := []templ.Component{countsList(counts(slices.Collect(maps.Values(o.state))))}
	for _, tty := range slices.Sorted(maps.Keys(o.changed)) {
		if t, ok := o.state[tty]; ok {
			all = append(all, tileItem(t))
		} else {
			all = append(all, tileGone(tile{Line: client.Line{TTY: tty}}))
		}
	}
	clear(o.changed)
	if time.Since(o.told) >= newsEvery {
		o.told = time.Now()
		text := ""
		if o.news.TTY != 0 {
			text = say(ctx, texts.PageLineNews, o.news.TTY, named(ctx, lineStates, o.news.State))
		}
		all = append(all, newsText(text))
	}
	for _, c := range all {
		if err := c.Render(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// write sends text at once, and fails if the browser does not take it in time.
func (o *streamOut) write(text string) error {
	_ = o.control.SetWriteDeadline(time.Now().Add(streamWrite)) // not supported by the recorders of tests
	if _, err := o.w.Write([]byte(text)); err != nil {
		return err
	}
	return o.control.Flush()
}
