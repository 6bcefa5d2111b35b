package tables

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
)

// TestUsageWidth: a busy hour has room on a terminal of 80 columns.
func TestUsageWidth(t *testing.T) {
	var b strings.Builder
	Usage(&b, client.Usage{Step: "hour", Currency: "USD", Steps: []client.UsageStep{{
		Begin:    time.Date(2026, 11, 21, 10, 0, 0, 0, time.FixedZone("AEDT", 11*3600)),
		Incoming: 10_000, IncomingSeconds: 6e6, Dials: 10_000, Failures: 1_000, Outgoing: 9_000, OutgoingSeconds: 6e6,
		Money: "100000.00"}}})
	for line := range strings.Lines(b.String()) {
		if line = strings.TrimSuffix(line, "\n"); len(line) > 80 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	if !strings.Contains(b.String(), "100000.00") {
		t.Error(b.String())
	}
}
