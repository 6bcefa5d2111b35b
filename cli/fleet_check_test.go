package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/broker/fleet/pgtest"
)

// runFleet runs a command of `fleet` and returns its standard output.
func runFleet(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := newRoot("1")
	var out, problems bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&problems)
	root.SetArgs(append([]string{"fleet"}, args...))
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

const fleetLines = "aaa: {lists: {login: {default: [local]}}}\nusers: [{name: kim, password_file: key}]\n" +
	"lines: [{tty: 65, port: \"serial:///dev/ttyS0\"}]\n"

// TestPeerFleetCheck: a check finds what is missing, with the fix; after the migration it finds nothing that fails.
func TestPeerFleetCheck(t *testing.T) {
	d := pgtest.Shared(t)
	dir := fileDir(t, map[string]string{"key": strings.Repeat("0123456789abcdef", 4), "ringback.yaml": fleetLines +
		fmt.Sprintf("fleet: {node: lyon-1, key_file: key, durability: server, postgres: {addresses: [%q], "+
			"database: %s, user: %s}}\n", d.Address, d.Name, pgtest.User)})
	file := filepath.Join(dir, "ringback.yaml")
	out, err := runFleet(t, "check", "-c", file)
	if status := exitStatus(0); !errors.As(err, &status) || status != 1 ||
		!strings.Contains(out, "fix: run 'ringback fleet migrate'") {
		t.Errorf("before: %v\n%s", err, out)
	}
	if out, err = runFleet(t, "migrate", "-c", file); err != nil || out == "" {
		t.Errorf("migrate: %v\n%s", err, out)
	}
	if out, err = runFleet(t, "migrate", "-c", file); err != nil || !strings.Contains(out, "already") {
		t.Errorf("migrate again: %v\n%s", err, out)
	}
	out, err = runFleet(t, "check", "-c", file, "-o", "json")
	var all []finding
	if json.Unmarshal([]byte(out), &all) != nil || len(all) < 5 || err != nil {
		t.Errorf("after: %v\n%s", err, out)
	}
}

func TestFleetCheckAlone(t *testing.T) {
	dir := fileDir(t, map[string]string{"key": "secret", "ringback.yaml": fleetLines})
	for _, what := range []string{"check", "migrate"} {
		_, err := runFleet(t, what, "-c", filepath.Join(dir, "ringback.yaml"))
		if err == nil || !strings.Contains(err.Error(), "there is no fleet") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
