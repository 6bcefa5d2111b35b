package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const units = "../packaging/systemd/"

// unitWith is a copy of the unit with drop-ins, whose program exists.
func unitWith(t *testing.T, dropIns ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ringback.service")
	text := strings.Replace(readFile(t, units+"ringback.service"), "/usr/bin/ringback", "/bin/true", 1)
	if err := os.Mkdir(path+".d", 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{path: text}
	for _, name := range dropIns {
		files[filepath.Join(path+".d", name)] = readFile(t, units+"drop-ins/"+name)
	}
	for path, text := range files {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestPeerSystemdUnit checks the units with systemd's own checks.
func TestPeerSystemdUnit(t *testing.T) {
	t.Parallel()
	analyze := needs(t, "systemd-analyze", "systemd")
	socket := filepath.Join(t.TempDir(), "ringback.socket")
	if err := os.WriteFile(socket, []byte(readFile(t, units+"ringback.socket")), 0o600); err != nil {
		t.Fatal(err)
	}
	service := unitWith(t, "tun.conf")
	said, err := exec.Command(analyze, "verify", "--man=no", service, socket).CombinedOutput()
	for line := range strings.Lines(string(said)) { // it reads other units too, and reports their defects
		if strings.Contains(line, "ringback") {
			t.Errorf("systemd-analyze verify: %s", line)
		}
	}
	if err != nil {
		t.Logf("systemd-analyze verify: %v\n%s", err, said)
	}
}

// TestPeerSystemdSecurity: the service is as closed as the documentation says, also with the drop-in for TUN.
func TestPeerSystemdSecurity(t *testing.T) {
	t.Parallel()
	analyze := needs(t, "systemd-analyze", "systemd")
	for _, tt := range []struct {
		dropIns []string
		most    float64
	}{{nil, 2.0}, {[]string{"tun.conf"}, 2.0}} {
		out, err := exec.Command(analyze, "security", "--offline=true", "--no-pager",
			unitWith(t, tt.dropIns...)).CombinedOutput()
		if err != nil {
			t.Fatalf("systemd-analyze security: %v\n%s", err, out)
		}
		overall := regexp.MustCompile(`Overall exposure level for ringback.service: ([0-9.]+)`).FindSubmatch(out)
		if overall == nil {
			t.Fatalf("no exposure level in\n%s", out)
		}
		if level, err := strconv.ParseFloat(string(overall[1]), 64); err != nil || level > tt.most {
			t.Errorf("with %v the exposure level is %s, %.1f at most\n%s", tt.dropIns, overall[1], tt.most, out)
		} else {
			t.Logf("with %v: %.1f", tt.dropIns, level)
		}
	}
}
