package events

import (
	"reflect"
	"sync"

	"go.uber.org/zap/zapcore"
)

// Kind is the stable name of a type of event, for readers outside the program.
type Kind string

// Row is a type of event.
type Row struct {
	Kind  Kind
	Event Event // its zero value
	Mnemonics
	Doc string
}

// Mnemonics are the names of a type of event in syslog, as in the messages of IOS: %RINGBACK-SEVERITY-NAME. An event
// has the one whose severity is that of its log record; most types have one.
type Mnemonics []Mnemonic

// Mnemonic is one name. It never gets another meaning: operators match it.
type Mnemonic struct {
	Severity int // RFC 5424 §6.2.1: 1 alert, 3 error, 4 warning, 5 notice, 6 informational, 7 debug
	Name     string
}

// Level returns the level of the log that is this severity.
func (m Mnemonic) Level() zapcore.Level {
	switch {
	case m.Severity <= 3:
		return zapcore.ErrorLevel
	case m.Severity == 4:
		return zapcore.WarnLevel
	case m.Severity <= 6:
		return zapcore.InfoLevel
	}
	return zapcore.DebugLevel
}

// Other are the mnemonics of log records that are no events, such as problems inside the node.
var Other = Mnemonics{{3, "LOG"}, {4, "LOG"}, {6, "LOG"}, {7, "LOG"}}

// MnemonicOf returns the mnemonic of a log record by its level and its key "event" ("" if it has none).
func MnemonicOf(kind Kind, level zapcore.Level) Mnemonic {
	all, ok := mnemonics()[kind]
	if !ok {
		all = Other
	}
	for _, m := range all {
		if m.Level() == level {
			return m
		}
	}
	return all[0]
}

var mnemonics = sync.OnceValue(func() map[Kind]Mnemonics {
	all := map[Kind]Mnemonics{}
	for _, row := range Table {
		all[row.Kind] = row.Mnemonics
	}
	return all
})

