package tacplus_test

import (
	"bytes"
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/tty"
)

// acctBody is RFC 8907 §7.1.
func acctBody(flags, method, priv, kind, service byte, user, port, rem string, args ...string) []byte {
	return append([]byte{flags}, authorBody(method, priv, kind, service, user, port, rem, args...)...)
}

// at is when all records of these tests happened. They are sent later and must carry this time.
var at = time.Unix(1000000000, 0)

// Each kind of record, octet by octet.
func TestRecords(t *testing.T) {
	t.Parallel()
	base := aaa.Record{ID: "r1", Time: at, SessionID: "s1", Entry: "tacacs", User: "bob", Service: aaa.EXEC, TTY: 65,
		Caller: "5551"}
	with := func(f func(*aaa.Record)) aaa.Record { r := base; f(&r); return r }
	for name, c := range map[string]struct {
		r    aaa.Record
		want []byte
	}{
		"a vty": {with(func(r *aaa.Record) { r.Type, r.TTY = aaa.Start, tty.VTY(0); r.Caller = "192.0.2.7" }),
			acctBody(2, 6, 1, 0, 1, "bob", "vty0", "192.0.2.7", "task_id=s1", "start_time=1000000000",
				"timezone=UTC", "service=shell")},
		"start": {with(func(r *aaa.Record) { r.Type = aaa.Start }), acctBody(2, 6, 1, 0, 1, "bob", "tty65", "5551",
			"task_id=s1", "start_time=1000000000", "timezone=UTC", "service=shell")},
		"start of leg two": {with(func(r *aaa.Record) {
			r.Type, r.CallbackNumber, r.Entry = aaa.Start, "84001",
				"local"
		}),
			acctBody(2, 5, 1, 0, 1, "bob", "tty65", "5551", "task_id=s1", "start_time=1000000000", "timezone=UTC",
				"service=shell", "callback-dialstring=84001")},
		"watchdog": {with(func(r *aaa.Record) { r.Type = aaa.Interim }),
			acctBody(8, 6, 1, 0, 1, "bob", "tty65", "5551", "task_id=s1", "start_time=1000000000", "timezone=UTC",
				"service=shell", "elapsed_time=0", "bytes_in=0", "bytes_out=0")},
		"watchdog with update": {with(func(r *aaa.Record) {
			r.Type, r.SessionTime, r.OctetsIn = aaa.Interim,
				90*time.Second, 1<<33
		}),
			acctBody(10, 6, 1, 0, 1, "bob", "tty65", "5551", "task_id=s1", "start_time=999999910", "timezone=UTC",
				"service=shell", "elapsed_time=90", "bytes_in=8589934592", "bytes_out=0")},
		"stop to be called back": {with(func(r *aaa.Record) {
			r.Type, r.SessionTime, r.OctetsIn, r.OctetsOut, r.Cause, r.CallbackNumber, r.PrivLevel = aaa.Stop,
				10*time.Second, 3, 4, aaa.CauseCallback, "84001", 15
		}), acctBody(4, 6, 15, 0, 1, "bob", "tty65", "5551", "task_id=s1", "stop_time=1000000000",
			"start_time=999999990", "timezone=UTC", "service=shell", "callback-dialstring=84001",
			"elapsed_time=10", "bytes_in=3", "bytes_out=4", "disc-cause=16", "disc-cause-ext=1102")},
		"stop of PPP": {with(func(r *aaa.Record) {
			r.Type, r.Service, r.PacketsIn, r.PacketsOut, r.Cause = aaa.Stop, aaa.PPP, 5, 6, aaa.CauseLostCarrier
		}),
			acctBody(4, 6, 1, 0, 3, "bob", "tty65", "5551", "task_id=s1", "stop_time=1000000000",
				"start_time=1000000000", "timezone=UTC", "service=ppp",
				"elapsed_time=0", "bytes_in=0", "bytes_out=0", "paks_in=5", "paks_out=6", "disc-cause=2")},
		"update of PPP": {with(func(r *aaa.Record) {
			r.Type, r.Service, r.SessionTime, r.OctetsIn, r.OctetsOut = aaa.Interim, aaa.PPP, 2*time.Second, 1682, 2844
			r.PacketsIn, r.PacketsOut, r.FramedAddress = 24, 36, netip.MustParseAddr("10.8.0.10")
			r.FramedPrefixes = []netip.Prefix{netip.MustParsePrefix("2001:db8:8::/64")}
			r.FramedInterfaceID = "0:0:0:9"
		}),
			acctBody(10, 6, 1, 0, 3, "bob", "tty65", "5551", "task_id=s1", "start_time=999999998", "timezone=UTC",
				"service=ppp", "protocol=ip", "addr=10.8.0.10", "prefix=2001:db8:8::/64",
				"elapsed_time=2", "bytes_in=1682", "bytes_out=2844", "paks_in=24", "paks_out=36")},
		"PPP of IPv6": {with(func(r *aaa.Record) {
			r.Type, r.Service, r.FramedInterfaceID = aaa.Start, aaa.PPP, "0:0:0:9"
		}),
			acctBody(2, 6, 1, 0, 3, "bob", "tty65", "5551", "task_id=s1", "start_time=1000000000", "timezone=UTC",
				"service=ppp", "protocol=ipv6")},
		"command": {with(func(r *aaa.Record) { r.Type, r.Command, r.PrivLevel = aaa.Stop, "show version", 7 }),
			acctBody(4, 6, 7, 0, 1, "bob", "tty65", "5551", "task_id=r1", "start_time=1000000000", "timezone=UTC",
				"service=shell", "priv-lvl=7", "cmd=show version <cr>")},
		"on": {aaa.Record{ID: "on-1", Type: aaa.On, Time: at},
			acctBody(2, 1, 1, 0, 0, "ringback", "", "", "task_id=on-1", "start_time=1000000000", "timezone=UTC",
				"service=system", "event=sys_acct", "reason=reload")},
		"off": {aaa.Record{ID: "off-1", Type: aaa.Off, Time: at},
			acctBody(4, 1, 1, 0, 0, "ringback", "", "", "task_id=off-1", "start_time=1000000000", "timezone=UTC",
				"service=system", "event=sys_acct", "reason=shutdown")},
		"a record of odd bytes": {with(func(r *aaa.Record) {
			r.Type, r.User, r.Caller, r.SessionID = aaa.Start, "bøb", "", strings.Repeat("i", 300)
		}),
			acctBody(2, 6, 1, 0, 1, "b?b", "tty65", "", "task_id="+strings.Repeat("i", 247), "start_time=1000000000",
				"timezone=UTC", "service=shell")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTown(t, tacplus.Config{SystemUser: "ringback"}, func(w *town) {
				if err := w.client.Send(w.t.Context(), c.r); err != nil {
					t.Error(err)
				}
			}, server{Serve: func(l *link) {
				p, _ := l.next()
				if !bytes.Equal(p.body, c.want) || p.kind != 3 || p.version != 0xc0 {
					t.Errorf("%+v\n%q\n%q", p, p.body, c.want)
				}
				l.send(p.to(acctReply(1, "")))
			}})
		})
	}
}

