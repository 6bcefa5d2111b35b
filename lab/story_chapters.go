package lab

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// promised: a node whose lines only answer promises, and another one dials.
func (s *story) promised(ctx context.Context) error {
	first := s.nodes[0]
	c := s.caller("kihei-03", "kihei-03", false)
	defer c.close()
	if err := s.step(fmt.Sprintf("kihei-03 calls %s at %s and logs in. It promises a callback and hangs up.",
		first.Name, first.Number), func() error { return c.asks(ctx, s, first.Number) }); err != nil {
		return err
	}
	return s.step(fmt.Sprintf("The lines of %s in rotary %d only answer. A node with a free line in it calls back.",
		first.Name, fleetRotary), func() error { return c.calledBy(ctx, s, first) })
}

// killed: the node that promised is killed, others call back, and it learns that when it starts again.
func (s *story) killed(ctx context.Context) error {
	n := s.nodes[1]
	c := s.caller("kihei-03", "kihei-03", false)
	defer c.close()
	if err := s.asked(ctx, c, n); err != nil {
		return err
	}
	if err := s.step(fmt.Sprintf("%s is killed (kill -9) while the callback waits.", n.Name), func() error {
		n.child().kill()
		return c.notDialed(s)
	}); err != nil {
		return err
	}
	if err := s.step(fmt.Sprintf("%s is silent for %s: another node takes the callback and dials.", n.Name, takeover),
		func() error { return c.calledBy(ctx, s, n) }); err != nil {
		return err
	}
	return s.step(fmt.Sprintf("%s starts again. It learns that the callback was taken, and dials nobody.", n.Name),
		func() error {
			if err := n.launch(); err != nil {
				return err
			}
			if err := n.ready(ctx); err != nil {
				return err
			}
			return s.leftAlone(ctx, c, n)
		})
}

// asked: a caller is promised a callback by a node.
func (s *story) asked(ctx context.Context, c *storyCaller, n *Node) error {
	return s.step(fmt.Sprintf("%s calls %s at %s. It promises a callback and hangs up.", c.user, n.Name, n.Number),
		func() error { return c.asks(ctx, s, n.Number) })
}

// leftAlone: a node knows that its callback is another's, and the caller was dialed once.
func (s *story) leftAlone(ctx context.Context, c *storyCaller, n *Node) error {
	if err := s.idle(ctx, n); err != nil {
		return err
	}
	_, err := c.dialedBy(s)
	return err
}

// paused: the node that promised is stopped for longer than the takeover, and then woken.
func (s *story) paused(ctx context.Context) error {
	n := s.nodes[1]
	c := s.caller("kihei-03", "kihei-03", false)
	defer c.close()
	if err := s.asked(ctx, c, n); err != nil {
		return err
	}
	process := n.child().cmd.Process
	defer process.Signal(syscall.SIGCONT) // whatever happens, so that it can end
	if err := s.step(fmt.Sprintf("%s is stopped (SIGSTOP), as by a machine that hangs.", n.Name), func() error {
		if err := process.Signal(syscall.SIGSTOP); err != nil {
			return err
		}
		return c.notDialed(s)
	}); err != nil {
		return err
	}
	if err := s.step("Another node takes the callback and dials.",
		func() error { return c.calledBy(ctx, s, n) }); err != nil {
		return err
	}
	return s.step(fmt.Sprintf("%s is woken. Its time to dial is over, but so is its claim: it dials nobody.", n.Name),
		func() error {
			if err := process.Signal(syscall.SIGCONT); err != nil {
				return err
			}
			return s.leftAlone(ctx, c, n)
		})
}

// awayFor is how long PostgreSQL is stopped at least.
const awayFor = 20 * time.Second

// away: PostgreSQL is stopped while a shared callback and one of a node's own wait.
func (s *story) away(ctx context.Context) error {
	second, third := s.nodes[1], s.nodes[2]
	own := s.caller("kihei-03", "kihei-03", false)
	defer own.close()
	shared := s.caller("austin-02", "austin-02", true)
	defer shared.close()
	if err := s.step(fmt.Sprintf("kihei-03 calls %s at %s: only that node's own lines may call back.", third.Name,
		third.Own), func() error { return own.asks(ctx, s, third.Own) }); err != nil {
		return err
	}
	if err := s.asked(ctx, shared, second); err != nil {
		return err
	}
	var back <-chan time.Time
	if err := s.step("PostgreSQL is stopped.", func() error {
		s.postgres.Stop()
		back = time.After(awayFor)
		return shared.notDialed(s)
	}); err != nil {
		return err
	}
	err := s.meanwhile(ctx, own, third)
	if err == nil {
		err = s.step(fmt.Sprintf("The callback of austin-02 may be dialed by any node: it waits, for %v.", awayFor),
			func() error {
				select {
				case <-back:
				case <-ctx.Done():
					return context.Cause(ctx)
				}
				return shared.notDialed(s)
			})
	}
	if started := s.postgres.Start(ctx, s.lock.f); err == nil {
		err = started
	}
	if err != nil {
		return err
	}
	return s.step("PostgreSQL is back, and austin-02 is called back.", func() error {
		_, err := shared.isCalled(ctx, s)
		return err
	})
}

// meanwhile: without PostgreSQL, calls are answered and a node's own callbacks go on.
func (s *story) meanwhile(ctx context.Context, own *storyCaller, third *Node) error {
	var both sync.WaitGroup
	var called error
	var by *Node
	both.Go(func() { by, called = own.isCalled(ctx, s) })
	answered := s.step(fmt.Sprintf("%s still answers: paia-04 calls %s and logs in.", s.nodes[0].Name,
		s.nodes[0].Number), func() error { return s.visits(ctx, s.nodes[0]) })
	both.Wait()
	if answered != nil {
		return answered
	}
	return s.step(fmt.Sprintf("%s calls kihei-03 back by a line of its own.", third.Name), func() error {
		if called == nil && by != third {
			return fmt.Errorf("%s has dialed", by.Name)
		}
		return called
	})
}

// visits: somebody without a callback calls a node, logs in and leaves.
func (s *story) visits(ctx context.Context, n *Node) error {
	c := s.caller("austin-01", "paia-04", false)
	defer c.close()
	return c.follow(ctx, append(append([]string{"type atdt " + n.Number}, c.login()...), "see "+n.Name, "hangup")...)
}

// drained: what waits on a node that is drained is dialed by another.
func (s *story) drained(ctx context.Context) error {
	n := s.nodes[1]
	c := s.caller("austin-02", "austin-02", true)
	defer c.close()
	if err := s.asked(ctx, c, n); err != nil {
		return err
	}
	if err := s.step(fmt.Sprintf("ringback drain, at %s: it takes nothing more, and offers what waits.", n.Name),
		func() error { return s.command(ctx, n, "drain", "--reason", "the lab") }); err != nil {
		return err
	}
	if err := s.step("Another node takes the callback and dials.",
		func() error { return c.calledBy(ctx, s, n) }); err != nil {
		return err
	}
	return s.step(fmt.Sprintf("ringback undrain: %s works again.", n.Name), func() error {
		if err := s.command(ctx, n, "undrain"); err != nil {
			return err
		}
		return s.idle(ctx, n)
	})
}
