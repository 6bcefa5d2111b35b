package api

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lines"
)

func TestModemOf(t *testing.T) {
	c := lines.Config{Init: "AT&F1", CallCheck: true, ProofRegisters: []int{18, 25},
		ResultCodes: map[string]lines.ResultCode{"RRING": lines.NoResult, "ENGAGED": lines.Busy},
		Profile: lines.Profile{Name: "own", Answer: "ATA", ErrorCorrection: "AT&M4", OnHold: "AT+PMH=1",
			CallerID: lines.CallerID{Command: "AT#CID=1", Order: lines.WithRing},
			Verify:   []lines.Register{{Number: 7, Value: 60}}}}
	s := lines.Status{TTY: 65, State: lines.Idle, InBand: true, Notices: []string{"S7 is 50, not 60"}}
	want := client.Modem{TTY: 65, State: "idle", Profile: "own", Init: "AT&F1", Answer: "ATA",
		ErrorCorrection: "AT&M4", OnHold: "AT+PMH=1", CallerID: "AT#CID=1", CallerIDOrder: "with_ring", InBand: true,
		ProofRegisters: []int{18, 25}, Verify: []client.Register{{Register: 7, Value: 60}},
		ResultCodes: []client.ResultCode{{Text: "ENGAGED", Means: "BUSY"}, {Text: "RRING", Means: "progress"}},
		Notices:     s.Notices}
	if diff := cmp.Diff(want, modemOf(s, c)); diff != "" {
		t.Error(diff)
	}
	s.InBand, c.CallCheck = false, false
	if m := modemOf(s, c); m.ProofRegisters != nil || m.CallerID != "" {
		t.Errorf("with signals and without caller ID: %+v", m)
	}
}
