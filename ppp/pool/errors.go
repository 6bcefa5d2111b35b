package pool

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// describe returns p as "address A" or "prefix P".
func describe(p netip.Prefix) string {
	if p.IsSingleIP() {
		return "address " + p.Addr().String()
	}
	return "prefix " + p.String()
}

// InUseError is the error of a claim that overlaps a lease.
type InUseError struct {
	Claimed netip.Prefix
	Held    netip.Prefix // of the holder
	Holder  Holder
	Since   time.Time
}

// Error names the holder.
func (e *InUseError) Error() string {
	what := describe(e.Claimed)
	if e.Held != e.Claimed {
		what += " overlaps " + describe(e.Held) + ", which"
	}
	return fmt.Sprintf("%s is in use by %q on tty %d since %s",
		what, e.Holder.User, e.Holder.TTY, e.Since.Format(time.RFC3339))
}

// HeldBackError is the error of a choice that overlaps an address which is held back for another user.
type HeldBackError struct {
	Claimed netip.Prefix
	User    string        // who gave it back
	Left    time.Duration // until it is assigned to others
}

// Error names the user and the time.
func (e *HeldBackError) Error() string {
	return fmt.Sprintf("%s was given back by %q and is held back for another %s",
		describe(e.Claimed), e.User, e.Left.Round(time.Second))
}

// ExhaustedError is the error of an assignment if no pool has a free address.
type ExhaustedError struct {
	Family string // "addresses" or "prefixes"
	Tried  []Tried
}

// Tried is a pool without a free address: first the pool that was asked, then its backups.
type Tried struct {
	Pool string
	Usage
}

// Error names the pool, its backups, and what became of their addresses.
func (e *ExhaustedError) Error() string {
	var b strings.Builder
	for i, t := range e.Tried {
		if i > 0 {
			b.WriteString("; backup ")
		}
		if t.Size == 0 {
			fmt.Fprintf(&b, "pool %s is configured without %s", t.Pool, e.Family)
			continue
		}
		fmt.Fprintf(&b, "pool %s has no free %s (%d in use, %d held back)", t.Pool, e.Family, t.InUse, t.HeldBack)
	}
	return b.String()
}
