package otlp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/lab/servers"
)

// request is ExportTraceServiceRequest in JSON, from opentelemetry-proto v1 (trace.proto, common.proto, resource.proto)
// and the rules of OTLP/HTTP: lowerCamelCase, hex IDs, 64-bit integers as strings or numbers, enumerations as numbers.
type request struct {
	ResourceSpans []struct {
		Resource struct {
			Attributes             []attribute
			DroppedAttributesCount uint32
		}
		ScopeSpans []struct {
			Scope struct {
				Name, Version string
				Attributes    []attribute
			}
			Spans     []received
			SchemaURL string
		}
		SchemaURL string
	}
}

type received struct {
	TraceID, SpanID, ParentSpanID, TraceState, Name string
	Kind                                            int
	StartTimeUnixNano, EndTimeUnixNano              json.Number
	Attributes                                      []attribute
	Events                                          []struct {
		TimeUnixNano json.Number
		Name         string
		Attributes   []attribute
	}
	Status struct {
		Message string
		Code    int
	}
}

type attribute struct {
	Key   string
	Value struct {
		StringValue *string
		IntValue    *json.Number
		BoolValue   *bool
	}
}

func read(t *testing.T, body []byte) request {
	t.Helper()
	var r request
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	for _, key := range regexp.MustCompile(`"([A-Za-z]+)":`).FindAllStringSubmatch(string(body), -1) {
		if key[1][0] < 'a' { // encoding/json folds letter case, a collector does not
			t.Errorf("key %s", key[1])
		}
	}
	return r
}

// TestEncode compares a whole request: its members have the names, the order and the forms of the example of
// opentelemetry-proto.
func TestEncode(t *testing.T) {
	start := time.Unix(1544712660, 5)
	spans := []Span{
		{Trace: [16]byte{0x5b, 15: 1}, ID: [8]byte{0xee, 7: 2}, Name: "callback", Kind: Server, Start: start,
			End: start.Add(time.Second), Attributes: []Attribute{{"a", "x\"\n"}, {"n", int64(-1 << 62)}, {"b", false}}},
		{Trace: [16]byte{0x5b, 15: 1}, ID: [8]byte{1}, Parent: [8]byte{0xee, 7: 2}, Name: "dial", Kind: Client,
			Start: start, End: start, Error: "busy", Events: []Event{{"login failed", start}}},
	}
	of := Resource{Attributes: []Attribute{{"service.name", "ringback"}}, Scope: "ringback", Version: "1"}
	got := Encode(of, spans)
	const want = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":` +
		`{"stringValue":"ringback"}}]},` +
		`"scopeSpans":[{"scope":{"name":"ringback","version":"1"},"spans":[` +
		`{"traceId":"5b000000000000000000000000000001","spanId":"ee00000000000002","name":"callback","kind":2,` +
		`"startTimeUnixNano":"1544712660000000005","endTimeUnixNano":"1544712661000000005","attributes":[` +
		`{"key":"a","value":{"stringValue":"x\"\n"}},{"key":"n","value":{"intValue":"-4611686018427387904"}},` +
		`{"key":"b","value":{"boolValue":false}}]},` +
		`{"traceId":"5b000000000000000000000000000001","spanId":"0100000000000000","parentSpanId":"ee00000000000002",` +
		`"name":"dial","kind":3,"startTimeUnixNano":"1544712660000000005","endTimeUnixNano":"1544712660000000005",` +
		`"events":[{"timeUnixNano":"1544712660000000005","name":"login failed"}],"status":{"message":"busy","code":2}}]}]}]}`
	if string(got) != want {
		t.Errorf("\n%s, want\n%s", got, want)
	}
	read(t, got)
}

// collector answers with one status after the other, the last one again.
type collector struct {
	mu     sync.Mutex
	answer []func(w http.ResponseWriter)
	got    chan request
	t      *testing.T
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != "POST" || r.URL.Path != "/v1/traces" ||
		r.Header.Get("Content-Type") != "application/json" {
		c.t.Errorf("%s %s %v", r.Method, r.URL, err)
	}
	c.mu.Lock()
	answer := c.answer[0]
	if len(c.answer) > 1 {
		c.answer = c.answer[1:]
	}
	c.mu.Unlock()
	answer(w)
	c.got <- read(c.t, body)
}

