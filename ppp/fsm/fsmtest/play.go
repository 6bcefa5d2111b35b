package fsmtest

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/ringback/ringback/ppp/fsm"
)

// Step is an input to a layer and the text of the effects that must come out. An input is the octets of a packet in
// hex, or one of the words open, up, down, timeout and close REASON, or a word of the test.
type Step = [2]string

// Play gives inputs to the layer of an engine and compares the effects, joined by "; " and without cut, the protocol
// number. words has the words of the test.
func Play(t testing.TB, e *Engine, cut string, words map[string]func() []fsm.Effect, steps []Step) {
	t.Helper()
	for i, s := range steps {
		e.Log = nil
		word, rest, _ := strings.Cut(s[0], " ")
		switch {
		case words[s[0]] != nil:
			e.Do(t, words[s[0]]())
		case word == "open":
			e.Do(t, e.Layer.Open())
		case word == "up":
			e.Do(t, e.Layer.Up())
		case word == "down":
			e.Do(t, e.Layer.Down())
		case word == "timeout":
			e.Timeout(t)
		case word == "close":
			e.Do(t, e.Layer.Close(fsm.Reason{Cause: fsm.Cause(rest)}, rest))
		default:
			e.Receive(t, Hex(t, s[0]))
		}
		if got := strings.ReplaceAll(strings.Join(e.Log, "; "), cut+" ", ""); got != s[1] {
			t.Fatalf("step %d, %s:\ngot  %s\nwant %s", i+1, s[0], got, s[1])
		}
	}
}

// After returns the steps and more of them.
func After(steps []Step, more ...Step) []Step { return append(steps[:len(steps):len(steps)], more...) }

// Hex returns octets that are written in hex, with spaces.
func Hex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
