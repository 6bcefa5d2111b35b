package otlp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/ringback/ringback/certs"
)

const (
	queueLength = 1024 // traces that may wait; further ones are counted and dropped
	batchSpans  = 512  // at least, unless the queue is empty
	requestTime = 10 * time.Second
	firstPause  = time.Second // after a failure; it doubles
	longestWait = 30 * time.Second
	maxTries    = 6 // of one batch
)

// Options are the options of New.
type Options struct {
	Endpoint string // the URL: https://collector.example.net:4318/v1/traces
	TLS      certs.Files
	Resource Resource
	Failed   func(err error, lost int) // spans that were not sent, also those of a full queue
}

// Exporter sends traces in batches. It never blocks the code that makes them.
type Exporter struct {
	opt     Options
	queue   chan []Span
	dropped atomic.Uint64 // spans of a full queue, since Failed last told
}

// New returns an exporter. Run sends.
func New(o Options) *Exporter { return &Exporter{opt: o, queue: make(chan []Span, queueLength)} }

// CheckEndpoint reports what is wrong with an Endpoint.
func CheckEndpoint(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		u.Fragment != "" {
		return errors.New("not the URL of a collector: write https://HOST:4318/v1/traces")
	}
	if u.Path == "" || u.Path == "/" {
		return fmt.Errorf("the path is missing: write %s://%s/v1/traces", u.Scheme, u.Host)
	}
	return nil
}

// Export queues the spans of a trace.
func (e *Exporter) Export(spans []Span) {
	select {
	case e.queue <- spans:
	default:
		e.dropped.Add(uint64(len(spans)))
	}
}

// Run sends until ctx ends, then what is queued, in one request.
func (e *Exporter) Run(ctx context.Context) {
	for {
		select {
		case spans := <-e.queue:
			e.send(ctx, e.more(spans))
		case <-ctx.Done():
			if spans := e.more(nil); len(spans) > 0 {
				last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
				defer cancel()
				if err := e.post(last, spans); err != nil {
					e.opt.Failed(err, len(spans))
				}
			}
			return
		}
	}
}

// more adds what is queued, up to a batch.
func (e *Exporter) more(spans []Span) []Span {
	for len(spans) < batchSpans {
		select {
		case next := <-e.queue:
			spans = append(spans, next...)
		default:
			return spans
		}
	}
	return spans
}

// send posts a batch until the collector has it, or for good has rejected it.
func (e *Exporter) send(ctx context.Context, spans []Span) {
	pause := firstPause
	for try := 1; ; try++ {
		err := e.post(ctx, spans)
		if n := e.dropped.Swap(0); n > 0 {
			e.opt.Failed(errors.New("the queue is full"), int(n))
		}
		var again retryable
		switch {
		case err == nil:
			return
		case !errors.As(err, &again) || try == maxTries || ctx.Err() != nil:
			e.opt.Failed(err, len(spans))
			return
		}
		wait := time.NewTimer(max(pause, again.after))
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
		}
		pause = min(2*pause, longestWait)
	}
}

// retryable is an error after which the same request may succeed.
type retryable struct {
	error
	after time.Duration // that the collector asks for
}

func (r retryable) Unwrap() error { return r.error }

// post sends one request. The certificates are read each time, because they are renewed.
func (e *Exporter) post(ctx context.Context, spans []Span) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.opt.Endpoint,
		bytes.NewReader(Encode(e.opt.Resource, spans)))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	c, err := e.opt.TLS.Config(req.URL.Hostname())
	if err != nil {
		return err
	}
	transport := &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}
	client := http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	res, err := client.Do(req)
	if err != nil {
		return retryable{certs.Explain(err), 0}
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10)) // of an answer that ends early, the status counts
	return verdict(res, body)
}

// verdict reads an answer (OTLP/HTTP Response).
func verdict(res *http.Response, body []byte) error {
	switch res.StatusCode {
	case http.StatusOK:
		var answer struct {
			PartialSuccess struct {
				RejectedSpans json.Number `json:"rejectedSpans"`
				ErrorMessage  string      `json:"errorMessage"`
			} `json:"partialSuccess"`
		}
		if json.Unmarshal(body, &answer) == nil {
			if n, err := answer.PartialSuccess.RejectedSpans.Int64(); err == nil && n > 0 {
				return fmt.Errorf("the collector rejected %d spans: %.200q", n, answer.PartialSuccess.ErrorMessage)
			}
		}
		return nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		seconds, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if err != nil || seconds < 0 {
			seconds = 0
		}
		return retryable{fmt.Errorf("the collector answers %s", res.Status),
			min(time.Duration(min(seconds, 3600))*time.Second, longestWait)}
	}
	return fmt.Errorf("the collector answers %s: %.200q", res.Status, body)
}
