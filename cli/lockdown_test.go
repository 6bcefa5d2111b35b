package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
)

// lockable is a daemon whose lockdown can be ordered. An order with "no disk" in its reason is not on disk.
type lockable struct {
	api.Daemon
	state *client.Lockdown
}

func (d lockable) Lines() []client.Line { return []client.Line{{TTY: 65, State: "idle"}} }

func (d lockable) Callbacks(context.Context, client.CallbackQuery) ([]client.Callback, int, error) {
	return []client.Callback{}, 0, nil
}

func (d lockable) Lockdown() client.Lockdown { return *d.state }

func (d lockable) OrderLockdown(_ context.Context, reason string, sessions bool) (client.Lockdown, error) {
	if strings.TrimSpace(reason) == "" {
		return client.Lockdown{}, errors.New("the reason is missing (--reason TEXT)")
	}
	since := time.Date(2026, 11, 21, 10, 0, 0, 0, time.Local)
	*d.state = client.Lockdown{Active: true, Sessions: sessions, Reason: reason, By: "uid 0", Since: &since,
		OnDisk: !strings.Contains(reason, "no disk")}
	if !d.state.OnDisk {
		d.state.Error = "no space left on device"
	}
	v := *d.state
	v.Nodes = fleetAnswers[reason]
	return v, nil
}

// fleetAnswers are what the nodes of a fleet answer to an order, by its reason.
var fleetAnswers = map[string][]client.NodeResult{
	"all":    {{Node: "lyon-1"}, {Node: "lyon-2"}},
	"silent": {{Node: "lyon-1"}, {Node: "lyon-2", Waiting: true}, {Node: "lyon-3", Error: "the disk is full"}},
	"away":   {{Node: "lyon-1"}, {Node: "*", Error: "it is sent later"}},
}

func (d lockable) LiftLockdown(context.Context, string) error {
	if !d.state.Active {
		return errors.New("there is no lockdown to lift")
	}
	*d.state = client.Lockdown{OnDisk: true}
	return nil
}

// served runs the API of a daemon, and returns its socket.
func served(t *testing.T, d api.Daemon) (socket string) {
	t.Helper()
	return servedBy(t, &api.Server{Daemon: d})
}

func servedBy(t *testing.T, s *api.Server) (socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "rb") // not t.TempDir: the path of a socket is limited to 100 octets
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	l, err := api.Listen(socket, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = s.ServeListener(ctx, l) }()
	t.Cleanup(func() { cancel(); <-ended })
	return socket
}

// command runs a command, and returns what it printed with its error as the last line.
func command(t *testing.T, args ...string) string {
	t.Helper()
	var out strings.Builder
	root := newRoot("test")
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	if err := root.ExecuteContext(t.Context()); err != nil {
		fmt.Fprintf(&out, "error: %v\n", err)
	}
	return out.String()
}

// TestLockdownCommands: the orders, the state in all places that show it, and the mistakes.
func TestLockdownCommands(t *testing.T) {
	socket := served(t, lockable{state: &client.Lockdown{OnDisk: true}})
	const above = "LOCKDOWN since "
	for _, tt := range []struct {
		args string
		want []string
	}{
		{"lockdown", []string{"no lockdown\n"}},
		{"lockdown --lift", []string{"error: there is no lockdown to lift"}},
		{"lockdown --sessions", []string{"error: lockdown: --sessions: give the reason"}},
		{"lockdown --reason=", []string{"error: the reason is missing (--reason TEXT)"}},
		{"lockdown --reason=fraud --sessions --lift", []string{"error: lockdown: --lift ends the whole lockdown"}},
		{"lockdown --reason=fraud extra", []string{`error: lockdown: wrong number of arguments: ["extra"]`}},
		{"lockdown --reason=fraud -o xml", []string{"error: lockdown: -o xml: must be table, json or yaml"}},
		{"lockdown", []string{"no lockdown\n"}},
		{"lockdown --reason=fraud", []string{above, " by uid 0: fraud\nno callback is promised or dialed (ringback " +
			"lockdown --lift)\n"}},
		{"lockdown --reason=fraud\x1b[2J --sessions", []string{`by uid 0: fraud`, "no session is admitted"}},
		{"lockdown -o json", []string{`"active": true`, `"sessions": true`, `"on_disk": true`}},
		{"show lines", []string{above, "65"}},
		{"show callbacks", []string{above}},
		{"lockdown --lift", []string{"lockdown lifted\n"}},
		{"show lines", []string{"Tty"}},
		{"lockdown --reason=no.disk", []string{above}},
		{"lockdown", []string{above}},
	} {
		got := command(t, append(strings.Fields(tt.args), "--socket", socket)...)
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in\n%s", tt.args, want, got)
			}
		}
		if strings.Contains(got, "\x1b") || strings.Contains(got, above) != (len(tt.want) > 0 && tt.want[0] == above ||
			strings.Contains(tt.args, "[2J")) {
			t.Errorf("%s: printed\n%q", tt.args, got)
		}
	}
	got := command(t, "lockdown", "--reason", "no disk", "--socket", socket)
	if !strings.Contains(got, "NOT ON DISK, a restart would end it: no space left on device\n") ||
		!strings.HasSuffix(got, "error: exit status 1\n") {
		t.Errorf("without a disk: %s", got)
	}
}

// TestLockdownOfAFleet: the command fails while a node has not confirmed the order, and says what to do.
func TestLockdownOfAFleet(t *testing.T) {
	socket := served(t, lockable{state: &client.Lockdown{OnDisk: true}})
	for reason, want := range map[string]string{
		"all":    "done\n",
		"silent": "error: the lockdown is not confirmed by lyon-2, lyon-3, which may still dial: repeat the command",
		"away":   "give it at each node): it is sent later",
	} {
		got := command(t, "lockdown", "--reason", reason, "--socket", socket)
		if !strings.Contains(got, want) || strings.Contains(got, "error:") != (reason != "all") {
			t.Errorf("%s: no %q in\n%s", reason, want, got)
		}
	}
}

// TestLockdownWithoutADaemon: the command says that nothing was ordered, and what that means.
func TestLockdownWithoutADaemon(t *testing.T) {
	dir := t.TempDir()
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "left")})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	left.Close()
	for _, socket := range []string{"left", "none"} {
		got := command(t, "lockdown", "--reason", "fraud", "--socket", filepath.Join(dir, socket))
		for _, want := range []string{"error: the lockdown was not ordered: connect to the daemon at ",
			"nothing is dialed while no daemon runs, but the next one will dial: repeat the command when it runs"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: no %q in %s", socket, want, got)
			}
		}
	}
}
