/*
Package pool assigns IP addresses to the callers of an access server: IPv4 addresses and IPv6 prefixes of /64 from
named pools, and particular addresses that AAA or a caller names. No two sessions of an Allocator ever have the same
address, whether it is in a pool or not.

The package has no goroutines, no clock of its own, and no state on disk: after a restart all addresses are free.

# Order

A user gets an address again that they gave back, the last one first, if nobody else has it. Otherwise an address is
assigned that was never used, in the order of the configuration, then the one that was given back first. So every
address of a pool is used once before one is used again, and a pool is exhausted only if every address is in use or
held back.

An address that was given back is held back for the holdback time of its pool: it is assigned to no other user, so
that packets for the previous user do not reach the next one. If a pool is exhausted, its backup pool is asked, then
the backup of that one.

# Configuration

An entry of addresses is one of

	10.8.0.10               an address
	10.8.0.10-10.8.0.250    a range, both ends included
	10.8.0.0/24             a network without its first and last address (/31 and /32: all addresses)

and an entry of prefixes is an IPv6 prefix of /48 to /64, which gives its prefixes of /64. Addresses that no host can
have (0.0.0.0/8, loopback, link-local, multicast, reserved) and entries that overlap are errors. The access server's
own addresses are left out of every pool and can never be claimed.

# Reload

Allocator.Reload replaces the pools. Leases stay with their holders, also those of a pool that was removed, whose
addresses are then assigned to nobody. What is known about addresses that were given back is kept if they are in a new
pool, whatever its name.
*/
package pool
