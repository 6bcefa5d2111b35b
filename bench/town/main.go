// Command town is the benchmark's other process: it has the modems, the callers, and a RADIUS server, so that the
// process under test does only its own work. It prints the addresses, then reads orders from standard input (see
// bench/wire).
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/ringback/ringback/bench/wire"
)

func main() {
	var c config
	flag.IntVar(&c.ptys, "ptys", 0, "number of bare modems without delays, each on a PTY")
	flag.IntVar(&c.callin, "callin", 0, "number of modems that take calls, each with its own number")
	flag.IntVar(&c.callout, "callout", 0, "number of modems that only dial")
	flag.IntVar(&c.callers, "callers", 0, "subscribers")
	flag.IntVar(&c.waiters, "waiters", 0, "subscribers who do not answer when they are called back")
	flag.StringVar(&c.kind, "port", "rfc2217", "port of the modems: rfc2217, tcp or pty")
	flag.BoolVar(&c.slow, "slow", false, "the lines' modems have the delays of real ones")
	flag.BoolVar(&c.seen, "seen", false, "count what the lines' modems see")
	flag.BoolVar(&c.radius, "radius", false, "run a RADIUS server")
	flag.BoolVar(&c.echo, "echo", false, "run a UDP echo server")
	flag.Parse()
	if err := run(c); err != nil {
		json.NewEncoder(os.Stdout).Encode(wire.Ready{Error: err.Error()})
		os.Exit(1)
	}
}

// config is what the town has.
type config struct {
	ptys, callin, callout, callers, waiters int
	kind                                    string
	slow, seen, radius, echo                bool
}

func run(c config) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var ready wire.Ready
	for range c.ptys {
		name, err := servePTY(ctx)
		if err != nil {
			return err
		}
		ready.PTYs = append(ready.PTYs, name)
	}
	t := newTown(c.seen)
	defer t.close()
	var err error
	if ready.Lines, err = t.serveLines(c); err != nil {
		return err
	}
	t.settle(c)
	if c.radius {
		if ready.Auth, ready.Acct, err = t.serveRADIUS(ctx); err != nil {
			return err
		}
	}
	if c.echo {
		if ready.Echo, err = serveEcho(); err != nil {
			return err
		}
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(ready); err != nil {
		return err
	}
	return orders(t, out)
}

// orders executes orders until the input ends.
func orders(t *town, out *json.Encoder) error {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return nil // the benchmark is over
		}
		var l wire.Load
		if err := json.Unmarshal(line, &l); err != nil {
			return fmt.Errorf("town: an order is one line of JSON: %w", err)
		}
		work := t.load
		switch {
		case l.Seen:
			work = t.report
		case l.Wait:
			work = t.wait
		case l.PPP != nil:
			work = t.loadPPP
		}
		if err := out.Encode(work(l)); err != nil {
			return err
		}
	}
}
