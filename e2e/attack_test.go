package e2e

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab"
)

// TestAttacks plays every attack of `ringback lab attack` on each kind of port: the thieves get nothing.
func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, ports := range lab.AllPorts {
		for _, a := range lab.Attacks() {
			t.Run(string(ports)+"/"+a.Name, func(t *testing.T) {
				t.Parallel()
				dir := tempDir(t)
				r := a.Run(t.Context(), lab.Options{Binary: program(t), Dir: dir, Pace: pace, Ports: ports})
				t.Logf("%.1f s: %s", r.Seconds, strings.Join(r.Notes, ", "))
				if r.Held {
					return
				}
				t.Errorf("%s\nthe thief got: %s\nerror: %s", a.About, strings.Join(r.Got, "; "), r.Error)
				for _, name := range []string{"ringback.log", "exchange.log"} {
					t.Logf("%s:\n%s", name, readFile(t, filepath.Join(dir, name)))
				}
			})
		}
	}
}

// The command: one attack that every port with signals withstands, as JSON and as a table, and the options that it
// rejects.
func TestLabAttack(t *testing.T) {
	t.Parallel()
	out, status := ringback(t, "", "lab", "attack", "--ports", "rfc2217", "-o", "json", "typed-escape")
	var r lab.AttackResult
	if err := json.Unmarshal([]byte(out), &r); err != nil || status != 0 || !r.Held || r.Attack != "typed-escape" ||
		r.Ports != lab.RFC2217 || r.Dir != "" {
		t.Errorf("status %d, %v: %s", status, err, out)
	}
	out, status = ringback(t, "", "lab", "attack", "--ports", "rfc2217", "typed-escape")
	lines := strings.Split(out, "\n")
	if status != 0 || len(lines) != 4 || !slices.Equal(strings.Fields(lines[1])[:2],
		[]string{"typed-escape", "rfc2217"}) || !strings.Contains(lines[1], " held ") ||
		lines[2] != "the daemon held against 1 of 1 attacks" {
		t.Errorf("status %d: %s", status, out)
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"nosuch"}, `unknown attack "nosuch"; valid attacks: session-theft, `},
		{[]string{"--ports", "serial"}, `--ports "serial": must be rfc2217, tcp or pty`},
		{[]string{"--pace", "0.5"}, "--pace 0.5: must be 1 or greater"},
		{[]string{"--parallel", "0"}, "--parallel 0: must be 1 or greater"},
		{[]string{"-o", "xml"}, "-o xml: must be table or json"},
	} {
		if out, status := ringback(t, "", append([]string{"lab", "attack"}, tt.args...)...); status != 2 ||
			!strings.Contains(out, tt.want) {
			t.Errorf("%v: status %d: %s", tt.args, status, out)
		}
	}
}
