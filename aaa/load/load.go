// Package load logs in to one AAA server many times and measures its latency and throughput.
package load

import (
	"context"
	"regexp"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ringback/ringback/aaa"
)

// Load is a number of logins, some of them in parallel. Create one with New and call Run once; Progress may be called
// meanwhile.
type Load struct {
	target   *Target
	users    []User
	count    int
	parallel int

	next    atomic.Int64 // logins begun
	answers [answerKinds]atomic.Int64
	latency histogram // of the authentic answers

	begun, ended time.Time
	cpu          time.Duration

	mu      sync.Mutex
	reasons map[string]int // of lost logins
}

// answer is the result of one login.
type answer int

const (
	answerGranted    answer = iota
	answerRefused           // by the server
	answerChallenged        // the server asked for more; the login ends there
	answerSilent            // no authentic answer in time
	answerUnsent            // this program refused to send the request, or could not
	answerKinds
)

// New returns a Load of count logins to t, up to parallel of them at the same time. The users, one or more, take turns.
func New(t *Target, users []User, count, parallel int) *Load {
	return &Load{target: t, users: users, count: count, parallel: parallel, reasons: map[string]int{},
		begun: time.Now()}
}

// Run makes the logins and blocks until all are done or ctx ends. Logins that ctx interrupts do not count.
func (l *Load) Run(ctx context.Context) {
	before := cpuUsed()
	var workers sync.WaitGroup
	for port := range l.parallel {
		workers.Go(func() { l.work(ctx, port+1) })
	}
	workers.Wait()
	l.ended = time.Now()
	l.cpu = cpuUsed() - before
}

// work logs in on one port, one login after another, until enough logins have begun.
func (l *Load) work(ctx context.Context, port int) {
	for {
		n := l.next.Add(1) - 1
		if n >= int64(l.count) || ctx.Err() != nil {
			return
		}
		u := l.users[n%int64(len(l.users))]
		begun := time.Now()
		_, res := l.target.Start(ctx, aaa.Request{Service: aaa.EXEC, User: u.Name, Password: u.Password, TTY: port})
		took := time.Since(begun)
		kind := answerOf(res)
		if kind >= answerSilent {
			if ctx.Err() != nil {
				return // interrupted
			}
			l.lost(res.Reason)
		} else {
			l.latency.add(took)
		}
		l.answers[kind].Add(1)
	}
}

// answerOf classifies a result; an authentic answer names its server.
func answerOf(res aaa.Result) answer {
	switch {
	case res.Kind == aaa.Silent:
		return answerSilent
	case res.Server == "":
		return answerUnsent
	case res.Kind == aaa.Granted:
		return answerGranted
	case res.Kind == aaa.Prompt:
		return answerChallenged
	}
	return answerRefused
}

// passing matches what differs between reasons of the same kind: durations, and the local address of a connection.
var passing = regexp.MustCompile(`\b\d+(\.\d+)?(h|m|s|ms|µs)\b|\S+->`)

// maxReasons is how many different reasons are reported.
const maxReasons = 20

func (l *Load) lost(reason string) {
	reason = passing.ReplaceAllString(reason, "…")
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.reasons[reason]; !ok && len(l.reasons) >= maxReasons {
		reason = "other reasons"
	}
	l.reasons[reason]++
}

func (l *Load) done() (n int64) {
	for i := range l.answers {
		n += l.answers[i].Load()
	}
	return n
}

// cpuUsed returns the CPU time of this process so far, user and system.
func cpuUsed() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
