package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/events"
)

// accessTable has the rows of this file.
var accessTable = []Route{
	{"list-windows", http.MethodGet, "/v1/windows", Read, nil, "List the latest access window of each policy group"},
	{"open-window", http.MethodPut, "/v1/windows/{group}", Operate, []events.Kind{"access.requested", "access.opened"},
		"Open an access window of a policy group, or ask for one that another operator must approve"},
	{"approve-window", http.MethodPost, "/v1/windows/{group}/approve", Operate, []events.Kind{"access.opened"},
		"Open the access window that another operator has asked for"},
	{"close-window", http.MethodDelete, "/v1/windows/{group}", Operate, []events.Kind{"access.closed"},
		"Close the access window of a policy group, or take back the request for one"},
}

// accessRoutes registers the routes of access windows.
func (s *Server) accessRoutes(r *registry) {
	register(r, "list-windows", func(context.Context, *struct{}) (*list[client.AccessWindow], error) {
		return &list[client.AccessWindow]{s.Daemon.AccessWindows()}, nil
	})
	register(r, "open-window", func(ctx context.Context, in *struct {
		Group  string `path:"group" maxLength:"255"`
		For    string `query:"for" maxLength:"32" doc:"its length, such as 4h"`
		Reason string `query:"reason" maxLength:"16384" doc:"for operators and the audit"`
	}) (*list[client.AccessWindow], error) {
		length, err := lengthOf(in.For)
		if err != nil {
			return nil, err
		}
		err = s.Daemon.OpenAccess(ctx, in.Group, length, in.Reason)
		return &list[client.AccessWindow]{s.Daemon.AccessWindows()}, status(err)
	})
	register(r, "approve-window", func(ctx context.Context, in *struct {
		Group  string `path:"group" maxLength:"255"`
		For    string `query:"for" maxLength:"32" doc:"the length that was asked for, such as 4h"`
		Reason string `query:"reason" maxLength:"16384" doc:"the reason of the request"`
	}) (*list[client.AccessWindow], error) {
		length, err := lengthOf(in.For)
		if err != nil {
			return nil, err
		}
		err = s.Daemon.ApproveAccess(ctx, in.Group, length, in.Reason)
		return &list[client.AccessWindow]{s.Daemon.AccessWindows()}, status(err)
	})
	register(r, "close-window", func(ctx context.Context, in *struct {
		Group  string `path:"group" maxLength:"255"`
		Reason string `query:"reason" maxLength:"16384" doc:"for the audit; may be empty"`
	}) (*struct{}, error) {
		return nil, status(s.Daemon.CloseAccess(ctx, in.Group, in.Reason))
	})
}

// lengthOf returns the length of a window, or an error with a status.
func lengthOf(text string) (time.Duration, error) {
	length, err := time.ParseDuration(text)
	if err != nil {
		return 0, status(fmt.Errorf("for: %q is no length of time (write 4h or 90m)", text))
	}
	return length, nil
}

func (d daemon) AccessWindows() []client.AccessWindow {
	out := []client.AccessWindow{}
	for _, w := range d.b.AccessWindows() {
		out = append(out, client.AccessWindow{Group: w.Group, State: w.State, Reason: w.Reason, For: w.Length.String(),
			OpenedBy: w.OpenedBy, ApprovedBy: w.ApprovedBy, Requested: w.Requested, Opened: ended(w.Opened),
			Until: ended(w.Until), Closed: ended(w.Closed), ClosedBy: w.ClosedBy})
	}
	return out
}

func (d daemon) OpenAccess(ctx context.Context, group string, length time.Duration, reason string) error {
	by, err := operator(ctx)
	if err != nil {
		return err
	}
	return d.b.OpenAccess(group, length, reason, by)
}

func (d daemon) ApproveAccess(ctx context.Context, group string, length time.Duration, reason string) error {
	by, err := operator(ctx)
	if err != nil {
		return err
	}
	return d.b.ApproveAccess(group, length, reason, by)
}

// CloseAccess does not ask which operator it is: every user of the socket may close a window.
func (d daemon) CloseAccess(ctx context.Context, group, reason string) error {
	return d.b.CloseAccess(group, reason, By(ctx))
}

// operator is By for orders that need to tell operators from each other.
func operator(ctx context.Context) (string, error) {
	if p, _ := ctx.Value(peerKey{}).(*peer); p == nil || !p.known && p.certificate == nil {
		return "", fmt.Errorf("%w: this system does not report the user of the admin socket, so operators cannot be "+
			"told from each other", broker.ErrAccess)
	}
	return By(ctx), nil
}
