package tacplus

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/pairs"
)

// discCauseCallback is Cisco's disc-cause-ext of a session that ended to be called back.
const discCauseCallback = "1102"

// Send delivers r to the server named by r.Server if that is one of the entry's, otherwise to the first server that
// answers SUCCESS. It blocks until then. The error names the servers that were asked; the caller must then deliver the
// record again.
func (e *Entry) Send(ctx context.Context, r aaa.Record) error {
	body, args, err := e.record(r)
	if err != nil {
		return fmt.Errorf("account %s of session %s: %w", r.Type, r.SessionID, err)
	}
	return aaa.Deliver(ctx, r, e.order(), func(p *peer) string { return p.Name },
		func(p *peer) error {
			began := time.Now()
			err := p.account(ctx, r, body, args)
			aaa.Observe(ctx, e.cfg.Observe, began, p.Name, aaa.Accounting, kindOf(aaa.Result{Kind: aaa.Granted}, err))
			return err
		})
}

// account sends one record to one server.
func (p *peer) account(ctx context.Context, r aaa.Record, body []byte, args []string) error {
	p.show(r.About(), true, "Accounting REQUEST", func() []string {
		return append([]string{"flags = " + flagNames[accountingFlags(r)], "user = " + pairs.Quoted(field(r.User)),
			"port = " + pairs.Quoted(port(r.TTY)), "rem_addr = " + pairs.Quoted(field(r.Caller))},
			describePairs(args)...)
	})
	s, reply, err := p.ask(ctx, opening{kind: accounting, doing: "Accounting REQUEST", about: r.About(), body: body})
	if err != nil {
		return err
	}
	s.end()
	answer := decodeAcctReply(reply)
	p.show(r.About(), false, fmt.Sprintf("Accounting REPLY %s, session %08x", accountingStatus(answer.status), s.id),
		func() []string { return messages(answer.message, answer.data) })
	if answer.status != acctSuccess {
		return p.unusable("Accounting", accountingStatus(answer.status)+said(answer.message))
	}
	return nil
}

func accountingStatus(code acctStatus) string {
	switch code {
	case acctSuccess:
		return "SUCCESS"
	case acctError:
		return "ERROR"
	case statusFollow:
		return "FOLLOW, which is not supported (RFC 8907 §10.5.5)"
	}
	return fmt.Sprintf("unknown status %#02x", byte(code))
}

var flagNames = map[acctFlags]string{acctStart: "START", acctStop: "STOP", acctWatchdog: "WATCHDOG",
	acctWatchdog | acctStart: "WATCHDOG START"}

// accountingFlags returns the flags of RFC 8907 §7.2, or 0 for a record that TACACS+ does not have. An Interim that
// reports traffic or time is a watchdog with update.
func accountingFlags(r aaa.Record) acctFlags {
	switch {
	case r.Command != "":
		return acctStop // a command is accounted once, when it is run
	case r.Type == aaa.Start || r.Type == aaa.On:
		return acctStart
	case r.Type == aaa.Stop || r.Type == aaa.Off:
		return acctStop
	case r.Type == aaa.Interim && r.SessionTime == 0 && r.OctetsIn|r.OctetsOut|r.PacketsIn|r.PacketsOut == 0:
		return acctWatchdog
	case r.Type == aaa.Interim:
		return acctWatchdog | acctStart
	}
	return 0
}

// record makes the REQUEST of r (RFC 8907 §7.1) and its arguments (§8.3). Its octets do not depend on when it is sent:
// its times are those of the events.
func (e *Entry) record(r aaa.Record) ([]byte, []string, error) {
	flags := accountingFlags(r)
	if flags == 0 {
		return nil, nil, fmt.Errorf("TACACS+ has no record type %q", r.Type)
	}
	var args arguments
	service, who := serviceLogin, field(r.User)
	method := e.method(r.Entry)
	switch {
	case r.Type == aaa.On || r.Type == aaa.Off:
		service, method, who = serviceNone, methodNone, field(e.cfg.SystemUser)
		args.system(r)
	case r.Command != "":
		args.command(r)
	default:
		if r.Service == aaa.PPP {
			service = servicePPP
		}
		args.session(r)
	}
	request := authorRequest{
		method: method, priv: byte(min(max(r.PrivLevel, 1), 15)), kind: typeNotSet, service: service,
		user: who, port: port(r.TTY), remoteAddr: field(r.Caller), args: args,
	}
	body, err := request.encode([]byte{byte(flags)})
	if err != nil {
		return nil, nil, fmt.Errorf("cannot encode the record: %w", err)
	}
	return body, args, nil
}

