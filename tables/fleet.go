package tables

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/console"
)

// Nodes prints the nodes of a fleet, one per row.
func Nodes(w io.Writer, f client.Fleet, v client.Nodes, wide bool, at Place) {
	Stale(w, f, at)
	t := console.Table{Heads: []string{"Node", "State", "Version", "Claims", "Last beat", "Differs"}}
	if wide {
		t.Heads = []string{"Node", "State", "Version", "Format", "Claims", "Last beat", "Since", "Drained", "Differs",
			"Digests"}
	}
	for _, n := range v.Nodes {
		name, differs := n.Name, strings.Join(n.Differs, ", ")
		if n.Self {
			name += " *"
		}
		if !wide {
			t.Row(name, n.State, n.Version, n.Claims, beat(n), differs)
			t.Note(n.Drained)
			continue
		}
		var digests []string
		for _, of := range slices.Sorted(maps.Keys(n.Digests)) {
			digests = append(digests, fmt.Sprintf("%s %.12s", of, n.Digests[of]))
		}
		t.Row(name, n.State, n.Version, n.Format, n.Claims, beat(n), at.Clock(n.Since), n.Drained, differs,
			strings.Join(digests, ", "))
	}
	t.WriteTo(w)
	if v.Stale != "" {
		read := "never"
		if v.Read != nil {
			read = "at " + at.Clock(*v.Read)
		}
		fmt.Fprintf(w, "the nodes were last read %s\n", read)
	}
}

// beat says how long ago a node was last heard.
func beat(n client.Node) string {
	if n.State == "down" || n.State == "removed" {
		return "-"
	}
	return (time.Duration(n.Silence*10) * time.Second / 10).Round(100 * time.Millisecond).String()
}

// Stale prints why what is shown of other nodes may be old; nothing if it is not.
func Stale(w io.Writer, f client.Fleet, at Place) {
	if why := f.Stale(); why != "" {
		fmt.Fprintf(w, "STALE since %s: only what node %s knows is shown: %s\n", at.Clock(f.Since), f.Node,
			console.Clean(why))
	}
}

// NodeResults prints what became of an order at each node of a fleet.
func NodeResults(w io.Writer, all []client.NodeResult) {
	if len(all) == 0 {
		return
	}
	t := console.Table{Heads: []string{"Node", "Result"}}
	for _, r := range all {
		t.Row(r.Node, ResultText(r))
	}
	t.WriteTo(w)
}

// ResultText says what became of an order at a node.
func ResultText(r client.NodeResult) string {
	switch {
	case r.Waiting:
		return "not confirmed: it will carry it out when it is back"
	case r.Error != "":
		return "failed: " + r.Error
	}
	return "done"
}