func status200(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { io.WriteString(w, text) }
}

func refused(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { http.Error(w, "no \x1b[2J", code) }
}

const ample = time.Minute

func within[T any](t *testing.T, what string, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(ample):
		t.Fatalf("%s: not within %v", what, ample)
		panic("unreachable")
	}
}

type failure struct {
	err  error
	lost int
}

func run(t *testing.T, url string, files certs.Files) (*Exporter, chan failure) {
	t.Helper()
	failures := make(chan failure, 100)
	e := New(Options{Endpoint: url + "/v1/traces", TLS: files,
		Failed: func(err error, n int) { failures <- failure{err, n} }})
	ctx, cancel := context.WithCancel(t.Context())
	var ended sync.WaitGroup
	ended.Go(func() { e.Run(ctx) })
	t.Cleanup(func() { cancel(); ended.Wait() })
	return e, failures
}

var one = []Span{{Name: "callback", Kind: Server}}

// A request that the collector may take later is sent again; one that it rejects, for good or in part, is reported.
func TestExporter(t *testing.T) {
	c := &collector{t: t, got: make(chan request, 10), answer: []func(http.ResponseWriter){
		refused(503), status200("{}"), refused(400), status200(`{"partialSuccess":{"rejectedSpans":"2","errorMessage":"old"}}`),
		status200(""),
	}}
	s := httptest.NewServer(c)
	defer s.Close()
	e, failures := run(t, s.URL, certs.Files{})
	e.Export(one)
	within(t, "the first try", c.got)
	if r := within(t, "the second try", c.got); r.ResourceSpans[0].ScopeSpans[0].Spans[0].Name != "callback" {
		t.Errorf("%+v", r)
	}
	e.Export(one)
	within(t, "a bad request", c.got)
	if f := within(t, "its failure", failures); f.lost != 1 || !strings.Contains(f.err.Error(), `400 Bad Request: "no \x1b[2J`) {
		t.Errorf("%v", f)
	}
	e.Export(one)
	within(t, "a partial success", c.got)
	if f := within(t, "its failure", failures); !strings.Contains(f.err.Error(), `rejected 2 spans: "old"`) {
		t.Errorf("%v", f)
	}
	e.Export(one)
	within(t, "a success without a body", c.got)
	if len(failures) > 0 {
		t.Errorf("%v", <-failures)
	}
}

// A collector that does not answer holds up nobody; what does not fit into the queue is counted.
func TestStalled(t *testing.T) {
	hold, asked := make(chan struct{}), make(chan struct{}, 100)
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-hold
	}))
	defer s.Close()
	defer close(hold)
	e, failures := run(t, s.URL, certs.Files{})
	e.Export(one)
	within(t, "a request", asked)
	for range queueLength + 7 {
		e.Export(one)
	}
	hold <- struct{}{}
	if f := within(t, "the report", failures); f.lost != 7 || !strings.Contains(f.err.Error(), "the queue is full") {
		t.Errorf("%+v", f)
	}
}

// Over TLS the collector's certificate is checked.
func TestTLS(t *testing.T) {
	ca, err := servers.NewAuthority("collector")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, ca.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewTLSServer(&collector{t: t, got: make(chan request, 10),
		answer: []func(http.ResponseWriter){status200("{}")}})
	defer s.Close()
	e := New(Options{Endpoint: s.URL + "/v1/traces", TLS: certs.Files{CAFile: file}})
	err = e.post(t.Context(), one)
	var again retryable
	if err == nil || !errors.As(err, &again) || !strings.Contains(err.Error(), "check ca_file") {
		t.Errorf("%v", err)
	}
}

func TestCheckEndpoint(t *testing.T) {
	for _, s := range []string{"http://127.0.0.1:4318/v1/traces", "https://collector.example.net/otlp/v1/traces"} {
		if err := CheckEndpoint(s); err != nil {
			t.Error(err)
		}
	}
	for _, s := range []string{"", "127.0.0.1:4318", "ftp://x/y", "https://x", "https://x/", "https:///v1/traces",
		"https://u:p@x/v1/traces", "https://x/v1/traces#a"} {
		if err := CheckEndpoint(s); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}
