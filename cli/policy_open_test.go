package cli

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/api/client"
)

// guarded is a daemon whose group vendor has access windows, which two operators open.
type guarded struct {
	api.Daemon
	window *client.AccessWindow
}

func (d guarded) AccessWindows() []client.AccessWindow {
	if d.window.Group == "" {
		return []client.AccessWindow{}
	}
	return []client.AccessWindow{*d.window}
}

func (d guarded) OpenAccess(_ context.Context, group string, length time.Duration, reason string) error {
	if group != "vendor" {
		return errors.New("access window: group " + group + " needs none")
	}
	*d.window = client.AccessWindow{Group: group, State: "waiting", Reason: reason, For: length.String(),
		OpenedBy: "uid 0 (api)"}
	return nil
}

func (d guarded) ApproveAccess(_ context.Context, group string, _ time.Duration, _ string) error {
	if d.window.State != "waiting" {
		return errors.New("access window: nobody has asked for one of group " + group)
	}
	until := time.Now().Add(4 * time.Hour)
	d.window.State, d.window.ApprovedBy, d.window.Until = "open", "uid 7 (api)", &until
	return nil
}

func (d guarded) CloseAccess(context.Context, string, string) error {
	now := time.Now()
	d.window.State, d.window.Closed = "closed", &now
	return nil
}

// TestWindowCommands: the orders, the table, and the mistakes.
func TestWindowCommands(t *testing.T) {
	socket := served(t, guarded{window: &client.AccessWindow{}})
	for _, tt := range []struct{ args, want string }{
		{"show windows -o json", "[]\n"},
		{"policy open vendor --for 4h", "error: policy open: --for and --reason are required"},
		{"policy open vendor --reason=x", "error: policy open: --for and --reason are required"},
		{"policy open vendor --for four --reason=x", `error: policy open: --for "four": must be a duration, with units: 90m, 4h`},
		{"policy open vendor --for 1y --reason=x", `error: policy open: --for "1y": must be a duration`},
		{"policy open --for 4h --reason=x", "error: policy open: an argument is missing"},
		{"policy open staff --for 4h --reason=x", "error: access window: group staff needs none"},
		{"policy approve vendor --for 4h", "error: policy approve: --for and --reason are required"},
		{"policy approve vendor --for 4h --reason=x", "error: access window: nobody has asked"},
		{"policy open vendor --for 4h --reason=ticket\x1b[2J", "access window of group vendor requested by uid 0 " +
			"(api): ticket"},
		{"show windows", "vendor  waiting"},
		{"policy approve vendor --for 4h --reason=ticket", ", by uid 0 (api) and uid 7 (api): ticket"},
		{"show windows", "uid 7 (api)"},
		{"show windows -o json", `"state": "open"`},
		{"policy close vendor extra", `error: policy close: wrong number of arguments: ["vendor" "extra"]`},
		{"policy close vendor", "access window of group vendor closed\n"},
		{"show windows", "vendor  closed"},
	} {
		got := command(t, append(strings.Fields(tt.args), "--socket", socket)...)
		if !strings.Contains(got, tt.want) || strings.Contains(got, "\x1b") {
			t.Errorf("%s: no %q in\n%q", tt.args, tt.want, got)
		}
	}
}
