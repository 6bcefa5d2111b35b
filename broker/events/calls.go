package events

import (
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/ringback/ringback/tty"
)

// CallScreened reports the answer of AAA about a ringing call.
type CallScreened struct {
	undialed
	unaudited
	Line     int    `event:"line"`
	Caller   string `event:"caller"`
	Called   string `event:"called"`
	Result   string `event:"result"`
	Server   string `event:"server"`
	Reason   string `event:"reason"`
	Answered bool   `event:"answered,unlogged"` // whether the call may be answered
}

func (e CallScreened) log() (zapcore.Level, string) {
	if e.Answered {
		return zapcore.InfoLevel, "call may be answered"
	}
	return zapcore.WarnLevel, "call not answered"
}

func (e CallScreened) debug() (int, string) {
	return e.Line, fmt.Sprintf("Call-Check of %q: %s %s", e.Caller, e.Result, e.Reason)
}

// CallRejected reports that a call was left ringing or hung up, because the called number has too many calls.
type CallRejected struct {
	undebugged
	unaudited
	Line     int    `event:"line"`
	Caller   string `event:"caller"`
	Called   string `event:"called"`
	Group    string `event:"group"`
	Calls    int    `event:"calls"` // that are up
	Answered bool   `event:"answered"`
}

func (CallRejected) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "call rejected: the called number has too many calls"
}

// CallOverflow reports a call that is beyond the base of a profile.
type CallOverflow struct {
	undebugged
	unaudited
	Call   string `event:"call"`
	Line   int    `event:"line"`
	Caller string `event:"caller"`
	Called string `event:"called"`
	Group  string `event:"group"`
	Calls  int    `event:"calls"` // that are up, with this one
}

func (CallOverflow) log() (zapcore.Level, string) { return zapcore.InfoLevel, "overflow call" }

// CallBegan reports a call that is up.
type CallBegan struct {
	undebugged
	unaudited
	Call      string `event:"call"`
	Line      int    `event:"line"`
	Direction string `event:"direction"`
	Caller    string `event:"caller"`
	Connect   string `event:"connect"`
	Callback  string `event:"callback"` // "" on leg one
}

func (CallBegan) log() (zapcore.Level, string) { return zapcore.InfoLevel, "call" }

// SessionBegan reports a session of a user on a call; PPP may begin another one on the same call.
type SessionBegan struct {
	undebugged
	unaudited
	Session  string `event:"session"` // Acct-Session-Id
	Call     string `event:"call"`
	Callback string `event:"callback,omitempty"` // of leg two
	Line     int    `event:"line"`
	Leg      int    `event:"leg"`
	User     string `event:"user"`
	Service  string `event:"service"`
}

func (SessionBegan) log() (zapcore.Level, string) { return zapcore.InfoLevel, "session" }

// SessionEnded reports the end of a session.
type SessionEnded struct {
	undebugged
	unaudited
	Session   string        `event:"session"`
	Call      string        `event:"call"`
	Callback  string        `event:"callback,omitempty"`
	Line      int           `event:"line"`
	Leg       int           `event:"leg"`
	User      string        `event:"user"`
	Service   string        `event:"service"`
	Cause     int           `event:"cause"` // Acct-Terminate-Cause
	Duration  time.Duration `event:"duration"`
	OctetsIn  uint64        `event:"octets_in"`
	OctetsOut uint64        `event:"octets_out"`
}

func (SessionEnded) log() (zapcore.Level, string) { return zapcore.InfoLevel, "session ended" }

// CallEnded reports a call that is over, or is being hung up.
type CallEnded struct {
	undebugged
	unaudited
	Call         string        `event:"call"`
	Callback     string        `event:"callback,omitempty"` // of leg two
	Line         int           `event:"line"`
	Leg          int           `event:"leg"`
	Outcome      string        `event:"outcome"`
	User         string        `event:"user"`
	Reason       string        `event:"reason"`
	Duration     time.Duration `event:"duration"`
	OctetsIn     uint64        `event:"octets_in"`
	OctetsOut    uint64        `event:"octets_out"`
	FailedLogins int           `event:"failed_logins,omitempty"`
	LastFailure  string        `event:"last_failure,omitempty"`
	Stack        string        `event:"stack,omitempty"` // of a panic
}

func (e CallEnded) log() (zapcore.Level, string) {
	if e.Stack != "" {
		return zapcore.ErrorLevel, "call ended by a panic"
	}
	return zapcore.InfoLevel, "call ended"
}

// HungUp reports that the line of a call is on hook after it, or is not proven to be.
type HungUp struct {
	undebugged
	unaudited
	Call     string `event:"call"`
	Callback string `event:"callback,omitempty"` // of leg two
	Line     int    `event:"line"`
	Err      error  `event:"error"` // set if it is not proven
}

func (HungUp) log() (zapcore.Level, string) { return zapcore.DebugLevel, "hung up" }

// CallDisconnected reports a session that AAA or another authorized client ended.
type CallDisconnected struct {
	undebugged
	unaudited
	Call     string `event:"call"`
	Callback string `event:"callback,omitempty"` // of leg two
	Session  string `event:"session"`
	Line     int    `event:"line"`
	By       string `event:"by"`
}

func (CallDisconnected) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "session disconnected"
}

