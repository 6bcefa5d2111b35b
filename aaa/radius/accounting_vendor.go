package radius

import (
	"fmt"
	"slices"

	"github.com/ringback/ringback/aaa"
	"layeh.com/radius"
)

// The dialects that a server may use in addition to RFC and vendor attributes (ServerConfig.Dialects).
const (
	// its replies contain Ascend's attributes as plain types; Stop records carry Ascend-Disconnect-Cause, as a
	// Vendor-Specific
	DialectAscend = "ascend"
	DialectCisco  = "cisco" // Stop records carry Cisco-AVPair disc-cause-ext
)

const (
	ascendVendor          = 529
	ascendDisconnectCause = 195
)

// disconnectCauses has Ascend's code for each cause that it distinguishes. Cisco's disc-cause-ext is the same plus
// 1000.
var disconnectCauses = map[aaa.Cause]int{
	aaa.CauseUserRequest:    20,  // TermSrv-User-Quit
	aaa.CauseLostCarrier:    11,  // DCD-Detected-Then-Inactive
	aaa.CauseIdleTimeout:    21,  // TermSrv-Idle-Timeout
	aaa.CauseSessionTimeout: 100, // Session-Timeout
	aaa.CauseAdminReset:     151, // Disconnect-Req-By-Local-Admin
	aaa.CauseCallback:       102, // Disconnect-Due-To-Callback
}

// vendorCauses returns the attributes that a Stop carries in addition for a server with these dialects.
func vendorCauses(dialects []string, r aaa.Record) radius.Attributes {
	var attrs radius.Attributes
	n, ok := disconnectCauses[r.Cause]
	if r.Type != aaa.Stop || !ok {
		return nil
	}
	if slices.Contains(dialects, DialectAscend) {
		addVendor(&attrs, ascendVendor, ascendDisconnectCause, radius.NewInteger(uint32(n)))
	}
	if slices.Contains(dialects, DialectCisco) {
		addVendor(&attrs, ciscoVendor, ciscoAVPair, fmt.Appendf(nil, "disc-cause-ext=%d", 1000+n))
	}
	return attrs
}

// checkDialects returns an error that names an unknown dialect.
func checkDialects(dialects []string) error {
	for _, d := range dialects {
		if d != DialectAscend && d != DialectCisco {
			return fmt.Errorf("unknown dialect %q (use %s or %s)", d, DialectAscend, DialectCisco)
		}
	}
	return nil
}
