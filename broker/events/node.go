package events

import (
	"cmp"
	"fmt"
	"time"

	"go.uber.org/zap/zapcore"
)

// Alarm reports what an operator must know.
type Alarm struct {
	undebugged
	Text string `event:"text,unlogged"`
}

func (e Alarm) log() (zapcore.Level, string) { return zapcore.ErrorLevel, e.Text }

func (e Alarm) audit() Entry { return Entry{"alarm", "ringback", e.Text} }

// Reloaded reports a configuration that was applied.
type Reloaded struct {
	undebugged
	File   string `event:"file"`
	Digest string `event:"digest"`
	By     string `event:"by,unlogged"` // the user who asked for it
}

func (Reloaded) log() (zapcore.Level, string) { return zapcore.InfoLevel, "reloaded" }

func (e Reloaded) audit() Entry { return Entry{"reload", e.By, e.File + ", digest " + e.Digest} }

// ReloadFailed reports a configuration that was not applied.
type ReloadFailed struct {
	undebugged
	File string `event:"file"`
	Err  error  `event:"error"` // why it cannot be applied although it is valid
	// the first error of a configuration that is not valid; the log has each of them in its own record
	First string `event:"first,unlogged"`
	By    string `event:"by,unlogged"` // the user who asked for it
}

func (e ReloadFailed) log() (zapcore.Level, string) {
	if e.Err != nil {
		return zapcore.ErrorLevel, "reload failed: the old configuration stays in force"
	}
	return zapcore.ErrorLevel, "reload failed: the new configuration has errors, the old one stays in force"
}

func (e ReloadFailed) audit() Entry {
	if e.Err != nil {
		return Entry{"reload failed", e.By, e.File + ": " + e.Err.Error()}
	}
	return Entry{"reload failed", e.By, e.File + ": the new configuration has errors: " + e.First}
}

// AuditSealed reports a seal of the audit, which is in a file outside of the journal.
type AuditSealed struct {
	undebugged
	unaudited
	Number int64  `event:"number"`
	Row    int64  `event:"row"`
	Seal   string `event:"seal"` // its line, for auditors who have this log
}

func (AuditSealed) log() (zapcore.Level, string) { return zapcore.InfoLevel, "audit sealed" }

// AuditKeyReplaced reports the fingerprints of the key that signed seals and of the one that does now.
type AuditKeyReplaced struct {
	undebugged
	Old string `event:"old"`
	New string `event:"new"`
}

func (AuditKeyReplaced) log() (zapcore.Level, string) { return zapcore.InfoLevel, "audit key replaced" }

func (e AuditKeyReplaced) audit() Entry {
	return Entry{"audit key replaced", "ringback", "SHA-256 " + e.Old + " by " + e.New}
}

// HookFails reports that a hook does not take its events.
type HookFails struct {
	undebugged
	unaudited
	Hook string `event:"hook"`
	Err  error  `event:"error"`
}

func (HookFails) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "hook fails: its events wait"
}

// HookWorks reports that a hook takes its events again.
type HookWorks struct {
	undebugged
	unaudited
	Hook string `event:"hook"`
}

func (HookWorks) log() (zapcore.Level, string) { return zapcore.InfoLevel, "hook works again" }

// HookGaveUp reports an event that is not delivered to a hook any more.
type HookGaveUp struct {
	undebugged
	unaudited
	Hook    string `event:"hook"`
	Type    string `event:"type"`    // of the event
	Message string `event:"message"` // its ID
	Err     error  `event:"error"`   // of the last try
}

func (HookGaveUp) log() (zapcore.Level, string) { return zapcore.WarnLevel, "hook: event given up" }

// RestartNeeded reports a changed key that a reload cannot apply.
type RestartNeeded struct {
	undebugged
	unaudited
	Key string `event:"key"`
}

func (RestartNeeded) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "reload: this key changes only with a restart"
}

// LinesReloaded reports lines that a new configuration adds, changes or removes, as lists of TTYs.
type LinesReloaded struct {
	undebugged
	unaudited
	Added   string `event:"added,omitempty"`
	Changed string `event:"changed,omitempty"`
	Removed string `event:"removed,omitempty"`
	Waiting string `event:"waiting,omitempty"` // of those changed and removed: their calls end first
}

func (LinesReloaded) log() (zapcore.Level, string) { return zapcore.InfoLevel, "lines reloaded" }

// MethodGone reports a pending callback for whose second login the new configuration has no method.
type MethodGone struct {
	undebugged
	unaudited
	Callback string `event:"callback"`
	User     string `event:"user"`
	Method   string `event:"method"`
}

func (MethodGone) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "reload removed the AAA method used on leg one; its pending callbacks will be refused " +
		"at login"
}