// LineCleared reports that an operator ended the call on a line.
type LineCleared struct {
	undebugged
	Line int    `event:"line"`
	By   string `event:"by"`
}

func (LineCleared) log() (zapcore.Level, string) { return zapcore.InfoLevel, "line cleared" }

func (e LineCleared) audit() Entry { return Entry{"line cleared", e.By, tty.Name(e.Line)} }

// LineBusiedOut reports that an operator lets a line take no more calls.
type LineBusiedOut struct {
	undebugged
	Line   int    `event:"line"`
	Reason string `event:"reason"`
	By     string `event:"by"`
}

func (LineBusiedOut) log() (zapcore.Level, string) { return zapcore.InfoLevel, "line busied out" }

func (e LineBusiedOut) audit() Entry {
	return Entry{"line busied out", e.By, fmt.Sprintf("tty %d: %s", e.Line, e.Reason)}
}

// LineRestored reports that an operator lets a line take calls again.
type LineRestored struct {
	undebugged
	Line int    `event:"line"`
	By   string `event:"by"`
}

func (LineRestored) log() (zapcore.Level, string) { return zapcore.InfoLevel, "line restored" }

func (e LineRestored) audit() Entry {
	return Entry{"line restored", e.By, fmt.Sprintf("tty %d", e.Line)}
}

// ChatStarted reports that an operator runs a chat script on a line.
type ChatStarted struct {
	Line   int    `event:"line"`
	Script string `event:"script"`           // the regular expression by which it is selected; of a dial, its name
	Number string `event:"number,omitempty"` // that it dials; the dial is recorded
	By     string `event:"by"`
}

func (ChatStarted) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "chat script started by an operator"
}

func (e ChatStarted) debug() (int, string) {
	if e.Number == "" {
		return 0, ""
	}
	return e.Line, fmt.Sprintf("start-chat: dialing %s with chat script %s", e.Number, e.Script)
}

func (e ChatStarted) dialer() (int, string) { return e.debug() }

func (e ChatStarted) audit() Entry {
	if e.Number != "" {
		return Entry{"start-chat", e.By, fmt.Sprintf("tty %d: %s dials %s", e.Line, e.Script, e.Number)}
	}
	return Entry{"start-chat", e.By, fmt.Sprintf("tty %d: %s", e.Line, e.Script)}
}

// ChatDialed reports how a dial of start-chat has ended; its call is hung up.
type ChatDialed struct {
	Line    int    `event:"line"`
	Script  string `event:"script"`
	Number  string `event:"number"`
	Outcome string `event:"outcome"`
	Detail  string `event:"detail"`
	By      string `event:"by"`
}

func (ChatDialed) log() (zapcore.Level, string) { return zapcore.InfoLevel, "chat script has dialed" }

func (e ChatDialed) debug() (int, string) {
	return e.Line, fmt.Sprintf("start-chat: %s: %s", e.Outcome, e.Detail)
}

func (e ChatDialed) dialer() (int, string) { return e.debug() }

func (e ChatDialed) audit() Entry {
	return Entry{"start-chat dialed", e.By, fmt.Sprintf("tty %d: %s: %s: %s", e.Line, e.Script, e.Number, e.Outcome)}
}

// ChatRejected reports a dial of start-chat that was not made.
type ChatRejected struct {
	undebugged
	Line   int    `event:"line"`
	Script string `event:"script"`
	Number string `event:"number"` // as the operator wrote it
	By     string `event:"by"`
	Reason error  `event:"reason"`
}

func (ChatRejected) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "dial of start-chat rejected"
}

func (e ChatRejected) audit() Entry {
	return Entry{"start-chat rejected", e.By, fmt.Sprintf("tty %d: %.100q: %v", e.Line, e.Number, e.Reason)}
}

// CountersCleared reports that an operator set the counters of lines to zero.
type CountersCleared struct {
	undebugged
	Lines []int  `event:"lines"` // empty: all
	By    string `event:"by"`
}

func (CountersCleared) log() (zapcore.Level, string) { return zapcore.InfoLevel, "counters cleared" }

func (e CountersCleared) audit() Entry {
	if len(e.Lines) == 0 {
		return Entry{"counters cleared", e.By, "of all lines"}
	}
	return Entry{"counters cleared", e.By, "of tty " + strings.Trim(fmt.Sprint(e.Lines), "[]")}
}

// HostJoined reports a session that was connected to a host.
type HostJoined struct {
	undebugged
	Call string `event:"call"`
	Line int    `event:"line"`
	User string `event:"user"`
	Host string `event:"host"`
}

func (HostJoined) log() (zapcore.Level, string) { return zapcore.InfoLevel, "host joined" }

func (e HostJoined) audit() Entry {
	return Entry{"host joined", e.User, fmt.Sprintf("%s, %s", tty.Name(e.Line), e.Host)}
}

// HostRefused reports a session that was not connected to a host.
type HostRefused struct {
	undebugged
	Call   string `event:"call"`
	Line   int    `event:"line"`
	User   string `event:"user"`
	Host   string `event:"host"`
	Reason string `event:"reason"`
}

func (HostRefused) log() (zapcore.Level, string) { return zapcore.WarnLevel, "host refused" }

func (e HostRefused) audit() Entry {
	return Entry{"host refused", e.User, fmt.Sprintf("%s, %s: %s", tty.Name(e.Line), e.Host, e.Reason)}
}
