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

// doorOf returns the port of the town's listener for a protocol.
func doorOf(t *testing.T, l *lab.Lab, protocol string) string {
	t.Helper()
	all, err := client.New(l.Town().Socket).Listeners(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, door := range all {
		if door.Protocol == protocol {
			_, port, err := net.SplitHostPort(door.Address)
			if err != nil {
				t.Fatal(err)
			}
			return port
		}
	}
	t.Fatalf("the town has no listener for %s: %+v", protocol, all)
	return ""
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
	onVTY(t, "telnet.exp", doorOf(t, l, "telnet"), "paia-04", "hookipa-4")
}

// Debian's OpenSSH client on a vty.
func TestPeerSSH(t *testing.T) {
	t.Parallel()
	needs(t, "ssh", "openssh-client")
	l := startTown(t, lab.Options{})
	onVTY(t, "ssh.exp", doorOf(t, l, "ssh"), "paia-04", "hookipa-4", filepath.Join(tempDir(t), "known_hosts"))
}
