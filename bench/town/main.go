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
	ptys := flag.Int("ptys", 0, "number of bare modems without delays, each on a PTY")
	callin := flag.Int("callin", 0, "number of modems that take calls, each with its own number")
	callout := flag.Int("callout", 0, "number of modems that only dial")
	callers := flag.Int("callers", 0, "subscribers")
	kind := flag.String("port", "rfc2217", "port of the modems: rfc2217 or tcp")
	radius := flag.Bool("radius", false, "run a RADIUS server")
	echo := flag.Bool("echo", false, "run a UDP echo server")
	flag.Parse()
	if err := run(*ptys, *callin, *callout, *callers, *kind, *radius, *echo); err != nil {
		json.NewEncoder(os.Stdout).Encode(wire.Ready{Error: err.Error()})
		os.Exit(1)
	}
}

func run(ptys, callin, callout, callers int, kind string, radius, echo bool) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var ready wire.Ready
	for range ptys {
		name, err := servePTY(ctx)
		if err != nil {
			return err
		}
		ready.PTYs = append(ready.PTYs, name)
	}
	t := newTown()
	defer t.close()
	var err error
	if ready.Lines, err = t.serveLines(callin, callout, kind); err != nil {
		return err
	}
	t.settle(callers, callin)
	if radius {
		if ready.Auth, ready.Acct, err = t.serveRADIUS(ctx); err != nil {
			return err
		}
	}
	if echo {
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
		if l.PPP != nil {
			work = t.loadPPP
		}
		if err := out.Encode(work(l)); err != nil {
			return err
		}
	}
}