// MethodSilent reports a method of a list that gave no answer.
type MethodSilent struct {
	undebugged
	unaudited
	Method string `event:"method"`
	User   string `event:"user"`
	Reason string `event:"reason"`
}

func (MethodSilent) log() (zapcore.Level, string) { return zapcore.WarnLevel, "AAA is silent" }

// Trouble reports a problem of the node, when it begins and repeatedly while it lasts.
type Trouble struct {
	undebugged
	unaudited
	Problem string `event:"problem"`
}

func (Trouble) log() (zapcore.Level, string) { return zapcore.WarnLevel, "health" }

// TroubleOver reports that a problem of the node is over.
type TroubleOver struct {
	undebugged
	unaudited
	Problem string `event:"problem"` // its key
}

func (TroubleOver) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "health: problem over"
}

// Started reports that the daemon runs.
type Started struct {
	undebugged
	unaudited
	Version string `event:"version"`
	Lines   int    `event:"lines"`
	Socket  string `event:"socket"`
}

func (Started) log() (zapcore.Level, string) { return zapcore.InfoLevel, "started" }

// Stopped reports that the daemon ends.
type Stopped struct {
	undebugged
	unaudited
}

func (Stopped) log() (zapcore.Level, string) { return zapcore.InfoLevel, "stopped" }

// LogLevel reports a level of the log that an operator set, or the end of it.
type LogLevel struct {
	undebugged
	Level  string        `event:"level_set"`
	Length time.Duration `event:"length"` // 0: until the next start
	By     string        `event:"by"`     // "ringback": its time is over, the level of the configuration is in force
}

func (LogLevel) log() (zapcore.Level, string) { return zapcore.WarnLevel, "log level set" }

func (e LogLevel) audit() Entry {
	text := e.Level
	if e.Length > 0 {
		text += " for " + e.Length.String()
	}
	return Entry{"log level set", e.By, text}
}

// SyslogDown reports that the syslog server cannot be reached.
type SyslogDown struct {
	undebugged
	unaudited
	Server string `event:"server"`
	Err    error  `event:"error"`
}

func (SyslogDown) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "syslog server out of reach: records wait"
}

// SyslogUp reports that records are sent to the syslog server again.
type SyslogUp struct {
	undebugged
	unaudited
	Server  string `event:"server"`
	Dropped uint64 `event:"dropped"` // records that were never sent
}

func (SyslogUp) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "syslog server receives records again"
}

// TracesLost reports spans that the collector of traces did not get.
type TracesLost struct {
	undebugged
	unaudited
	Server string `event:"server"`
	Spans  int    `event:"spans"`
	Err    error  `event:"error"`
}

func (TracesLost) log() (zapcore.Level, string) { return zapcore.WarnLevel, "traces not sent" }

// LineDown reports a line that is out of service.
type LineDown struct {
	undebugged
	unaudited
	Line   int    `event:"line"`
	Port   string `event:"port"`
	Reason string `event:"reason"`
}

func (LineDown) log() (zapcore.Level, string) { return zapcore.WarnLevel, "line out of service" }

// LineUp reports a line that is back in service.
type LineUp struct {
	undebugged
	unaudited
	Line int    `event:"line"`
	Port string `event:"port"`
}

func (LineUp) log() (zapcore.Level, string) { return zapcore.InfoLevel, "line back in service" }

// LineNotice reports a defect of a line that works.
type LineNotice struct {
	undebugged
	unaudited
	Line   int    `event:"line"`
	Port   string `event:"port"`
	Notice string `event:"notice"`
	Over   bool   `event:"over,unlogged"`
}

func (e LineNotice) log() (zapcore.Level, string) {
	if e.Over {
		return zapcore.InfoLevel, "line notice cleared"
	}
	return zapcore.WarnLevel, "line notice"
}

// AccountingWaits reports accounting records that no server acknowledges.
type AccountingWaits struct {
	undebugged
	unaudited
	List string `event:"list"`
	Err  error  `event:"error"`
}

func (AccountingWaits) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, "no server acknowledges accounting records; they wait in the spool"
}

// AccountingGoesOn reports that the records of a list are acknowledged again.
type AccountingGoesOn struct {
	undebugged
	unaudited
	List string `event:"list"`
}

func (AccountingGoesOn) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "accounting records are acknowledged again"
}

// CaptureBegan reports an operator who captures the frames of PPP on a line.
type CaptureBegan struct {
	undebugged
	Line    int    `event:"line"`
	By      string `event:"by"`
	Payload bool   `event:"payload"` // with the packets of users
}

func (CaptureBegan) log() (zapcore.Level, string) { return zapcore.InfoLevel, "capture started" }

func (e CaptureBegan) audit() Entry {
	text := fmt.Sprintf("tty %d", e.Line)
	if e.Payload {
		text += ", with user packets"
	}
	return Entry{"ppp capture started", e.By, text}
}

