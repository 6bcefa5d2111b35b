package broker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/session"
)

// recorder keeps what the sessions of a town show.
type recorder struct {
	mu     sync.Mutex
	of     []broker.Recorded
	shown  strings.Builder
	hidden []string
	ends   []string
	err    error // instead of a recording
}

func (r *recorder) begin(_ context.Context, of broker.Recorded) (session.Recorder, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return nil, r.err
	}
	r.of = append(r.of, of)
	return r, nil
}

func (r *recorder) Output(p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shown.Write(p)
}

func (r *recorder) Hide(secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hidden = append(r.hidden, secret)
}

func (r *recorder) Close(reason string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends = append(r.ends, reason)
}

// TestRecorded: each session of a group with `record` is recorded, on both legs, and no session of another group.
func TestRecorded(t *testing.T) {
	for _, record := range []bool{true, false} {
		r := &recorder{}
		o := townOptions{record: r.begin, policy: func(p *policies.Policy) { p.Record = record }}
		inTown(t, o, func(w *town) {
			p := promised(w) // nobody is admitted on leg one
			if len(r.of) > 0 {
				t.Errorf("leg one: %+v", r.of)
			}
			p.see("maui-nas-04>", time.Minute)
			w.pass(time.Second)
			p.typ("exit")
			p.see("NO CARRIER", time.Minute)
			w.idle(time.Minute)
			direct := w.pc(w.home)
			direct.login("paia-04") // without a callback
			direct.see("maui-nas-04>", time.Minute)
			direct.dte.SetDTR(false)
			w.idle(time.Minute)
			if !record {
				if len(r.of) > 0 {
					t.Errorf("recorded without the policy: %+v", r.of)
				}
				return
			}
			var got []string
			for _, of := range r.of {
				got = append(got, fmt.Sprint(of.User, " leg ", of.Leg, of.Callback == w.last().ID,
					of.Session == of.Call))
			}
			if want := []string{"austin-01 leg 2 true true", "paia-04 leg 1 false true"}; !slices.Equal(got, want) {
				t.Errorf("recorded %q, want %q", got, want)
			}
			if len(r.ends) != 2 || r.ends[0] != "caller logged out" || r.ends[1] != "carrier lost" {
				t.Errorf("ends %q", r.ends)
			}
			if s := r.shown.String(); !strings.Contains(s, "maui-nas-04>exit\r\n") || strings.Contains(s, "Password") ||
				strings.Contains(s, "Username") || !slices.Contains(r.hidden, password) {
				t.Errorf("shown %q, hidden %d", s, len(r.hidden))
			}
		})
	}
}

// TestUnrecordable: a user whose session cannot be recorded is not admitted, and a callback is not completed by it.
func TestUnrecordable(t *testing.T) {
	for name, begin := range map[string]func(context.Context, broker.Recorded) (session.Recorder, error){
		"no recordings": nil, "full disk": (&recorder{err: errors.New("no space left on device")}).begin,
	} {
		seen := &kept{}
		o := townOptions{record: begin, sinks: []events.Sink{seen},
			policy: func(p *policies.Policy) { p.Record = true }}
		inTown(t, o, func(w *town) {
			p := w.pc(w.home)
			p.login("paia-04")
			p.see("% Service not available", time.Minute)
			p.see("Username: ", time.Minute)
			p.dte.SetDTR(false)
			w.idle(time.Minute)
			if n := len(of[events.RecordingRefused](seen)); n != 1 {
				t.Errorf("%s: %d events", name, n)
			}
		})
	}
}
