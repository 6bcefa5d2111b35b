package exec

import (
	"context"
	"net"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/session"
)

func TestTelnetCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &inn{}
		d, _ := atHost(t, i, aaa.Authorization{}, settings{exec: Config{Hosts: Hosts{Allow: rules(t, "192.0.2.0/24")}}})
		d.sees()
		if s := d.enters("telnet 192.0.2.5 2323"); s != "telnet 192.0.2.5 2323\nTrying 192.0.2.5, 2323 ... Open\n" {
			t.Fatalf("the caller saw %q", s)
		}
		d.types("hello\r")
		d.waits(5 * time.Minute)
		d.types("\x1ex")
		if s := d.sees(); s != "hello\n\n[Connection to 192.0.2.5, 2323 closed]\nmaui-nas-04>" {
			t.Errorf("the caller saw %q", s)
		}
		if s := i.guests[0].hears(); s != "hello\r\n" || !i.guests[0].closed {
			t.Errorf("the host received %q", s)
		}
		if s := d.enters("connect 192.0.2.6", "x"); !strings.Contains(s, "Trying 192.0.2.6 ... Open\nx\n") {
			t.Errorf("the caller saw %q", s)
		}
		i.guests[1].Close()
		synctest.Wait()
		if s := d.sees(); s != "\n[Connection to 192.0.2.6 closed by foreign host]\nmaui-nas-04>" {
			t.Errorf("the caller saw %q", s)
		}
		i.err = syscall.ECONNREFUSED
		if s := d.enters("telnet 192.0.2.7"); !strings.HasSuffix(s,
			"... \n% Connection refused by remote host\nmaui-nas-04>") {
			t.Errorf("the caller saw %q", s)
		}
		if s := d.enters("telnet 127.0.0.1", "telnet 198.51.100.1"); strings.Count(s,
			"% Connection not allowed\n") != 2 {
			t.Errorf("the caller saw %q", s)
		}
		if s := d.enters("disable 0", "telnet 192.0.2.5"); !strings.Contains(s,
			"% not allowed at privilege level 0\n") {
			t.Errorf("the caller saw %q", s)
		}
		if len(i.dialed) != 3 {
			t.Errorf("dialed %q", i.dialed)
		}
		if s := d.authz.commands(); !strings.HasPrefix(s, "1 telnet|192.0.2.5|2323\n1 connect|192.0.2.6\n") {
			t.Errorf("asked\n%s", s)
		}
		if out := d.hangsUp(); out.Cause != aaa.CauseLostCarrier {
			t.Errorf("outcome %+v", out)
		}
	})
}

// Without a list of hosts, `telnet` is not shown, and fails if typed.
func TestTelnetCommandWithoutHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &inn{}
		d, _ := atHost(t, i, aaa.Authorization{PrivLevel: 15}, settings{})
		d.sees()
		d.types("?")
		s := d.sees() + d.enters("telnet 192.0.2.5")
		if strings.Contains(s, "Connect to a host") || !strings.Contains(s, "% Connection not allowed\n") ||
			len(i.dialed) > 0 {
			t.Errorf("the caller saw %q", s)
		}
		d.hangsUp()
	})
}

