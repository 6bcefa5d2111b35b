package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lab/pppdtest"
)

// pppUser is a subscriber of a town with PPP: who logs in, how, and at which number.
type pppUser struct {
	modem, number string
	name          string
	options       string // of pppd: the methods that it refuses
}

// pppUsers take the three methods. The server offers MS-CHAPv2 first; refusing it leads to the next.
var pppUsers = []pppUser{
	{"austin-01", "5551234", "pele-pap", "refuse-eap refuse-mschap-v2 refuse-mschap refuse-chap"},
	{"austin-02", "5551235", "hina-chap", "refuse-eap refuse-mschap-v2 refuse-mschap"},
	{"kihei-03", "5551236", "kane-ms2", "refuse-eap"},
}

const pppPassword = "halemaumau 1924"

// peerTown is a lab in a network namespace whose lines serve PPP.
type peerTown struct {
	*lab.Lab
	files *fileServer
}

// peerConfig is the key `ppp` of a town.
const peerConfig = `ppp:
  netdev: %s
%s  profiles:
    - {name: default, address: 10.8.0.1, pool: dialin, dns: [192.0.2.53], ipv6: true}
  pools: [{name: dialin, addresses: ["10.8.0.10-10.8.0.250"], prefixes: ["2001:db8:8::/56"]}]
`

// newPeerTown starts the town. Callers reach the addresses of the namespace over device.
func newPeerTown(t *testing.T, device string) *peerTown {
	t.Helper()
	files := startFileServer(t, namespaceIPv4, namespaceIPv6)
	reach := ""
	if device == "userspace" {
		reach = fmt.Sprintf("  userspace: {allow: [%q, %q]}\n", namespaceIPv4, namespaceIPv6)
	}
	var users strings.Builder
	for _, u := range pppUsers {
		fmt.Fprintf(&users, "\n%s\tCleartext-Password := %q\n\tService-Type = Callback-Framed-User,\n"+
			"\tFramed-Protocol = PPP,\n\tCisco-AVPair += \"lcp:callback-dialstring=\"\n", u.name, pppPassword)
	}
	edited := edits(t, waits("1s"), edit{"policies.d/default.yaml", `allow: ["84*"]`, `allow: ["5551*"]`})
	l := startTown(t, lab.Options{
		Modem: func(name string, c *exchange.ModemConfig) {
			if i := slices.IndexFunc(pppUsers, func(u pppUser) bool { return u.modem == name }); i >= 0 {
				c.Number = pppUsers[i].number
			}
		},
		Edit: func(name, text string) string {
			switch name {
			case "users":
				return text + users.String()
			case "ringback.yaml":
				text = replaced(t, text, fmt.Sprintf(peerConfig, device, reach), "ppp")
			}
			return edited(name, text)
		},
	})
	return &peerTown{Lab: l, files: files}
}

// subscriber is the evening of a subscriber: testdata/ppp/subscriber.sh with its settings.
func (town *peerTown) subscriber(t *testing.T, u pppUser, pppd, tty, work string, size int64) string {
	t.Helper()
	var b strings.Builder
	for _, v := range [][2]string{{"pppd", pppd}, {"tty", tty}, {"main", "55555"}, {"user", u.name},
		{"password", pppPassword}, {"options", u.options}, {"callback", u.number}, {"host4", namespaceIPv4},
		{"host6", namespaceIPv6}, {"port", fmt.Sprint(town.files.port)}, {"size", fmt.Sprint(size)}, {"work", work}} {
		fmt.Fprintf(&b, "%s=\"%s\"\n", v[0], v[1])
	}
	return b.String() + readFile(t, "testdata/ppp/subscriber.sh")
}

// result is what the subscriber's script says; pppd may have begun a line of its log.
var result = regexp.MustCompile(`(?m)RESULT ([^:\n]+): (.*?)\s*$`)

