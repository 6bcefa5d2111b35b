package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
)

// doorOf returns the address of the town's listener for a protocol to "vty" or "rotary 1".
func doorOf(t *testing.T, l *lab.Lab, protocol, to string) (host, port string) {
	t.Helper()
	all, err := client.New(l.Town().Socket).Listeners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, door := range all {
		if door.Protocol == protocol && door.To == to {
			host, port, err := net.SplitHostPort(door.Address)
			if err != nil {
				t.Fatal(err)
			}
			return host, port
		}
	}
	t.Fatalf("the town has no listener for %s to %s: %+v", protocol, to, all)
	return "", ""
}

// onVTY runs an expect script about a session on a vty.
func onVTY(t *testing.T, script string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), needs(t, "expect", "expect"),
		append([]string{"-f", "testdata/vty/" + script}, args...)...)
	cmd.Env = append(os.Environ(), "HOME="+tempDir(t), "LC_ALL=C", "TERM=vt100")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "*** as it must be") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Debian's telnet on a vty.
func TestPeerTelnet(t *testing.T) {
	t.Parallel()
	needs(t, "telnet", "inetutils-telnet")
	l := startTown(t, lab.Options{})
	host, port := doorOf(t, l, "telnet", "vty")
	onVTY(t, "telnet.exp", host, port, "paia-04", "hookipa-4")
}

// Debian's OpenSSH client on a vty.
func TestPeerSSH(t *testing.T) {
	t.Parallel()
	needs(t, "ssh", "openssh-client")
	l := startTown(t, lab.Options{})
	host, port := doorOf(t, l, "ssh", "vty")
	onVTY(t, "ssh.exp", host, port, "paia-04", "hookipa-4", filepath.Join(tempDir(t), "known_hosts"))
}

// Debian's telnet and OpenSSH clients at the modems of the town's lines.
func TestPeerLineClients(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]func(t *testing.T, host, port string) []string{
		"telnet": func(t *testing.T, host, port string) []string {
			return []string{needs(t, "telnet", "inetutils-telnet"), host, port}
		},
		"ssh": func(t *testing.T, host, port string) []string {
			return []string{needs(t, "ssh", "openssh-client"), "-F", "none", "-p", port, "-o",
				"UserKnownHostsFile=" + filepath.Join(tempDir(t), "known_hosts"), "-o",
				"StrictHostKeyChecking=accept-new", "paia-04@" + host}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := startSite(t, lab.Options{})
			host, port := doorOf(t, l, name, "rotary 1")
			far := sitDown(t, l, "austin-01")
			over := make(chan struct{})
			go func() {
				defer close(over)
				onVTY(t, "line.exp", append([]string{"paia-04", "hookipa-4", "84001"}, client(t, host, port)...)...)
			}()
			far.answer()
			far.see("over the network")
			far.enter("from the far end")
			far.see("NO CARRIER")
			<-over
		})
	}
}
