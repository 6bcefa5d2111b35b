package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/pppdtest"
)

// framedUser is what FreeRADIUS grants to a pppd.
const framedUser = `
	Service-Type = Callback-Framed-User,
	Framed-Protocol = PPP,
	Cisco-AVPair += "lcp:callback-dialstring=",
	Framed-IP-Address = 10.8.9.77,
	Framed-Route = "192.168.77.0/24 0.0.0.0 1",
	Framed-Interface-Id = 0:0:0:77,
	Framed-IPv6-Prefix = 2001:db8:77:1::/64,
	Framed-MTU = 1400,
	Filter-Id = "no-ping",
	Idle-Timeout = 600,
	Session-Timeout = 3600,
	Acct-Interim-Interval = 60
`

// TestPeerFreeRADIUSPPP: a pppd gets what FreeRADIUS grants it, on a callback, and FreeRADIUS gets the records of both
// legs.
func TestPeerFreeRADIUSPPP(t *testing.T) {
	t.Parallel()
	shim := pppdtest.Shim(t)
	needs(t, "busybox", "busybox-static")
	if !enterNamespace(t) {
		return
	}
	u := pppUsers[0]
	u.size, u.stay, u.work = 256<<10, true, t.TempDir()
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{
		Users: fmt.Sprintf("%s\tCleartext-Password := %q%s", u.name, pppPassword, framedUser)})
	town := newPeerTown(t, "tun", &lab.RADIUS{Auth: f.Auth, Acct: f.Acct, Secret: f.Secret})
	text := make(chan string, 1)
	go func() { text <- town.evening(t, shim, u) }()
	periodic := func(r record) bool {
		return r["Acct-Status-Type"] == "Interim-Update" && r.number(t, "Acct-Session-Time") >= 60
	}
	eventually(t, "an Interim-Update after a minute", func() bool {
		return slices.ContainsFunc(allDetail(t, f.Detail), periodic)
	})
	framedRoute(t)
	u.leave(t)
	printed(t, u, <-text, map[string]string{"address": `10\.8\.9\.77`, "ping host": "failed",
		"IPv6 address": `2001:db8:77:1:[0-9a-f:]+`})
	town.calledBack(t, []pppUser{u})
	eventually(t, "the last Stop", func() bool { return len(readDetail(t, f.Detail)) == 6 })
	framedRecords(t, readDetail(t, f.Detail))
	all := allDetail(t, f.Detail)
	carried(t, all[slices.IndexFunc(all, periodic)], all[len(all)-1])
}

// framedRoute checks that the network behind the caller is reached by the interface of its session.
func framedRoute(t *testing.T) {
	t.Helper()
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range routes {
		if r.Dst == nil || r.Dst.String() != "192.168.77.0/24" {
			continue
		}
		if link, err := netlink.LinkByIndex(r.LinkIndex); err != nil || !strings.HasPrefix(link.Attrs().Name, "ppp") ||
			link.Attrs().MTU != 1400 {
			t.Errorf("the route's interface: %+v, %v", link, err)
		}
		return
	}
	t.Errorf("no Framed-Route in %v", routes)
}

// framedRecords compares the records of both legs, without repetitions, with what was granted. The first
// Interim-Update of a session is sent when an address is known.
func framedRecords(t *testing.T, got []record) {
	t.Helper()
	var kinds []string
	for _, r := range got {
		kinds = append(kinds, strings.TrimSpace(r["Acct-Status-Type"]+" "+r["Acct-Terminate-Cause"]))
	}
	if text := strings.Join(kinds, ", "); text !=
		"Accounting-On, Start, Stop Callback, Start, Interim-Update, Stop User-Request" {
		t.Fatalf("records %s", text)
	}
	for i, r := range got[1:] {
		for name, value := range map[string]string{"User-Name": "pele-pap", "Framed-Protocol": "PPP",
			"Service-Type": "Callback-Framed-User", "NAS-Port-Type": "Async",
			"Acct-Multi-Session-Id": got[1]["Acct-Multi-Session-Id"]} {
			if r[name] != value {
				t.Errorf("record %d: %s = %q, must be %q", i, name, r[name], value)
			}
		}
	}
	if r := got[2]; r.number(t, "Acct-Output-Octets") != 0 || r["Framed-IP-Address"] != "" {
		t.Errorf("leg one has carried IP: %v", r)
	}
}

// carried compares a periodic record and the Stop of leg two with what the caller did.
func carried(t *testing.T, periodic, stop record) {
	t.Helper()
	for _, r := range []record{periodic, stop} {
		for name, value := range map[string]string{"Framed-IP-Address": "10.8.9.77",
			"Framed-IPv6-Prefix": "2001:db8:77:1::/64", "Framed-Interface-Id": "0:0:0:77"} {
			if r[name] != value {
				t.Errorf("%s = %q, must be %q in %v", name, r[name], value, r)
			}
		}
		if n := r.number(t, "Acct-Session-Time"); n < 60 || n > 600 {
			t.Errorf("Acct-Session-Time %d", n)
		}
	}
	const sent = 256<<10 + 64<<10 // each way, by TCP
	for _, way := range []string{"Input", "Output"} {
		octets, packets := stop.number(t, "Acct-"+way+"-Octets"), stop.number(t, "Acct-"+way+"-Packets")
		if octets < sent || octets > sent*5/4 || packets < sent/1400 || packets > sent/100 {
			t.Errorf("%s: %d octets in %d packets", way, octets, packets)
		}
		if n := periodic.number(t, "Acct-"+way+"-Octets"); n == 0 || n > octets {
			t.Errorf("%s: %d octets before %d", way, n, octets)
		}
	}
}
