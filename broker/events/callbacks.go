package events

import (
	"fmt"
	"strings"
	"time"

	"go.uber.org/zap/zapcore"
)

// Decided reports a decision of the policies.
type Decided struct {
	undialed
	unaudited
	Call    string `event:"call"`
	Line    int    `event:"line"`
	User    string `event:"user"`
	Outcome string `event:"outcome"`
	Reason  string `event:"reason"`
	Group   string `event:"group"`
}

func (Decided) log() (zapcore.Level, string) { return zapcore.InfoLevel, "decided" }

func (e Decided) debug() (int, string) {
	return e.Line, fmt.Sprintf("user %s: %s (%s)", e.User, e.Outcome, e.Reason)
}

// Promised reports a callback that is on disk.
type Promised struct {
	undialed
	unaudited
	Callback string `event:"callback"`
	Call     string `event:"call"`
	Line     int    `event:"line"`
	User     string `event:"user"`
	Number   string `event:"number"`
}

func (Promised) log() (zapcore.Level, string) { return zapcore.InfoLevel, "callback promised" }

func (e Promised) debug() (int, string) {
	return e.Line, fmt.Sprintf("Callback process initiated, user: %s dialstring %s", e.User, e.Number)
}

// AlreadyPending reports that a callback was not promised because the user has one pending.
type AlreadyPending struct {
	undebugged
	unaudited
	Call string `event:"call"`
	User string `event:"user"`
}

func (AlreadyPending) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "callback not promised: one is already pending"
}

// NumberPending reports that a callback was not promised because another one, of any user, will call the number, or has
// it on a call.
type NumberPending struct {
	undebugged
	unaudited
	Call   string `event:"call"`
	User   string `event:"user"`
	Number string `event:"number"`
	Err    error  `event:"error"`
}

func (NumberPending) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "callback not promised: another one calls the number"
}

// NumberDisabled reports that a callback was not promised because an earlier one to the number has failed.
type NumberDisabled struct {
	undebugged
	unaudited
	Call   string `event:"call"`
	User   string `event:"user"`
	Number string `event:"number"`
	Err    error  `event:"error"`
}

func (NumberDisabled) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "callback not promised: an earlier one to the number has failed"
}

// NotPromised reports that a callback was not promised because no line can dial it.
type NotPromised struct {
	undebugged
	unaudited
	Call string `event:"call"`
	User string `event:"user"`
	Err  error  `event:"error"`
}

func (NotPromised) log() (zapcore.Level, string) { return zapcore.WarnLevel, "callback not promised" }

// NotRecorded reports that a callback was not promised because the journal refused it.
type NotRecorded struct {
	undebugged
	unaudited
	Call string `event:"call"`
	User string `event:"user"`
	Err  error  `event:"error"`
}

func (NotRecorded) log() (zapcore.Level, string) {
	return zapcore.ErrorLevel, "callback not promised: it could not be recorded"
}

// CeilingReached is the alarm for a callback that was not promised because it could exceed a ceiling.
type CeilingReached struct {
	undebugged
	Call string `event:"call"`
	User string `event:"user"`
	Err  error  `event:"error"`
}

func (CeilingReached) log() (zapcore.Level, string) {
	return zapcore.ErrorLevel, "callback not promised: it could exceed a ceiling"
}

func (e CeilingReached) audit() Entry { return Entry{"ceiling reached", e.User, e.Err.Error()} }

// Withdrawn reports a callback that was cancelled because its caller was not told of it in time.
type Withdrawn struct {
	undebugged
	unaudited
	Callback string `event:"callback"`
	Reason   string `event:"reason"`
	Err      error  `event:"error"` // set if it could not be cancelled
}

func (Withdrawn) log() (zapcore.Level, string) { return zapcore.WarnLevel, "callback withdrawn" }

// Resumed reports a callback of an earlier process that continues.
type Resumed struct {
	undebugged
	unaudited
	Callback string `event:"callback"`
	User     string `event:"user"`
	Phase    string `event:"phase"`
	Attempts int    `event:"attempts"`
}

func (Resumed) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "callback resumed after a restart"
}

// Claimed reports a callback of another node of the fleet that this node has taken.
type Claimed struct {
	undebugged
	unaudited
	Callback string `event:"callback"`
	User     string `event:"user"`
	From     string `event:"from"` // the node that had it
}

func (Claimed) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "callback of another node taken"
}

// GivenUp reports that this node no longer works on a callback, because another node of the fleet has it.
type GivenUp struct {
	undebugged
	unaudited
	Callback string `event:"callback"`
	User     string `event:"user"`
	Reason   string `event:"reason"` // which node has it
}

