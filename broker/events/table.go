package events

// Kind is the stable name of a type of event, for readers outside the program.
type Kind string

// Row is a type of event.
type Row struct {
	Kind  Kind
	Event Event // its zero value
	Doc   string
}

// Table has every type of event.
var Table = []Row{
	{"call.screened", CallScreened{}, "AAA was asked whether to answer a ringing call (Call-Check)."},
	{"call.rejected", CallRejected{}, "The called number has as many calls as its group's profile allows."},
	{"call.overflow", CallOverflow{}, "A call is beyond the base of its group's profile."},
	{"call.began", CallBegan{}, "A call is up, in either direction."},
	{"call.ended", CallEnded{}, "A call is over."},
	{"call.disconnected", CallDisconnected{}, "A session was ended from outside (Disconnect-Request)."},
	{"line.cleared", LineCleared{}, "An operator ended the call on a line."},
	{"line.busyout", LineBusiedOut{}, "An operator lets a line take no more calls and callbacks."},
	{"line.chat", ChatStarted{}, "An operator runs a chat script on a line (`start-chat`)."},
	{"line.restored", LineRestored{}, "An operator lets a line take calls and callbacks again."},
	{"line.counters_cleared", CountersCleared{}, "An operator set the counters of lines to zero."},
	{"login.succeeded", LoginSucceeded{}, "A user authenticated, to log in or for a privileged level."},
	{"login.failed", LoginFailed{}, "A login failed or was rejected, or one for a privileged level."},
	{"login.locked", LoginLocked{}, "Failed logins have locked a name, a number or a line for a while."},
	{"login.unlocked", LoginUnlocked{}, "An operator cleared failed logins."},
	{"host.joined", HostJoined{}, "A session was connected to a host."},
	{"host.refused", HostRefused{}, "A session was not connected to a host."},
	{"decided", Decided{}, "The policies made a decision about a caller."},
	{"callback.promised", Promised{}, "A callback is on disk, and the caller is told."},
	{"callback.pending", AlreadyPending{}, "A callback was not promised: the user has one pending."},
	{"callback.number_pending", NumberPending{}, "A callback was not promised: a pending one calls the number."},
	{"callback.number_disabled", NumberDisabled{}, "A callback was not promised: an earlier one to the number failed."},
	{"callback.impossible", NotPromised{}, "A callback was not promised: no line can dial it."},
	{"callback.unrecorded", NotRecorded{}, "A callback was not promised: it could not be recorded."},
	{"callback.ceiling", CeilingReached{}, "A callback was not promised: it could exceed a ceiling."},
	{"callback.withdrawn", Withdrawn{},
		"A callback was cancelled: its caller was not told of it in time, or rings on."},
	{"callback.resumed", Resumed{}, "A callback continues after a restart."},
	{"callback.line_requested", LineRequested{}, "A line is requested for an attempt."},
	{"callback.line", LineChosen{}, "A line is leased for an attempt."},
	{"callback.no_line", NoLine{}, "No line can serve, or the leased line cannot be used."},
	{"callback.waiting", Waiting{}, "A wait has begun: before a dial, or until a line is requested again."},
	{"callback.verify", VerifyRequired{}, "A callback without verification got a line that requires a login."},
	{"callback.unanswered", AuthorizationSilent{}, "AAA was asked again before a dial and gave no answer."},
	{"callback.remarked", Remarked{}, "The audit has a remark on a callback."},
	{"callback.dialing", Dialing{}, "An attempt begins."},
	{"callback.attempt", AttemptEnded{}, "An attempt has ended, with a call or without."},
	{"callback.connected", Connected{}, "The called side is up: leg two begins."},
	{"callback.late", CompletedLate{}, "A callback was completed on disk after its login had timed out."},
	{"callback.undropped", HangUpUntaken{}, "The hang-up of leg one could not be passed to the callback."},
	{"callback.ended", CallbackEnded{}, "A callback is in its final state."},
	{"capture.began", CaptureBegan{}, "An operator captures the frames of PPP on a line."},
	{"capture.ended", CaptureEnded{}, "A capture is over."},
	{"lockdown.began", LockdownBegan{}, "An operator has stopped all dialing."},
	{"lockdown.lifted", LockdownLifted{}, "An operator has ended the lockdown."},
	{"access.requested", AccessRequested{}, "An operator has asked for an access window, which another must approve."},
	{"access.opened", AccessOpened{}, "The users of a group may come in for a limited time."},
	{"access.closed", AccessClosed{}, "The access window of a group is closed, or a request for one was taken back."},
	{"alarm", Alarm{}, "An operator must know this."},
	{"reload.done", Reloaded{}, "A configuration was applied."},
	{"reload.failed", ReloadFailed{}, "A configuration was not applied; the old one stays in force."},
	{"reload.restart", RestartNeeded{}, "A changed key needs a restart."},
	{"reload.lines", LinesReloaded{}, "A configuration adds, changes or removes lines."},
	{"reload.method", MethodGone{}, "A pending callback no longer has a method for its second login."},
	{"accounting.waits", AccountingWaits{},
		"No server acknowledges the records of an accounting list: they wait in the spool."},
	{"accounting.goes_on", AccountingGoesOn{}, "The records of an accounting list are acknowledged again."},
	{"journal.backed-up", BackedUp{}, "A copy of the journal was made."},
	{"aaa.silent", MethodSilent{}, "A method of a list gave no answer."},
	{"line.down", LineDown{}, "A line is out of service."},
	{"line.up", LineUp{}, "A line is back in service."},
	{"line.notice", LineNotice{}, "A working line has a defect, or no longer has it."},
	{"trouble", Trouble{}, "The node has a problem: `ringback show health`. Repeated while it lasts."},
	{"trouble.over", TroubleOver{}, "A problem of the node is over."},
}