// CaptureEnded reports the end of a capture.
type CaptureEnded struct {
	undebugged
	Line   int    `event:"line"`
	By     string `event:"by"`
	Frames uint64 `event:"frames"` // that were passed on
	Lost   uint64 `event:"lost"`   // that were not taken in time
}

func (CaptureEnded) log() (zapcore.Level, string) { return zapcore.InfoLevel, "capture ended" }

func (e CaptureEnded) audit() Entry {
	return Entry{"ppp capture ended", e.By, fmt.Sprintf("tty %d, %d frames, %d lost", e.Line, e.Frames, e.Lost)}
}

// BackedUp reports a copy of the journal.
type BackedUp struct {
	undebugged
	Journal string `event:"journal"`
	Dir     string `event:"directory"`
	By      string `event:"by"`
}

func (BackedUp) log() (zapcore.Level, string) { return zapcore.InfoLevel, "journal backed up" }

func (e BackedUp) audit() Entry { return Entry{"journal backed up", e.By, "to " + e.Dir} }

// LockdownBegan reports an operator's order to stop all dialing, also one that repeats an earlier order.
type LockdownBegan struct {
	undebugged
	Reason   string `event:"reason"`
	By       string `event:"by"`
	Sessions bool   `event:"sessions"` // no session is admitted either
	Dials    int    `event:"dials"`    // that were told to end
	Ended    int    `event:"ended"`    // calls that were told to end
}

func (LockdownBegan) log() (zapcore.Level, string) { return zapcore.WarnLevel, "lockdown" }

func (e LockdownBegan) audit() Entry {
	what := "of dialing"
	if e.Sessions {
		what = "of dialing and sessions"
	}
	return Entry{"lockdown", e.By, fmt.Sprintf("%s: %s; %d dials and %d calls ended", what, e.Reason, e.Dials, e.Ended)}
}

// LockdownLifted reports the end of a lockdown.
type LockdownLifted struct {
	undebugged
	Reason string `event:"reason,omitempty"`
	By     string `event:"by"`
}

func (LockdownLifted) log() (zapcore.Level, string) { return zapcore.WarnLevel, "lockdown lifted" }

func (e LockdownLifted) audit() Entry { return Entry{"lockdown lifted", e.By, e.Reason} }

// Drained reports that an operator lets all lines finish their calls, and then take no more.
type Drained struct {
	undebugged
	Reason string `event:"reason,omitempty"`
	By     string `event:"by"`
}

func (Drained) log() (zapcore.Level, string) { return zapcore.WarnLevel, "drained" }

func (e Drained) audit() Entry { return Entry{"drained", e.By, e.Reason} }

// Undrained reports that the lines take calls again.
type Undrained struct {
	undebugged
	By string `event:"by"`
}

func (Undrained) log() (zapcore.Level, string) { return zapcore.WarnLevel, "drain ended" }

func (e Undrained) audit() Entry { return Entry{"drain ended", e.By, ""} }

// AccessRequested reports that an operator asks for an access window that a second one must approve.
type AccessRequested struct {
	undebugged
	Group  string        `event:"group"`
	Length time.Duration `event:"length"`
	Reason string        `event:"reason"`
	By     string        `event:"by"`
}

func (AccessRequested) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "access window requested"
}

func (e AccessRequested) audit() Entry {
	return Entry{"access window of " + e.Group + " requested", e.By, fmt.Sprintf("for %v: %s", e.Length, e.Reason)}
}

// AccessOpened reports that the users of a group may come in.
type AccessOpened struct {
	undebugged
	Group      string    `event:"group"`
	Until      time.Time `event:"until"`
	Reason     string    `event:"reason"`
	By         string    `event:"by"`
	ApprovedBy string    `event:"approved_by,omitempty"` // the second operator
}

func (AccessOpened) log() (zapcore.Level, string) { return zapcore.WarnLevel, "access window opened" }

func (e AccessOpened) audit() Entry {
	text := "until " + e.Until.UTC().Format(time.RFC3339) + ": " + e.Reason
	if e.ApprovedBy != "" {
		text = "requested by " + e.By + ", " + text
	}
	return Entry{"access window of " + e.Group + " opened", cmp.Or(e.ApprovedBy, e.By), text}
}

// AccessClosed reports the end of an access window, or of a request for one.
type AccessClosed struct {
	undebugged
	Group  string `event:"group"`
	Reason string `event:"reason,omitempty"`
	By     string `event:"by"` // "ringback": its time is over
}

func (AccessClosed) log() (zapcore.Level, string) { return zapcore.WarnLevel, "access window closed" }

func (e AccessClosed) audit() Entry {
	return Entry{"access window of " + e.Group + " closed", e.By, e.Reason}
}
