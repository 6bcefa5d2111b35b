package client

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// PPPSession is a live session of PPP as `show ppp` prints it. Durations are in seconds.
type PPPSession struct {
	TTY   int       `json:"tty"`
	User  string    `json:"user" doc:"empty until AAA has granted"`
	Leg   int       `json:"leg" doc:"1: incoming call; 2: callback"`
	Call  string    `json:"call" doc:"the call's ID"`
	Since time.Time `json:"since" doc:"when PPP began on the call"`
	Phase string    `json:"phase" doc:"establish, authenticate, callback, network or terminate"`

	LCP    string `json:"lcp" doc:"state of LCP (RFC 1661 §4.2)"`
	IPCP   string `json:"ipcp" doc:"state of IPCP; Initial: not begun"`
	IPV6CP string `json:"ipv6cp" doc:"state of IPV6CP; Initial: not begun"`

	Authentication      string      `json:"authentication,omitempty" doc:"the method; absent until LCP has opened"`
	AuthenticationState string      `json:"authentication_state,omitempty" doc:"waiting, asking, passed or over"`
	Callback            PPPCallback `json:"callback"`

	Address          string   `json:"address,omitempty" doc:"the caller's IPv4 address"`
	LocalAddress     string   `json:"local_address,omitempty"`
	InterfaceID      string   `json:"interface_id,omitempty" doc:"the caller's, of IPv6"`
	LocalInterfaceID string   `json:"local_interface_id,omitempty"`
	Prefixes         []string `json:"prefixes,omitempty" doc:"IPv6 prefixes, and networks behind the caller"`
	DNS              []string `json:"dns,omitempty"`
	WINS             []string `json:"wins,omitempty"`
	Filter           string   `json:"filter,omitempty"`

	Receive *PPPLink `json:"receive,omitempty" doc:"how the caller sends; absent until LCP has opened"`
	Send    *PPPLink `json:"send,omitempty" doc:"how we send"`

	In       PPPTraffic `json:"in" doc:"IP packets from the caller"`
	Out      PPPTraffic `json:"out" doc:"IP packets to the caller"`
	Dropped  uint64     `json:"dropped" doc:"packets from the caller: filtered, of another source, or damaged"`
	Overflow uint64     `json:"overflow" doc:"packets to the caller: the queue was full, or too long"`
	Frames   PPPFrames  `json:"frames" doc:"received frames"`
	Echo     *PPPEcho   `json:"echo,omitempty" doc:"the keepalive; absent: none runs"`

	Idle        *float64 `json:"idle,omitempty" doc:"time without a packet that counts"`
	IdleTimeout float64  `json:"idle_timeout,omitempty"`
	Remaining   *float64 `json:"remaining,omitempty" doc:"time until the session timeout"`
}

// PPPCallback is what was negotiated about a callback.
type PPPCallback struct {
	Asked     string `json:"asked,omitempty" doc:"how the caller asks: CBCP, by user, by number, by place, or rejected"`
	Offered   string `json:"offered,omitempty" doc:"by CBCP: none, admin, user"`
	Chosen    string `json:"chosen,omitempty" doc:"what the broker was asked to promise"`
	Promised  bool   `json:"promised,omitempty" doc:"the callback is recorded"`
	CBCPState string `json:"cbcp_state,omitempty"`
}

// PPPLink is the options of LCP in one direction.
type PPPLink struct {
	MRU   int    `json:"mru"`
	ACCM  string `json:"accm" doc:"control characters that are escaped, in hex"`
	Magic string `json:"magic,omitempty" doc:"the magic number of the receiver, in hex"`
	PFC   bool   `json:"pfc" doc:"Protocol-Field-Compression"`
	ACFC  bool   `json:"acfc" doc:"Address-and-Control-Field-Compression"`
}

// PPPTraffic counts IP packets without framing.
type PPPTraffic struct {
	Packets uint64 `json:"packets"`
	Octets  uint64 `json:"octets"`
}

