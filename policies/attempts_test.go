package policies

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
)

const byCause = `group: g
users: [kim]
attempts:
  max: 5
  retry_wait: 1m
  disable: 15m
  busy: {wait: 2m, backoff: 3, max_wait: 10m, jitter: 15s}
  no_dialtone: {line: other}
  voice: {retry: no}
  interrupted: {retry: yes, backoff: 1, line: same}
`

// A cause has what the file says of it, and any other is treated as before.
func TestRetryOfACause(t *testing.T) {
	p, problems := Parse("g.yaml", []byte(byCause))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := Retries{Busy: {Wait: 2 * time.Minute, Backoff: 3, MaxWait: 10 * time.Minute, Jitter: 15 * time.Second},
		NoDialtone: {OtherLine: true}, Voice: {Never: true}}
	if p.Attempts.After != want {
		t.Errorf("%+v", p.Attempts.After)
	}
	for _, c := range []Cause{NoAnswer, NoCause, -1} {
		if r := p.Attempts.After.Of(c); r != (Retry{}) {
			t.Errorf("cause %d: %+v", c, r)
		}
	}
	_, trace := mustNew(t, p).Evaluate(Request{Identity: aaa.Identity{User: "kim"}, Auth: fixed, Service: aaa.EXEC})
	const input = "max 5, retry_wait 1m0s, disable 15m0s, busy {wait: 2m0s, backoff: 3, max_wait: 10m0s, " +
		"jitter: 15s}, no_dialtone {line: other}, voice {retry: no}"
	if !strings.Contains(trace.String(), input) {
		t.Errorf("%s", trace)
	}
}

// TestPause: the wait after the nth attempt.
func TestPause(t *testing.T) {
	const m = time.Minute
	for _, tt := range []struct {
		r    Retry
		want [5]time.Duration
	}{
		{Retry{}, [5]time.Duration{m, m, m, m, m}},
		{Retry{Wait: 2 * m}, [5]time.Duration{2 * m, 2 * m, 2 * m, 2 * m, 2 * m}},
		{Retry{Backoff: 2}, [5]time.Duration{m, 2 * m, 4 * m, 8 * m, 16 * m}},
		{Retry{Backoff: 10}, [5]time.Duration{m, 10 * m, 60 * m, 60 * m, 60 * m}},
		{Retry{Wait: 2 * m, Backoff: 3, MaxWait: 10 * m}, [5]time.Duration{2 * m, 6 * m, 10 * m, 10 * m, 10 * m}},
		{Retry{Backoff: 10, MaxWait: 24 * time.Hour}, [5]time.Duration{m, 10 * m, 100 * m, 1000 * m, 1440 * m}},
	} {
		for i, want := range tt.want {
			if got := tt.r.Pause(i+1, m); got != want {
				t.Errorf("%+v, attempt %d: %v, want %v", tt.r, i+1, got, want)
			}
		}
	}
}

// The decision that a callback stores has all of it, and one of an earlier version has none of it.
func TestRetriesInJSON(t *testing.T) {
	p, _ := Parse("g.yaml", []byte(byCause))
	text, err := json.Marshal(p.Attempts)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"max":5,"retry_wait":"1m0s","after":{"busy":{"wait":"2m0s","backoff":3,"max_wait":"10m0s",` +
		`"jitter":"15s"},"no_dialtone":{"other_line":true},"voice":{"never":true}},"disable":"15m0s"}`
	if string(text) != want {
		t.Errorf("%s", text)
	}
	var back Attempts
	if err := json.Unmarshal(text, &back); err != nil || back != p.Attempts {
		t.Errorf("%+v, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"max":3,"retry_wait":"30s"}`), &back); err != nil ||
		back != (Attempts{Max: 3, RetryWait: 30 * time.Second}) {
		t.Errorf("%+v, %v", back, err)
	}
	if json.Unmarshal([]byte(`{"max":3,"retry_wait":"30s","after":{"busy":{"wait":"soon"}}}`), &back) == nil {
		t.Error("a wait that is no duration is read")
	}
}

// Files without the new keys keep their digest and their trace.
func TestRetriesOfOldFiles(t *testing.T) {
	old, _ := Parse("g.yaml", []byte("group: g\nusers: [kim]\nattempts: {max: 3, retry_wait: 1m}\n"))
	same, problems := Parse("g.yaml", []byte("group: g\nusers: [kim]\nattempts: {max: 3, retry_wait: 1m, "+
		"busy: {retry: yes, backoff: 1, jitter: 0s, line: same}}\n"))
	if len(problems) > 0 || old.Digest() != same.Digest() || strings.Contains(old.Canonical(), "busy") {
		t.Errorf("%v\n%s\n%s", problems, old.Canonical(), same.Canonical())
	}
	_, trace := mustNew(t, old).Evaluate(Request{Identity: aaa.Identity{User: "kim"}, Auth: fixed, Service: aaa.EXEC})
	if !strings.Contains(trace.String(), "max 3, retry_wait 1m0s  ") {
		t.Errorf("%s", trace)
	}
}

// What contradicts itself is an error.
func TestRetryProblems(t *testing.T) {
	for text, want := range map[string]string{
		"{busy: {retry: no, wait: 1m}}": "attempts.busy.wait: has no effect: retry is no (remove one of the two)",
		"{busy: {wait: 10m, max_wait: 5m}}": "attempts.busy.max_wait: is shorter than the first wait, 10m0s (write " +
			"a longer max_wait, or a shorter wait)",
		"{busy: {max_wait: 5s}}":       "attempts.busy.max_wait: is shorter than the first wait, 30s",
		"{disable: 25h}":               "attempts.disable: 25h0m0s is not between 0s and 24h0m0s",
		"{busy: {wait: 0s}}":           "attempts.busy.wait: 0s is not between 1s and 1h0m0s",
		"{busy: {backoff: 0}}":         "attempts.busy.backoff: 0 is not between 1 and 10",
		"{voice: {line: 66}}":          "attempts.voice.line",
		"{no_dial_tone: {retry: no}}":  "attempts.no_dial_tone: unknown key",
		"{interrupted: {jitter: 25h}}": "attempts.interrupted.jitter: 25h0m0s is not between 0s and 1h0m0s",
	} {
		_, problems := Parse("g.yaml", []byte("group: g\nattempts: "+text+"\n"))
		if !strings.Contains(problems.String(), want) {
			t.Errorf("%s: %v\nwant %s", text, problems, want)
		}
	}
}
