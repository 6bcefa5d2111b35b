package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	"github.com/ringback/ringback/numbers"
)

// dialScript is Cisco document 5732's, with AT instead of ATZ (docs/how-to/first-modem.md gives the reason); pppd's
// chat reads the same text.
const (
	dialScript = `ABORT ERROR ABORT BUSY "" "AT" OK "ATDT \T" TIMEOUT 45 CONNECT \c`
	dialNumber = "5551234567"
	dialPTYs   = 20 // chat types at 10 ms a character, asleep: twenty concurrent ones wait as cheaply as one
)

// dial compares the CPU cost of one run of a dial script: ours in this process, chat's as separate processes. Both use
// all PTYs concurrently, as an access server does.
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
	var bare, theirs, whole, hangUps sample
	n := b.sizes.dialScripts
	for range b.sizes.dialRounds {
		dial, hangUp, err := b.wholeDials(ctx, script, town.PTYs, n)
		if err != nil {
			return err
		}
		whole, hangUps = append(whole, dial), append(hangUps, hangUp)
		us, err := bareScripts(ctx, script, town.PTYs, n)
		if err != nil {
			return err
		}
		bare = append(bare, us)
		if peer == "" {
			continue
		}
		if us, err = b.chats(ctx, peer, town.PTYs, n/20); err != nil {
			return err
		}
		theirs = append(theirs, us)
	}
	b.addDial(row{figure: "CPU of a dial script, the script alone", port: "PTY", note: fmt.Sprintf(
		"%d scripts of ours, %d of chat's, in alternating rounds on %d concurrent PTYs; ours reads the port octet by "+
			"octet, without the driver; chat's time is that of its processes from start to end; both include kernel "+
			"time",
		len(bare)*n, len(theirs)*(n/20), dialPTYs)}, bare, theirs, 25)
	b.addDial(row{figure: "… the driver, with its proof", port: "PTY",
		note: "the dialer, the driver and the script; before the dial " +
			"command the driver asks for the registers that prove the modem's state"}, whole, theirs, 16)
	b.add(row{figure: "… its hang-up, with its proof", ours: hangUps.spread("%.0f", "µs"), verdict: info, port: "PTY",
		note: "the " +
			"registers read, ATH, the new values on the disk, in the modem and read back; chat makes none"})
	return nil
}

// addDial adds the row of a CPU time whose goal is at most chat's time divided by goal.
func (b *bench) addDial(r row, ours, chat sample, goal float64) {
	r.ours, r.goal, r.verdict = ours.spread("%.0f", "µs"), fmt.Sprintf("≤ 1/%.0f", goal), info
	if len(chat) == 0 {
		r.note += "; peer skipped: apt-get install ppp"
	} else {
		ratio := ours.median() / chat.median()
		r.peer, r.ratio, r.verdict = "chat "+chat.spread("%.0f", "µs"), times(ratio), hold(ratio <= 1/goal)
	}
	b.add(r)
}

func (b *bench) findChat() (string, error) {
	const path = "/usr/sbin/chat"
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return path, os.WriteFile(b.path("script"), []byte(dialScript+"\n"), 0o600)
}

// herd has the workers call f concurrently until n calls were made.
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

// chats runs n scripts with pppd's chat and returns the CPU time of one in µs.
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
		return hangUp(f)
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

// bareScripts runs the script directly on the ports.
func bareScripts(ctx context.Context, s *chat.Script, ptys []string, n int) (us float64, err error) {
	ports := make([]lines.Port, len(ptys))
	for i, name := range ptys {
		p, err := openPTY(ctx, name)
		if err != nil {
			return 0, err
		}
		defer p.Close()
		if err := ask(p, "ATZ\r"); err != nil { // a driver has changed its escape character
			return 0, err
		}
		ports[i] = p
	}
	number, err := dialString()
	if err != nil {
		return 0, err
	}
	us, _, err = rounds(ports, n, func(i int) error {
		res := s.Run(ctx, ports[i], chat.Options{Dialstring: number})
		if res.Outcome != chat.Success {
			return fmt.Errorf("our dial script: %s: %w", res.Outcome, res.Err)
		}
		return nil
	}, func(i int) error { return hangUp(ports[i]) })
	return us, err
}

