// Package pppdtest lets tests run Debian's pppd as a peer on a kernel without PPP: a library that is loaded before
// the C library takes the place of the kernel's PPP.
package pppdtest

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed testdata/pppd-shim.c
var source []byte

// Shim builds the library and returns its path; it is removed at the end of the test. pppd is started with the path in
// LD_PRELOAD, in network and mount namespaces of its own (`unshare -n -m`), and makes an interface ppp0 there. If
// something is missing for that, the test is skipped, or fails if RINGBACK_REQUIRE_PEERS=1.
func Shim(t testing.TB) string {
	t.Helper()
	if os.Geteuid() != 0 {
		without(t, "root, for a network namespace")
	}
	for program, pack := range map[string]string{"/usr/sbin/pppd": "ppp", "gcc": "gcc", "unshare": "util-linux"} {
		if _, err := exec.LookPath(program); err != nil {
			without(t, program+": apt-get install "+pack)
		}
	}
	if err := exec.Command("unshare", "-n", "-m", "true").Run(); err != nil {
		without(t, "the right to make a network namespace: "+err.Error())
	}
	dir := t.TempDir()
	in, out := filepath.Join(dir, "pppd-shim.c"), filepath.Join(dir, "pppd-shim.so")
	if err := os.WriteFile(in, source, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("gcc", "-shared", "-fPIC", "-O2", "-o", out, in, "-ldl", "-lpthread")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the library for pppd: %v\n%s", err, text)
	}
	return out
}

func without(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
		t.Fatal("needs " + what)
	}
	t.Skip("needs " + what)
}
