package lines

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

// Failure is what took a line out of service, or kept it from connecting a call.
type Failure struct {
	Kind FailureKind `json:"kind"`
	Text string      `json:"text"` // what was seen
	Time time.Time   `json:"time"`
}

// FailureKind names a row of Failures.
type FailureKind string

// The kinds of failures.
const (
	FailPermission  FailureKind = "permission"
	FailMissing     FailureKind = "port missing"
	FailInUse       FailureKind = "port in use"
	FailRefused     FailureKind = "server refused"
	FailUnreachable FailureKind = "server unreachable"
	FailEnded       FailureKind = "port ended"
	FailNoOK        FailureKind = "no OK"
	FailSilent      FailureKind = "modem silent"
	FailRecovered   FailureKind = "recovered"
	FailInit        FailureKind = "init rejected"
	FailCarrier     FailureKind = "carrier stays on"
	FailUnproven    FailureKind = "not proven"
	FailNoProof     FailureKind = "no proof"
	FailRinging     FailureKind = "rings during resets"
	FailUnsent      FailureKind = "data not sent"
	FailConnect     FailureKind = "answer without connect"
	FailNoCarrier   FailureKind = "dial: NO CARRIER"
	FailNoDialtone  FailureKind = "dial: NO DIALTONE"
	FailError       FailureKind = "dial: ERROR"
	FailBlacklisted FailureKind = "dial: BLACKLISTED"
	FailDelayed     FailureKind = "dial: DELAYED"
	FailNoResult    FailureKind = "dial: no result"
	FailScript      FailureKind = "script"
	FailDown        FailureKind = "down"
	FailQuarantine  FailureKind = "quarantined"
)

// FailureRow says what a kind of failure means, and what to do.
type FailureRow struct {
	Kind  FailureKind
	Seen  string // what happened
	Cause string // the likely one
	Fix   string
}

// Failures has every kind of failure.
var Failures = []FailureRow{
	{FailPermission, "the port may not be opened", "the user of ringback is not in the device's group",
		"`usermod -aG dialout ringback` (the group of `ls -l DEVICE`), then restart ringback"},
	{FailMissing, "the device does not exist",
		"the modem is unplugged, or the device has another name since it was plugged in again",
		"plug it in; in `port`, use the device's name below /dev/serial/by-id"},
	{FailInUse, "another program has the port", "a getty, ModemManager, a terminal program or another line has it open",
		"`fuser -v DEVICE` shows the program: stop it, for example with `systemctl disable --now " +
			"serial-getty@NAME` or `systemctl mask ModemManager`"},
	{FailRefused, "the terminal server refuses the connection",
		"the server does not run, or does not listen on this TCP port", "start it, or correct `port`"},
	{FailUnreachable, "the terminal server does not answer",
		"the server is off, or the network or a firewall is in the way",
		"`ping` the server, then check its power, the route and the firewall"},
	{FailEnded, "the open port ended",
		"the modem was unplugged, or the terminal server closed the connection or restarted",
		"check the cable and the server's log; ringback opens the port again by itself"},
	{FailNoOK, "the modem does not answer commands", "it is off or hung, the speed is wrong, or the port has no modem",
		"switch it off and on, then check `speed` in `port` and the cable; `debug modem` shows what it sends"},
	{FailSilent, "a modem that has worked does not answer, and DTR, ATH, ATZ and opening the port again have not " +
		"brought it back", "it hangs, has no power, or its cable is unplugged",
		"switch it off and on, then `ringback clear line N` tries at once; if it happens again, check its power " +
			"supply and its cable"},
	{FailRecovered, "a modem did not answer, and what the text names brought it back",
		"it hung, was switched off and on, or its cable has a loose contact",
		"none if it is rare; otherwise check its power supply and its cable; `debug modem` shows each step"},
	{FailInit, "the modem rejects the command that sets it up", "`init` or `profile` is that of other modems",
		"`ringback modem probe PORT` names the profile; correct `profile` or `init`"},
	{FailCarrier, "the carrier stays on after the hang-up",
		"the modem ignores DTR (&D0) or forces DCD (&C0), or the cable has no DTR or DCD wire",
		"put `&C1&D2` into `init`, and use a cable with all wires"},
	{FailUnproven, "the modem does not prove that it is on hook",
		"it was switched off or replaced, or a caller impersonates it",
		"check that no call is up, then `ringback clear line N`"},
	{FailNoProof, "the modem cannot prove its state on a port without modem signals",
		"it lacks unused S registers or a guard time (S12)",
		"set `proof_registers`, or use a serial or rfc2217 port"},
	{FailRinging, "a call came in during each of several resets of the modem, on a port without modem signals: a " +
		"modem that may have answered cannot prove its state",
		"a caller, or a program, calls again and again while the line is out of service",
		"none if it is over soon: the line returns when nobody has rung for `timing.rings`, and a call that rings on " +
			"is answered and hung up, except on a line with `call_check` or `modem: callout`; otherwise have the " +
			"number blocked, or use a serial or rfc2217 port"},
	{FailUnsent, "the port does not send what is written to it", "flow control: CTS is off, or not wired",
		"check the cable and the modem's &K, or set `flow_control: none`"},
	{FailConnect, "an answered call did not connect",
		"the caller hung up, or is no modem, or the modems found no common modulation; with `speed: auto`, " +
			"no RETURN was recognized",
		"none if it is rare; otherwise call the line with a known modem, and check `answer` in the modem's profile"},
	{FailNoCarrier, "a dial ended with NO CARRIER", "no modem answered, or the modems found no common modulation",
		"dial the number with a telephone; if a modem answers, limit the modulation in `init`"},
	{FailNoDialtone, "a dial ended with NO DIALTONE",
		"the telephone cable is unplugged, the line is dead, or another telephone has it off hook",
		"plug a telephone into the modem's line; behind a PBX without dial tone, set X3 in `init`"},
	{FailError, "a dial ended with ERROR", "the modem does not know a command of the chat script",
		"`ringback show callback ID --trace` shows the command; correct the script"},
	{FailBlacklisted, "a dial ended with BLACKLISTED",
		"the modem refuses a number after too many failed dials (a rule of its country)",
		"wait, or switch the modem off and on; allow fewer attempts in the policy"},
	{FailDelayed, "a dial ended with DELAYED",
		"the modem makes a pause between dials to a number (a rule of its country)",
		"wait; make the pause between attempts longer in the policy"},
	{FailNoResult, "a dial ended without a result code: the chat script has waited in vain, or the modem said a text " +
		"that is none",
		"the called number rang for longer than the script waits, or the modem reports with a text that ringback " +
			"does not know",
		"`ringback show callback ID --trace` shows what the modem said: write such a text into `result_codes` of a " +
			"modem profile; otherwise a longer TIMEOUT in the script, or a shorter S7 in `init`"},
	{FailScript, "a startup or reset script failed", "the modem does not know a command of the script, or answers " +
		"otherwise than it expects; the line takes calls all the same",
		"correct the script: `ringback debug chat` shows what it sends and what the modem answers"},
	{FailDown, "the line is down for another reason", "see the text of the failure", "see the text of the failure"},
	{FailQuarantine, "the line was not proven on hook for another reason", "see the text of the failure",
		"check the modem, then `ringback clear line N`"},
}

