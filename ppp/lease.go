package ppp

import (
	"context"
	"errors"
	"net/netip"

	"github.com/ringback/ringback/aaa"
)

// A Network gives links their addresses and carries their packets. Its methods are safe for concurrent use.
type Network interface {
	// Assign reserves what a link may use, and may block until ctx ends. Its error is for the operator.
	Assign(ctx context.Context, h Holder) (Lease, error)
}

// Holder is the caller that has the reserved addresses.
type Holder struct {
	Identity aaa.Identity
	Auth     aaa.Authorization
	TTY      int

	// Pool and Filter are those of the site's policy, which narrow what Auth grants; "": none. The addresses and
	// networks of the caller must be in the pool, and its packets must pass the filter besides those of Auth.
	Pool, Filter string
}

// A Lease is what a link uses of a Network. Its methods are called by one goroutine at a time, and do not block.
type Lease interface {
	Assignment() Assignment
	// Open begins to carry the packets of a network protocol. send queues a packet for the caller, a copy of it, and
	// reports whether it did; it may be called from any goroutine, also within Deliver. gone is called at most once,
	// from any goroutine, if the network can carry nothing more; it does not block.
	Open(o Opening, send func(packet []byte) bool, gone func(error)) error
	// Deliver takes a packet of the caller, and does not keep it.
	Deliver(packet []byte)
	// Close ends what Open began.
	Close(f Family)
	// Release gives the addresses back. All protocols are closed before.
	Release()
}

// Null is a Network without a network: it gives every caller the same addresses and drops all packets. The zero value
// refuses everybody.
type Null struct{ Local, Peer netip.Addr }

// Assign implements Network.
func (n Null) Assign(context.Context, Holder) (Lease, error) {
	if !n.Peer.IsValid() {
		return nil, errors.New("no network is configured")
	}
	return nullLease(n), nil
}

type nullLease Null

func (l nullLease) Assignment() Assignment {
	return Assignment{IPv4: true, IPv6: true, Local: l.Local, Peer: l.Peer}
}
func (nullLease) Open(Opening, func([]byte) bool, func(error)) error { return nil }
func (nullLease) Deliver([]byte)                                     {}
func (nullLease) Close(Family)                                       {}
func (nullLease) Release()                                           {}
