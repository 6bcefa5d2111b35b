/*
Package filter decides which IP packets of a PPP session pass, and which of them keep the session from being idle. A
Filter is a named entry of `filters:` in the configuration. A Filter-Id, inacl or outacl of AAA selects it
(Set.Select). A Source checks that a caller sends from the addresses that it was assigned.

The package decides and does nothing else: it keeps no state between packets (a filter is not a stateful firewall),
has no clock, and does not allocate memory for a packet. Everything in it is immutable, so that sessions can share it.

# Lists

A Filter has up to three lists of rules:

	in    packets from the caller   actions allow and deny
	out   packets to the caller     actions allow and deny
	idle  packets of both kinds     actions count and ignore

The first rule that matches decides. If none does, in and out deny the packet, as an IOS access list does, and the
packet counts for idle. If the list is absent, in and out allow everything, and every valid packet counts.

Neighbor Discovery of IPv6 on the link itself (router and neighbor solicitation and advertisement, hop limit 255, to a
link-local destination) is the exception: if no rule matches it, it passes, as neighbor solicitations do in IOS, and
does not count for idle. A router solicitation passes only from the caller, an advertisement only to the caller.

A list in which the rules change nothing is a mistake, and Parse rejects it: an in or out list that allows nothing,
unless its last rule is "deny ip any", and an idle list that ignores nothing. So a list that only names what to deny
ends with "allow ip any", and one that only names what to count ends with "ignore ip any".

# Rules

	rule     = action protocol [remote] ["established"]
	action   = "allow" | "deny"                         in and out
	         | "count" | "ignore"                       idle
	protocol = "ip" | "icmp" | "icmpv6" | "tcp" | "udp" | NUMBER
	remote   = host | [host] ":" ports
	host     = "any" | IPV4 | IPV4 "/" LENGTH | "[" IPV6 "]" | "[" IPV6 "/" LENGTH "]" | IPV6 "/" LENGTH
	ports    = range {"," range}
	range    = PORT | PORT "-" PORT | ">" PORT | "<" PORT

Fields are separated by spaces; there are no spaces in a remote. Examples:

	allow tcp 192.0.2.25:25
	allow tcp [2001:db8::25]:25,587
	allow udp :53
	deny ip 192.0.2.0/24
	allow tcp any:>1023 established
	ignore udp :123
	ignore 89

The remote is the host that the caller communicates with, and its port: the destination of a packet from the caller,
and the source of a packet to the caller. So the same rule in both lists allows both directions of a connection. No
remote, or "any", matches every host; a host without ports matches every port. The protocol ip matches IPv4 and IPv6.
An IPv6 address stands in brackets; a prefix with ports does too. The bits of a prefix after its length are 0.

Ports need tcp or udp. "established" needs tcp and matches segments with ACK or RST, as in IOS: all segments of a
connection except its first one. In an out list, "allow tcp any established" lets the caller connect to hosts, but not
hosts to the caller.

A NUMBER is an IP protocol, 1 to 255. IPv6 extension headers (hop-by-hop options, routing, fragment, destination
options) are skipped and cannot be named. The headers AH (51) and ESP (50) are protocols.

# Fragments

Only the first fragment of a datagram has ports and flags. It decides, because a datagram cannot be reassembled
without it. A later fragment meets a rule with ports or "established" as follows, which is what IOS does:

  - allow and ignore match if protocol and host do;
  - deny and count do not match: the next rule is tried.

So a later fragment passes only if a first fragment of the same protocol and host could pass, and a datagram that is
ignored for idle is ignored in all its fragments.

# Invalid packets

A packet that cannot be judged is denied by in and out whatever their rules are, does not count for idle, and does not
come from a valid Source:

  - a packet that is truncated: shorter than its header or its length field says, a whole packet or first fragment of
    TCP with less than 20 octets or of UDP with less than 8 (RFC 1858 §3);
  - a later fragment that could overwrite the flags of a TCP header: at offset 8, for TCP over IPv4 (RFC 1858 §4, RFC
    3128), and for every protocol over IPv6, where each fragment names its own;
  - an IPv6 fragment whose payload begins with an extension header, so that the protocol could be in another fragment
    (RFC 7112), and more than 8 extension headers;
  - a source-routed packet, whose destination is not its last one: the IPv4 options LSRR and SSRR, and an IPv6 routing
    header with segments left. IPv4 options that do not parse.

A list that is absent allows these too.
*/
package filter
