package events

import (
	"fmt"

	"go.uber.org/zap/zapcore"

	"github.com/ringback/ringback/tty"
)

// CallbackIgnored reports a user who was to be called back as AAA requires, and was admitted over the network without a
// callback: there is no call, and nobody to call back.
type CallbackIgnored struct {
	undialed
	Call  string `event:"call"`
	Line  int    `event:"line"`
	User  string `event:"user"`
	Group string `event:"group"`
}

func (CallbackIgnored) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "callback ignored: the session is over the network"
}

func (e CallbackIgnored) debug() (int, string) {
	return e.Line, fmt.Sprintf("Callback of %s ignored: there is none over the network", e.User)
}

func (e CallbackIgnored) audit() Entry {
	return Entry{"callback ignored", e.User, fmt.Sprintf("%s, group %s", tty.Name(e.Line), e.Group)}
}

// ListenerOpened reports a listener that takes connections.
type ListenerOpened struct {
	undebugged
	unaudited
	Address  string `event:"address"`
	Protocol string `event:"protocol"`
	To       string `event:"to"` // vty, or the line or rotary: "line 65"
}

func (ListenerOpened) log() (zapcore.Level, string) { return zapcore.InfoLevel, "listening" }

// ListenerClosed reports a listener that takes no more connections. Those that it has taken go on.
type ListenerClosed struct {
	undebugged
	unaudited
	Address  string `event:"address"`
	Protocol string `event:"protocol"`
	To       string `event:"to"`
	Reason   string `event:"reason"`
}

func (ListenerClosed) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "not listening any more"
}

// ConnectionRejected reports connections to a listener that were closed before a login, because of a limit or because
// the client does not keep to the protocol. Those of one listener and client are reported at most once a minute.
type ConnectionRejected struct {
	undebugged
	unaudited
	Address  string `event:"address"` // of the listener
	Protocol string `event:"protocol"`
	Client   string `event:"client"`
	Reason   string `event:"reason"`
	More     int    `event:"more,omitempty"` // since the last report
}

func (ConnectionRejected) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "connection rejected"
}
