package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Fleet is what a node says of its membership.
type Fleet struct {
	Node       string    `json:"node" doc:"name of this node; empty: it is alone, and the other fields have no meaning"`
	Connected  bool      `json:"connected" doc:"PostgreSQL answers"`
	Member     bool      `json:"member" doc:"this node may promise and dial what is shared"`
	Reason     string    `json:"reason,omitempty" doc:"why it is not connected, or no member"`
	Since      time.Time `json:"since" doc:"of this state"`
	Server     string    `json:"server,omitempty" doc:"the address that takes writes"`
	Durability string    `json:"durability,omitempty" doc:"replicated or server, as configured"`
	Lost       string    `json:"lost,omitempty" doc:"why acknowledged commits were lost at the last change of the server"`
	Owed       int       `json:"owed" doc:"reports of this node that wait to be recorded"`
	Forged     uint64    `json:"forged" doc:"rows that did not verify with the fleet's key, since the start"`
}

// Stale returns why what is known of other nodes may be old; "" if it is not, or if the node is alone.
func (f Fleet) Stale() string {
	switch {
	case f.Node == "" || f.Connected && f.Member:
		return ""
	case f.Reason == "":
		return "PostgreSQL cannot be reached"
	}
	return f.Reason
}

// Nodes are the nodes of a fleet.
type Nodes struct {
	Nodes []Node `json:"nodes" doc:"by name"`
	// of the reading, if it is not of now
	Stale string     `json:"stale,omitempty" doc:"why the nodes are as they were known at read"`
	Read  *time.Time `json:"read,omitempty" doc:"with stale: when they were known; absent: never"`
}

// Node is a node of a fleet.
type Node struct {
	Name    string            `json:"name"`
	Self    bool              `json:"self" doc:"the node that was asked"`
	State   string            `json:"state" doc:"up, silent, drained, down (shut down in order) or removed"`
	Version string            `json:"version" doc:"of ringback"`
	Format  int               `json:"format" doc:"the newest format of shared callbacks that it reads"`
	Claims  int               `json:"claims" doc:"pending callbacks that it holds"`
	Silence float64           `json:"silence" doc:"seconds since its last heartbeat, by the clock of the node that was asked"`
	Since   time.Time         `json:"since" doc:"start of its process, by its own clock"`
	Drained string            `json:"drained,omitempty" doc:"why it is drained"`
	Digests map[string]string `json:"digests" doc:"of what must agree: entries, numbers, policies"`
	Differs []string          `json:"differs" doc:"what is not as on the node that was asked: version, format, or one of digests"`
}

// NodeResult is what became of an order at one node.
type NodeResult struct {
	Node    string `json:"node"`
	Error   string `json:"error,omitempty" doc:"why it was not carried out"`
	Waiting bool   `json:"waiting,omitempty" doc:"the node has not confirmed it, and will carry it out when it is back"`
}

// Fleet returns the membership of the node.
func (c *Client) Fleet(ctx context.Context) (Fleet, error) {
	var v Fleet
	return v, c.get(ctx, "/v1/fleet", &v)
}

// Nodes returns the nodes of the fleet.
func (c *Client) Nodes(ctx context.Context) (Nodes, error) {
	var v Nodes
	return v, c.get(ctx, "/v1/nodes", &v)
}

// DrainNode lets a node of the fleet finish its calls, and then take no more, until UndrainNode, a restart or the end
// of length (0: never). What it has waiting is offered to others. reason may be "".
func (c *Client) DrainNode(ctx context.Context, node, reason string, length time.Duration) (v NodeResult, err error) {
	_, err = c.do(ctx, http.MethodPost, "/v1/nodes/"+url.PathEscape(node)+"/drain?"+drainQuery(reason, length), &v)
	return v, err
}

// UndrainNode lets a node of the fleet take calls again.
func (c *Client) UndrainNode(ctx context.Context, node string) (v NodeResult, err error) {
	_, err = c.do(ctx, http.MethodPost, "/v1/nodes/"+url.PathEscape(node)+"/undrain", &v)
	return v, err
}

// RemoveNode removes a node that the operator vouches is off: others take what it has waiting.
func (c *Client) RemoveNode(ctx context.Context, node string) error {
	_, err := c.do(ctx, http.MethodDelete, "/v1/nodes/"+url.PathEscape(node), nil)
	return err
}

func drainQuery(reason string, length time.Duration) string {
	q := url.Values{"reason": {reason}}
	if length != 0 {
		q.Set("for", length.String())
	}
	return q.Encode()
}
