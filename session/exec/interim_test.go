package exec

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/session"
)

func TestInterimReports(t *testing.T) {
	tests := []struct {
		name  string
		auth  time.Duration
		cfg   time.Duration
		every time.Duration // 0: none
	}{
		{"none", 0, 0, 0},
		{"AAA's", 10 * time.Minute, 0, 10 * time.Minute},
		{"AAA's, too short", time.Second, 0, time.Minute},
		{"ours", 0, 5 * time.Minute, 5 * time.Minute},
		{"ours goes before AAA's", 2 * time.Minute, 5 * time.Minute, 5 * time.Minute},
		{"ours, too short", 0, time.Second, time.Minute},
		{"switched off", 10 * time.Minute, -1, 0},
		{"nonsense of AAA's", -time.Hour, 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := atDesk(t, &authority{}, aaa.Authorization{InterimInterval: tt.auth, IdleTimeout: 2 * time.Hour},
					settings{calls: session.Config{Interim: tt.cfg}})
				d.waits(time.Hour - time.Second)
				d.types("show priv\r")
				d.waits(time.Second)
				out := d.hangsUp()
				got := d.b.reports
				want := 0
				if tt.every > 0 {
					want = int(time.Hour / tt.every)
				}
				if len(got) != want+3 || got[0].Kind != session.Began || got[len(got)-1].Kind != session.Ended {
					t.Fatalf("%d reports: %s", len(got), d.b.told())
				}
				n := 0
				for _, r := range got {
					if r.Kind != session.Interim {
						continue
					}
					n++
					if r.Duration != time.Duration(n)*tt.every || !r.Time.Equal(got[0].Time.Add(r.Duration)) ||
						r.Identity.User != "u" || r.Session != 1 || r.Cause != 0 {
						t.Errorf("interim %d: %+v", n, r)
					}
					if login := uint64(len("u\rlogin-pw\r")); n < want && r.OctetsIn != login || n == want &&
						r.OctetsIn != login+uint64(len("show priv\r")) || r.OctetsOut == 0 {
						t.Errorf("interim %d: %d octets in, %d out", n, r.OctetsIn, r.OctetsOut)
					}
				}
				if last := got[len(got)-1]; last.OctetsIn != out.OctetsIn || last.OctetsOut != out.OctetsOut {
					t.Errorf("ended with %d and %d octets, outcome %+v", last.OctetsIn, last.OctetsOut, out)
				}
			})
		})
	}
}

// A refused session sends no further interim reports, and the next session on the call counts from its own begin.
func TestInterimReportsOfTheNextSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &fakeBroker{verdicts: []session.Verdict{{}, {Kind: session.Admit}}}
		auth := aaa.Authorization{InterimInterval: time.Minute}
		p := dialIn(t, scene{login: fakeLogin{"u": {password: "pw", auth: auth}}, broker: b,
			cfg: settings{calls: session.Config{LoginTimeout: -1}}})
		p.types("u\rpw\r")
		p.waits(10 * time.Minute)
		p.types("u\rpw\r")
		p.waits(150 * time.Second)
		p.hangsUp()
		if got, want := kinds(b.reports), "began ended began interim interim ended"; got != want {
			t.Fatalf("reports %s", got)
		}
		if first := b.reports[3]; first.Session != 2 || first.OctetsIn != 5 {
			t.Errorf("%+v", first)
		}
	})
}

func kinds(reports []session.Report) (s string) {
	names := map[session.ReportKind]string{session.Began: "began", session.Ended: "ended", session.Command: "command",
		session.Interim: "interim"}
	for i, r := range reports {
		if i > 0 {
			s += " "
		}
		s += names[r.Kind]
	}
	return s
}

// The end waits for an interim report under way, so that it is the last; a panic in one ends nothing.
func TestSlowAndBrokenInterims(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}
		d.onReport = func(r session.Report) {
			if r.Kind == session.Interim {
				<-time.After(10 * time.Second)
			}
		}
		p := dialIn(t, scene{login: fakeLogin{"u": {password: "pw",
			auth: aaa.Authorization{InterimInterval: time.Minute}}}, broker: d})
		p.types("u\rpw\r")
		p.waits(61 * time.Second)
		start := time.Now()
		p.hangsUp()
		if got := kinds(d.reports); got != "began interim ended" || d.reports[2].Duration > 61*time.Second ||
			time.Since(start) < 8*time.Second {
			t.Errorf("%s, ended after %v", got, d.reports[2].Duration)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		d := &fakeBroker{verdicts: []session.Verdict{{Kind: session.Admit}}}
		d.onReport = func(r session.Report) {
			if r.Kind == session.Interim {
				panic("pw")
			}
		}
		p := dialIn(t, scene{login: fakeLogin{"u": {password: "pw",
			auth: aaa.Authorization{InterimInterval: time.Minute}}}, broker: d})
		p.types("u\rpw\r")
		p.waits(3 * time.Minute)
		if out := p.hangsUp(); out.Cause != aaa.CauseLostCarrier || kinds(d.reports) != "began interim interim ended" {
			t.Errorf("%s, %+v", kinds(d.reports), out)
		}
	})
}
