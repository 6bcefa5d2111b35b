package e2e

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestPeerFleetPartition: the network between a node and PostgreSQL drops all packets, in a namespace of the test: what
// the node has waiting is taken and dialed by another one, and when packets pass again the node gives it up.
func TestPeerFleetPartition(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("/usr/sbin/nft"); err != nil {
		skipPeer(t, "needs nft: apt-get install nftables")
	}
	if !enterNamespace(t) {
		return
	}
	town := newFleetTown(t, fleetWorld{alone: true, proxied: true,
		crashWorld: crashWorld{callers: 2, wait: 3 * time.Second}})
	town.logged(t)
	town.takenOver(t, func(n *fleetNode) {
		port := n.proxies[0].listener.Addr().(*net.TCPAddr).Port
		nft(t, fmt.Sprintf("table inet partition { chain cut { type filter hook output priority 0; "+
			"tcp dport %[1]d drop; tcp sport %[1]d drop; }; }", port))
	}, func(*fleetNode) { nft(t, "delete table inet partition") })
}

// nft changes the rules of the namespace.
func nft(t *testing.T, rules string) {
	t.Helper()
	c := exec.Command("/usr/sbin/nft", "-f", "-")
	c.Stdin = strings.NewReader(rules + "\n")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("nft: %v\n%s", err, out)
	}
}