// arguments are the pairs of a record, in order.
type arguments []string

// add appends name=v. It replaces what is not printable US-ASCII and cuts what is too long, because a record that can
// never be sent would block all records behind it.
func (a *arguments) add(name, v string) { *a = append(*a, field(name+"="+v)) }

func (a *arguments) count(name string, n uint64) { a.add(name, strconv.FormatUint(n, 10)) }

func (a *arguments) seconds(name string, t time.Time) {
	if !t.IsZero() {
		a.add(name, strconv.FormatInt(t.Unix(), 10))
	}
}

func (a *arguments) task(r aaa.Record) {
	id := r.SessionID
	if id == "" {
		id = r.ID
	}
	a.add("task_id", id)
}

// system adds the arguments of the access server's own start and stop.
func (a *arguments) system(r aaa.Record) {
	a.task(r)
	reason := "reload"
	a.seconds("start_time", r.Time)
	if r.Type == aaa.Off {
		reason = "shutdown"
	}
	a.add("timezone", "UTC")
	a.add("service", "system")
	a.add("event", "sys_acct")
	a.add("reason", reason)
}

// command adds the arguments of one command that was run. The command is a task of its own: a stop with the session's
// task_id would end the session (RFC 8907 §8.3).
func (a *arguments) command(r aaa.Record) {
	a.add("task_id", r.ID)
	a.seconds("start_time", r.Time)
	a.add("timezone", "UTC")
	a.add("service", "shell")
	a.add("priv-lvl", strconv.Itoa(min(max(r.PrivLevel, 0), 15)))
	a.add("cmd", r.Command+" <cr>")
}

// session adds the arguments of a leg's Start, Interim or Stop.
func (a *arguments) session(r aaa.Record) {
	a.task(r)
	if r.Type == aaa.Stop {
		a.seconds("stop_time", r.Time)
	}
	if !r.Time.IsZero() {
		a.seconds("start_time", r.Time.Add(-r.SessionTime))
	}
	a.add("timezone", "UTC")
	switch r.Service {
	case aaa.PPP:
		a.add("service", "ppp")
		a.framed(r)
	case aaa.Outbound:
		a.add("service", "outbound")
	default:
		a.add("service", "shell")
	}
	if r.CallbackNumber != "" {
		a.add("callback-dialstring", r.CallbackNumber)
	}
	if r.Type != aaa.Start {
		a.used(r)
	}
}

// framed adds the network protocol and the addresses of a PPP session. Like IOS, it adds none before a network protocol
// is open.
func (a *arguments) framed(r aaa.Record) {
	switch {
	case r.FramedAddress.IsValid():
		a.add("protocol", "ip")
		a.add("addr", r.FramedAddress.String())
	case r.FramedInterfaceID != "":
		a.add("protocol", "ipv6")
	}
	for _, p := range r.FramedPrefixes {
		a.add("prefix", p.String())
	}
}

// used adds the counters of Interim and Stop. In counts what came from the caller.
func (a *arguments) used(r aaa.Record) {
	a.count("elapsed_time", uint64(r.SessionTime/time.Second))
	a.count("bytes_in", r.OctetsIn)
	a.count("bytes_out", r.OctetsOut)
	if r.Service == aaa.PPP {
		a.count("paks_in", r.PacketsIn)
		a.count("paks_out", r.PacketsOut)
	}
	if r.Type == aaa.Stop && r.Cause > 0 {
		a.count("disc-cause", uint64(r.Cause))
	}
	if r.Type == aaa.Stop && r.Cause == aaa.CauseCallback {
		a.add("disc-cause-ext", discCauseCallback)
	}
}