// Table has every type of event.
var Table = []Row{
	{"call.screened", CallScreened{}, Mnemonics{{6, "CALLSCREENED"}, {4, "CALLUNANSWERED"}},
		"AAA was asked whether to answer a ringing call (Call-Check)."},
	{"call.rejected", CallRejected{}, Mnemonics{{4, "CALLREJECTED"}},
		"The called number has as many calls as its group's profile allows."},
	{"call.overflow", CallOverflow{}, Mnemonics{{6, "OVERFLOW"}},
		"A call is beyond the base of its group's profile."},
	{"call.began", CallBegan{}, Mnemonics{{6, "CALL"}},
		"A call is up, in either direction."},
	{"session.began", SessionBegan{}, Mnemonics{{6, "SESSION"}},
		"A session of a user begins on a call."},
	{"session.ended", SessionEnded{}, Mnemonics{{6, "SESSIONEND"}},
		"A session is over; its call may go on, and PPP may begin another session on it."},
	{"call.ended", CallEnded{}, Mnemonics{{6, "CALLEND"}, {3, "CALLPANIC"}},
		"A call is over."},
	{"call.hung_up", HungUp{}, Mnemonics{{7, "HUNGUP"}},
		"The line of a call that is over is on hook, or is not proven to be."},
	{"call.disconnected", CallDisconnected{}, Mnemonics{{5, "DISCONNECTED"}},
		"A session was ended from outside (Disconnect-Request)."},
	{"line.cleared", LineCleared{}, Mnemonics{{5, "LINECLEARED"}},
		"An operator ended the call on a line."},
	{"line.busyout", LineBusiedOut{}, Mnemonics{{5, "BUSYOUT"}},
		"An operator lets a line take no more calls and callbacks."},
	{"line.chat", ChatStarted{}, Mnemonics{{5, "CHAT"}},
		"An operator runs a chat script on a line (`start-chat`)."},
	{"line.chat_dialed", ChatDialed{}, Mnemonics{{5, "CHATDIALED"}},
		"A chat script of `start-chat` has dialed, and its call is hung up."},
	{"line.chat_rejected", ChatRejected{}, Mnemonics{{4, "CHATREJECTED"}},
		"A dial of `start-chat` was not made."},
	{"dialout.began", DialOutStarted{}, Mnemonics{{5, "DIALOUT"}},
		"A call that a person asked for is recorded, and is dialed."},
	{"dialout.ended", DialOutEnded{}, Mnemonics{{5, "DIALOUTENDED"}},
		"A dial-out has failed, or its call is over."},
	{"dialout.rejected", DialOutRejected{}, Mnemonics{{4, "DIALOUTREJECTED"}},
		"A dial-out was not made."},
	{"line.raw", RawAccessBegan{}, Mnemonics{{4, "RAWACCESS"}},
		"A user on the network has the modem of a line itself; what it dials is not counted."},
	{"line.raw_ended", RawAccessEnded{}, Mnemonics{{5, "RAWENDED"}},
		"Raw access has ended, and the line begins anew."},
	{"line.raw_rejected", RawAccessRejected{}, Mnemonics{{4, "RAWREJECTED"}},
		"A user asked for the modem of a line itself, and did not get it."},
	{"line.restored", LineRestored{}, Mnemonics{{5, "RESTORED"}},
		"An operator lets a line take calls and callbacks again."},
	{"line.counters_cleared", CountersCleared{}, Mnemonics{{5, "COUNTERSCLEARED"}},
		"An operator set the counters of lines to zero."},
	{"modemtest.began", ModemTestBegan{}, Mnemonics{{6, "MODEMTEST"}},
		"A test of two lines is recorded, and one calls the other."},
	{"modemtest.ended", ModemTested{}, Mnemonics{{6, "MODEMTESTED"}, {4, "MODEMTESTFAILED"}},
		"A test of two lines has ended."},
	{"modemtest.skipped", ModemTestSkipped{}, Mnemonics{{6, "MODEMTESTSKIPPED"}},
		"A test on schedule was not made."},
	{"line.quarantined", ModemQuarantined{}, Mnemonics{{4, "QUARANTINED"}},
		"A line failed its modem tests: it is not used until `line restore`."},
	{"login.succeeded", LoginSucceeded{}, Mnemonics{{5, "LOGIN"}},
		"A user authenticated, to log in or for a privileged level."},
	{"login.failed", LoginFailed{}, Mnemonics{{4, "LOGINFAILED"}},
		"A login failed or was rejected, or one for a privileged level."},
	{"login.locked", LoginLocked{}, Mnemonics{{4, "LOGINLOCKED"}},
		"Failed logins have locked a name, a number or a line for a while."},
	{"login.unlocked", LoginUnlocked{}, Mnemonics{{5, "LOGINUNLOCKED"}},
		"An operator cleared failed logins."},
	{"login.tested", LoginTested{}, Mnemonics{{5, "LOGINTESTED"}},
		"An operator had AAA asked about a user's login, without a call."},
	{"policies.simulated", PoliciesSimulated{}, Mnemonics{{5, "POLICIESSIMULATED"}},
		"An operator compared changed policy files with those in force."},
	{"callback.ignored", CallbackIgnored{}, Mnemonics{{4, "CALLBACKIGNORED"}},
		"A user was admitted over the network without the callback that AAA requires."},
	{"listener.opened", ListenerOpened{}, Mnemonics{{5, "LISTENING"}},
		"A listener takes connections."},
	{"listener.closed", ListenerClosed{}, Mnemonics{{5, "NOTLISTENING"}},
		"A listener takes no more connections."},
	{"listener.rejected", ConnectionRejected{}, Mnemonics{{4, "CONNREJECTED"}},
		"Connections to a listener were closed before a login: a limit, or a client that breaks the protocol."},
	{"host.joined", HostJoined{}, Mnemonics{{6, "HOSTJOINED"}},
		"A session was connected to a host."},
	{"host.refused", HostRefused{}, Mnemonics{{4, "HOSTREFUSED"}},
		"A session was not connected to a host."},
	{"decided", Decided{}, Mnemonics{{6, "DECIDED"}},
		"The policies made a decision about a caller."},
	{"callback.promised", Promised{}, Mnemonics{{5, "CALLBACK"}},
		"A callback is on disk, and the caller is told."},
	{"callback.pending", AlreadyPending{}, Mnemonics{{6, "ALREADYPENDING"}},
		"A callback was not promised: the user has one pending."},
	{"callback.number_pending", NumberPending{}, Mnemonics{{6, "NUMBERPENDING"}},
		"A callback was not promised: another one calls the number."},
	{"callback.number_disabled", NumberDisabled{}, Mnemonics{{6, "NUMBERDISABLED"}},
		"A callback was not promised: an earlier one to the number failed."},
	{"callback.impossible", NotPromised{}, Mnemonics{{4, "NOTPROMISED"}},
		"A callback was not promised: no line can dial it."},
	{"callback.unrecorded", NotRecorded{}, Mnemonics{{3, "NOTRECORDED"}},
		"A callback was not promised: it could not be recorded."},
	{"callback.ceiling", CeilingReached{}, Mnemonics{{3, "CEILING"}},
		"A callback was not promised: it could exceed a ceiling."},
	{"callback.withdrawn", Withdrawn{}, Mnemonics{{4, "WITHDRAWN"}},
		"A callback was cancelled: its caller was not told of it in time, or rings on."},
	{"callback.resumed", Resumed{}, Mnemonics{{5, "RESUMED"}},
		"A callback continues after a restart."},
	{"callback.claimed", Claimed{}, Mnemonics{{5, "CLAIMED"}},
		"A callback of another node of the fleet was taken."},
	{"callback.given_up", GivenUp{}, Mnemonics{{5, "GIVENUP"}},
		"Another node of the fleet has a callback, and this one no longer works on it."},
	{"callback.line_requested", LineRequested{}, Mnemonics{{7, "LINEREQUESTED"}},
		"A line is requested for an attempt."},
	{"callback.line", LineChosen{}, Mnemonics{{7, "LINECHOSEN"}},
		"A line is leased for an attempt."},
	{"callback.no_line", NoLine{}, Mnemonics{{6, "NOLINE"}},
		"No line can serve, or the leased line cannot be used."},
	{"callback.waiting", Waiting{}, Mnemonics{{7, "WAITING"}},
		"A wait has begun: before a dial, or until a line is requested again."},
	{"callback.verify", VerifyRequired{}, Mnemonics{{4, "VERIFYREQUIRED"}},
		"A callback without verification got a line that requires a login."},
	{"callback.unanswered", AuthorizationSilent{}, Mnemonics{{4, "NOAUTHORIZATION"}},
		"AAA was asked again before a dial and gave no answer."},
	{"callback.ordered", CallbackOrdered{}, Mnemonics{{5, "CALLBACKORDERED"}},
		"An operator has a user called back who has not called."},
	{"order.rejected", CallbackNotOrdered{}, Mnemonics{{4, "CALLBACKNOTORDERED"}},
		"A callback that an operator ordered was not promised."},
	{"trigger.accepted", TriggerAccepted{}, Mnemonics{{6, "TRIGGER"}},
		"A signed short message or a missed call has a user called back."},
	{"trigger.rejected", TriggerRejected{}, Mnemonics{{4, "TRIGGERREJECTED"}},
		"A short message or a missed call does nothing; `result` says why. At most ten a minute are reported."},
	{"callback.retry", RetryOrdered{}, Mnemonics{{5, "CALLBACKRETRY"}},
		"An operator has ended the wait of a callback for its next attempt."},
	{"callback.remarked", Remarked{}, Mnemonics{{6, "REMARK"}},
		"The audit has a remark on a callback."},
	{"callback.dialing", Dialing{}, Mnemonics{{6, "DIALING"}},
		"An attempt begins."},
	{"callback.attempt", AttemptEnded{}, Mnemonics{{6, "ATTEMPT"}},
		"An attempt has ended, with a call or without."},
	{"callback.connected", Connected{}, Mnemonics{{6, "CONNECTED"}},
		"The called side is up: leg two begins."},
	{"callback.late", CompletedLate{}, Mnemonics{{4, "COMPLETEDLATE"}},
		"A callback was completed on disk after its login had timed out."},
	{"callback.undropped", HangUpUntaken{}, Mnemonics{{4, "HANGUPLOST"}},
		"The hang-up of leg one could not be passed to the callback."},
	{"callback.ended", CallbackEnded{}, Mnemonics{{5, "CALLBACKEND"}},
		"A callback is in its final state."},
	{"callback.cdr", CDR{}, Mnemonics{{6, "CDR"}},
		"The call detail record of a callback or a dial-out: one for each, when leg two is over too."},
	{"capture.began", CaptureBegan{}, Mnemonics{{5, "CAPTURE"}},
		"An operator captures the frames of PPP on a line."},
	{"capture.ended", CaptureEnded{}, Mnemonics{{5, "CAPTUREEND"}},
		"A capture is over."},
	{"recording.began", RecordingBegan{}, Mnemonics{{6, "RECORDING"}},
		"A session is recorded from now on."},
	{"recording.ended", RecordingEnded{}, Mnemonics{{6, "RECORDED"}},
		"A recording is complete on disk."},
	{"recording.lost", RecordingLost{}, Mnemonics{{4, "RECORDINGLOST"}},
		"A recording loses output: its disk is full, slow or broken, or it is too long."},
	{"recording.refused", RecordingRefused{}, Mnemonics{{3, "NORECORDING"}},
		"A user was not admitted because the session could not be recorded."},
	{"recording.read", RecordingRead{}, Mnemonics{{5, "RECORDINGREAD"}},
		"An operator got the content of a recording."},
	{"recording.removed", RecordingRemoved{}, Mnemonics{{5, "RECORDINGREMOVED"}},
		"A recording was removed, by an operator or because it was too old or too much."},
	{"lockdown.began", LockdownBegan{}, Mnemonics{{4, "LOCKDOWN"}},
		"An operator has stopped all dialing."},
	{"page.linked", PageLinked{}, Mnemonics{{5, "PAGELINK"}},
		"An operator got a link that opens the operator's page with a role."},
	{"lockdown.lifted", LockdownLifted{}, Mnemonics{{4, "LOCKDOWNLIFTED"}},
		"An operator has ended the lockdown."},
	{"drain.began", Drained{}, Mnemonics{{4, "DRAINED"}},
		"An operator lets all lines finish their calls, and then take no more."},
	{"drain.ended", Undrained{}, Mnemonics{{4, "UNDRAINED"}},
		"The lines take calls and callbacks again."},
	{"fleet.ordered", FleetOrdered{}, Mnemonics{{5, "FLEETORDER"}},
		"An operator's order was sent to another node of the fleet, or to all."},
	{"fleet.removed", NodeRemoved{}, Mnemonics{{4, "NODEREMOVED"}},
		"An operator has vouched that a node of the fleet is off: others take what it has waiting."},
	{"access.requested", AccessRequested{}, Mnemonics{{5, "ACCESSREQUESTED"}},
		"An operator has asked for an access window, which another must approve."},
	{"access.opened", AccessOpened{}, Mnemonics{{4, "ACCESSOPENED"}},
		"The users of a group may come in for a limited time."},
	{"access.closed", AccessClosed{}, Mnemonics{{4, "ACCESSCLOSED"}},
		"The access window of a group is closed, or a request for one was taken back."},
	{"alarm", Alarm{}, Mnemonics{{1, "ALARM"}},
		"An operator must know this."},
	{"reload.done", Reloaded{}, Mnemonics{{5, "RELOADED"}},
		"A configuration was applied."},
	{"reload.failed", ReloadFailed{}, Mnemonics{{3, "RELOADFAILED"}},
		"A configuration was not applied; the old one stays in force."},
	{"reload.restart", RestartNeeded{}, Mnemonics{{4, "RESTARTNEEDED"}},
		"A changed key needs a restart; until then, the value of the last start stays in force."},
	{"reload.lines", LinesReloaded{}, Mnemonics{{5, "LINESRELOADED"}},
		"A configuration adds, changes or removes lines."},
	{"reload.method", MethodGone{}, Mnemonics{{4, "METHODGONE"}},
		"A pending callback no longer has a method for its second login."},
	{"accounting.waits", AccountingWaits{}, Mnemonics{{4, "ACCTWAITS"}},
		"No server acknowledges the records of an accounting list: they wait in the spool."},
	{"accounting.goes_on", AccountingGoesOn{}, Mnemonics{{5, "ACCTRESUMED"}},
		"The records of an accounting list are acknowledged again."},
	{"journal.backed-up", BackedUp{}, Mnemonics{{5, "BACKUP"}},
		"A copy of the journal was made."},
	{"audit.sealed", AuditSealed{}, Mnemonics{{6, "AUDITSEALED"}},
		"The end of the audit was signed. The field seal has the seal."},
	{"audit.key_replaced", AuditKeyReplaced{}, Mnemonics{{5, "AUDITKEY"}},
		"Seals are signed with a new key."},
	{"hook.fails", HookFails{}, Mnemonics{{4, "HOOKFAILS"}},
		"A hook does not take its events: they wait in the journal."},
	{"hook.works", HookWorks{}, Mnemonics{{5, "HOOKWORKS"}},
		"A hook takes its events again."},
	{"hook.gave_up", HookGaveUp{}, Mnemonics{{4, "HOOKGAVEUP"}},
		"An event was not delivered to a hook for too long, or the hook wants no more."},
	{"aaa.silent", MethodSilent{}, Mnemonics{{4, "AAASILENT"}},
		"A method of a list gave no answer."},
	{"line.down", LineDown{}, Mnemonics{{4, "LINEDOWN"}},
		"A line is out of service."},
	{"line.up", LineUp{}, Mnemonics{{5, "LINEUP"}},
		"A line is back in service."},
	{"line.notice", LineNotice{}, Mnemonics{{4, "LINENOTICE"}, {6, "LINENOTICEOVER"}},
		"A working line has a defect, or no longer has it."},
	{"trouble", Trouble{}, Mnemonics{{4, "HEALTH"}},
		"The node has a problem: `ringback show health`. Repeated while it lasts."},
	{"daemon.started", Started{}, Mnemonics{{5, "STARTED"}},
		"The daemon runs."},
	{"daemon.stopped", Stopped{}, Mnemonics{{5, "STOPPED"}},
		"The daemon ends: SIGTERM, or an error that it cannot survive."},
	{"log.level", LogLevel{}, Mnemonics{{4, "LOGLEVEL"}},
		"An operator set the level of the log, or its time is over."},
	{"traces.lost", TracesLost{}, Mnemonics{{4, "TRACESLOST"}},
		"The collector of traces did not take some spans, or could not be reached."},
	{"syslog.down", SyslogDown{}, Mnemonics{{4, "SYSLOGDOWN"}},
		"The syslog server cannot be reached. Records wait; those that do not fit into the queue are dropped."},
	{"syslog.up", SyslogUp{}, Mnemonics{{5, "SYSLOGUP"}},
		"Records are sent to the syslog server again; how many were dropped."},
	{"trouble.over", TroubleOver{}, Mnemonics{{5, "HEALTHOVER"}},
		"A problem of the node is over."},
}

// kinds has the kind of each type of event.
var kinds = sync.OnceValue(func() map[reflect.Type]Kind {
	all := map[reflect.Type]Kind{}
	for _, row := range Table {
		all[reflect.TypeOf(row.Event)] = row.Kind
	}
	return all
})
