package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ringback/ringback/chat"
	"github.com/ringback/ringback/dialer"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/lines/modem"
	"github.com/ringback/ringback/lines/port"
)

// dialScript is Cisco document 5732's; pppd's chat reads the same text.
const (
	dialScript = `ABORT ERROR ABORT BUSY "" "ATZ" OK "ATDT \T" TIMEOUT 45 CONNECT \c`
	dialNumber = "5551234567"
	dialPTYs   = 20 // chat types at 10 ms a character, asleep: twenty at once wait as cheaply as one
)

// dial compares the CPU that one run of a dial script costs: ours in this process, chat's as the processes that it is. Both work on all PTYs at
// once, as an access server does.
func (b *bench) dial(ctx context.Context) error {
	town, err := b.startTown(ctx, "-ptys", fmt.Sprint(dialPTYs))
	if err != nil {
		return err
	}
	defer town.stop()
	script, err := chat.Parse("rtp", dialScript)
	if err != nil {
		return err
	}
	peer, err := b.findChat()
	if err != nil {
		return err
	}
	var bare, theirs, whole sample
	n := b.sizes.dialScripts
	measure := func(into *sample, f func() (float64, error)) {
		if err == nil {
			var us float64
			us, err = f()
			*into = append(*into, us)
		}
	}
	for range b.sizes.dialRounds {
		measure(&whole, func() (float64, error) { return wholeDials(ctx, script, town.PTYs, n) })
		measure(&bare, func() (float64, error) { return bareScripts(ctx, script, town.PTYs, n) })
		if peer != "" {
			measure(&theirs, func() (float64, error) { return b.chats(ctx, peer, town.PTYs, n/20) })
		}
	}
	if err != nil {
		return err
	}
	rows := []row{
		{figure: "CPU of a dial script", ours: whole.spread("%.0f", "µs"), port: "PTY", goal: "≤ 1/20", verdict: info,
			note: fmt.Sprintf("%d scripts of ours, %d of chat's, in alternating rounds on %d PTYs at once; ours is the dialer, the driver and the script in this process, chat's is its processes from start to end; kernel time is in both.",
				len(whole)*n, len(theirs)*(n/20), dialPTYs)},
		{figure: "… the script alone", ours: bare.spread("%.0f", "µs"), port: "PTY", verdict: info, note: "read from the port octet by octet, without the driver's reader."},
	}
	for i, s := range []sample{whole, bare} {
		if len(theirs) == 0 {
			rows[i].note += " Peer skipped: apt-get install ppp."
			continue
		}
		ratio := s.median() / theirs.median()
		rows[i].peer, rows[i].ratio = "chat "+theirs.spread("%.0f", "µs"), times(ratio)
		if rows[i].goal != "" {
			rows[i].verdict = hold(ratio <= 1.0/20)
		}
	}
	b.rows = append(b.rows, rows...)
	return nil
}

func (b *bench) findChat() (string, error) {
	const path = "/usr/sbin/chat"
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return path, os.WriteFile(b.path("script"), []byte(dialScript+"\n"), 0o600)
}

// herd has each of the workers call f until n calls were made.
func herd(workers, n int, f func(worker int) error) error {
	var work sync.WaitGroup
	var left atomic.Int64
	left.Store(int64(n))
	errs := make([]error, workers)
	for i := range workers {
		work.Go(func() {
			for errs[i] == nil && left.Add(-1) >= 0 {
				errs[i] = f(i)
			}
		})
	}
	work.Wait()
	return errors.Join(errs...)
}

// chats runs n scripts through pppd's chat and returns the CPU in µs of one.
func (b *bench) chats(ctx context.Context, path string, ptys []string, n int) (float64, error) {
	before := used(syscall.RUSAGE_CHILDREN)
	err := herd(len(ptys), n, func(i int) error {
		f, err := os.OpenFile(ptys[i], os.O_RDWR|syscall.O_NOCTTY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		cmd := exec.CommandContext(ctx, path, "-S", "-s", "-T", dialNumber, "-f", b.path("script"))
		cmd.Stdin, cmd.Stdout = f, f
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("chat on %s: %w", ptys[i], err)
		}
		return nil
	})
	return microseconds(used(syscall.RUSAGE_CHILDREN)-before) / float64(n), err
}

