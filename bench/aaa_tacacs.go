package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
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

// tacacs compares many sessions on one connection with a connection a session, at tacquito's server. Authorizations are counted: a login is a hash of
// bcrypt, whichever way it comes.
func (b *bench) tacacs(ctx context.Context) error {
	server, stop, err := startTacquito(ctx)
	if err != nil {
		return err
	}
	defer stop()
	var one, each, ratios sample
	for range b.sizes.tacacsRounds {
		single, err := authorizations(ctx, server, true, b.sizes.tacacs)
		if err != nil {
			return err
		}
		own, err := authorizations(ctx, server, false, b.sizes.tacacs)
		if err != nil {
			return err
		}
		b.say("%.0f/s on one connection, %.0f/s on a connection each", single, own)
		one, each, ratios = append(one, single), append(each, own), append(ratios, single/own)
	}
	b.add(row{figure: "TACACS+ sessions a second, one connection", ours: one.spread("%.0f", "/s"), peer: "a connection each " + each.spread("%.0f", "/s"), ratio: times(ratios.median()),
		goal: "≥ 3.00", verdict: hold(ratios.median() >= 3), port: "TCP",
		note: fmt.Sprintf("authorizations of an EXEC, %d under way, all granted; ours both times. tacquito, another process on the same cores, answers the packets of a connection in turn.", loginsAtOnce)})
	return nil
}

// authorizations makes n of them and returns how many a second were granted. It is an error if one was not.
func authorizations(ctx context.Context, server string, single bool, n int) (float64, error) {
	client, err := tacplus.New(tacplus.Config{Servers: []tacplus.ServerConfig{{Name: "tacquito", Address: server, Secret: peerSecret, SingleConnection: single}}})
	if err != nil {
		return 0, err
	}
	defer client.Close()
	began := time.Now()
	err = herd(loginsAtOnce, n, func(port int) error {
		res := client.Authorize(ctx, aaa.Question{Request: aaa.Request{Service: aaa.EXEC, User: "bench", TTY: 1 + port}, Identity: aaa.Identity{Entry: "tacacs", User: "bench"}, PrivLevel: 1})
		if res.Kind != aaa.Granted {
			return fmt.Errorf("an authorization of tacquito: %s: %s", res.Kind, res.Reason)
		}
		return nil
	})
	return float64(n) / time.Since(began).Seconds(), err
}

// startTacquito starts this program as a child that is tacquito's server, and returns its address.
func startTacquito(ctx context.Context) (address string, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-tacquito")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		in.Close()
		cmd.Wait()
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("tacquito did not start: %w", err)
	}
	return strings.TrimSpace(line), stop, nil
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
	s := tacquito.Start(serverTB{dir: dir}, tacquito.Options{Config: strings.NewReplacer("HASH", hash, "KEY", peerSecret).Replace(tacquitoConfig)})
	defer s.Stop()
	fmt.Println(s.Addr)
	io.Copy(io.Discard, os.Stdin)
	return nil
}

// serverTB stands for a test to tacquito.Start; what fails ends the process.
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
