package e2e

import (
	"bytes"
	"context"
	"fmt"
	"maps"
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

// pppUser is a subscriber of a town with PPP.
type pppUser struct {
	modem, number string // where the computer is
	name          string // the user that it logs in
	options       string // of pppd: the methods that it refuses
	size          int64  // octets of a transfer over IPv4
	stay          bool   // online until leave is called
	work          string // directory for its files
}

// leave ends a stay.
func (u pppUser) leave(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(u.work, "leave"), nil, 0o600); err != nil {
		t.Error(err)
	}
}

// pppUsers take the three methods. The server offers MS-CHAPv2 first; refusing it leads to the next.
var pppUsers = []pppUser{
	{modem: "austin-01", number: "5551234", name: "pele-pap", size: 10 << 20,
		options: "refuse-eap refuse-mschap-v2 refuse-mschap refuse-chap"},
	{modem: "austin-02", number: "5551235", name: "hina-chap", size: 64 << 10,
		options: "refuse-eap refuse-mschap-v2 refuse-mschap"},
	{modem: "kihei-03", number: "5551236", name: "kane-ms2", size: 64 << 10, options: "refuse-eap"},
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
  filters: [{name: no-ping, in: ["deny icmp 198.51.100.1", "allow ip any"]}]
`

// newPeerTown starts the town. Callers reach the addresses of the namespace over device. radius knows them; nil: the
// lab's own server. changes are made to its files.
func newPeerTown(t *testing.T, device string, radius *lab.RADIUS, changes ...edit) *peerTown {
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
	edited := edits(t, append(changes, waits("1s"),
		edit{"policies.d/default.yaml", `allow: ["84*"]`, `allow: ["5551*"]`})...)
	l := startTown(t, lab.Options{
		RADIUS: radius,
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

// evening has a subscriber follow testdata/ppp/subscriber.sh with a pppd, and returns what it printed.
func (town *peerTown) evening(t *testing.T, shim string, u pppUser) string {
	t.Helper()
	tty, err := town.ServePTY(u.modem)
	if err != nil {
		t.Error(err)
		return ""
	}
	script := filepath.Join(u.work, "evening.sh")
	text := town.script(t, u, "env LD_PRELOAD="+shim+" pppd", tty, u.work)
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Error(err)
		return ""
	}
	out, err := runGroup(t, exec.Command("unshare", "-n", "-m", needs(t, "busybox", "busybox-static"), "sh", script))
	if err != nil {
		t.Error(err)
	}
	return out
}

// script is subscriber.sh with its settings; pppd, tty and work are those of the computer that runs it.
func (town *peerTown) script(t *testing.T, u pppUser, pppd, tty, work string) string {
	t.Helper()
	stay := ""
	if u.stay {
		stay = "yes"
	}
	var b strings.Builder
	for _, v := range [][2]string{{"pppd", pppd}, {"tty", tty}, {"main", "55555"}, {"user", u.name},
		{"password", pppPassword}, {"options", u.options}, {"callback", u.number}, {"host4", namespaceIPv4},
		{"host6", namespaceIPv6}, {"port", fmt.Sprint(town.files.port)}, {"size", fmt.Sprint(u.size)},
		{"work", work}, {"stay", stay}} {
		fmt.Fprintf(&b, "%s=\"%s\"\n", v[0], v[1])
	}
	return b.String() + readFile(t, "testdata/ppp/subscriber.sh")
}

// result is what the subscriber's script says; pppd may have begun a line of its log.
var result = regexp.MustCompile(`(?m)RESULT ([^:\n]+): (.*?)\s*$`)

// printed checks what a subscriber's script printed. unlike has the results that differ from the usual ones.
func printed(t *testing.T, u pppUser, text string, unlike map[string]string) {
	t.Helper()
	got := map[string]string{}
	for _, m := range result.FindAllStringSubmatch(text, -1) {
		got[m[1]] = m[2]
	}
	want := map[string]string{
		"first call": "exit 14", "second call": "exit 5", "ping server": "ok", "ping host": "ok",
		"ping host by IPv6": "ok", "download by IPv4": testSum(t, u.size), "download by IPv6": testSum(t, 64<<10),
		"server received by IPv4": got["uploaded by IPv4"], "server received by IPv6": got["uploaded by IPv6"],
		"address": `10\.8\.0\.\d+`, "IPv6 address": `2001:db8:8:[0-9a-f:]+`,
	}
	maps.Copy(want, unlike)
	for name, value := range want {
		if ok, err := regexp.MatchString("^("+value+")$", got[name]); !ok || err != nil || got[name] == "" {
			t.Errorf("%s: %s: %q, must be %q", u.name, name, got[name], value)
		}
	}
	if t.Failed() {
		t.Logf("%s: %s", u.name, text)
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
			needs(t, "busybox", "busybox-static")
			if !enterNamespace(t) {
				return
			}
			town := newPeerTown(t, device, nil)
			var all sync.WaitGroup
			for _, u := range pppUsers {
				u.work = t.TempDir()
				all.Go(func() { printed(t, u, town.evening(t, shim, u), nil) })
			}
			all.Wait()
			town.calledBack(t, pppUsers)
		})
	}
}

// TestPeerPPPAuth: the group accepts MS-CHAPv2 alone. Of two pppd that ask for a callback, the one that authenticates
// by CHAP passes at AAA, is rejected, and is not called back.
func TestPeerPPPAuth(t *testing.T) {
	t.Parallel()
	shim := pppdtest.Shim(t)
	needs(t, "busybox", "busybox-static")
	if !enterNamespace(t) {
		return
	}
	town := newPeerTown(t, "userspace", nil, policy("ppp: {auth: [ms-chap-v2]}"))
	rejected, accepted := pppUsers[1], pppUsers[2]
	rejected.work, accepted.work = t.TempDir(), t.TempDir()
	var all sync.WaitGroup
	all.Go(func() { printed(t, accepted, town.evening(t, shim, accepted), nil) })
	all.Go(func() {
		out := town.evening(t, shim, rejected)
		for _, want := range []string{"CHAP authentication succeeded", `LCP TermReq id=0x`, "Access denied",
			"RESULT first call: exit "} {
			if !strings.Contains(out, want) || strings.Contains(out, "exit 14") {
				t.Errorf("%s: no %q in\n%s", rejected.name, want, out)
			}
		}
	})
	all.Wait()
	town.calledBack(t, []pppUser{accepted})
}

// runGroup runs a program for at most 10 minutes and returns what it printed. Its process group ends with it.
func runGroup(t *testing.T, c *exec.Cmd) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	var out bytes.Buffer
	c.Stdout, c.Stderr, c.WaitDelay = &out, &out, 10*time.Second
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		return "", err
	}
	kill := func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	stop := context.AfterFunc(ctx, kill)
	err := c.Wait()
	stop()
	kill()
	if err != nil {
		err = fmt.Errorf("%s: %w", c.Path, err)
	}
	return out.String(), err
}