// rounds has all lines dial and hang up concurrently, until n dials were made. It returns the CPU time of a dial in µs,
// and separately that of a hang-up, which chat does not make.
func rounds[L any](lines []L, n int, dial, hangUp func(int) error) (dials, hangUps float64, err error) {
	var spent [2]time.Duration
	done := 0
	for ; done < n; done += len(lines) {
		for i, f := range [...]func(int) error{dial, hangUp} {
			before := used(syscall.RUSAGE_SELF)
			if err := each(lines, f); err != nil {
				return 0, 0, err
			}
			spent[i] += used(syscall.RUSAGE_SELF) - before
		}
	}
	return microseconds(spent[0]) / float64(done), microseconds(spent[1]) / float64(done), nil
}

// hangUp brings a toy modem with its profile's escape character from a call without data to command state and resets
// it.
func hangUp(modem io.ReadWriter) error {
	return ask(modem, "+++\rATZ\r")
}

// ask sends a text and reads up to the end of OK.
func ask(modem io.ReadWriter, text string) error {
	if _, err := io.WriteString(modem, text); err != nil {
		return err
	}
	var seen []byte
	var buf [64]byte
	for !bytes.HasSuffix(seen, []byte("OK\r\n")) {
		n, err := modem.Read(buf[:])
		if err != nil {
			return fmt.Errorf("waiting for OK: %w", err)
		}
		seen = append(seen, buf[:n]...)
	}
	return nil
}

// wholeDials does the same with the parts of the daemon: lines of the pool with their drivers, and the dialer. The
// proofs are files, as in the daemon.
func (b *bench) wholeDials(ctx context.Context, script *chat.Script, ptys []string, n int) (dial, hangUp float64,
	err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	dir, err := os.MkdirTemp(b.dir, "proofs") // the modems have lost the proofs of the previous round
	if err != nil {
		return 0, 0, err
	}
	proofs, err := modem.OpenProofs(dir)
	if err != nil {
		return 0, 0, err
	}
	pool := lines.NewPool(lines.PoolOptions{})
	for i, pty := range ptys {
		c := &lines.Config{TTY: 1 + i, Modem: lines.CallOut, Rotary: 1, Port: "pty://" + pty, InBand: true,
			Timing: lines.Timing{
				Guard: time.Millisecond, Drain: time.Millisecond, Silence: time.Millisecond,
				CommandGap: time.Millisecond,
				Settle:     time.Millisecond,
			}}
		d := modem.New(modem.Options{Config: c, Proofs: proofs,
			Open: func(ctx context.Context) (lines.Port, error) { return openPTY(ctx, pty) }})
		if err := pool.Add(c, d); err != nil {
			return 0, 0, err
		}
	}
	var running sync.WaitGroup
	running.Go(func() { pool.Run(ctx, func(context.Context, *lines.Call) {}) })
	defer running.Wait()
	defer cancel()
	leases := make([]*lines.Lease, len(ptys))
	for i := range leases {
		w, err := pool.Request(lines.Want{Owner: fmt.Sprint("bench", i), TTYs: []int{1 + i}, Rotary: lines.NoRotary,
			Called: 1 + i})
		if err != nil {
			return 0, 0, err
		}
		select {
		case leases[i] = <-w.Lease():
			defer leases[i].Release()
		case <-time.After(10 * time.Second):
			s, _ := pool.Line(1 + i)
			return 0, 0, fmt.Errorf("the modem on %s does not come up: %s", ptys[i], s.Reason)
		}
	}
	number, err := dialString()
	if err != nil {
		return 0, 0, err
	}
	dials := dialer.Dialer{Scripts: []*chat.Script{script}}
	calls := make([]*lines.Call, len(leases))
	return rounds(leases, n, func(i int) error {
		a := dials.Dial(ctx, leases[i], "rtp", number)
		if calls[i] = a.Call; a.Call == nil {
			return fmt.Errorf("our dial: %s %s", a.Outcome, a.Detail)
		}
		return nil
	}, func(i int) error { return calls[i].Hangup(ctx) })
}

func dialString() (numbers.Dialstring, error) {
	n, err := numbers.Reread(dialNumber)
	if err != nil {
		return numbers.Dialstring{}, err
	}
	return numbers.Plan{}.Dialstring(n, numbers.Template{})
}

// each calls f once for each item, concurrently.
func each[L any](items []L, f func(int) error) error {
	var work sync.WaitGroup
	errs := make([]error, len(items))
	for i := range items {
		work.Go(func() { errs[i] = f(i) })
	}
	work.Wait()
	return errors.Join(errs...)
}
