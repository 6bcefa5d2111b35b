package aaatest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/ringback/ringback/lab/servers"
)

// radsecproxyProgram is the path of the program on Debian.
const radsecproxyProgram = "/usr/sbin/radsecproxy"

// StartRadsecproxy starts a radsecproxy on loopback that accepts RADIUS over TLS from clients whose certificate of the
// authority names nas.example, and forwards to f over UDP. It returns host:port; its own certificate is for
// radius.example. The test's cleanup kills it. If radsecproxy is not installed, the test is skipped, or fails with
// RINGBACK_REQUIRE_PEERS=1.
func StartRadsecproxy(t TB, ca *servers.Authority, f *FreeRADIUS) (address string) {
	t.Helper()
	if _, err := os.Stat(radsecproxyProgram); err != nil {
		const needs = "needs radsecproxy: apt-get install radsecproxy"
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatalf("%s", needs)
		}
		t.Skipf("%s", needs)
		return ""
	}
	dir := t.TempDir()
	var err error
	for range 3 { // another process may take a free port before radsecproxy does
		var p *radsecproxy
		if p, err = startRadsecproxy(dir, ca, f); err == nil {
			t.Cleanup(func() {
				p.stop()
				if t.Failed() {
					t.Logf("radsecproxy's output:\n%s", p.said.Bytes())
				}
			})
			return p.address
		}
	}
	t.Fatalf("%v", err)
	return ""
}

type radsecproxy struct {
	address string
	said    bytes.Buffer // read only after done is closed
	cmd     *exec.Cmd
	done    chan struct{}
}

func (p *radsecproxy) stop() {
	p.cmd.Process.Kill()
	<-p.done
}

func startRadsecproxy(dir string, ca *servers.Authority, f *FreeRADIUS) (*radsecproxy, error) {
	path := filepath.Join(dir, "radsecproxy.conf")
	p := &radsecproxy{cmd: exec.Command(radsecproxyProgram, "-f", "-c", path), done: make(chan struct{})}
	conf, err := p.configure(dir, f)
	if err == nil {
		err = errors.Join(ca.WriteFiles(dir, radsecServer), os.WriteFile(path, []byte(conf), 0o600))
	}
	if err != nil {
		return nil, err
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.cmd.Wait(); close(p.done) }()
	if err := p.ready(time.Minute); err != nil {
		p.stop()
		return nil, fmt.Errorf("start %s: %w\n%s", radsecproxyProgram, err, p.said.Bytes())
	}
	return p, nil
}

// configure finds a port and returns the configuration.
func (p *radsecproxy) configure(dir string, f *FreeRADIUS) (string, error) {
	var err error
	if p.address, err = QuietPort(); err != nil {
		return "", err
	}
	text, err := peersFile("radsecproxy", "radsecproxy.conf.in")
	if err != nil {
		return "", err
	}
	_, port, err1 := net.SplitHostPort(p.address)
	_, auth, err2 := net.SplitHostPort(f.Auth)
	_, acct, err3 := net.SplitHostPort(f.Acct)
	return strings.NewReplacer("@PORT@", port, "@DIR@", dir, "@AUTH@", auth, "@ACCT@", acct, "@SECRET@",
		string(f.Secret)).Replace(text), errors.Join(err1, err2, err3)
}

// ready blocks until the proxy accepts connections, or returns an error if it has ended or after within.
func (p *radsecproxy) ready(within time.Duration) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(within)
	for {
		c, err := net.DialTimeout("tcp", p.address, time.Second)
		if err == nil {
			return c.Close()
		}
		select {
		case <-p.done:
			return errors.New("it ended immediately")
		case <-end:
			return err
		case <-tick.C:
		}
	}
}
