package exec

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/session"
)

func TestLoginTimeout(t *testing.T) {
	for _, st := range stages() {
		if strings.Contains(st.name, "EXEC") || strings.Contains(st.name, "command") ||
			strings.Contains(st.name, "pause") {
			continue
		}
		t.Run(st.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, b := st.enter(t, settings{})
				out := p.ends()
				if p.took != time.Minute || out.Cause != aaa.CauseIdleTimeout {
					t.Errorf("after %v: %+v", p.took, out)
				}
				if s := p.sees(); !strings.HasSuffix(s, "\n% Login timed out\n") {
					t.Errorf("the caller read %q", s)
				}
				checkReports(t, b, st.granted, aaa.CauseIdleTimeout)
			})
		})
	}
}

func TestLoginTimeoutOfACallerWhoDrips(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := dialIn(t, scene{login: town()})
		for range 59 {
			p.types("x\b")
			p.waits(time.Second)
		}
		if out := p.ends(); p.took != time.Minute || out.Cause != aaa.CauseIdleTimeout {
			t.Errorf("after %v: %+v", p.took, out)
		}
	})
}

func TestExecTimeouts(t *testing.T) {
	tests := []struct {
		name    string
		auth    aaa.Authorization
		cfg     settings
		alive   bool // a key each minute
		after   time.Duration
		cause   aaa.Cause
		lastRow string
	}{
		{name: "idle by default", after: 10 * time.Minute, cause: aaa.CauseIdleTimeout, lastRow: "% Idle timeout"},
		{name: "idle of the configuration", cfg: settings{exec: Config{IdleTimeout: time.Minute}}, after: time.Minute,
			cause: aaa.CauseIdleTimeout, lastRow: "% Idle timeout"},
		{name: "idle of AAA", auth: aaa.Authorization{IdleTimeout: 90 * time.Second}, after: 90 * time.Second,
			cause: aaa.CauseIdleTimeout, lastRow: "% Idle timeout"},
		{name: "session", auth: aaa.Authorization{SessionTimeout: 5 * time.Minute}, after: 5 * time.Minute,
			cause: aaa.CauseSessionTimeout, lastRow: "% Session timeout"},
		{name: "session of a busy caller", auth: aaa.Authorization{SessionTimeout: time.Hour}, alive: true,
			after: time.Hour, cause: aaa.CauseSessionTimeout, lastRow: "% Session timeout"},
		{name: "session without idle", auth: aaa.Authorization{SessionTimeout: 48 * time.Hour},
			cfg: settings{exec: Config{IdleTimeout: -1}}, after: 48 * time.Hour, cause: aaa.CauseSessionTimeout,
			lastRow: "% Session timeout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}
				p := dialIn(t, scene{login: fakeLogin{"u": {password: "p", auth: tt.auth}}, broker: b, cfg: tt.cfg})
				p.types("u\rp\r")
				p.waits(100 * time.Millisecond)
				for tt.alive && !p.isOver() {
					p.types("x")
					p.waits(time.Minute)
				}
				out := p.ends()
				if d := p.took - 100*time.Millisecond; d != tt.after || out.Cause != tt.cause ||
					out.Kind != session.SessionEnded {
					t.Errorf("after %v: %+v", d, out)
				}
				if s := p.sees(); !strings.HasSuffix(s, "\n"+tt.lastRow+"\n") {
					t.Errorf("the caller read %q", s)
				}
				if r := b.reports[1]; r.Duration != tt.after || !r.Admitted || r.Cause != tt.cause {
					t.Errorf("report %+v", r)
				}
			})
		})
	}
}

func TestTwoSecondsAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := dialIn(t, scene{login: town()})
		for try := range 2 {
			p.sees()
			p.types("plain\r")
			p.types("wrong\r")
			p.waits(100 * time.Millisecond)
			if s := p.sees(); s != "plain\nPassword: \n% Login invalid\n\n" {
				t.Fatalf("try %d: %q", try, s)
			}
			p.waits(2*time.Second - time.Nanosecond)
			if s := p.sees(); s != "" {
				t.Fatalf("the prompt came too early: %q", s)
			}
			p.waits(time.Nanosecond)
			if s := p.sees(); s != "Username: " {
				t.Fatalf("after 2 s: %q", s)
			}
		}
		p.types("plain\r")
		p.types("wrong\r")
		p.waits(100 * time.Millisecond)
		if !p.isOver() {
			t.Error("the third failure did not end the call at once")
		}
		if out := p.ends(); out.Tries != 3 || out.Kind != session.NotAdmitted {
			t.Errorf("outcome %+v", out)
		}
	})
}