func (GivenUp) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "callback given up to another node"
}

// VerifyRequired reports that a callback without verification will require a login.
type VerifyRequired struct {
	undialed
	Callback string `event:"callback"`
	User     string `event:"user"`
	Reason   string `event:"reason"`
	Line     int    `event:"line,unlogged"`
}

func (VerifyRequired) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "callback without verification requires a login on this line"
}

func (e VerifyRequired) debug() (int, string) { return e.Line, "Callback " + e.Reason }

func (e VerifyRequired) audit() Entry { return Entry{"callback " + e.Callback, e.User, e.Reason} }

// AuthorizationSilent reports that AAA gave no answer when it was asked again before a dial.
type AuthorizationSilent struct {
	undebugged
	unaudited
	Callback string `event:"callback"`
	User     string `event:"user"`
	Try      int    `event:"try"`
	Reason   string `event:"reason"`
}

func (AuthorizationSilent) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "AAA is silent: no authorization before the dial"
}

// CallbackOrdered reports that an operator has a user called back who has not called.
type CallbackOrdered struct {
	undebugged
	Callback string `event:"callback"`
	User     string `event:"user"`
	Number   string `event:"number"`
	By       string `event:"by"`
}

func (CallbackOrdered) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "callback ordered by an operator"
}

func (e CallbackOrdered) audit() Entry {
	return Entry{"callback " + e.Callback + " ordered", e.By, e.User + " at " + e.Number}
}

// CallbackNotOrdered reports that a callback that an operator ordered was not promised.
type CallbackNotOrdered struct {
	undebugged
	User   string `event:"user"`
	Number string `event:"number,omitempty"` // that the operator gave
	By     string `event:"by"`
	Reason error  `event:"reason"`
}

func (CallbackNotOrdered) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "callback ordered by an operator not promised"
}

func (e CallbackNotOrdered) audit() Entry {
	return Entry{"callback order rejected", e.By, fmt.Sprintf("%s: %v", e.User, e.Reason)}
}

// RetryOrdered reports that an operator has ended the wait of a callback for its next attempt.
type RetryOrdered struct {
	undebugged
	Callback string `event:"callback"`
	By       string `event:"by"`
}

func (RetryOrdered) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "callback retried by an operator"
}

func (e RetryOrdered) audit() Entry { return Entry{"callback " + e.Callback + " retried", e.By, ""} }

// Remarked reports an audit text of the callback machine.
type Remarked struct {
	undebugged
	Callback string `event:"callback"`
	User     string `event:"user"`
	Text     string `event:"text"`
}

func (Remarked) log() (zapcore.Level, string) { return zapcore.InfoLevel, "callback remark" }

func (e Remarked) audit() Entry { return Entry{"callback " + e.Callback, e.User, e.Text} }

// Dialing reports an attempt that begins.
type Dialing struct {
	unaudited
	Callback string `event:"callback"`
	User     string `event:"user"`
	Line     int    `event:"line"`
	Number   string `event:"number"`
	Trunk    string `event:"trunk,omitempty"`
	Digits   string `event:"digits"` // as they are dialed, without the trunk's template, which may have a PIN
	Script   string `event:"script"` // the name pattern of the chat script
	Attempt  int    `event:"attempt"`
	Budget   int    `event:"budget"`
	HeldBack bool   `event:"held_back"` // the dial command of this attempt was held back before

	Waited time.Duration `event:"waited"` // since the promise, also across restarts
	Late   time.Duration `event:"late"`   // since the end of the wait
}

func (Dialing) log() (zapcore.Level, string) { return zapcore.InfoLevel, "dialing" }

func (e Dialing) debug() (int, string) {
	again := ""
	if e.HeldBack {
		again = ", its previous dial command was held back"
	}
	return e.Line, fmt.Sprintf("Callback dialing %s, attempt %d of %d%s", e.Number, e.Attempt, e.Budget, again)
}

// AttemptEnded reports the result of an attempt.
type AttemptEnded struct {
	unaudited
	Callback string `event:"callback"`
	User     string `event:"user"`
	Line     int    `event:"line"`
	Attempt  int    `event:"attempt"`
	Outcome  string `event:"outcome"`
	Detail   string `event:"detail"`
}

func (AttemptEnded) log() (zapcore.Level, string) { return zapcore.InfoLevel, "attempt ended" }

func (e AttemptEnded) debug() (int, string) {
	return e.Line, fmt.Sprintf("Callback attempt %d: %s %s", e.Attempt, e.Outcome, e.Detail)
}