// Only SUCCESS delivers a record; the server that granted the session is asked first.
func TestSend(t *testing.T) {
	t.Parallel()
	success := server{Serve: always(acctReply(1, "ok"))}
	record := aaa.Record{ID: "r1", Type: aaa.Start, Time: at, SessionID: "s1", User: "bob"}
	for name, c := range map[string]struct {
		reply []byte
		want  string
	}{
		"ERROR":   {acctReply(2, "disk full"), `it answered ERROR: "disk full"`},
		"FOLLOW":  {acctReply(0x21, ""), "FOLLOW"},
		"unknown": {acctReply(9, ""), "status 0x09"},
		"wrong":   {[]byte{0, 9, 0, 0, 1}, "do not add up"},
		"cut":     {[]byte{0, 0}, "do not add up"},
	} {
		inTown(t, tacplus.Config{}, func(w *town) {
			err := w.client.Send(w.t.Context(), record)
			if err == nil || !strings.Contains(err.Error(), c.want) ||
				!strings.Contains(err.Error(), "account start of session s1: tacacs server one (one:49): ") {
				t.Errorf("%s: %v", name, err)
			}
		}, server{Serve: always(c.reply)})
		inTown(t, tacplus.Config{}, func(w *town) {
			if err := w.client.Send(w.t.Context(), record); err != nil || w.connections("two") != 1 {
				t.Errorf("%s: the next server: %v", name, err)
			}
		}, server{Serve: always(c.reply)}, success)
	}
	inTown(t, tacplus.Config{}, func(w *town) {
		r := record
		r.Server = "two"
		if err := w.client.Send(w.t.Context(), r); err != nil || w.connections("one") != 0 {
			t.Errorf("the server that granted: %v, %d", err, w.connections("one"))
		}
		if err := w.client.Send(w.t.Context(), aaa.Record{Type: "odd"}); err == nil ||
			!strings.Contains(err.Error(), `no record type "odd"`) {
			t.Error(err)
		}
	}, success, success)
	inTown(t, tacplus.Config{}, func(w *town) {
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		if err := w.client.Send(ctx, record); err == nil || time.Since(begun) != time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	}, server{Serve: mute}, success)
}
