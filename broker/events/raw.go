package events

import (
	"fmt"

	"go.uber.org/zap/zapcore"
)

// RawAccessBegan reports a user on the network who has the modem of a line itself. What it dials is not counted.
type RawAccessBegan struct {
	undebugged
	Line  int    `event:"line"`
	User  string `event:"user"`
	From  string `event:"from"` // the client's address
	Group string `event:"group"`
}

func (RawAccessBegan) log() (zapcore.Level, string) { return zapcore.WarnLevel, "raw access began" }

func (e RawAccessBegan) audit() Entry {
	return Entry{"raw access", e.User, fmt.Sprintf("tty %d, from %s, group %s", e.Line, e.From, e.Group)}
}

// RawAccessEnded reports the end of raw access. The line begins anew.
type RawAccessEnded struct {
	undebugged
	Line     int    `event:"line"`
	User     string `event:"user"`
	From     string `event:"from"`
	Reason   string `event:"reason"`
	ToModem  uint64 `event:"to_modem"` // octets
	ToClient uint64 `event:"to_client"`
}

func (RawAccessEnded) log() (zapcore.Level, string) { return zapcore.InfoLevel, "raw access ended" }

func (e RawAccessEnded) audit() Entry {
	return Entry{"raw access ended", e.User, fmt.Sprintf("tty %d, from %s: %s, %d octets to the modem", e.Line, e.From,
		e.Reason, e.ToModem)}
}

// RawAccessRejected reports a user who asked for the modem of a line itself and did not get it.
type RawAccessRejected struct {
	undebugged
	Line   int    `event:"line"`
	User   string `event:"user"`
	From   string `event:"from"`
	Reason string `event:"reason"`
}

func (RawAccessRejected) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "raw access rejected"
}

func (e RawAccessRejected) audit() Entry {
	return Entry{"raw access rejected", e.User, fmt.Sprintf("tty %d, from %s: %s", e.Line, e.From, e.Reason)}
}