func TestAutocmdToAHost(t *testing.T) {
	auth := func(a aaa.Authorization) aaa.Authorization { a.Autocmd = "telnet 192.0.2.5"; return a }
	t.Run("the host closes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, host := atHost(t, &inn{}, auth(aaa.Authorization{}), settings{})
			host.Close()
			if out := d.ends(); out.Cause != aaa.CauseHostRequest || strings.Contains(d.sees(), "maui") {
				t.Errorf("outcome %+v", out)
			}
		})
	})
	t.Run("the host closes, nohangup", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, host := atHost(t, &inn{}, auth(aaa.Authorization{NoHangup: true}), settings{})
			host.Close()
			synctest.Wait()
			if s := d.sees(); !strings.HasSuffix(s, "closed by foreign host]\nmaui-nas-04>") {
				t.Errorf("the caller saw %q", s)
			}
			if s := d.enters("telnet 192.0.2.5"); !strings.Contains(s, "% Connection not allowed\n") {
				// a host named by AAA is not allowed to the caller
				t.Errorf("the caller saw %q", s)
			}
			d.enters("exit")
			if out := d.ends(); out.Cause != aaa.CauseUserRequest {
				t.Errorf("outcome %+v", out)
			}
		})
	})
	t.Run("noescape", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, host := atHost(t, &inn{}, auth(aaa.Authorization{NoEscape: true}), settings{})
			d.types("\x1ex")
			if s := host.hears(); s != "\x1ex" || d.isOver() {
				t.Errorf("the host received %q", s)
			}
			d.hangsUp()
		})
	})
	t.Run("escape", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, _ := atHost(t, &inn{}, auth(aaa.Authorization{}), settings{})
			d.types("\x1ex")
			if out := d.ends(); out.Cause != aaa.CauseUserRequest || strings.Contains(d.sees(), "maui") {
				t.Errorf("outcome %+v", out)
			}
		})
	})
	t.Run("refused", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, _ := atHost(t, &inn{err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}, auth(aaa.Authorization{}),
				settings{})
			if out := d.ends(); out.Cause != aaa.CauseServiceUnavailable {
				t.Errorf("outcome %+v", out)
			}
		})
	})
	t.Run("the command is refused", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			i := &inn{}
			authz := &authority{command: func(context.Context,
				aaa.Question) aaa.Result {
				return aaa.Result{Kind: aaa.Refused}
			}}
			d := atDesk(t, authz, auth(aaa.Authorization{}), settings{exec: Config{Hosts: Hosts{Dial: i.dial}}})
			if out := d.ends(); out.Cause != aaa.CauseUserRequest || len(i.dialed) != 0 {
				t.Errorf("outcome %+v", out)
			}
		})
	})
	t.Run("a loopback address", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			i := &inn{}
			d, _ := atHost(t, i, aaa.Authorization{Autocmd: "telnet 127.0.0.1 631"}, settings{})
			if out := d.ends(); out.Kind != session.NotAdmitted ||
				!strings.Contains(out.LastFail, "exec.hosts.allow") || len(i.dialed) != 0 {
				// and no callback is offered for it
				t.Errorf("outcome %+v", out)
			}
		})
	})
	t.Run("idle", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, host := atHost(t, &inn{}, auth(aaa.Authorization{NoHangup: true}), settings{})
			out := d.ends()
			if host.hears(); out.Cause != aaa.CauseIdleTimeout || !host.closed {
				t.Errorf("outcome %+v", out)
			}
		})
	})
	t.Run("hang-up", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			d, host := atHost(t, &inn{}, auth(aaa.Authorization{NoHangup: true}), settings{})
			out := d.hangsUp()
			if host.hears(); out.Cause != aaa.CauseLostCarrier || !host.closed {
				t.Errorf("outcome %+v", out)
			}
		})
	})
}

// Leg two is connected to its host like leg one, whether verified or not.
func TestHostOnLegTwo(t *testing.T) {
	for _, noVerify := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			i, auth := &inn{}, aaa.Authorization{Host: byTelnet}
			leg := session.Leg{Number: 2, CallbackID: "cb1", Identity: aaa.Identity{Entry: "radius", User: "u"},
				NoVerify: noVerify, Auth: auth}
			b := &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}
			p := dialIn(t, scene{login: fakeLogin{"u": {password: "pw", auth: auth}}, broker: b, leg: leg,
				cfg: settings{exec: Config{Hosts: Hosts{Dial: i.dial}}}})
			if !noVerify {
				p.types("u\rpw\r")
				p.waits(100 * time.Millisecond)
			}
			if len(i.guests) != 1 {
				t.Fatalf("no host: %q", p.sees())
			}
			i.guests[0].Close()
			if out := p.ends(); out.Kind != session.SessionEnded || out.CallbackID != "cb1" ||
				out.Cause != aaa.CauseHostRequest {
				t.Errorf("outcome %+v", out)
			}
		})
	}
}
