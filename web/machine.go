package web

import "fmt"

// A node of the drawing of the callback machine, by its phase, in units of the drawing.
type node struct {
	phase string
	x, y  int
	end   bool
}

// The size of a node and of the drawing.
const (
	nodeWidth, nodeHeight = 104, 34
	drawWidth, drawHeight = 744, 280
)

// nodes are the phases of docs/explanation/callback-machine.md.
var nodes = []node{
	{"promised", 20, 60, false}, {"leasing", 170, 60, false}, {"waiting", 320, 60, false},
	{"dialing", 470, 60, false}, {"answered", 620, 60, false},
	{"cancelled", 20, 230, true}, {"expired", 170, 230, true}, {"given up", 320, 230, true},
	{"failed", 470, 230, true}, {"completed", 620, 230, true},
}

// arrow is an edge of the machine. The events are in its table.
type arrow struct{ from, to string }

// arrows are the edges of the table between different phases of nodes.
var arrows = []arrow{
	{"promised", "leasing"}, {"promised", "failed"}, {"promised", "cancelled"}, {"promised", "expired"},
	{"leasing", "waiting"}, {"leasing", "failed"}, {"leasing", "cancelled"}, {"leasing", "expired"},
	{"waiting", "leasing"}, {"waiting", "dialing"}, {"waiting", "failed"}, {"waiting", "cancelled"},
	{"waiting", "expired"}, {"dialing", "cancelled"}, {"dialing", "answered"}, {"dialing", "leasing"},
	{"dialing", "expired"}, {"dialing", "failed"}, {"dialing", "waiting"}, {"answered", "completed"},
	{"answered", "cancelled"}, {"answered", "failed"}, {"answered", "waiting"}, {"answered", "leasing"},
	{"answered", "expired"}, {"promised", "given up"}, {"leasing", "given up"}, {"waiting", "given up"},
	{"dialing", "given up"}, {"answered", "given up"},
}

func nodeOf(phase string) node {
	for _, n := range nodes {
		if n.phase == phase {
			return n
		}
	}
	return node{}
}

// path returns the line of an arrow, as the attribute d of an SVG path.
func (a arrow) path() string {
	from, to := nodeOf(a.from), nodeOf(a.to)
	middle := func(n node) int { return n.x + nodeWidth/2 }
	switch {
	case to.end && from.x == to.x:
		return fmt.Sprintf("M%d %d V%d", middle(from), from.y+nodeHeight, to.y-2)
	case to.end: // down, in a curve
		x1, x2, y1, y2 := middle(from), middle(to), from.y+nodeHeight, to.y-2
		return fmt.Sprintf("M%d %d C%d %d %d %d %d %d", x1, y1, x1, y1+70, x2, y2-70, x2, y2)
	case to.x > from.x: // to the next phase
		return fmt.Sprintf("M%d %d H%d", from.x+nodeWidth, from.y+nodeHeight/2, to.x-2)
	}
	// back, above the phases
	x1, x2 := middle(from)-10, middle(to)+10
	rise := 18 + (from.x-to.x)/12
	return fmt.Sprintf("M%d %d C%d %d %d %d %d %d", x1, from.y, x1, from.y-rise, x2, to.y-rise, x2, to.y-2)
}

// stateOf returns the class of a node: that of the present phase, of one that the callback has been in, or of others.
func stateOf(phase, present string, been map[string]bool) string {
	switch {
	case phase == present:
		return "node present"
	case been[phase]:
		return "node been"
	}
	return "node"
}
