package aaa

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// RecordType is the Acct-Status-Type of a Record (RFC 2866 §5.1).
type RecordType string

const (
	Start   RecordType = "start"
	Interim RecordType = "interim" // RADIUS Interim-Update, TACACS+ watchdog
	Stop    RecordType = "stop"
	On      RecordType = "accounting-on"
	Off     RecordType = "accounting-off"
)

// Cause is why a session ended: Acct-Terminate-Cause (RFC 2866 §5.10).
type Cause int

const (
	CauseUserRequest        Cause = 1
	CauseLostCarrier        Cause = 2
	CauseLostService        Cause = 3
	CauseIdleTimeout        Cause = 4
	CauseSessionTimeout     Cause = 5
	CauseAdminReset         Cause = 6
	CauseNASError           Cause = 9
	CauseNASRequest         Cause = 10
	CauseNASReboot          Cause = 11
	CauseServiceUnavailable Cause = 15
	CauseCallback           Cause = 16
	CauseHostRequest        Cause = 18
)

// Record is one accounting record, independent of the protocol. It is spooled as JSON and encoded when it is sent. It
// carries no secret.
type Record struct {
	ID             string        `json:"id"` // unique; a retransmission is the same record
	Type           RecordType    `json:"type"`
	Time           time.Time     `json:"time"`       // time of the event; Acct-Delay-Time counts from it
	SessionID      string        `json:"session_id"` // Acct-Session-Id
	MultiSessionID string        `json:"multi_session_id,omitempty"`
	Entry          string        `json:"entry"`            // method-list entry that authenticated
	Server         string        `json:"server,omitempty"` // the server that granted
	User           string        `json:"user,omitempty"`
	Service        Service       `json:"service,omitempty"`
	ServiceType    int           `json:"service_type,omitempty"`
	Class          [][]byte      `json:"class,omitempty"`
	TTY            int           `json:"tty"`
	Caller         string        `json:"caller,omitempty"`
	Called         string        `json:"called,omitempty"`
	Connect        string        `json:"connect,omitempty"`
	SessionTime    time.Duration `json:"session_time,omitempty"`
	OctetsIn       uint64        `json:"octets_in,omitempty"`  // from the caller
	OctetsOut      uint64        `json:"octets_out,omitempty"` // to the caller
	PacketsIn      uint64        `json:"packets_in,omitempty"` // PPP only
	PacketsOut     uint64        `json:"packets_out,omitempty"`

	// PPP only: the addresses that the caller has, once they are negotiated
	FramedAddress     netip.Addr     `json:"framed_address,omitzero"`
	FramedPrefixes    []netip.Prefix `json:"framed_prefixes,omitempty"`     // of IPv6
	FramedInterfaceID string         `json:"framed_interface_id,omitempty"` // in the text form of RFC 3162 §2.2

	Cause          Cause  `json:"cause,omitempty"` // Stop only
	CallbackNumber string `json:"callback_number,omitempty"`
	PrivLevel      int    `json:"priv_lvl,omitempty"`
	Command        string `json:"command,omitempty"` // TACACS+ command accounting: the command as typed
	List           string `json:"list,omitempty"`    // the accounting method list; "" default
}

// Accountant delivers records. Send blocks until a server acknowledges the record, ctx ends or no server answers. After
// an error the caller keeps the record and sends it again later.
type Accountant interface {
	Send(ctx context.Context, r Record) error
}

// Deliver sends r to one of the servers: first the one that granted (r.Server), then the others in order. It blocks
// until send returns nil for one. The error joins the errors of all; the caller must then deliver the record later.
func Deliver[S any](ctx context.Context, r Record, servers []S, name func(S) string, send func(S) error) error {
	order := slices.Clone(servers)
	if i := slices.IndexFunc(order, func(s S) bool { return r.Server != "" && name(s) == r.Server }); i > 0 {
		order = slices.Insert(slices.Delete(order, i, i+1), 0, servers[i])
	}
	var silent []string
	for _, s := range order {
		err := send(s)
		if err == nil {
			return nil
		}
		silent = append(silent, err.Error())
		if ctx.Err() != nil {
			break
		}
	}
	return fmt.Errorf("account %s of session %s: %s", r.Type, r.SessionID, strings.Join(silent, "; "))
}