// Connected reports that leg two begins.
type Connected struct {
	undialed
	unaudited
	Callback string `event:"callback"`
	Call     string `event:"call"`
	Line     int    `event:"line"`
	User     string `event:"user"`
}

func (Connected) log() (zapcore.Level, string) { return zapcore.InfoLevel, "callback connected" }

func (e Connected) debug() (int, string) {
	return e.Line, "Exec Callback Successful - await exec/autoselect pickup"
}

// CompletedLate reports a callback that was completed on disk after the login time limit.
type CompletedLate struct {
	undebugged
	unaudited
	Callback string `event:"callback"`
}

func (CompletedLate) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "callback recorded as completed after the login time limit"
}

// HangUpUntaken reports a hang-up of leg one that could not be passed to the callback.
type HangUpUntaken struct {
	undebugged
	unaudited
	Callback string `event:"callback"`
	Err      error  `event:"error"`
}

func (HangUpUntaken) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "hang-up not passed to the callback"
}

// EndKind says what has ended a callback that was not completed; CallbackEnded.Cause is a text about it.
type EndKind string

// The kinds of ends.
const (
	EndDial      EndKind = "dial"        // its last dial; Cause is the outcome of that
	EndDenied    EndKind = "denied"      // the policy, AAA or a ceiling denied it before a dial
	EndNoLine    EndKind = "no_line"     // no line can dial it
	EndLogin     EndKind = "login"       // the called side did not log in as the user
	EndCall      EndKind = "call_lost"   // its call ended before the login
	EndTimeout   EndKind = "timeout"     // a dial or a login did not end in time
	EndLifetime  EndKind = "lifetime"    // its lifetime ended first
	EndCancelled EndKind = "cancelled"   // an operator, or ringback because its caller was not told
	EndRestart   EndKind = "interrupted" // a restart interrupted its last attempt
)

// EndKinds are all kinds of ends.
var EndKinds = []EndKind{EndDial, EndDenied, EndNoLine, EndLogin, EndCall, EndTimeout, EndLifetime, EndCancelled,
	EndRestart}

// CDR is the call detail record of a callback that is over: it and the calls of leg two have ended. After a crash, it
// may be reported again.
type CDR struct {
	undebugged
	unaudited
	Callback   string    `event:"callback,omitempty"`
	Call       string    `event:"call"` // leg one, or the dial-out
	User       string    `event:"user"`
	Group      string    `event:"group"`
	Caller     string    `event:"caller"`
	Number     string    `event:"number"` // the last that was dialed
	CalledLine int       `event:"called_line"`
	Lines      []int     `event:"lines"` // that dialed
	Attempts   int       `event:"attempts"`
	Outcome    string    `event:"outcome"`
	Cause      string    `event:"cause"`
	Promised   time.Time `event:"promised,omitempty"`
	Dialed     time.Time `event:"dialed,omitempty"`    // the first attempt
	Connected  time.Time `event:"connected,omitempty"` // leg two
	Ended      time.Time `event:"ended"`
	Wait       float64   `event:"wait"`     // seconds from the promise to the first dial
	Duration   int64     `event:"duration"` // connected seconds of leg two
	Cost       string    `event:"cost,omitempty"`
	Service    string    `event:"service"`
}

func (CDR) log() (zapcore.Level, string) { return zapcore.InfoLevel, "call detail record" }

// CallbackEnded reports the final state of a callback.
type CallbackEnded struct {
	Callback   string        `event:"callback"`
	User       string        `event:"user"`
	Outcome    string        `event:"outcome"`
	Cause      string        `event:"cause"`
	Kind       EndKind       `event:"kind,unlogged"`
	Number     string        `event:"number"`
	CalledLine int           `event:"called_line"`
	Line       int           `event:"line"` // of the last dial; 0 if none
	Attempts   int           `event:"attempts"`
	Duration   time.Duration `event:"duration"`        // since the promise
	Budget     int           `event:"budget,unlogged"` // of attempts
	TTY        int           `event:"tty,unlogged"`    // the line that it had, for `debug`
}

func (CallbackEnded) log() (zapcore.Level, string) { return zapcore.InfoLevel, "callback ended" }

func (e CallbackEnded) debug() (int, string) {
	return e.TTY, fmt.Sprintf("Callback %s %s", e.Outcome, strings.TrimSpace(e.Cause))
}

func (e CallbackEnded) audit() Entry {
	text := fmt.Sprintf("%s after %d of %d attempts to %s", e.Outcome, e.Attempts, e.Budget, e.Number)
	if e.Cause != "" {
		text += ": " + e.Cause
	}
	return Entry{"callback " + e.Callback + " ended", e.User, text}
}
