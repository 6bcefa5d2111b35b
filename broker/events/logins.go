package events

import (
	"fmt"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/ringback/ringback/tty"
)

// LoginSucceeded reports a user who has authenticated.
type LoginSucceeded struct {
	undebugged
	User   string `event:"user"`
	Caller string `event:"caller"`
	Line   int    `event:"line"`
	Call   string `event:"call"`
	// on leg two
	Callback string `event:"callback,omitempty"`
	Leg      int    `event:"leg"`
	Method   string `event:"method"`
	Server   string `event:"server"` // that answered
	Enable   bool   `event:"enable"` // for a privileged level
}

func (e LoginSucceeded) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, what(e.Enable) + " succeeded"
}

func (e LoginSucceeded) audit() Entry {
	return Entry{what(e.Enable), e.User, from(e.Line, e.Caller, e.Leg) + ", by " + e.Method}
}

// PageLinked reports that an operator got a link that opens the operator's page.
type PageLinked struct {
	undebugged
	Role string `event:"role"`
	By   string `event:"by"`
}

func (PageLinked) log() (zapcore.Level, string) { return zapcore.InfoLevel, "link to the page" }

func (e PageLinked) audit() Entry { return Entry{"page link", e.By, "role " + e.Role} }

// LoginTested reports that an operator had AAA asked about a user's login, without a call. The name is shown only if it
// is the name of a user: one that is known, or to which AAA has granted the login.
type LoginTested struct {
	undebugged
	User   string `event:"user"`
	Line   int    `event:"line"`
	Result string `event:"result"` // of AAA: granted, refused or silent; or why it was not asked
	By     string `event:"by"`
}

func (LoginTested) log() (zapcore.Level, string) { return zapcore.InfoLevel, "login tested" }

func (e LoginTested) audit() Entry {
	on := ""
	if e.Line != 0 {
		on = fmt.Sprintf(" on tty %d", e.Line)
	}
	return Entry{"login tested", e.By, fmt.Sprintf("of %s%s: %s", e.User, on, e.Result)}
}

// PoliciesSimulated reports that an operator compared changed policy files with those in force, over past requests.
type PoliciesSimulated struct {
	undebugged
	Files    int    `event:"files"`    // that the operator sent
	Requests int    `event:"requests"` // compared
	Changed  int    `event:"changed"`  // decided otherwise
	By       string `event:"by"`
}

func (PoliciesSimulated) log() (zapcore.Level, string) {
	return zapcore.InfoLevel, "policies simulated"
}

func (e PoliciesSimulated) audit() Entry {
	return Entry{"policies simulated", e.By, fmt.Sprintf("%d files, %d requests, %d decided otherwise", e.Files,
		e.Requests, e.Changed)}
}

// LoginFailed reports a login that failed, or that was rejected although AAA may have granted it. The name is shown
// only if it is the name of a user.
type LoginFailed struct {
	undebugged
	User   string `event:"user"`
	Caller string `event:"caller"`
	Line   int    `event:"line"`
	Call   string `event:"call"`
	// on leg two
	Callback string `event:"callback,omitempty"`
	Leg      int    `event:"leg"`
	Reason   string `event:"reason"`
	Server   string `event:"server,omitempty"` // that answered
	Enable   bool   `event:"enable,unlogged"`  // for a privileged level
	// No server answered, or the policy, a ceiling or the limits of the node deny it: Reason says which.
	Rejected bool `event:"rejected,unlogged"`
	// The audit has the lock, but not each login that it rejects, so that an attacker cannot make the audit grow.
	Locked bool `event:"locked,unlogged"`
}

func (e LoginFailed) log() (zapcore.Level, string) {
	return zapcore.WarnLevel, what(e.Enable) + e.result()
}

func (e LoginFailed) audit() Entry {
	if e.Locked {
		return Entry{}
	}
	return Entry{what(e.Enable) + e.result(), e.User, from(e.Line, e.Caller, e.Leg) + ": " + e.Reason}
}

func (e LoginFailed) result() string {
	if e.Rejected {
		return " rejected"
	}
	return " failed"
}

func what(enable bool) string {
	if enable {
		return "enable"
	}
	return "login"
}

func from(line int, caller string, leg int) string {
	return fmt.Sprintf("%s, caller %q, leg %d", tty.Name(line), caller, leg)
}

// LoginLocked reports a name, a number or a line whose logins are rejected for a while.
type LoginLocked struct {
	undebugged
	LimitKind string    `event:"kind"`
	Enable    bool      `event:"enable"`
	User      string    `event:"user"`
	Caller    string    `event:"caller"`
	Line      int       `event:"line"`
	Failures  int       `event:"failures"`
	Until     time.Time `event:"until"`
	Of        string    `event:"of,unlogged"` // what is locked, for the audit
}

func (LoginLocked) log() (zapcore.Level, string) { return zapcore.WarnLevel, "login locked" }

func (e LoginLocked) audit() Entry {
	return Entry{"login locked", e.User, fmt.Sprintf("%s, caller %q, %s, until %s after %d failures", e.Of,
		e.Caller, tty.Name(e.Line),
		e.Until.UTC().Format(time.RFC3339), e.Failures)}
}

// LoginUnlocked reports that an operator cleared failures.
type LoginUnlocked struct {
	undebugged
	Of      string `event:"of"` // a name or number, or "all"
	Sources int    `event:"sources"`
	By      string `event:"by"`
}

func (LoginUnlocked) log() (zapcore.Level, string) { return zapcore.InfoLevel, "login locks cleared" }

func (e LoginUnlocked) audit() Entry {
	return Entry{"login locks cleared", e.By, fmt.Sprintf("of %s: %d", e.Of, e.Sources)}
}
