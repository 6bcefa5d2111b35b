package lab

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"
)

// ready waits until the node's lines are in service.
func (n *Node) ready(ctx context.Context) error {
	late := time.After(startTime)
	for {
		lines, err := n.Client().Lines(ctx)
		if err == nil && inService(lines) {
			return nil
		}
		if err == nil {
			err = errors.New("its lines are not in service: see `show line`")
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
