package broker_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/session/exec"
)

// The audit has the actions of callers and operators, with the actor, in order, and its chain verifies.
func TestAudit(t *testing.T) {
	o := townOptions{callerID: true, line: exchange.ModemConfig{CallerID: true},
		limits: broker.LoginLimits{Window: time.Hour, LockUserAfter: 2, LockTime: time.Hour}}
	o.user = func(a *aaa.Authorization) {
		if !a.Callback {
			a.Host = &aaa.Host{Address: "192.0.2.5", Service: aaa.TCPClear, Port: 2001}
		}
	}
	refused := errors.New("connection refused")
	o.exec = func(c *exec.Config) {
		c.Hosts.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, refused }
	}
	inTown(t, o, func(w *town) {
		ctx := context.Background()
		p := w.pc(w.home)
		try := func(user, word, answer string) {
			t.Helper()
			p.typ("atdt55555")
			p.see("Username: ", 2*time.Minute)
			p.typ(user)
			p.see("Password: ", time.Minute)
			p.typ(word)
			p.see(answer, time.Minute)
			p.dte.SetDTR(false)
			w.idle(time.Minute)
			p.dte.SetDTR(true)
		}
		try("hunter2", "x", "% Login invalid")
		try("paia-04", password, "% Destination unreachable")
		try("paia-04", "wrong", "% Login invalid")
		try("paia-04", "wrong", "% Login invalid")
		try("paia-04", password, "% Too many failures")
		if _, err := w.broker.ClearLoginLocks(ctx, "84001", "uid 7"); err != nil {
			t.Error(err)
		}
		if err := w.broker.ClearLine(ctx, 66, "uid 8"); err != nil {
			t.Error(err)
		}
		p.login("kihei-03")
		p.see("Callback initiated", time.Minute)
		if err := w.broker.CancelCallback(ctx, w.last().ID, "uid 9"); err != nil {
			t.Error(err)
		}
		p.see("NO CARRIER", time.Minute)
		w.idle(time.Minute)
		id := w.last().ID
		w.broker.Happened(events.Reloaded{File: "ringback.yaml", By: "SIGHUP"})

		audit, bad, err := w.journal.AuditTail(ctx, 1000)
		if err != nil || len(bad) != 0 {
			t.Fatal(err, bad)
		}
		var got []string
		for _, a := range audit {
			who := a.Who
			if strings.HasPrefix(who, "unknown:7:") {
				who = "unknown:7:…"
			}
			got = append(got, fmt.Sprintf("%s | %s", a.Kind, who))
			if strings.Contains(a.Text+a.Who, "hunter2") {
				t.Errorf("a name that belongs to no user is in %+v", a)
			}
		}
		want := []string{
			"login failed | unknown:7:…", "login | paia-04", "host refused | paia-04", "login failed | paia-04",
			"login locked | paia-04", "login failed | paia-04",
			"login locks cleared | uid 7", "line cleared | uid 8", "login | kihei-03",
			"callback " + id + " ended | kihei-03", "reload | SIGHUP",
		}
		if !slices.Equal(got, want) {
			t.Errorf("the audit has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		for i, text := range map[int]string{1: `caller "84001", leg 1, by local`, 2: "192.0.2.5:2001", 3: "leg 1: ",
			9: "cancelled after 0 of 1 attempts to 84001: by uid 9"} {
			if i < len(audit) && !strings.Contains(audit[i].Text, text) {
				t.Errorf("%s: %q does not say %q", got[i], audit[i].Text, text)
			}
		}
		if bad, err := w.journal.Verify(ctx); err != nil || len(bad) != 0 {
			t.Errorf("%v %v", bad, err)
		}
	})
}
