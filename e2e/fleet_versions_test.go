package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// newerProgram builds the daemon of a later version: its rows have a format that ours does not know.
func newerProgram(t *testing.T) string {
	t.Helper()
	const file = "../broker/fleet/fleet.go"
	text := readFile(t, file)
	if !strings.Contains(text, "\nconst Format = 1\n") {
		t.Fatalf("%s does not say that the format is 1", file)
	}
	dir := t.TempDir()
	newer, overlay := filepath.Join(dir, "fleet.go"), filepath.Join(dir, "overlay")
	program := filepath.Join(dir, "newer")
	old, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{old: newer}})
	if err != nil {
		t.Fatal(err)
	}
	text = strings.Replace(text, "\nconst Format = 1\n", "\nconst Format = 2\n", 1)
	for name, text := range map[string]string{newer: text, overlay: string(replace)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-overlay", overlay,
		"-o", program, "../cmd/ringback")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// TestPeerFleetTwoVersions: a node of a later version and one of ours in one fleet. Ours leaves alone what it does not
// know; the later one takes what ours has waiting.
func TestPeerFleetTwoVersions(t *testing.T) {
	t.Parallel()
	town := newFleetTown(t, fleetWorld{alone: true, crashWorld: crashWorld{callers: 2, lines: 3,
		wait: 5 * time.Second}})
	town.logged(t)
	newer, ours := town.nodes[0], town.nodes[1]
	newer.program = newerProgram(t)
	town.runAll(t)
	first, second := town.callers[0], town.callers[1]
	first.mains, second.mains = []string{newer.number}, []string{ours.number}
	if got := town.count(t, "SELECT string_agg(format::text, ' ' ORDER BY name) FROM ringback.nodes"); got != "2 1" {
		t.Fatalf("the nodes have the formats %q", got)
	}
	town.callAll(t, first)
	town.hungUp(t)
	newer.daemon.kill()
	town.callAll(t, second)
	eventually(t, "the callback that ours has promised", func() bool { return len(town.dialsOf(ours)) == 1 })
	<-time.After(town.wait + 3*town.world.takeover + 10*time.Second) // two polls
	for _, d := range town.lineDials() {
		if d.Number == first.number {
			t.Errorf("%s has dialed %s, whose row has a format that it does not know", d.Modem, d.Number)
		}
	}
	town.run(t, newer)
	town.rest(t, 2)
	town.callAll(t, second)
	town.hungUp(t)
	ours.daemon.kill()
	town.rest(t, 3)
	town.run(t, ours)
	if f := town.finish(t); f.told != 3 || f.dials != 3 || f.completed != 3 {
		t.Error("3 callbacks were expected, each told, dialed once and completed")
	}
}
