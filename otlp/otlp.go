// Package otlp sends traces to an OpenTelemetry collector: OTLP 1.x over HTTP with JSON
// (https://opentelemetry.io/docs/specs/otlp/#otlphttp). It is a small part of the protocol, in place of the official
// exporter and SDK, which would add protobuf and gRPC to the binary.
package otlp

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
)

// Span is a part of a trace.
type Span struct {
	Trace      [16]byte
	ID, Parent [8]byte // Parent is zero for the root
	Name       string
	Kind       Kind
	Start, End time.Time
	Attributes []Attribute
	Events     []Event
	Error      string // why it failed; "": it did not
}

// Event is a moment in a span.
type Event struct {
	Name string
	Time time.Time
}

// Kind is SpanKind.
type Kind int

// The kinds that we have.
const (
	Internal Kind = 1
	Server   Kind = 2
	Client   Kind = 3
)

// Attribute has a value that is a string, an int64 or a bool.
type Attribute struct {
	Key   string
	Value any
}

// The messages of opentelemetry-proto in their JSON encoding: names in lowerCamelCase, IDs in hex, 64-bit integers as
// strings, enumerations as numbers.
type (
	tracesData struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []keyValue `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope  `json:"scope"`
		Spans []span `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	span struct {
		TraceID           string      `json:"traceId"`
		SpanID            string      `json:"spanId"`
		ParentSpanID      string      `json:"parentSpanId,omitempty"`
		Name              string      `json:"name"`
		Kind              Kind        `json:"kind"`
		StartTimeUnixNano string      `json:"startTimeUnixNano"`
		EndTimeUnixNano   string      `json:"endTimeUnixNano"`
		Attributes        []keyValue  `json:"attributes,omitempty"`
		Events            []spanEvent `json:"events,omitempty"`
		Status            *status     `json:"status,omitempty"`
	}
	spanEvent struct {
		TimeUnixNano string `json:"timeUnixNano"`
		Name         string `json:"name"`
	}
	status struct {
		Message string `json:"message,omitempty"`
		Code    int    `json:"code"`
	}
	keyValue struct {
		Key   string   `json:"key"`
		Value anyValue `json:"value"`
	}
	anyValue struct {
		String *string `json:"stringValue,omitempty"`
		Int    string  `json:"intValue,omitempty"`
		Bool   *bool   `json:"boolValue,omitempty"`
	}
)

const statusError = 2

// Encode returns the body of an ExportTraceServiceRequest.
func Encode(of Resource, spans []Span) []byte {
	out := make([]span, 0, len(spans))
	for _, s := range spans {
		out = append(out, encode(s))
	}
	b, err := json.Marshal(tracesData{[]resourceSpans{{
		Resource: resource{keyValues(of.Attributes)},
		ScopeSpans: []scopeSpans{{
			Scope: scope{Name: of.Scope, Version: of.Version}, Spans: out,
		}},
	}}})
	if err != nil { // the types above have no value that JSON does not have
		panic(err)
	}
	return b
}

// Resource says who sends.
type Resource struct {
	Attributes     []Attribute // service.name and others
	Scope, Version string
}

func encode(s Span) span {
	out := span{TraceID: hex.EncodeToString(s.Trace[:]), SpanID: hex.EncodeToString(s.ID[:]), Name: s.Name,
		Kind:              s.Kind,
		StartTimeUnixNano: nano(s.Start), EndTimeUnixNano: nano(s.End), Attributes: keyValues(s.Attributes)}
	if s.Parent != [8]byte{} {
		out.ParentSpanID = hex.EncodeToString(s.Parent[:])
	}
	for _, e := range s.Events {
		out.Events = append(out.Events, spanEvent{nano(e.Time), e.Name})
	}
	if s.Error != "" {
		out.Status = &status{s.Error, statusError}
	}
	return out
}

func nano(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func keyValues(all []Attribute) []keyValue {
	var out []keyValue
	for _, a := range all {
		kv := keyValue{Key: a.Key}
		switch v := a.Value.(type) {
		case string:
			kv.Value.String = &v
		case int64:
			kv.Value.Int = strconv.FormatInt(v, 10)
		case bool:
			kv.Value.Bool = &v
		}
		out = append(out, kv)
	}
	return out
}
