package radius_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
)

// inNamespace is set in the environment of the process in its own network namespace.
const inNamespace = "RINGBACK_TEST_NAMESPACE"

// TestPeerFreeRADIUSLoss logs in over a lossy network with two FreeRADIUS servers, one of which is silent for a while:
// 5 % of the packets are lost in each direction, 3 % are duplicated, and all wait in a queue for longer than the first
// timeout. No login is granted wrongly or lost. With RINGBACK_LONG=1 it makes 24,000 logins. It is part of
// scripts/long: if it cannot run, it is skipped, in CI too.
func TestPeerFreeRADIUSLoss(t *testing.T) {
	if os.Getenv(inNamespace) == "1" {
		lossyNetwork(t)
		return
	}
	if _, err := exec.LookPath("/usr/sbin/nft"); err != nil {
		t.Skip("needs nft: apt-get install nftables")
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, for a network of its own")
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v", "-test.timeout=8m")
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "--- SKIP") {
		t.Skipf("%s", out)
	}
	for _, line := range regexp.MustCompile(`(?m)^ +\S+_test\.go:\d+: (.*(?:logins|records).*)$`).FindAllStringSubmatch(string(out), -1) {
		t.Log(line[1])
	}
}

// badNetwork is nft's rule set; @PORTS@ is replaced by the servers' ports.
const badNetwork = `
add table ip bad
add chain ip bad in { type filter hook input priority 0 ; }
add chain ip bad out { type filter hook output priority 0 ; }
add chain ip bad cut { type filter hook prerouting priority 0 ; }
add rule ip bad in udp dport { @PORTS@ } numgen random mod 100 < 5 counter drop
add rule ip bad in udp sport { @PORTS@ } numgen random mod 100 < 5 counter drop
add rule ip bad out udp dport { @PORTS@ } numgen random mod 100 < 3 counter dup to 127.0.0.1
add rule ip bad out udp sport { @PORTS@ } numgen random mod 100 < 3 counter dup to 127.0.0.1
`

// Parameters of the test.
const (
	lossAtOnce = 128
	lossQueue  = "rate 6mbit burst 16kb latency 2s" // 128 requests and replies of 250 octets wait 40 ms and more
	lossWait   = 50 * time.Millisecond              // before the first retransmission
)

func lossyNetwork(t *testing.T) {
	logins, records := 600, 100
	if os.Getenv("RINGBACK_LONG") == "1" {
		logins, records = 24000, 2000
	}
	shell(t, "ip link set lo up")
	a, b := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{}),
		aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{})
	var ports []string
	for _, address := range []string{a.Auth, a.Acct, b.Auth, b.Acct} {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	shell(t, "/usr/sbin/nft -f - <<'EOF'"+strings.ReplaceAll(badNetwork, "@PORTS@", strings.Join(ports, ", "))+"EOF")
	shell(t, "tc qdisc add dev lo root tbf "+lossQueue)
	c, err := radius.New(radius.Config{NASIdentifier: "maui-nas-04", DeadTime: time.Second,
		Servers: []radius.ServerConfig{
			{Name: "a", Address: a.Auth, Accounting: a.Acct, Secret: a.Secret, Timeout: lossWait, Retries: 8},
			{Name: "b", Address: b.Auth, Accounting: b.Acct, Secret: b.Secret, Timeout: lossWait, Retries: 8},
		}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	begun := time.Now()
	answered := map[string]int{}
	third := func(what string) {
		for server, n := range badLogins(t, c, logins/3) {
			answered[what+" by "+server] += n
		}
	}
	third("at first")
	shell(t, "/usr/sbin/nft add rule ip bad cut udp dport "+ports[0]+" counter drop")
	third("a silent,")
	shell(t, "/usr/sbin/nft flush chain ip bad cut")
	third("a back,")
	took := time.Since(begun)
	lost, twice := counted(t)
	t.Logf("%d logins in %.0f s: none granted wrongly, none lost; %d packets were dropped and %d duplicated; %d "+
		"datagrams discarded; %v", logins, took.Seconds(), lost, twice, c.Dropped(), answered)
	if answered["a silent, by b"] == 0 || answered["a silent, by a"] > lossAtOnce || answered["at first by a"] == 0 {
		t.Errorf("answers by server: %v", answered)
	}
	if lost < logins/20 || twice < logins/30 {
		t.Errorf("the network was not lossy: %d packets dropped, %d duplicated", lost, twice)
	}
	badRecords(t, c, records, a.Detail, b.Detail)
}

// badLogins makes n logins, of which a third must be granted, and returns the number of answers of each server.
func badLogins(t *testing.T, c *radius.Client, n int) map[string]int {
	t.Helper()
	cases := []struct {
		user, password string
		want           aaa.Kind
	}{{"plain", "pw6", aaa.Granted}, {"plain", "wrong", aaa.Refused}, {"nobody", "pw6", aaa.Refused}}
	var mu sync.Mutex
	answered := map[string]int{}
	atOnce(n, func(i int) {
		tt := cases[i%len(cases)]
		_, res := c.Start(t.Context(), aaa.Request{Service: aaa.EXEC, User: tt.user, Password: aaa.Secret(tt.password),
			TTY: 1 + i%lossAtOnce})
		mu.Lock()
		defer mu.Unlock()
		answered[res.Server]++
		if res.Kind != tt.want {
			t.Errorf("%s with %s: %s, must be %s: %s", tt.user, tt.password, res.Kind, tt.want, res.Reason)
		}
	})
	return answered
}

// badRecords sends n accounting records, each of which must be in a detail file.
func badRecords(t *testing.T, c *radius.Client, n int, details ...string) {
	t.Helper()
	atOnce(n, func(i int) {
		id := fmt.Sprintf("loss-%d", i)
		err := c.Send(t.Context(), aaa.Record{ID: id, Type: aaa.Stop, Time: time.Now(), SessionID: id, Entry: "radius",
			User: "plain", Service: aaa.EXEC, TTY: 1 + i%lossAtOnce})
		if err != nil {
			t.Error(err)
		}
	})
	seen, all := map[string]bool{}, 0
	for _, path := range details {
		text, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`Acct-Session-Id = "(loss-\d+)"`).FindAllStringSubmatch(string(text), -1) {
			seen[m[1]], all = true, all+1
		}
	}
	t.Logf("%d records: %d arrived, %d of them more than once", n, len(seen), all-len(seen))
	if len(seen) != n {
		t.Errorf("%d of %d records were acknowledged but are missing", n-len(seen), n)
	}
}

// atOnce calls f for 0 to n-1, lossAtOnce calls in parallel.
func atOnce(n int, f func(i int)) {
	var next atomic.Int64
	var work sync.WaitGroup
	for range lossAtOnce {
		work.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	work.Wait()
}

// counted returns the numbers of packets that nft dropped and duplicated.
func counted(t *testing.T) (lost, twice int) {
	t.Helper()
	for _, m := range regexp.MustCompile(`counter packets (\d+) bytes \d+ (drop|dup)`).FindAllStringSubmatch(shell(t,
		"/usr/sbin/nft list table ip bad"), -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		if m[2] == "drop" {
			lost += n
		} else {
			twice += n
		}
	}
	return lost, twice
}

func shell(t *testing.T, script string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "sh", "-euc", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}
