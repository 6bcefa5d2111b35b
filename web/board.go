package web

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/texts"
)

// boardView is the page of all lines.
type boardView struct {
	*visit
	after   uint64 // the last event that the page shows
	tiles   []tile
	pending pendingList
	health  client.Health
}

// tile is a line on the board.
type tile struct {
	client.Line
	User string
}

// lineStates are the names of the states of lines.
var lineStates = map[string]texts.Key{"down": texts.PageLineDown, "idle": texts.PageLineIdle,
	"ringing": texts.PageLineRinging, "in call": texts.PageLineInCall, "leased": texts.PageLineLeased,
	"dialing": texts.PageLineDialing, "out call": texts.PageLineOutCall, "hanging up": texts.PageLineHangingUp,
	"preparing": texts.PageLinePreparing, "quarantined": texts.PageLineQuarantined, "busyout": texts.PageLineBusyout}

// busy are the states in which somebody may be on a line.
var busy = []string{"in call", "out call", "dialing", "leased"}

// user returns the user on the line.
func (t tile) user() string {
	if slices.Contains(busy, t.State) {
		return t.User
	}
	return ""
}

// kind is the class of the tile's color. The text of the state is always beside it.
func (t tile) kind() string {
	switch t.State {
	case "idle":
		return "idle"
	case "ringing", "dialing", "leased", "preparing", "hanging up":
		return "moving"
	case "in call", "out call":
		return "up"
	case "busyout":
		return "busyout"
	}
	return "out"
}

// signals returns the modem signals that are on.
func (t tile) signals() []string { return strings.Fields(t.Signals) }

func (t tile) id() string { return "tty-" + strconv.Itoa(t.TTY) }

// board shows all lines and the pending callbacks.
func (s *Server) board(w http.ResponseWriter, r *http.Request, v *visit) error {
	b := boardView{visit: v}
	var err error
	if b.after, err = lastEvent(r.Context(), v.api); err != nil {
		return err
	}
	state, err := readBoard(r.Context(), v.api)
	if err != nil {
		return err
	}
	b.tiles = state.sorted()
	if b.pending, err = readPending(r.Context(), v.api); err != nil {
		return err
	}
	if b.health, err = v.api.Health(r.Context()); err != nil {
		return err
	}
	s.render(w, r, http.StatusOK, boardPage(b))
	return nil
}

// lastEvent returns the number of the newest event: what is read afterwards is not older.
func lastEvent(ctx context.Context, api API) (after uint64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err = api.Events(ctx, client.EventQuery{Kinds: []string{"health"}},
		func(id uint64) { after = id; cancel() }, func(client.Event) {})
	return after, err
}

// boardState is what a stream knows of the lines.
type boardState map[int]tile

func readBoard(ctx context.Context, api API) (boardState, error) {
	all, err := api.Lines(ctx)
	if err != nil {
		return nil, err
	}
	users, err := api.Users(ctx)
	if err != nil {
		return nil, err
	}
	b := boardState{}
	for _, l := range all {
		b[l.TTY] = tile{Line: l}
	}
	for _, u := range users {
		if t, ok := b[u.TTY]; ok {
			t.User = u.User
			b[u.TTY] = t
		}
	}
	return b, nil
}

func (b boardState) sorted() []tile {
	return slices.SortedFunc(maps.Values(b), func(x, y tile) int { return cmp.Compare(x.TTY, y.TTY) })
}

// count is the number of lines in states of a kind.
type count struct {
	kind string
	text texts.Key
	n    int
}

// counts returns how many lines are in which kind of state.
func counts(tiles []tile) []count {
	all := []count{{"idle", texts.PageCountIdle, 0}, {"moving", texts.PageCountMoving, 0},
		{"up", texts.PageCountUp, 0}, {"busyout", texts.PageCountBusyout, 0}, {"out", texts.PageCountOut, 0}}
	for _, t := range tiles {
		for i := range all {
			if all[i].kind == t.kind() {
				all[i].n++
			}
		}
	}
	return all
}

// take notes an event; changed reports whether the tile of the line differs. The tile of a line that was removed does,
// and b does not have it.
func (b boardState) take(e client.Event) (tty int, changed bool) {
	t, known := b[e.TTY]
	switch {
	case e.Line != nil:
		if t.Owner != e.Line.Owner {
			t.User = ""
		}
		t.Line = *e.Line
		b[e.TTY] = t
		return e.TTY, true
	case e.Kind == "line.removed":
		delete(b, e.TTY)
		return e.TTY, true
	case e.Kind == "login.succeeded" && known:
		user, _ := e.Fields["user"].(string)
		changed = t.User != user
		t.User = user
		b[e.TTY] = t
		return e.TTY, changed
	}
	return 0, false
}
