package pool

import (
	"net/netip"
	"time"
)

// A Holder is the session that has an address.
type Holder struct {
	User string // "" gets no address again that it had before
	TTY  int
}

// A Lease is the right of a session to use an address or a prefix. Its session releases it exactly once; Release may
// be called again without an effect. It may be used by several goroutines.
type Lease struct {
	allocator *Allocator
	prefix    netip.Prefix
	last      netip.Addr // of prefix
	pool      string
	holder    Holder
	since     time.Time
	released  bool // guarded by allocator.mu
}

// Prefix returns what is leased: for a single address, a prefix of its full length.
func (l *Lease) Prefix() netip.Prefix { return l.prefix }

// Addr returns the first address of Prefix, which is the leased address if it is a single one.
func (l *Lease) Addr() netip.Addr { return l.prefix.Addr() }

// Pool returns the name of the pool that assigned the lease, which may have been removed since; "" if it was claimed.
func (l *Lease) Pool() string { return l.pool }

// Holder returns the holder.
func (l *Lease) Holder() Holder { return l.holder }

// Since returns when the lease began.
func (l *Lease) Since() time.Time { return l.since }

// Release gives the lease back. The address is then held back for the time of the pool that contains it.
func (l *Lease) Release() { l.allocator.release(l) }
