package cli

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
)

// TestReloadCommand: each part of a result is printed, hostile text without its control characters, and the exit status
// says whether the configuration was applied.
func TestReloadCommand(t *testing.T) {
	const failed = "error: exit status 1\n"
	for name, tt := range map[string]struct {
		result client.Reload
		err    error
		want   string // all that is printed
	}{
		"nothing": {client.Reload{Applied: true, File: "r.yaml"}, nil, "r.yaml: reloaded\n  nothing has changed\n"},
		"all": {client.Reload{
			Applied: true, File: "r.yaml", Log: "no \x1b[2Jspace",
			Problems: []client.ConfigProblem{{Text: "r.yaml: warning: no lines", Severity: "warning"}},
			Changed:  []client.ChangedKey{{Key: "lines", Effect: []string{"new calls", "immediately"}}},
			Groups:   []string{"staff"}, Restart: []string{"api.socket"}, Unverifiable: []string{"3apm7fwc"},
			Lines: client.ReloadedLines{Added: []int{65, 66, 67}, Changed: []int{1, 3}, Removed: []int{9},
				Waiting: []int{3}},
		}, nil, `r.yaml: warning: no lines
log file not reopened: no [2Jspace
r.yaml: reloaded
  changed: lines (new calls, immediately)
  changed: policy of group staff (new calls)
  lines added: 65-67
  lines removed: 9
  lines changed: 1, 3
  lines waiting for the end of a call: 3
  callback 3apm7fwc: its AAA method is gone; the user will be rejected at the login on leg two
  needs a restart: api.socket (until then, the value of the last start stays in force)
`},
		"errors": {client.Reload{File: "r.yaml",
			Problems: []client.ConfigProblem{{Text: "r.yaml:2:1: life: unknown key"}}}, nil,
			"r.yaml:2:1: life: unknown key\nr.yaml: NOT reloaded: the configuration before it stays in force\n" +
				failed},
		"not applicable": {client.Reload{File: "r.yaml", Error: "no TUN"}, nil,
			"r.yaml: NOT reloaded: no TUN; the configuration before it stays in force\n" + failed},
		"ending": {client.Reload{}, errors.New("not reloaded: the daemon ends"),
			"error: not reloaded: the daemon ends\n"},
	} {
		socket := servedBy(t, &api.Server{Reload: func(_ context.Context, by string) (client.Reload, error) {
			if !strings.HasPrefix(by, "uid ") {
				t.Errorf("%s: ordered by %q", name, by)
			}
			return tt.result, tt.err
		}})
		if got := command(t, "reload", "--socket", socket); got != tt.want {
			t.Errorf("%s: printed\n%s\nwant\n%s", name, got, tt.want)
		}
	}
	got := command(t, "reload", "--socket", servedBy(t, &api.Server{}))
	if want := "error: this daemon does not reload its configuration\n"; got != want {
		t.Errorf("without reloads: %q, want %q", got, want)
	}
}
