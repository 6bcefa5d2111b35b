package node

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/ringback/ringback/api"
	"github.com/ringback/ringback/lines"
)

const (
	// statusEvery is the interval of the status text; a shorter watchdog makes it shorter.
	statusEvery = 5 * time.Second

	// diskPatience is how long a transaction may keep the loop without the watchdog taking notice: the health reports
	// a disk that hangs, a restart does not free it, and calls in progress go on without it.
	diskPatience = 10 * time.Minute
)

// The FileDescriptorName= of the sockets of the admin API that systemd may pass.
const (
	passedSocket = "api"
	passedTLS    = "api-tls"
)

// openDoors returns the listeners of the admin API: those that systemd has passed, else new ones.
func (d *daemon) openDoors(ctx context.Context) (on doors, err error) {
	c := d.cfg.API
	if l := d.systemd.Socket(passedSocket); l != nil {
		on.socket, err = api.Adopt(l, c.Socket, c.Group)
	} else {
		on.socket, err = api.Listen(c.Socket, c.Group)
	}
	if err != nil || c.Listen == "" {
		return on, err
	}
	if on.tcp = d.systemd.Socket(passedTLS); on.tcp != nil {
		_, port, _ := net.SplitHostPort(c.Listen)
		if _, at, err := net.SplitHostPort(on.tcp.Addr().String()); err != nil || at != port {
			return on, fmt.Errorf("admin API: systemd passes a socket at %s, api.listen is %s (write the same port in "+
				"both)", on.tcp.Addr(), c.Listen)
		}
		return on, nil
	}
	if on.tcp, err = new(net.ListenConfig).Listen(ctx, "tcp", c.Listen); err != nil {
		return on, fmt.Errorf("admin API: %w (set api.listen to an address of this machine with a free port)", err)
	}
	return on, nil
}

// close closes the listeners that are open.
func (on doors) close() {
	for _, l := range []net.Listener{on.socket, on.tcp} {
		if l != nil {
			l.Close()
		}
	}
}

// tellSystemd reports the daemon to systemd from the moment when the broker's loop runs: ready, the status text, and
// that the loop makes progress. It returns when over is closed, after the shutdown that begins with the end of ctx.
func (d *daemon) tellSystemd(ctx context.Context, over <-chan struct{}) {
	every := statusEvery
	if w := d.systemd.Watchdog(); w > 0 {
		every = min(every, w/4)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	told := ""
	if d.broker.Progress(ctx) == nil {
		d.systemd.Ready()
		close(d.serving)
		told = d.statusText() // later: it waits for the lines, which begin all together
		d.systemd.Status(told)
	}
	for ctx.Err() == nil {
		select {
		case <-tick.C:
		case <-ctx.Done():
			continue
		}
		if d.loops(ctx, every) || d.diskKeepsLoop() {
			d.systemd.Alive()
		}
		if text := d.statusText(); text != told {
			d.systemd.Status(text)
			told = text
		}
	}
	d.systemd.Stopping()
	d.systemd.Status("ending calls")
	for { // TimeoutStopSec= limits the shutdown
		d.systemd.Alive()
		select {
		case <-tick.C:
		case <-over:
			return
		}
	}
}

// loops reports whether the broker's loop takes events within the time.
func (d *daemon) loops(ctx context.Context, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return d.broker.Progress(ctx) == nil
}

// diskKeepsLoop reports whether the loop may be waiting for a disk that hangs.
func (d *daemon) diskKeepsLoop() bool {
	busy := d.journal.Busy()
	return busy > 0 && busy < diskPatience
}

// statusText is the text for `systemctl status`.
func (d *daemon) statusText() string {
	t := d.broker.Tally()
	used := t.Lines - t.States[lines.Idle] - t.States[lines.Down] - t.States[lines.Quarantined]
	parts := []string{fmt.Sprintf("%s: %d in use, %d out of service", counted(t.Lines, "line"), used, len(t.Out)),
		counted(d.broker.Pending(), "pending callback")}
	if d.broker.LockdownState().Active {
		parts = append(parts, "lockdown")
	}
	if d.stale.Load() != nil {
		parts = append(parts, "the last reload failed")
	}
	return strings.Join(parts, "; ")
}

// counted returns a number with its noun: 1 line, 2 lines.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// reloading tells systemd that a reload begins; the function that it returns, that it is over. A reload during the
// start is part of the start.
func (d *daemon) reloading() (over func()) {
	select {
	case <-d.serving:
	default:
		return func() {}
	}
	d.systemd.Reloading()
	return func() {
		d.systemd.Status(d.statusText()) // `systemctl reload` returns after Ready: then it says whether it failed
		d.systemd.Ready()
	}
}
