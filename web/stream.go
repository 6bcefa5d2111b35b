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

	"go.uber.org/zap"

	"github.com/ringback/ringback/api/client"
)

// How often a stream sends: changes within streamEvery are one message.
const (
	streamEvery = 250 * time.Millisecond
	newsEvery   = 5 * time.Second // of what a screen reader says
	beatEvery   = 15 * time.Second
	streamWrite = 20 * time.Second // within which a browser must take a message
)

// stream sends what has changed since the page was rendered, as server-sent events with the parts of the page.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, v *visit) error {
	after, err := strconv.ParseUint(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")), 10, 64)
	if err != nil {
		http.Error(w, "after is not a number", http.StatusBadRequest)
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
		if out.state, err = readBoard(ctx, v.api); err != nil {
			return err
		}
	}
	events, ended := make(chan client.Event, 256), make(chan error, 1)
	var reading sync.WaitGroup
	reading.Go(func() {
		ended <- v.api.Events(ctx, client.EventQuery{After: after}, nil, func(e client.Event) {
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
	// of a stream to the page of one callback; nil: another page
	callback *callbackState
	last     uint64 // the newest event that was taken

	changed                  map[int]bool // tiles to send
	whole, callbacks, health bool         // parts to send
	news                     string
	told                     time.Time // when a screen reader was last given something
}

// run sends until the browser or the daemon has gone, or the session has ended.
func (o *streamOut) run(ctx context.Context, s *Server, r *http.Request, events <-chan client.Event,
	ended <-chan error) error {
	var due <-chan time.Time
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
	tty, changed, known := o.state.take(e)
	if changed {
		o.changed[tty] = true
		o.whole = o.whole || !known
		if t, ok := o.state[tty]; ok {
			o.news = fmt.Sprintf("tty %d: %s", tty, t.State)
		}
	}
	kind, _, _ := strings.Cut(e.Kind, ".")
	o.callbacks = o.callbacks || kind == "callback"
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
	if o.board && len(o.changed) > 0 {
		if err := o.tiles(ctx, &b); err != nil {
			return err
		}
	}
	if o.callbacks {
		pending, older, err := o.v.api.FindCallbacks(ctx, client.CallbackQuery{Limit: pageRows})
		if err != nil {
			return err
		}
		if err := part("#pending", "outerMorph", pendingTable(o.v, pending, older)).Render(ctx, &b); err != nil {
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
	clear(o.changed)
	o.whole, o.callbacks, o.health = false, false, false
	if b.Len() == 0 { // what has happened does not show on the page
		return nil
	}
	return o.write(fmt.Sprintf("id: %d\ndata: %s\n\n", o.last, strings.ReplaceAll(b.String(), "\n", "\ndata: ")))
}

// tiles adds the changed tiles, or all if some came or went.
func (o *streamOut) tiles(ctx context.Context, b *bytes.Buffer) error {
	all := o.state.sorted()
	if o.whole {
		if err := part("#tiles", "outerHTML", tilesList(all)).Render(ctx, b); err != nil {
			return err
		}
	} else {
		for _, tty := range slices.Sorted(maps.Keys(o.changed)) {
			t := o.state[tty]
			if err := part("#"+t.id(), "outerMorph", tileItem(t)).Render(ctx, b); err != nil {
				return err
			}
		}
	}
	if err := part("#counts", "outerMorph", countsList(counts(all))).Render(ctx, b); err != nil {
		return err
	}
	if time.Since(o.told) < newsEvery {
		return nil
	}
	o.told = time.Now()
	return part("#news", "innerHTML", plain(o.news)).Render(ctx, b)
}

// write sends text at once, and fails if the browser does not take it in time.
func (o *streamOut) write(text string) error {
	_ = o.control.SetWriteDeadline(time.Now().Add(streamWrite)) // not supported by the recorders of tests
	if _, err := o.w.Write([]byte(text)); err != nil {
		return err
	}
	return o.control.Flush()
}
