package events

import (
	"fmt"

	"go.uber.org/zap/zapcore"

	"github.com/ringback/ringback/tty"
)

// RecordingBegan reports a session that is recorded from now on.
type RecordingBegan struct {
	undebugged
	Recording string `event:"recording"`
	Call      string `event:"call"`
	Line      int    `event:"line"`
	User      string `event:"user"`
}

func (RecordingBegan) log() (zapcore.Level, string) { return zapcore.InfoLevel, "recording started" }

func (e RecordingBegan) audit() Entry {
	return Entry{"recording started", e.User, fmt.Sprintf("%s, recording %s", tty.Name(e.Line), e.Recording)}
}

// RecordingEnded reports a recording that is complete on disk.
type RecordingEnded struct {
	undebugged
	Recording string `event:"recording"`
	Call      string `event:"call"`
	Line      int    `event:"line"`
	User      string `event:"user"`
	Octets    uint64 `event:"octets"` // of the file
	Lost      uint64 `event:"lost"`   // octets of output that are not in it
}

func (RecordingEnded) log() (zapcore.Level, string) { return zapcore.InfoLevel, "recording ended" }

func (e RecordingEnded) audit() Entry {
	return Entry{"recording ended", e.User,
		fmt.Sprintf("%s, recording %s, %d octets, %d lost", tty.Name(e.Line), e.Recording, e.Octets, e.Lost)}
}

// RecordingLost reports a recording that loses output.
type RecordingLost struct {
	undebugged
	Recording string `event:"recording"`
	Call      string `event:"call"`
	Line      int    `event:"line"`
	User      string `event:"user"`
	Reason    string `event:"reason"`
}

func (RecordingLost) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "recording loses output"
}

func (e RecordingLost) audit() Entry {
	return Entry{"recording loses output", e.User,
		fmt.Sprintf("%s, recording %s: %s", tty.Name(e.Line), e.Recording, e.Reason)}
}

// RecordingRefused reports a user who was not admitted because the session could not be recorded.
type RecordingRefused struct {
	undebugged
	Call   string `event:"call"`
	Line   int    `event:"line"`
	User   string `event:"user"`
	Reason string `event:"reason"`
}

func (RecordingRefused) log() (zapcore.Level, string) {
	return zapcore.ErrorLevel, "session rejected: it cannot be recorded"
}

func (e RecordingRefused) audit() Entry {
	return Entry{"session not recordable", e.User, tty.Name(e.Line) + ": " + e.Reason}
}

// RecordingRead reports an operator who got the content of a recording.
type RecordingRead struct {
	undebugged
	Recording string `event:"recording"`
	Call      string `event:"call"`
	User      string `event:"user"` // of the session
	By        string `event:"by"`
}

func (RecordingRead) log() (zapcore.Level, string) { return zapcore.InfoLevel, "recording read" }

func (e RecordingRead) audit() Entry {
	return Entry{"recording read", e.By, fmt.Sprintf("recording %s of %s", e.Recording, e.User)}
}

// RecordingRemoved reports a recording that was removed: by an operator, or because it was too old or too much.
type RecordingRemoved struct {
	undebugged
	Recording string `event:"recording"`
	Call      string `event:"call"`
	User      string `event:"user"` // of the session
	By        string `event:"by"`
	Reason    string `event:"reason,omitempty"`
}

func (RecordingRemoved) log() (zapcore.Level, string) { return zapcore.InfoLevel, "recording removed" }

func (e RecordingRemoved) audit() Entry {
	text := fmt.Sprintf("recording %s of %s", e.Recording, e.User)
	if e.Reason != "" {
		text += ", " + e.Reason
	}
	return Entry{"recording removed", e.By, text}
}