func openPTY(ctx context.Context, name string) (lines.Port, error) {
	a, err := port.Parse("pty://" + name)
	if err != nil {
		return nil, err
	}
	return a.Open(ctx, port.Options{})
}

// bareScripts runs the script on the ports themselves.
func bareScripts(ctx context.Context, s *chat.Script, ptys []string, n int) (float64, error) {
	ports := make([]lines.Port, len(ptys))
	for i, name := range ptys {
		p, err := openPTY(ctx, name)
		if err != nil {
			return 0, err
		}
		defer p.Close()
		ports[i] = p
	}
	before := used(syscall.RUSAGE_SELF)
	err := herd(len(ports), n, func(i int) error {
		res := s.Run(ctx, ports[i], chat.Options{Dialstring: dialNumber})
		if res.Outcome != chat.Success {
			return fmt.Errorf("our dial script: %s: %w", res.Outcome, res.Err)
		}
		var rest [2]byte // the end of the CONNECT line, which is the call's in the daemon
		_, err := ports[i].Read(rest[:])
		return err
	})
	return microseconds(used(syscall.RUSAGE_SELF)-before) / float64(n), err
}

// wholeDials does the same by the parts of the daemon: lines of the pool with their drivers, and the dialer. The hang-ups between the dials are
// not counted: chat makes none.
func wholeDials(ctx context.Context, script *chat.Script, ptys []string, n int) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pool := lines.NewPool(lines.PoolOptions{})
	for i, pty := range ptys {
		c := lines.Config{TTY: 1 + i, Modem: lines.CallOut, Rotary: 1, Port: "pty://" + pty,
			Timing: lines.Timing{Guard: time.Millisecond, Drain: time.Millisecond, Silence: time.Millisecond}}
		d := modem.New(modem.Options{Config: c, Open: func(ctx context.Context) (lines.Port, error) { return openPTY(ctx, pty) }})
		if err := pool.Add(c, d); err != nil {
			return 0, err
		}
	}
	var running sync.WaitGroup
	running.Go(func() { pool.Run(ctx, func(context.Context, *lines.Call) {}) })
	defer running.Wait()
	defer cancel()
	leases := make([]*lines.Lease, len(ptys))
	for i := range leases {
		w, err := pool.Request(lines.Want{Owner: fmt.Sprint("bench", i), TTYs: []int{1 + i}, Rotary: lines.NoRotary, Called: 1 + i})
		if err != nil {
			return 0, err
		}
		select {
		case leases[i] = <-w.Lease():
			defer leases[i].Release()
		case <-time.After(10 * time.Second):
			s, _ := pool.Line(1 + i)
			return 0, fmt.Errorf("the modem on %s does not come up: %s", ptys[i], s.Reason)
		}
	}
	dials := dialer.Dialer{Scripts: []*chat.Script{script}}
	var spent time.Duration
	for done := 0; done < n; done += len(leases) {
		calls := make([]*lines.Call, len(leases))
		before := used(syscall.RUSAGE_SELF)
		err := each(leases, func(i int) error {
			a := dials.Dial(ctx, leases[i], "rtp", dialNumber)
			if calls[i] = a.Call; a.Call == nil {
				return fmt.Errorf("our dial: %s %s", a.Outcome, a.Detail)
			}
			return nil
		})
		spent += used(syscall.RUSAGE_SELF) - before
		if err == nil {
			err = each(leases, func(i int) error { return calls[i].Hangup(ctx) })
		}
		if err != nil {
			return 0, err
		}
	}
	rounds := (n + len(leases) - 1) / len(leases)
	return microseconds(spent) / float64(rounds*len(leases)), nil
}

// each calls f once for each lease, all at once.
func each(leases []*lines.Lease, f func(int) error) error {
	var work sync.WaitGroup
	errs := make([]error, len(leases))
	for i := range leases {
		work.Go(func() { errs[i] = f(i) })
	}
	work.Wait()
	return errors.Join(errs...)
}
