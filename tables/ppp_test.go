package tables

import (
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
)

// pppExample is a session with all that a session can have.
func pppExample(at Place) client.PPPSession {
	idle, left := 12*3600+34*60+56.7, 58*60+55.0
	return client.PPPSession{
		TTY: 128, User: "austin-01@example", Leg: 1, Call: "7QK2JXW4MZ3TPLD5VYFHNRCA6B", Since: at.Now.Add(-time.Hour),
		Phase: "authenticate", LCP: "Opened", IPCP: "Ack-Rcvd", IPV6CP: "Opened", Authentication: "ms-chap-v2",
		AuthenticationState: "passed",
		Callback: client.PPPCallback{Asked: "CBCP", Offered: "admin", Chosen: "the number of AAA, delay 5s",
			Promised: true, CBCPState: "promised"},
		Address: "192.168.100.200", LocalAddress: "10.8.0.1", InterfaceID: "0000:0000:0000:0009",
		LocalInterfaceID: "0102:0304:0506:0708", Prefixes: []string{"2001:db8:8::/64", "10.9.0.0/24"},
		DNS: []string{"192.0.2.53", "192.0.2.54"}, WINS: []string{"192.0.2.55"}, Filter: "mail",
		Receive: &client.PPPLink{MRU: 1500, ACCM: "00000000", Magic: "0a0b0c0d", PFC: true, ACFC: true},
		Send:    &client.PPPLink{MRU: 576, ACCM: "000a0000"},
		In:      client.PPPTraffic{Packets: 1, Octets: 84}, Out: client.PPPTraffic{Packets: 1200, Octets: 1234567},
		Dropped: 2, Overflow: 3,
		Frames: client.PPPFrames{Good: 4321, FCS: 1, Aborted: 2, TooShort: 3, TooLong: 4, BadField: 5, Overrun: 66},
		Echo:   &client.PPPEcho{Every: 30, Misses: 4, Missed: 1},
		Idle:   &idle, IdleTimeout: 900, Remaining: &left,
	}
}

func TestPPPText(t *testing.T) {
	at := Place{time.Date(2026, 11, 21, 10, 4, 5, 0, hawaii)}
	var b strings.Builder
	PPPSession(&b, pppExample(at), at)
	const want = `line 128: PPP of austin-01@example since 09:04:05, phase authenticate
  call           7QK2JXW4MZ3TPLD5VYFHNRCA6B, leg 1
  LCP            Opened
  IPCP           Ack-Rcvd
  IPV6CP         Opened
  authentication ms-chap-v2, passed
  callback       asked for: CBCP; offered admin; chosen: the number of AAA, delay 5s; promised
  address        192.168.100.200, ours 10.8.0.1
  interface ID   0000:0000:0000:0009, ours 0102:0304:0506:0708
  prefixes       2001:db8:8::/64 10.9.0.0/24
  DNS            192.0.2.53 192.0.2.54
  WINS           192.0.2.55
  filter         mail
  caller sends   MRU 1500, ACCM 00000000, PFC, ACFC, magic 0a0b0c0d
  we send        MRU 576, ACCM 000a0000
  packets in     1 packet, 84 octets, 2 dropped
  packets out    1200 packets, 1234567 octets, 3 overflow
  frames         4321 received, 1 FCS, 2 aborted, 3 too short, 4 too long, 5 address or control, 66 octets overrun
  echo           every 0:00:30, 1 of 4 missed
  idle           12:34:56 of 0:15:00
  remaining      0:58:55
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	PPPSession(&b, client.PPPSession{TTY: 65, Leg: 2, Call: "c", Since: at.Now, Phase: "establish", LCP: "Req-Sent",
		IPCP: "Initial", IPV6CP: "Initial", Callback: client.PPPCallback{Asked: "rejected"}}, at)
	const begins = `line 65: PPP of a caller who has not logged in since 10:04:05, phase establish
  call           c, leg 2
  LCP            Req-Sent
  IPCP           Initial
  IPV6CP         Initial
  callback       asked for and rejected
  packets in     0 packets, 0 octets, 0 dropped
  packets out    0 packets, 0 octets, 0 overflow
  frames         0 received, 0 FCS, 0 aborted, 0 too short, 0 too long, 0 address or control, 0 octets overrun
`
	if b.String() != begins {
		t.Errorf("got\n%s\nwant\n%s", b.String(), begins)
	}
}

func TestPoolTables(t *testing.T) {
	at := Place{time.Date(2026, 11, 21, 10, 4, 5, 0, hawaii)}
	var b strings.Builder
	Pools(&b, client.PPPPools{
		Pools: []client.PPPPool{
			{Name: "dialin", Backup: "spare", Holdback: 600,
				Addresses: client.PPPPoolUsage{Size: 241, InUse: 1, HeldBack: 2, Free: 238},
				Prefixes:  client.PPPPoolUsage{Size: 256, InUse: 1, Free: 255},
				Holders: []client.PPPLease{{Address: "10.8.0.10", User: "kim", TTY: 65, Since: at.Now},
					{Address: "2001:db8:8::/64", User: "kim", TTY: 65, Since: at.Now}}},
			{Name: "spare", Addresses: client.PPPPoolUsage{Size: 2, InUse: 2, Exhausted: at.Now.Add(-time.Minute)}},
		},
		Outside: []client.PPPLease{{Address: "192.0.2.7", User: "paul", TTY: 66, Since: at.Now}},
	}, at)
	const want = `Pool    Of    Size  Used  Held  Free  Exhausted  Backup  Holdback
dialin  IPv4   241     1     2   238  never      spare   10m0s
dialin  IPv6   256     1     0   255  never      spare   10m0s
spare   IPv4     2     2     0     0  10:03:05   -       0s

Address          User  Tty  Since     Pool
10.8.0.10        kim   65   10:04:05  dialin
2001:db8:8::/64  kim   65   10:04:05  dialin
192.0.2.7        paul  66   10:04:05  -
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
	b.Reset()
	Pools(&b, client.PPPPools{}, at)
	if got := b.String(); strings.Count(got, "\n") != 1 {
		t.Errorf("no pools: %q", got)
	}
}