// evening checks what a subscriber's script printed.
func evening(t *testing.T, u pppUser, size int64, printed string) {
	t.Helper()
	got := map[string]string{}
	for _, m := range result.FindAllStringSubmatch(printed, -1) {
		got[m[1]] = m[2]
	}
	want := map[string]string{
		"first call": "exit 14", "second call": "exit 5", "ping server": "ok", "ping host": "ok",
		"ping host by IPv6": "ok", "download by IPv4": testSum(t, size), "download by IPv6": testSum(t, 64<<10),
		"server received by IPv4": got["uploaded by IPv4"], "server received by IPv6": got["uploaded by IPv6"],
	}
	for name, value := range want {
		if got[name] != value || value == "" {
			t.Errorf("%s: %s: %q, must be %q", u.name, name, got[name], value)
		}
	}
	if a, err := netip.ParseAddr(got["address"]); err != nil || a.Less(netip.MustParseAddr("10.8.0.10")) ||
		netip.MustParseAddr("10.8.0.250").Less(a) {
		t.Errorf("%s: the address %q is not of the pool", u.name, got["address"])
	}
	if a, err := netip.ParseAddr(got["IPv6 address"]); err != nil ||
		!netip.MustParsePrefix("2001:db8:8::/56").Contains(a) {
		t.Errorf("%s: the address %q is not of the pool", u.name, got["IPv6 address"])
	}
	if t.Failed() {
		t.Logf("%s: %s", u.name, printed)
	}
}

// calledBack checks the callbacks of all subscribers.
func (town *peerTown) calledBack(t *testing.T, users []pppUser) {
	t.Helper()
	if t.Failed() {
		return // there may be none
	}
	var all []client.Callback
	eventually(t, "the end of all callbacks", func() bool {
		var err error
		all, err = town.Client().Callbacks(t.Context(), true)
		return err == nil && len(all) == len(users) &&
			!slices.ContainsFunc(all, func(c client.Callback) bool { return c.Ended == nil })
	})
	for _, u := range users {
		i := slices.IndexFunc(all, func(c client.Callback) bool { return c.User == u.name })
		if i < 0 || all[i].Phase != "completed" || all[i].Number != u.number || all[i].Attempts != 1 {
			t.Errorf("%s: callbacks %+v", u.name, all)
		}
	}
	nobodyOnLine(t, town.Lab)
	if numbers := dialed(town.Lab); len(numbers) != len(users) {
		t.Errorf("the lines have dialed %q", numbers)
	}
}

// TestPeerPPPD: a pppd asks for a callback by CBCP, is called back, and has IPv4 and IPv6, with each method and over
// each network device.
func TestPeerPPPD(t *testing.T) {
	t.Parallel()
	for _, device := range []string{"userspace", "tun"} {
		t.Run(device, func(t *testing.T) {
			t.Parallel()
			shim := pppdtest.Shim(t)
			busybox := needs(t, "busybox", "busybox-static")
			if !enterNamespace(t) {
				return
			}
			town := newPeerTown(t, device)
			var all sync.WaitGroup
			for i, u := range pppUsers {
				size := int64(64 << 10)
				if i == 0 {
					size = 10 << 20
				}
				all.Go(func() {
					tty, err := town.ServePTY(u.modem)
					if err != nil {
						t.Error(err)
						return
					}
					work := t.TempDir()
					script := filepath.Join(work, "evening.sh")
					text := town.subscriber(t, u, "env LD_PRELOAD="+shim+" pppd", tty, work, size)
					if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
						t.Error(err)
						return
					}
					evening(t, u, size, runGroup(t, exec.Command("unshare", "-n", "-m", busybox, "sh", script)))
				})
			}
			all.Wait()
			town.calledBack(t, pppUsers)
		})
	}
}

// runGroup runs a program for at most 10 minutes and returns what it printed. Its process group ends with it.
func runGroup(t *testing.T, c *exec.Cmd) string {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	var out bytes.Buffer
	c.Stdout, c.Stderr, c.WaitDelay = &out, &out, 10*time.Second
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Error(err)
		return ""
	}
	kill := func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	stop := context.AfterFunc(ctx, kill)
	if err := c.Wait(); err != nil {
		t.Errorf("%s: %v", c.Path, err)
	}
	stop()
	kill()
	return out.String()
}
