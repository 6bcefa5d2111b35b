package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/bench/wire"
)

// loginsAtOnce is the number of concurrent logins and records.
const loginsAtOnce = 128

// peerSecret is shared with FreeRADIUS, whose configuration accepts it without quotes.
const peerSecret = "bench-secret-of-24-octets"

// benchUsers is FreeRADIUS's users file: one user, with the attributes of a callback.
const benchUsers = "bench\tCleartext-Password := \"" + wire.Password + "\"\n" + `	Service-Type = Callback-NAS-Prompt,
	Callback-Number = "84001",
	Reply-Message = "You will be called back.",
	Class = "class of the bench"
`

// freeradius starts a FreeRADIUS that does not log logins, because each would cost it a line of a file. skipped says
// why there is none. The caller must stop it.
func (b *bench) freeradius(name string) (f *aaatest.FreeRADIUS, skipped string, err error) {
	conf, err := os.ReadFile("testdata/peers/freeradius/radiusd.conf.in")
	if err != nil {
		return nil, "", err
	}
	t := &peerTB{dir: b.path(name)}
	if err := os.MkdirAll(t.dir, 0o755); err != nil {
		return nil, "", err
	}
	var starting sync.WaitGroup
	starting.Go(func() { // in its own goroutine, because Fatalf and Skipf end it
		f = aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{
			Users: benchUsers, Secret: peerSecret, Config: strings.Replace(string(conf), "auth = yes", "auth = no", 1)})
	})
	starting.Wait()
	return f, t.skipped, t.err
}

// peerTB is the aaatest.TB of a peer that the benchmark starts and stops itself.
type peerTB struct {
	dir, skipped string
	err          error
}

func (t *peerTB) Helper()             {}
func (t *peerTB) Logf(string, ...any) {}
func (t *peerTB) Cleanup(func())      {} // the benchmark stops its peers
func (t *peerTB) TempDir() string     { return t.dir }
func (t *peerTB) Failed() bool        { return t.err != nil }

func (t *peerTB) Fatalf(format string, args ...any) {
	t.err = fmt.Errorf(format, args...)
	runtime.Goexit()
}

func (t *peerTB) Skipf(format string, args ...any) {
	t.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// childNamed returns the descendant process that runs one of the named programs.
func childNamed(names ...string) (int, error) {
	for _, pid := range children(os.Getpid()) {
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		for _, n := range names {
			if strings.TrimSpace(string(comm)) == n {
				return pid, nil
			}
		}
	}
	return 0, fmt.Errorf("no process runs any of %s", strings.Join(names, ", "))
}

// childRun is the result of a program that ran to its end.
type childRun struct {
	cpu, elapsed time.Duration // of its process, by wait4; from start to end
	output       string
}

// runChild runs a program to its end. An exit status of 1 is no error: the output says what failed.
func runChild(ctx context.Context, path string, args ...string) (childRun, error) {
	cmd := exec.CommandContext(ctx, path, args...)
	began := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(began)
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		return childRun{}, fmt.Errorf("%s %s: %w: %s", path, strings.Join(args, " "), err, out)
	}
	return childRun{cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), took, string(out)}, nil
}

// serverLoad is a server's CPU use during a measurement, in cores.
type serverLoad struct{ all, busiest float64 }

// watchServer starts to measure a server's CPU; the returned function ends the measurement.
func watchServer(pid int) func() (serverLoad, error) {
	began, before := time.Now(), threadCPU(pid)
	return func() (serverLoad, error) {
		var l serverLoad
		after, took := threadCPU(pid), time.Since(began).Seconds()
		if len(after) == 0 {
			return l, fmt.Errorf("the server (process %d) is gone", pid)
		}
		for tid, cpu := range after {
			share := (cpu - before[tid]).Seconds() / took
			l.all += share
			l.busiest = max(l.busiest, share)
		}
		return l, nil
	}
}

// threadCPU is the CPU time of each thread of a process so far.
func threadCPU(pid int) map[int]time.Duration {
	used := map[int]time.Duration{}
	entries, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, e := range entries {
		if tid, err := strconv.Atoi(e.Name()); err == nil {
			if d, err := threadRan(pid, tid); err == nil {
				used[tid] = d
			}
		}
	}
	return used
}

// threadRan reads a thread's CPU time, in nanoseconds if the kernel has schedstat.
func threadRan(pid, tid int) (time.Duration, error) {
	path := fmt.Sprintf("/proc/%d/task/%d/schedstat", pid, tid)
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	ran, _, _ := strings.Cut(string(data), " ")
	ns, err := strconv.ParseInt(ran, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return time.Duration(ns), nil
}
