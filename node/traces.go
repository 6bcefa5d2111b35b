package node

import (
	"crypto/rand"
	"sync"
	"time"

	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/otlp"
)

// maxTraces limits the traces that are open: those of calls that are up and of callbacks that are pending. Further
// callbacks have no trace.
const maxTraces = 20000

// traces makes one trace of each callback from its events. A callback of an earlier process has a trace from its
// resumption on.
type traces struct {
	identities bool              // users and numbers are attributes
	export     func([]otlp.Span) // nil: no traces are made
	now        func() time.Time

	mu        sync.Mutex
	calls     map[string]*trace // of both legs, by the ID of the call
	callbacks map[string]*trace
}

func newTraces(identities bool, export func([]otlp.Span), now func() time.Time) *traces {
	return &traces{identities: identities, export: export, now: now, calls: map[string]*trace{},
		callbacks: map[string]*trace{}}
}

// exporter makes the traces of the configuration, and what sends them; nil if there is no collector.
func (d *daemon) exporter() *otlp.Exporter {
	c := d.cfg.Traces
	if c.Endpoint == "" {
		d.traces = &traces{}
		return nil
	}
	e := otlp.New(otlp.Options{Endpoint: c.Endpoint, TLS: c.TLS, Resource: otlp.Resource{
		Scope: "ringback", Version: d.version, Attributes: []otlp.Attribute{
			{Key: "service.name", Value: "ringback"}, {Key: "service.version", Value: d.version},
			{Key: "service.instance.id", Value: d.cfg.Hostname},
		},
	}, Failed: func(err error, spans int) {
		d.broker.Happened(events.TracesLost{Server: c.Endpoint, Spans: spans, Err: err})
	}})
	d.traces = newTraces(c.Identities, e.Export, time.Now)
	return e
}

// trace is an open trace. Its spans are open while they have no end.
type trace struct {
	id    [16]byte
	root  *otlp.Span
	spans []*otlp.Span          // with the root
	open  map[string]*otlp.Span // by name
	calls []string
}

func (t *traces) begin(name string) *trace {
	if len(t.calls)+len(t.callbacks) >= maxTraces {
		return nil
	}
	tr := &trace{open: map[string]*otlp.Span{}}
	rand.Read(tr.id[:])
	tr.root = tr.start(name, otlp.Server, nil, t.now())
	return tr
}

// start begins a span; a nil trace has none.
func (tr *trace) start(name string, kind otlp.Kind, parent *otlp.Span, at time.Time,
	attributes ...otlp.Attribute) *otlp.Span {
	s := &otlp.Span{Trace: tr.id, Name: name, Kind: kind, Start: at, Attributes: attributes}
	rand.Read(s.ID[:])
	if parent == nil {
		parent = tr.root
	}
	if parent != nil {
		s.Parent = parent.ID
	}
	tr.spans = append(tr.spans, s)
	tr.open[name] = s
	return s
}

// end ends the open span of a name, if there is one.
func (tr *trace) end(name string, at time.Time, failed string, attributes ...otlp.Attribute) {
	if s := tr.open[name]; s != nil {
		s.End, s.Error = at, failed
		s.Attributes = append(s.Attributes, attributes...)
		delete(tr.open, name)
	}
}

// The names of the spans. Those of the legs have the others of their call below them.
const (
	spanCallback = "callback"
	spanLegOne   = "leg one"
	spanLegTwo   = "leg two"
	spanLogin    = "login"
	spanSession  = "session"
	spanDecision = "decision"
	spanPromise  = "promise"
	spanAttempt  = "attempt"
	spanLine     = "line"
	spanWait     = "wait"
	spanDial     = "dial"
)

func text(key, value string) otlp.Attribute {
	return otlp.Attribute{Key: "ringback." + key, Value: value}
}
func count(key string, n int) otlp.Attribute {
	return otlp.Attribute{Key: "ringback." + key, Value: int64(n)}
}

// private returns attributes that identify people, or a text that may.
func (t *traces) private(all ...otlp.Attribute) []otlp.Attribute {
	if !t.identities {
		return nil
	}
	return all
}

// failure returns the message of a span that failed: the reason may have names and numbers.
func (t *traces) failure(kind, reason string) string {
	if t.identities && reason != "" {
		return kind + ": " + reason
	}
	return kind
}

// Take implements events.Sink.
func (t *traces) Take(e events.Event) {
	if t.export == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	switch e := e.(type) {
	case events.CallBegan:
		if e.Callback != "" {
			return
		}
		if tr := t.begin(spanCallback); tr != nil {
			tr.start(spanLegOne, otlp.Server, nil, now, append(t.private(text("caller", e.Caller)),
				text("call", e.Call), count("line", e.Line))...)
			tr.start(spanLogin, otlp.Internal, tr.open[spanLegOne], now)
			t.calls[e.Call] = tr
			tr.calls = append(tr.calls, e.Call)
		}
	case events.Resumed:
		if tr := t.begin(spanCallback); tr != nil {
			tr.root.Attributes = append(tr.root.Attributes, otlp.Attribute{Key: "ringback.resumed", Value: true},
				text("callback", e.Callback))
			t.callbacks[e.Callback] = tr
		}
	case events.Connected:
		if tr := t.callbacks[e.Callback]; tr != nil {
			tr.start(spanLegTwo, otlp.Client, nil, now, text("call", e.Call), count("line", e.Line))
			tr.start(spanLogin, otlp.Internal, tr.open[spanLegTwo], now)
			t.calls[e.Call] = tr
			tr.calls = append(tr.calls, e.Call)
		}
	default:
		t.ofCall(e, now)
		t.ofCallback(e, now)
	}
}

