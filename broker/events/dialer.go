package events

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
)

// The events of this file are those of `debug dialer` alone: how a line and a trunk are selected for a dial, and what
// follows. Dialing, AttemptEnded and CallbackEnded are in it, too.

// LineRequested reports that a line is requested for an attempt.
type LineRequested struct {
	undebugged
	unaudited
	Callback string `event:"callback"`
	User     string `event:"user"`
	From     string `event:"from"`                // which lines may serve: "rotary 1", "tty 66, 67"
	Avoid    []int  `event:"avoid,omitempty"`     // lines that serve only if no other can
	NoVerify bool   `event:"no_verify,omitempty"` // lines that admit without a login are preferred
	Number   string `event:"number"`
	Trunk    string `event:"trunk,omitempty"`
	Attempt  int    `event:"attempt"`
	Budget   int    `event:"budget"`
}

func (LineRequested) log() (zapcore.Level, string) { return zapcore.DebugLevel, "line requested" }

func (e LineRequested) dialer() (int, string) {
	text := fmt.Sprintf("requests a line of %s for %s", e.From, attemptText(e.Attempt, e.Budget, e.Number, e.Trunk))
	if len(e.Avoid) > 0 {
		text += ", other than tty " + strings.Trim(fmt.Sprint(e.Avoid), "[]") + " if possible"
	}
	if e.NoVerify {
		text += ", one that admits without a login if possible"
	}
	return 0, dialerText(e.Callback, text)
}

// LineChosen reports that a line is leased for an attempt.
type LineChosen struct {
	undebugged
	unaudited
	Callback string `event:"callback"`
	User     string `event:"user"`
	Line     int    `event:"line"`
	Number   string `event:"number"`
	Trunk    string `event:"trunk,omitempty"`
	Script   string `event:"script"` // as in Dialing
	Attempt  int    `event:"attempt"`
	Budget   int    `event:"budget"`
}

func (LineChosen) log() (zapcore.Level, string) { return zapcore.DebugLevel, "line chosen" }

func (e LineChosen) dialer() (int, string) {
	return e.Line, dialerText(e.Callback, fmt.Sprintf("has tty %d for %s by script %s", e.Line,
		attemptText(e.Attempt, e.Budget, e.Number, e.Trunk), e.Script))
}

// NoLine reports that no line can serve, or that the leased line cannot be used.
type NoLine struct {
	undebugged
	unaudited
	Callback string `event:"callback"`
	User     string `event:"user"`
	Line     int    `event:"line"` // the leased one; 0: none
	Cause    string `event:"cause"`
}

func (NoLine) log() (zapcore.Level, string) { return zapcore.InfoLevel, "no line" }

func (e NoLine) dialer() (int, string) {
	if e.Line != 0 {
		return e.Line, dialerText(e.Callback, fmt.Sprintf("cannot use tty %d: %s", e.Line, e.Cause))
	}
	return 0, dialerText(e.Callback, "gets no line: "+e.Cause)
}

// The kinds of Waiting.
const (
	FirstWait = "first" // from the hang-up to the first dial
	RetryWait = "retry" // from the end of an attempt to the next
	LineWait  = "line"  // until a line is requested again
)

// Waiting reports that a wait of a callback has begun.
type Waiting struct {
	unaudited
	Callback string        `event:"callback"`
	User     string        `event:"user"`
	Line     int           `event:"line"` // the leased one; 0: none
	Kind     string        `event:"kind"`
	Wait     time.Duration `event:"wait"`
	Attempt  int           `event:"attempt"` // the one that follows
	Budget   int           `event:"budget"`
}

func (Waiting) log() (zapcore.Level, string) { return zapcore.DebugLevel, "waiting" }

func (e Waiting) debug() (int, string) {
	if e.Kind == RetryWait || e.Kind == LineWait {
		return 0, ""
	}
	return e.Line, fmt.Sprintf("Callback forced wait = %d seconds", int(e.Wait.Round(time.Second)/time.Second))
}

func (e Waiting) dialer() (int, string) {
	wait := max(e.Wait, 0).Round(time.Millisecond)
	if e.Kind == LineWait {
		return e.Line, dialerText(e.Callback, fmt.Sprintf("requests a line again in %v", wait))
	}
	return e.Line, dialerText(e.Callback, fmt.Sprintf("waits %v before attempt %d of %d on tty %d", wait, e.Attempt,
		e.Budget, e.Line))
}

func (e Dialing) dialer() (int, string) {
	text := fmt.Sprintf("%s: dials %s by script %s", attemptText(e.Attempt, e.Budget, e.Number, e.Trunk),
		cmp.Or(e.Digits, e.Number), e.Script)
	if e.HeldBack {
		text += ", again: its previous dial command was held back"
	}
	return e.Line, dialerText(e.Callback, text)
}

func (e AttemptEnded) dialer() (int, string) {
	text := fmt.Sprintf("attempt %d: %s", e.Attempt, e.Outcome)
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return e.Line, dialerText(e.Callback, text)
}

func (e CallbackEnded) dialer() (int, string) {
	text := fmt.Sprintf("%s after %d of %d attempts", e.Outcome, e.Attempts, e.Budget)
	if e.Cause != "" {
		text += ": " + e.Cause
	}
	return cmp.Or(e.TTY, e.Line), dialerText(e.Callback, text)
}

func dialerText(callback, text string) string { return "Dialer: callback " + callback + " " + text }

// attemptText is "attempt 1 of 3 to 84001 via trunk isdn".
func attemptText(n, of int, number, trunk string) string {
	text := fmt.Sprintf("attempt %d of %d to %s", n, of, number)
	if trunk != "" {
		text += " via trunk " + trunk
	}
	return text
}
