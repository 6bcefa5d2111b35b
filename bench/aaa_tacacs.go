package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/aaa/aaatest/tacquito"
	"github.com/ringback/ringback/aaa/tacplus"
	"github.com/ringback/ringback/bench/wire"
)

// tacquitoConfig has one user, whose EXEC is called back.
const tacquitoConfig = `shell: &shell
  name: shell
  set_values:
    - {name: callback-dialstring, values: ["84001"]}
log: &log {name: file, type: 3}
users:
  - {name: bench, scopes: [bench], services: [*shell], accounter: *log, authenticator: {type: 1, options: {hash: HASH}}}
secrets:
  - name: bench
    secret: {group: bench, key: KEY}
    handler: {type: 1}
    type: 1
    options:
      prefixes: |
        ["127.0.0.0/8"]
`

// tacacs compares many sessions on one connection with one connection per session, at tacquito's server. It counts
// authorizations, because every login costs a bcrypt hash.
func (b *bench) tacacs(ctx context.Context) error {
	server, err := startTacquito(ctx)
	if err != nil {
		return err
	}
	defer server.stop()
	var one, each, ratios, oneCPU, eachCPU sample
	for range b.sizes.tacacsRounds {
		single, singleCPU, err := server.authorizations(ctx, true, b.sizes.tacacs)
		if err != nil {
			return err
		}
		own, ownCPU, err := server.authorizations(ctx, false, b.sizes.tacacs)
		if err != nil {
			return err
		}
		b.say("%.0f/s on one connection, %.0f/s on a connection each", single, own)
		one, each, ratios = append(one, single), append(each, own), append(ratios, single/own)
		oneCPU, eachCPU = append(oneCPU, singleCPU), append(eachCPU, ownCPU)
	}
	b.add(row{figure: "TACACS+ sessions a second, one connection", ours: one.spread("%.0f", "/s"),
		peer: "a connection each " + each.spread("%.0f", "/s"), ratio: times(ratios.median()),
		goal: "≥ 3.00", verdict: hold(ratios.median() >= 3), port: "TCP",
		note: fmt.Sprintf("authorizations of an EXEC, %d concurrent, all granted; ours in both cases. tacquito, "+
			"another process on the same cores, answers the packets of a "+
			"connection one after the other.", loginsAtOnce)})
	b.add(row{figure: "… CPU a session, client and server", ours: oneCPU.spread("%.1f", "µs"),
		peer:  "a connection each " + eachCPU.spread("%.1f", "µs"),
		ratio: times(oneCPU.median() / eachCPU.median()), verdict: info, port: "TCP",
		note: "it depends less on other load of the machine."})
	return nil
}

// authorizations makes n of them and returns how many per second were granted, and the CPU time of each in
// microseconds, including the server's. It is an error if one was not granted.
func (s tacquitoServer) authorizations(ctx context.Context, single bool, n int) (rate, cpu float64, err error) {
	to := tacplus.ServerConfig{Name: "tacquito", Address: s.address, Secret: peerSecret, SingleConnection: single}
	client, err := tacplus.New(tacplus.Config{Servers: []tacplus.ServerConfig{to}})
	if err != nil {
		return 0, 0, err
	}
	defer client.Close()
	spent := func() time.Duration {
		sum := used(syscall.RUSAGE_SELF)
		for _, ran := range threadCPU(s.pid) {
			sum += ran
		}
		return sum
	}
	before, began := spent(), time.Now()
	err = herd(loginsAtOnce, n, func(port int) error {
		res := client.Authorize(ctx, aaa.Question{Request: aaa.Request{Service: aaa.EXEC, User: "bench", TTY: 1 + port},
			Identity: aaa.Identity{Entry: "tacacs", User: "bench"}, PrivLevel: 1})
		if res.Kind != aaa.Granted {
			return fmt.Errorf("an authorization of tacquito: %s: %s", res.Kind, res.Reason)
		}
		return nil
	})
	took := time.Since(began)
	return float64(n) / took.Seconds(), microseconds(spent()-before) / float64(n), err
}

// tacquitoServer is a child process.
type tacquitoServer struct {
	address string
	pid     int
	stop    func()
}

// startTacquito starts this program as a child that is tacquito's server.
func startTacquito(ctx context.Context) (s tacquitoServer, err error) {
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	cmd := exec.CommandContext(ctx, self, "-tacquito")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return s, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return s, err
	}
	if err := cmd.Start(); err != nil {
		return s, err
	}
	s.pid, s.stop = cmd.Process.Pid, func() {
		in.Close()
		cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.stop()
		return s, fmt.Errorf("tacquito did not start: %w", err)
	}
	s.address = strings.TrimSpace(line)
	return s, nil
}

// serveTacquito is that child: it serves until its standard input ends.
func serveTacquito() error {
	hash, err := tacquito.Hash(wire.Password)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ringback-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := tacquito.Start(serverTB{dir: dir},
		tacquito.Options{Config: strings.NewReplacer("HASH", hash, "KEY", peerSecret).Replace(tacquitoConfig)})
	defer s.Stop()
	fmt.Println(s.Addr)
	io.Copy(io.Discard, os.Stdin)
	return nil
}

// serverTB replaces a test for tacquito.Start; a failure ends the process.
type serverTB struct {
	testing.TB
	dir string
}

func (serverTB) Helper()           {}
func (serverTB) Cleanup(func())    {}
func (t serverTB) TempDir() string { return t.dir }
func (serverTB) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(1)
}
