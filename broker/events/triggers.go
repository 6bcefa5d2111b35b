package events

import (
	"fmt"

	"go.uber.org/zap/zapcore"
)

// TriggerAccepted reports that a signed short message or a missed call has a user called back.
type TriggerAccepted struct {
	Callback string `event:"callback"`
	Line     int    `event:"line"`
	Trigger  string `event:"trigger"`
	User     string `event:"user"`
	Caller   string `event:"caller"` // the sender, as the network reports it
	Number   string `event:"number"`
}

func (TriggerAccepted) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "callback requested without a call"
}

func (e TriggerAccepted) debug() (int, string) {
	return e.Line, fmt.Sprintf("%s from %q: user %s is called back (%s)", e.Trigger, e.Caller, e.User, e.Callback)
}

func (TriggerAccepted) dialer() (int, string) { return 0, "" }

func (e TriggerAccepted) audit() Entry {
	return Entry{"callback " + e.Callback + " requested", e.User,
		fmt.Sprintf("%s from %.40q on tty %d, at %s", e.Trigger, e.Caller, e.Line, e.Number)}
}

// TriggerRejected reports a short message or a missed call that does nothing. At most ten are reported in a minute.
type TriggerRejected struct {
	unaudited
	undialed
	Line    int    `event:"line"`
	Trigger string `event:"trigger"`
	Result  string `event:"result"`         // as in the metric
	User    string `event:"user,omitempty"` // only if the signature is the user's, or the number
	Caller  string `event:"caller"`         // the sender, as the network reports it
	Reason  string `event:"reason"`
	Untold  int    `event:"not_reported,omitempty"` // before it, since the last one
}

func (TriggerRejected) log() (zapcore.Level, string) { return zapcore.WarnLevel, "trigger rejected" }

func (e TriggerRejected) debug() (int, string) {
	return e.Line, fmt.Sprintf("%s from %q: %s: %s", e.Trigger, e.Caller, e.Result, e.Reason)
}
