package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"time"

	"github.com/ringback/ringback/lab/exchange"
)

// minStory is how many nodes the story of a fleet needs: the first one's lines do not dial.
const minStory = 3

// CheckStory returns an error if a town with this number of nodes is too small for TellStory.
func CheckStory(nodes int) error {
	if nodes < minStory {
		return fmt.Errorf("--nodes %d: --play needs %d nodes or more", nodes, minStory)
	}
	return nil
}

// chapter is a part of the story of a fleet.
type chapter struct {
	title string
	own   bool // it stops PostgreSQL, so it needs one of the lab's own
	play  func(*story, context.Context) error
}

var chapters = []chapter{
	{title: "Promised by one node, dialed by another", play: (*story).promised},
	{title: "A node is killed while a callback waits", play: (*story).killed},
	{title: "A node is paused, and wakes after its callback was taken", play: (*story).paused},
	{title: "PostgreSQL is away for 20 s", own: true, play: (*story).away},
	{title: "A node is drained", play: (*story).drained},
}

// story plays what a fleet is for, step by step, and tells it.
type story struct {
	*Lab
	w io.Writer
}

// TellStory plays the story of the fleet and writes it to w. Each step is checked by what the telephone exchange and
// the subscribers saw. The error is that of the first step that did not happen.
func (l *Lab) TellStory(ctx context.Context, w io.Writer) error {
	s := &story{l, w}
	for i, c := range chapters {
		fmt.Fprintf(w, "\n=== %d. %s\n\n", i+1, c.title)
		if c.own && l.postgres == nil {
			fmt.Fprintf(w, "  Left out: the lab stops only a PostgreSQL of its own (without --postgres).\n")
			continue
		}
		if err := c.play(s, ctx); err != nil {
			return err
		}
	}
	return nil
}

// step tells what happens, lets it happen, and says so.
func (s *story) step(what string, do func() error) error {
	fmt.Fprint(s.w, wrapped(what))
	if err := do(); err != nil {
		fmt.Fprintf(s.w, "    did NOT happen: %v\n", err)
		return err
	}
	fmt.Fprintln(s.w, "    done")
	return nil
}

// wrapped is a text as an item of a list, within the width of a terminal.
func wrapped(text string) string {
	var b strings.Builder
	line := "  *"
	for _, word := range strings.Fields(text) {
		if len([]rune(line))+1+len([]rune(word)) > screenWidth {
			b.WriteString(line + "\n")
			line = "   "
		}
		line += " " + word
	}
	return b.String() + line + "\n"
}

// storyCaller is a subscriber, who calls and is called back.
type storyCaller struct {
	*subscriber
	modem          *exchange.Modem
	user, password string
	number         string // to type as the one to call back; "": AAA has it
	from           int    // how many dials the town had seen when the call began
}

// caller returns a person at a subscriber's PC, who logs in as a user.
func (s *story) caller(pc, user string, typed bool) *storyCaller {
	c := &storyCaller{modem: s.subscribers[pc], user: user}
	c.subscriber = newSubscriber(c.modem, nil)
	for _, u := range users {
		if u.Name == user {
			c.password = u.Password
		}
	}
	if typed {
		c.number = c.modem.Number()
	}
	return c
}

// follow plays lines of a scenario.
func (c *storyCaller) follow(ctx context.Context, script ...string) error {
	steps, err := parseSteps([]byte(strings.Join(script, "\n")))
	if err != nil {
		return err
	}
	return c.play(ctx, steps)
}

// login are the lines of a scenario with a login.
func (c *storyCaller) login() []string {
	return []string{"see CONNECT", "see Username:", "type " + c.user, "see Password:", "type " + c.password}
}

// asks calls a number, logs in, and is promised a callback.
func (c *storyCaller) asks(ctx context.Context, s *story, number string) error {
	c.from = len(s.Dials())
	script := append([]string{"type ats0=1", "see OK", "type atdt " + number}, c.login()...)
	if c.number != "" {
		script = append(script, "see Callback Dialstring:", "type "+c.number)
	}
	return c.follow(ctx, append(script, "see Callback initiated", "see NO CARRIER")...)
}

// isCalled waits for the callback, logs in, and hangs up. It returns the node that dialed.
func (c *storyCaller) isCalled(ctx context.Context, s *story) (*Node, error) {
	if err := c.follow(ctx, append([]string{"see RING"}, c.login()...)...); err != nil {
		return nil, err
	}
	by, err := c.dialedBy(s)
	if err != nil {
		return nil, err
	}
	return by, c.follow(ctx, "see "+by.Name+">", "hangup")
}

// dialedBy returns the node that dialed the caller's number, which must have happened once since the call.
func (c *storyCaller) dialedBy(s *story) (by *Node, err error) {
	dials := c.dials(s)
	if len(dials) != 1 {
		return nil, fmt.Errorf("the exchange saw %d dials to %s, not one", len(dials), c.modem.Number())
	}
	return s.nodeOf(dials[0].Modem), nil
}

// dials are the dial commands of nodes for the caller's number since the call.
func (c *storyCaller) dials(s *story) (all []exchange.Dial) {
	for _, d := range s.Dials()[c.from:] {
		if d.Number == c.modem.Number() && s.nodeOf(d.Modem) != nil {
			all = append(all, d)
		}
	}
	return all
}

// notDialed returns an error if somebody has called back already.
func (c *storyCaller) notDialed(s *story) error {
	if n := len(c.dials(s)); n > 0 {
		return fmt.Errorf("%s was dialed already", c.modem.Number())
	}
	return nil
}

// calledBy is isCalled by a node other than not.
func (c *storyCaller) calledBy(ctx context.Context, s *story, not *Node) error {
	by, err := c.isCalled(ctx, s)
	if err == nil && by == not {
		return fmt.Errorf("%s called back itself", by.Name)
	}
	if err == nil {
		fmt.Fprintf(s.w, "    %s dialed %s, once\n", by.Name, c.modem.Number())
	}
	return err
}

// command runs a command of the program at a node.
func (s *story) command(ctx context.Context, n *Node, args ...string) error {
	args = append(args, "--socket", n.Socket())
	out, err := exec.CommandContext(ctx, s.opt.Binary, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

// storyWait is how long the story waits for what has no time of its own, on a busy machine.
const storyWait = 2 * time.Minute

// until waits until check returns nil.
func until(ctx context.Context, check func() error) error {
	late := time.After(storyWait)
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-late:
			return fmt.Errorf("not within %v: %w", storyWait, err)
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// idle waits until a node has no callback pending.
func (s *story) idle(ctx context.Context, n *Node) error {
	return until(ctx, func() error {
		all, err := n.Client().Callbacks(ctx, false)
		if err == nil && len(all) > 0 {
			return errors.New(n.Name + " has a callback pending")
		}
		return err
	})
}