// FailureOf returns the row of a kind; for an unknown one, that of FailDown.
func FailureOf(kind FailureKind) FailureRow {
	other := FailureRow{}
	for _, r := range Failures {
		if r.Kind == kind {
			return r
		}
		if r.Kind == FailDown {
			other = r
		}
	}
	return other
}

// dialFailures are the results of a dial that tell something about the line or its modem.
var dialFailures = map[ResultCode]FailureKind{NoCarrier: FailNoCarrier, NoDialtone: FailNoDialtone, Error: FailError,
	Blacklisted: FailBlacklisted, Delayed: FailDelayed}

// Failed is an error that names its kind of failure.
type Failed struct {
	Kind FailureKind
	Text string
	Err  error // that the text quotes; nil: none
}

// Error returns the text.
func (e *Failed) Error() string { return e.Text }

func (e *Failed) Unwrap() error { return e.Err }

// KindOf returns the kind of failure of an error: that of the Failed which it wraps, or of the error of the system.
func KindOf(err error, otherwise FailureKind) FailureKind {
	if f := (*Failed)(nil); errors.As(err, &f) {
		return f.Kind
	}
	var late net.Error
	for _, of := range []struct {
		kind FailureKind
		errs []error
	}{
		{FailPermission, []error{fs.ErrPermission}},
		{FailMissing, []error{fs.ErrNotExist, syscall.ENODEV, syscall.ENXIO}},
		{FailInUse, []error{syscall.EBUSY}},
		{FailRefused, []error{syscall.ECONNREFUSED}},
		{FailUnreachable, []error{syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ETIMEDOUT}},
		{FailUnsent, []error{os.ErrDeadlineExceeded}},
		{FailEnded, []error{io.EOF, syscall.EIO, syscall.ECONNRESET, syscall.EPIPE}},
	} {
		for _, e := range of.errs {
			if errors.Is(err, e) {
				return of.kind
			}
		}
	}
	if errors.As(err, &late) && late.Timeout() {
		return FailUnreachable
	}
	return otherwise
}
