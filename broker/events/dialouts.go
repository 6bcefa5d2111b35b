package events

import (
	"fmt"
	"time"

	"go.uber.org/zap/zapcore"
)

// DialOutStarted reports that the dial of a person is on disk and is made now.
type DialOutStarted struct {
	Call   string `event:"call"`
	Line   int    `event:"line"`
	User   string `event:"user"` // a site's user name, for `ringback call`
	Number string `event:"number"`
	Script string `event:"script"` // its name
	By     string `event:"by"`
	From   string `event:"from,omitempty"`
}

func (DialOutStarted) log() (zapcore.Level, string) { return zapcore.InfoLevel, "dialing out" }

func (e DialOutStarted) debug() (int, string) {
	return e.Line, fmt.Sprintf("user %s dials out: dialing %s with chat script %s", e.User, e.Number, e.Script)
}

func (e DialOutStarted) dialer() (int, string) { return e.debug() }

func (e DialOutStarted) audit() Entry {
	text := fmt.Sprintf("tty %d: %s dials %s", e.Line, e.User, e.Number)
	if e.From != "" {
		text += " from " + e.From
	}
	return Entry{"dial-out", e.By, text}
}

// DialOutEnded reports how a dial-out has ended: its line is on hook, or is not proven to be.
type DialOutEnded struct {
	Call     string        `event:"call"`
	Line     int           `event:"line"`
	User     string        `event:"user"`
	Number   string        `event:"number"`
	Outcome  string        `event:"outcome"` // of the dial
	Detail   string        `event:"detail"`  // of a call, why it ended
	Duration time.Duration `event:"duration"`
	By       string        `event:"by"`
}

func (DialOutEnded) log() (zapcore.Level, string) { return zapcore.InfoLevel, "dial-out ended" }

func (e DialOutEnded) debug() (int, string) {
	return e.Line, fmt.Sprintf("dial-out of user %s: %s: %s", e.User, e.Outcome, e.Detail)
}

func (e DialOutEnded) dialer() (int, string) { return e.debug() }

func (e DialOutEnded) audit() Entry {
	return Entry{"dial-out ended", e.By, fmt.Sprintf("tty %d: %s: %s: %s", e.Line, e.User, e.Number, e.Outcome)}
}

// DialOutRejected reports a dial-out that was not made.
type DialOutRejected struct {
	undebugged
	Line   int    `event:"line"` // 0: none was chosen
	User   string `event:"user"`
	Number string `event:"number"` // as the person wrote it
	By     string `event:"by"`
	From   string `event:"from,omitempty"`
	Reason error  `event:"reason"`
}

func (DialOutRejected) log() (zapcore.Level, string) { return zapcore.WarnLevel, "dial-out rejected" }

func (e DialOutRejected) audit() Entry {
	return Entry{"dial-out rejected", e.By, fmt.Sprintf("tty %d: %s: %.100q: %v", e.Line, e.User, e.Number, e.Reason)}
}
