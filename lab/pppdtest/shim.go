// Package pppdtest runs Debian's pppd as a peer of tests and benchmarks on a kernel without PPP: a library that is
// loaded before the C library takes the place of the kernel's PPP.
package pppdtest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed testdata/pppd-shim.c
var source []byte

// Build compiles the library into dir and returns its path. pppd is started with the path in LD_PRELOAD, in network and
// mount namespaces of its own (`unshare -n -m`), and makes an interface ppp0 there. missing is what this machine lacks
// for that and how to get it; "" if nothing.
func Build(ctx context.Context, dir string) (lib, missing string, err error) {
	if os.Geteuid() != 0 {
		return "", "root, for a network namespace", nil
	}
	for program, pack := range map[string]string{"/usr/sbin/pppd": "ppp", "gcc": "gcc", "unshare": "util-linux"} {
		if _, err := exec.LookPath(program); err != nil {
			return "", program + ": apt-get install " + pack, nil
		}
	}
	if err := exec.CommandContext(ctx, "unshare", "-n", "-m", "true").Run(); err != nil {
		return "", "the right to make a network namespace: " + err.Error(), nil
	}
	in, out := filepath.Join(dir, "pppd-shim.c"), filepath.Join(dir, "pppd-shim.so")
	if err := os.WriteFile(in, source, 0o600); err != nil {
		return "", "", err
	}
	build := exec.CommandContext(ctx, "gcc", "-shared", "-fPIC", "-O2", "-o", out, in, "-ldl", "-lpthread")
	if text, err := build.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("build the library for pppd: %w: %s", err, text)
	}
	return out, "", nil
}

// Shim returns the path of the library that Build compiles; it is removed at the end of the test. If something is
// missing for it, the test is skipped, or fails if RINGBACK_REQUIRE_PEERS=1.
func Shim(t testing.TB) string {
	t.Helper()
	lib, missing, err := Build(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if missing != "" {
		Without(t, missing)
	}
	return lib
}

// Without skips a test whose peer needs what this machine lacks, or fails it if RINGBACK_REQUIRE_PEERS=1.
func Without(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
		t.Fatal("needs " + what)
	}
	t.Skip("needs " + what)
}
