package modem

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines"
)

// withProfile gives the line a profile, and caller ID.
func withProfile(p lines.Profile) option {
	return func(o *Options) { o.Config.Profile, o.Config.CallerID = p, true }
}

// A modem that reports the number late is answered after the number if its profile says so, and otherwise without it.
func TestOrderOfCallerID(t *testing.T) {
	late := exchange.Dialect{CallerIDTime: exchange.AfterSecondRing}
	early := exchange.Dialect{CallerIDTime: exchange.BeforeFirstRing}
	for _, tc := range []struct {
		modem  exchange.Dialect
		order  lines.CallerIDOrder
		caller string
	}{
		{late, lines.AfterSecondRing, "66666"}, {late, lines.AfterFirstRing, ""}, {late, "", ""},
		{early, lines.BeforeFirstRing, "66666"}, {exchange.Dialect{}, lines.BeforeFirstRing, ""},
		{exchange.Dialect{CallerIDText: "RING;%s", CallerIDTime: exchange.BeforeFirstRing}, lines.WithRing, "66666"},
	} {
		p := lines.Profile{CallerID: lines.CallerID{Order: tc.order}}
		atTheEdge(t, tc.modem, func(e *edge) {
			e.until(lines.Idle)
			caller := e.at(e.stranger, nil)
			defer caller.leave()
			if call := caller.call(); call.Caller != tc.caller {
				t.Errorf("%+v %s: caller %q, want %q", tc.modem, tc.order, call.Caller, tc.caller)
			}
		}, withSignals(true), withProfile(p))
	}
}

// A caller ID line that only the profile knows is read, and the commands of the profile are those that are sent.
func TestCommandsOfAProfile(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		p := lines.Profile{Answer: "ATX4A", ErrorCorrection: "AT&M4", CallerID: lines.CallerID{Command: "AT#CID=1",
			Lines: []lines.CallerIDLine{{Text: "Anschluss", Form: "tag"}}}}
		d := exchange.Dialect{CallerIDText: "ANSCHLUSS: %s"}
		atTheEdge(t, d, func(e *edge) {
			e.until(lines.Idle)
			caller := e.at(e.stranger, nil)
			defer caller.leave()
			if call := caller.call(); call.Caller != "66666" {
				t.Errorf("caller %q", call.Caller)
			}
			log := strings.Join(e.debugLines(), "\n")
			for _, want := range []string{`"ATX4A\r"`, `"AT&M4\r"`, `"AT#CID=1\r"`} {
				if !strings.Contains(log, want) {
					t.Errorf("%s was not sent", want)
				}
			}
			if strings.Contains(log, "VCID") {
				t.Error("the command of the generic profile was sent too")
			}
		}, withSignals(signals), withProfile(p))
	})
}

// Settings of the profile that the modem refuses or does not keep are notices: the line works.
func TestNoticesOfAProfile(t *testing.T) {
	bothKinds(t, func(t *testing.T, signals bool) {
		p := lines.Profile{Name: "own", ErrorCorrection: "AT*EC1", OnHold: "AT+PMH=1",
			Verify: []lines.Register{{Number: 6, Value: 2}, {Number: 7, Value: 60}, {Number: 30, Value: 0}}}
		d := exchange.Dialect{Registers: map[int]exchange.Register{30: {Missing: true}}}
		atTheEdge(t, d, func(e *edge) {
			got := strings.Join(e.until(lines.Idle).Notices, "\n")
			for _, want := range []string{"error correction is not set: the modem answered ERROR to AT*EC1 (is the " +
				"profile own right for this modem?)", "modem-on-hold is not set: the modem answered ERROR to AT+PMH=1",
				"the modem does not keep its settings: S7 is 50, not 60, S30 cannot be read"} {
				if !strings.Contains(got, want) {
					t.Errorf("notices %q, want %q", got, want)
				}
			}
			if _, code, err := e.dialHome(5 * time.Minute); code != lines.Connected || err != nil {
				t.Errorf("dial: %s %v", code, err)
			}
		}, withSignals(signals), withProfile(p))
	})
}
