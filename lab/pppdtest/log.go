package pppdtest

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// Log is what a running program has printed. Its zero value is ready to be the program's output.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write appends to the log.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// String returns all that was printed so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Await waits until a text is in the log. The test fails if it is not there in a minute.
func (l *Log) Await(t testing.TB, text string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !strings.Contains(l.String(), text); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("pppd does not say %q:\n%s", text, l)
		}
	}
}