// PPPFrames counts received frames, and those that were damaged.
type PPPFrames struct {
	Good     uint64 `json:"good"`
	FCS      uint64 `json:"fcs" doc:"wrong checksum"`
	Aborted  uint64 `json:"aborted"`
	TooShort uint64 `json:"too_short"`
	TooLong  uint64 `json:"too_long"`
	BadField uint64 `json:"bad_field" doc:"wrong address or control field"`
	Overrun  uint64 `json:"overrun" doc:"octets of the line lost because they were not fetched in time"`
}

// PPPEcho is the state of the keepalive.
type PPPEcho struct {
	Every  float64 `json:"every"`
	Misses int     `json:"misses" doc:"the link ends after so many"`
	Missed int     `json:"missed" doc:"Echo-Requests in a row without a sign of life"`
}

// PPPPools is the address pools as `show ppp pools` prints them.
type PPPPools struct {
	Pools   []PPPPool  `json:"pools" nullable:"false"`
	Outside []PPPLease `json:"outside" nullable:"false" doc:"leases outside of all pools: granted by AAA, or of a pool that was removed"`
}

// PPPPool is the state of a pool.
type PPPPool struct {
	Name      string       `json:"name"`
	Backup    string       `json:"backup,omitempty"`
	Holdback  float64      `json:"holdback,omitempty" doc:"in seconds"`
	Addresses PPPPoolUsage `json:"addresses" doc:"of IPv4"`
	Prefixes  PPPPoolUsage `json:"prefixes" doc:"of IPv6, of /64"`
	Holders   []PPPLease   `json:"holders" nullable:"false"`
}

// PPPPoolUsage counts the addresses or prefixes of a pool. Size is the sum of the others.
type PPPPoolUsage struct {
	Size      int       `json:"size"`
	InUse     int       `json:"in_use"`
	HeldBack  int       `json:"held_back" doc:"given back, and not yet for another user"`
	Free      int       `json:"free"`
	Exhausted time.Time `json:"exhausted,omitzero" doc:"when last none was free; absent: never"`
}

// PPPLease is an address, prefix or network in use.
type PPPLease struct {
	Address string    `json:"address"`
	User    string    `json:"user"`
	TTY     int       `json:"tty"`
	Since   time.Time `json:"since"`
}

// PPPCapturing is the first event of a capture, of the type "capturing": all later frames are delivered.
type PPPCapturing struct {
	TTY     int  `json:"tty"`
	Payload bool `json:"payload"`
}

// PPPFrame is a frame of a capture. Passwords and responses to challenges are overwritten.
type PPPFrame struct {
	Time     time.Time `json:"time"`
	Out      bool      `json:"out" doc:"the daemon has sent it"`
	Protocol uint16    `json:"protocol" doc:"PPP protocol number"`
	Info     []byte    `json:"info" doc:"the information field, in base64"`
	Lost     uint64    `json:"lost,omitempty" doc:"frames so far that this reader did not take in time"`
}

// PPPSessions returns the live sessions of PPP, sorted by TTY.
func (c *Client) PPPSessions(ctx context.Context) ([]PPPSession, error) {
	var v []PPPSession
	return v, c.get(ctx, "/v1/ppp/sessions", &v)
}

// PPPPools returns the address pools and their leases.
func (c *Client) PPPPools(ctx context.Context) (PPPPools, error) {
	var v PPPPools
	return v, c.get(ctx, "/v1/ppp/pools", &v)
}

// PPPCapture captures the frames of PPP on a line, of this call and of those after it, and with payload those of user
// packets too. It calls capturing, if not nil, once the capture has begun, and then frame for each frame. It returns
// nil when ctx ends, and an error when the daemon stops.
func (c *Client) PPPCapture(ctx context.Context, tty int, payload bool, capturing func(), frame func(PPPFrame)) error {
	path := fmt.Sprintf("/v1/ppp/lines/%d/capture?payload=%v", tty, payload)
	return c.stream(ctx, path, func(kind string, data []byte) error {
		if kind == "capturing" {
			if capturing != nil {
				capturing()
			}
			return nil
		}
		var f PPPFrame
		if err := json.Unmarshal(data, &f); err != nil {
			return fmt.Errorf("read frame %q: %w", data, err)
		}
		frame(f)
		return nil
	})
}
