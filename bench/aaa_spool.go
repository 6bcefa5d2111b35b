package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/aaa/radius"
	"github.com/ringback/ringback/bench/wire"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/lines"
)

// spool drains a backlog of accounting records, as after an outage of the server: from the journal, through the broker
// and the RADIUS client, to a FreeRADIUS that writes each into its detail file. The peer is radclient with the same
// number of records.
func (b *bench) spool(ctx context.Context) error {
	radclient, err := exec.LookPath("radclient")
	if err != nil {
		b.add(row{figure: "accounting backlog", note: "skipped: apt-get install freeradius freeradius-utils"})
		return nil
	}
	f, skipped, err := b.freeradius("spool")
	if err != nil {
		return err
	}
	if skipped != "" {
		b.add(row{figure: "accounting backlog", note: skipped})
		return nil
	}
	defer f.Stop()
	n := b.sizes.backlog
	var ours, theirs, ratios, ourCPU, theirCPU sample
	lost := 0
	for round := range b.sizes.backlogRounds {
		us, missing, cpu, err := b.drain(ctx, f, round, n)
		if err != nil {
			return err
		}
		them, radclientCPU, err := b.radclientAccounts(ctx, radclient, f, round, n)
		if err != nil {
			return err
		}
		lost += missing
		ours, theirs = append(ours, us), append(theirs, them)
		ratios = append(ratios, us/them)
		ourCPU, theirCPU = append(ourCPU, cpu), append(theirCPU, radclientCPU)
	}
	b.add(row{figure: "accounting backlog, records a second", ours: ours.spread("%.0f", "/s"), peer: "radclient " +
		theirs.spread("%.0f", "/s"), ratio: times(ratios.median()),
		goal: "≥ 1.50", verdict: hold(ratios.median() >= 1.5), port: "UDP",
		note: fmt.Sprintf("%d records of different sessions. Ours reads each from the journal, and ends when the "+
			"journal has durably removed all; radclient reads a file, %d in flight.", n, loginsAtOnce)})
	b.add(row{figure: "… CPU a record", ours: ourCPU.spread("%.1f", "µs"), peer: "radclient " +
		theirCPU.spread("%.1f", "µs"),
		ratio: times(ourCPU.median() / theirCPU.median()), verdict: info, port: "UDP",
		note: "the client alone; ours with its journal."})
	b.add(row{figure: "… records lost", ours: fmt.Sprintf("%d of %d", lost, n*len(ours)), goal: "0",
		verdict: hold(lost == 0), port: "UDP", note: "counted in FreeRADIUS's detail file"})
	return nil
}

// drain fills a journal with records and has a broker deliver them. It returns the records per second, the number that
// never reached FreeRADIUS, and the CPU time of each in microseconds.
func (b *bench) drain(ctx context.Context, f *aaatest.FreeRADIUS, round, n int) (rate float64, missing int, cpu float64,
	err error) {
	dir := b.path(fmt.Sprintf("backlog-%d", round))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, 0, 0, err
	}
	j, err := sqlite.Open(ctx, sqlite.Options{Path: dir + "/journal.db"})
	if err != nil {
		return 0, 0, 0, err
	}
	defer j.Close()
	name := fmt.Sprintf("ours-%d", round)
	if err := fill(ctx, j, name, n); err != nil {
		return 0, 0, 0, err
	}
	client, err := radius.New(radius.Config{NASIdentifier: wire.Hostname,
		Servers: []radius.ServerConfig{{Name: "freeradius", Address: f.Auth, Accounting: f.Acct, Secret: f.Secret}}})
	if err != nil {
		return 0, 0, 0, err
	}
	defer client.Close()
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	began, before := time.Now(), used(syscall.RUSAGE_SELF)
	go func() {
		ended <- broker.New(broker.Options{Journal: j, Pool: lines.NewPool(lines.PoolOptions{}), Accountant: client},
			broker.Config{}).Run(running)
	}()
	err = emptied(ctx, j)
	took, spent := time.Since(began), used(syscall.RUSAGE_SELF)-before
	cancel()
	if err := errors.Join(err, <-ended); err != nil {
		return 0, 0, 0, err
	}
	accounted, err := accountedSessions(f.Detail, name)
	return float64(n) / took.Seconds(), n - accounted, microseconds(spent) / float64(n), err
}

