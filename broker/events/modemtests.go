package events

import (
	"fmt"

	"go.uber.org/zap/zapcore"
)

// ModemTestBegan reports that the dial of a test of two lines is on disk and is made now.
type ModemTestBegan struct {
	unaudited
	Test   string `event:"test"`
	Line   int    `event:"line"`
	With   int    `event:"with"`
	Number string `event:"number"`
	By     string `event:"by"`
}

func (ModemTestBegan) log() (zapcore.Level, string) { return zapcore.InfoLevel, "modem test" }

func (e ModemTestBegan) debug() (int, string) {
	return e.Line, fmt.Sprintf("Modem test %s: dialing %s, the number of tty %d", e.Test, e.Number, e.With)
}

func (e ModemTestBegan) dialer() (int, string) { return e.debug() }

// ModemTested reports the result of a test of two lines.
type ModemTested struct {
	Test   string `event:"test"`
	Line   int    `event:"line"`
	With   int    `event:"with"`
	Number string `event:"number"`
	Result string `event:"result"`
	Text   string `event:"text,omitempty"`
	By     string `event:"by"`
}

func (e ModemTested) log() (zapcore.Level, string) {
	if e.Text != "" {
		return zapcore.WarnLevel, "modem tested"
	}
	return zapcore.InfoLevel, "modem tested"
}

func (e ModemTested) debug() (int, string) {
	return e.Line, fmt.Sprintf("Modem test %s: %s", e.Test, e.result())
}

func (e ModemTested) dialer() (int, string) { return e.debug() }

func (e ModemTested) audit() Entry {
	return Entry{"modem tested", e.By, fmt.Sprintf("tty %d with tty %d at %s: %s", e.Line, e.With, e.Number,
		e.result())}
}

func (e ModemTested) result() string {
	if e.Text == "" {
		return e.Result
	}
	return e.Result + ": " + e.Text
}

// ModemTestSkipped reports a test of the schedule that was not made.
type ModemTestSkipped struct {
	undebugged
	unaudited
	Line   int   `event:"line"`
	With   int   `event:"with"`
	Reason error `event:"reason"`
}

func (ModemTestSkipped) log() (zapcore.Level, string) { return zapcore.InfoLevel, "modem test skipped" }

// ModemQuarantined reports a line that failed its modem tests and is not used until an operator restores it.
type ModemQuarantined struct {
	undebugged
	Line   int    `event:"line"`
	Reason string `event:"reason"`
}

func (ModemQuarantined) log() (zapcore.Level, string) { return zapcore.WarnLevel, "line quarantined" }

func (e ModemQuarantined) audit() Entry {
	return Entry{"line quarantined", "ringback", fmt.Sprintf("tty %d: %s", e.Line, e.Reason)}
}
