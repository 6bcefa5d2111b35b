package journal

import (
	"strings"
	"testing"
	"time"
)

// The error of a ceiling has the figures of the limit that is exceeded, and money as the tariff writes it.
func TestCeilingError(t *testing.T) {
	for _, tt := range []struct {
		c    Ceiling
		want string
	}{
		{Ceiling{Used: Amount{Money: 400_000}, Add: Amount{Money: 470_000}, Of: Amount{Money: 700_000}},
			"allows 0.70 in money, 0.40 are used, 0.00 reserved, 0.47 more are needed"},
		{Ceiling{Used: Amount{Money: 12_345_678}, Reserved: Amount{Money: 12_500}, Add: Amount{Money: 1},
			Of: Amount{Money: 12_000_000}},
			"allows 12.00 in money, 12.345678 are used, 0.0125 reserved, 0.000001 more are needed"},
		{Ceiling{Used: Amount{Time: time.Minute}, Add: Amount{Time: time.Hour}, Of: Amount{Time: time.Hour}},
			"allows 1h0m0s connected, 1m0s are used, 0s reserved, 1h0m0s more are needed"},
		{Ceiling{Add: Amount{Calls: 2}, Of: Amount{Calls: 1}},
			"allows 1 calls, 0 are used, 0 reserved, 2 more are needed"},
	} {
		tt.c.Scope, tt.c.Key, tt.c.Period = "user", "kim", "day"
		if got := tt.c.Error(); !strings.HasSuffix(got, "the day of user kim "+tt.want) {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