// leg returns the open span of the leg.
func (tr *trace) leg() *otlp.Span {
	if s := tr.open[spanLegTwo]; s != nil {
		return s
	}
	return tr.open[spanLegOne]
}

// ofCall takes the events of a call that is up.
func (t *traces) ofCall(e events.Event, now time.Time) {
	switch e := e.(type) {
	case events.LoginSucceeded:
		if tr := t.calls[e.Call]; tr != nil && !e.Enable {
			tr.end(spanLogin, now, "", append(t.private(text("user", e.User)), text("method", e.Method))...)
		}
	case events.LoginFailed:
		if tr := t.calls[e.Call]; tr != nil && tr.open[spanLogin] != nil && !e.Enable {
			s := tr.open[spanLogin]
			s.Events = append(s.Events, otlp.Event{Name: "login failed", Time: now})
		}
	case events.Decided:
		if tr := t.calls[e.Call]; tr != nil {
			tr.start(spanDecision, otlp.Internal, tr.leg(), now, text("outcome", e.Outcome), text("group", e.Group))
			tr.end(spanDecision, now, "", t.private(text("reason", e.Reason))...)
			tr.start(spanPromise, otlp.Internal, tr.leg(), now)
		}
	case events.Promised:
		if tr := t.calls[e.Call]; tr != nil {
			tr.end(spanPromise, now, "")
			tr.root.Attributes = append(tr.root.Attributes, append(t.private(text("user", e.User),
				text("number", e.Number)), text("callback", e.Callback))...)
			t.callbacks[e.Callback] = tr
		}
	case events.SessionBegan:
		if tr := t.calls[e.Call]; tr != nil {
			tr.end(spanLogin, now, "", otlp.Attribute{Key: "ringback.no_verify", Value: true}) // there was no login
			tr.start(spanSession, otlp.Server, tr.leg(), now, text("session", e.Session), text("service", e.Service))
		}
	case events.SessionEnded:
		if tr := t.calls[e.Call]; tr != nil {
			tr.end(spanSession, now, "", count("cause", e.Cause))
		}
	case events.CallEnded:
		t.callEnded(e, now)
	}
}

func (t *traces) callEnded(e events.CallEnded, now time.Time) {
	tr := t.calls[e.Call]
	if tr == nil {
		return
	}
	delete(t.calls, e.Call)
	for _, name := range []string{spanLogin, spanPromise, spanSession} {
		tr.end(name, now, "the call ended")
	}
	name, failed := spanLegOne, ""
	if e.Leg == 2 {
		name = spanLegTwo
	}
	if e.Stack != "" {
		failed = "panic"
	}
	tr.end(name, now, failed, text("outcome", e.Outcome), count("octets_in", int(e.OctetsIn)),
		count("octets_out", int(e.OctetsOut)))
}

// ofCallback takes the events of a callback that is promised.
func (t *traces) ofCallback(e events.Event, now time.Time) {
	switch e := e.(type) {
	case events.LineRequested:
		if tr := t.callbacks[e.Callback]; tr != nil {
			tr.end(spanWait, now, "")
			if tr.open[spanAttempt] == nil {
				tr.start(spanAttempt, otlp.Client, nil, now, count("attempt", e.Attempt))
			}
			tr.start(spanLine, otlp.Internal, tr.open[spanAttempt], now)
		}
	case events.LineChosen:
		if tr := t.callbacks[e.Callback]; tr != nil {
			tr.end(spanLine, now, "", count("line", e.Line))
		}
	case events.NoLine:
		if tr := t.callbacks[e.Callback]; tr != nil {
			tr.end(spanLine, now, t.failure("no line", e.Cause))
		}
	case events.Waiting:
		if tr := t.callbacks[e.Callback]; tr != nil {
			tr.end(spanWait, now, "")
			tr.start(spanWait, otlp.Internal, tr.open[spanAttempt], now, text("wait", e.Kind))
		}
	case events.Dialing:
		if tr := t.callbacks[e.Callback]; tr != nil {
			tr.end(spanWait, now, "")
			tr.start(spanDial, otlp.Client, tr.open[spanAttempt], now, append(t.private(text("number", e.Number)),
				count("line", e.Line), text("script", e.Script), text("trunk", e.Trunk))...)
		}
	case events.AttemptEnded:
		if tr := t.callbacks[e.Callback]; tr != nil {
			failed := ""
			if e.Outcome != "connected" {
				failed = t.failure(e.Outcome, e.Detail)
			}
			tr.end(spanDial, now, failed)
			tr.end(spanAttempt, now, failed, text("outcome", e.Outcome))
		}
	case events.CallbackEnded:
		if tr := t.callbacks[e.Callback]; tr != nil {
			tr.root.Attributes = append(tr.root.Attributes, text("outcome", e.Outcome), count("attempts", e.Attempts))
			if e.Outcome == "failed" {
				tr.root.Error = t.failure("failed", e.Cause)
			}
			for _, name := range []string{spanWait, spanLine, spanAttempt} {
				tr.end(name, now, "")
			}
		}
	case events.CDR:
		if tr := t.callbacks[e.Callback]; tr != nil {
			delete(t.callbacks, e.Callback)
			for _, id := range tr.calls {
				delete(t.calls, id)
			}
			tr.root.End = e.Ended
			t.send(tr, now)
		}
	}
}

// send exports a trace. Spans that are still open end now.
func (t *traces) send(tr *trace, now time.Time) {
	spans := make([]otlp.Span, 0, len(tr.spans))
	for _, s := range tr.spans {
		if s.End.IsZero() {
			s.End = now
		}
		spans = append(spans, *s)
	}
	t.export(spans)
}
