package lab

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// ready waits until the node's lines are in service and it is a member of the fleet that sees all other nodes that run.
func (n *Node) ready(ctx context.Context) error {
	late := time.After(startTime)
	for {
		err := n.works(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-n.child().ended:
			return fmt.Errorf("lab: the daemon of %s ended: %s", n.Name, n.child().lastWords())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-late:
			return fmt.Errorf("lab: %s did not come up in %v: %w; its log is %s", n.Name, startTime, err,
				filepath.Join(n.lab.dir, n.Name+".log"))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// works returns nil if the node can do all that a node can.
func (n *Node) works(ctx context.Context) error {
	lines, err := n.Client().Lines(ctx)
	if err != nil {
		return err
	}
	if !inService(lines) {
		return errors.New("its lines are not in service: see `show line`")
	}
	seen, err := n.Client().Nodes(ctx)
	if err != nil {
		return err
	}
	up := map[string]bool{}
	for _, other := range seen.Nodes {
		up[other.Name] = other.State == "up" && seen.Stale == ""
	}
	for _, other := range n.lab.nodes {
		if !up[other.Name] {
			return fmt.Errorf("it does not see that %s is up: see `show nodes`", other.Name)
		}
	}
	return nil
}