// fill spools n records, each a Stop of a different session.
func fill(ctx context.Context, j *sqlite.Journal, name string, n int) error {
	var tx []journal.Mutation
	for i := range n {
		id := fmt.Sprintf("%s-%d", name, i)
		r := aaa.Record{ID: id, Type: aaa.Stop, Time: time.Now(), SessionID: id, MultiSessionID: id, Entry: "radius",
			User: "bench", Service: aaa.EXEC, ServiceType: 9, TTY: 1 + i%96,
			Class: [][]byte{[]byte("class of the bench")}, Connect: "CONNECT 33600/V34", SessionTime: time.Minute,
			OctetsIn: 100, OctetsOut: 1000, Cause: aaa.CauseCallback}
		body, err := json.Marshal(r)
		if err != nil {
			return err
		}
		tx = append(tx, journal.Spool{Record: journal.Spooled{ID: r.ID, SessionID: r.SessionID, Body: string(body),
			Created: r.Time}})
	}
	return j.Commit(ctx, tx...)
}

// emptied blocks until the spool is empty.
func emptied(ctx context.Context, j *sqlite.Journal) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(5 * time.Minute)
	for {
		rows, _, err := j.SpoolNext(ctx, 1)
		if err != nil || len(rows) == 0 {
			return err
		}
		select {
		case <-tick.C:
		case <-deadline:
			return fmt.Errorf("the spool is not empty after five minutes: %s", rows[0].LastError)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// radclientAccounts sends the same number of records, and returns the records per second and the CPU time of each in
// microseconds.
func (b *bench) radclientAccounts(ctx context.Context, radclient string, f *aaatest.FreeRADIUS, round, n int) (rate,
	cpu float64, err error) {
	var packets strings.Builder
	name := fmt.Sprintf("radclient-%d", round)
	for i := range n {
		fmt.Fprintf(&packets, "Acct-Status-Type = Stop\nAcct-Session-Id = \"%[1]s-%[2]d\"\nAcct-Multi-Session-Id = "+
			"\"%[1]s-%[2]d\"\nNAS-Identifier = \"bench\"\nAcct-Delay-Time = 0\nUser-Name = \"bench\"\n"+
			"Acct-Authentic = RADIUS\nNAS-Port = %[3]d\nNAS-Port-Type = Async\nService-Type = "+
			"Callback-NAS-Prompt\nConnect-Info = \"CONNECT 33600/V34\"\nClass = \"class of the bench\"\n"+
			"Acct-Session-Time = 60\nAcct-Input-Octets = 100\nAcct-Output-Octets = 1000\nAcct-Terminate-Cause = "+
			"Callback\n\n", name, i, 1+i%96)
	}
	file := b.path(name)
	if err := os.WriteFile(file, []byte(packets.String()), 0o600); err != nil {
		return 0, 0, err
	}
	c, err := runChild(ctx, radclient, "-q", "-s", "-p", fmt.Sprint(loginsAtOnce), "-r", "3", "-t", "2", "-f", file,
		f.Acct, "acct", string(f.Secret))
	if err != nil {
		return 0, 0, err
	}
	if got, err := accountedSessions(f.Detail, name); err != nil || got != n {
		return 0, 0, fmt.Errorf("radclient delivered %d of %d records: %w: %s", got, n, err, c.output)
	}
	return float64(n) / c.elapsed.Seconds(), microseconds(c.cpu) / float64(n), nil
}

// accountedSessions counts the different Acct-Session-Ids of a detail file that begin with name.
func accountedSessions(path, name string) (int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile(`Acct-Session-Id = "(`+name+`-\d+)"`).FindAllStringSubmatch(string(data), -1) {
		seen[m[1]] = true
	}
	return len(seen), nil
}
