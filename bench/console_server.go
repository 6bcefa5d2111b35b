package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/bench/wire"
)

// bulkModem is the modem's end of a PTY. It answers each command line with OK, until bulk is set: then it swallows what
// it gets.
type bulkModem struct {
	master *os.File
	slave  string
	hold   *os.File // keeps the PTY open between two users
	bulk   atomic.Bool
	got    atomic.Int64
	whole  atomic.Int64  // when got reaches this, done is closed
	done   chan struct{} // capacity 1
}

func newBulkModem() (*bulkModem, error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a PTY: %w", err)
	}
	m := &bulkModem{master: os.NewFile(uintptr(fd), "/dev/ptmx"), done: make(chan struct{}, 1)}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	m.slave = fmt.Sprintf("/dev/pts/%d", n)
	if err == nil {
		m.hold, err = os.OpenFile(m.slave, os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err == nil {
		var t *unix.Termios
		if t, err = unix.IoctlGetTermios(int(m.hold.Fd()), unix.TCGETS); err == nil {
			t.Iflag, t.Oflag, t.Lflag = 0, 0, 0
			err = unix.IoctlSetTermios(int(m.hold.Fd()), unix.TCSETS, t)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open a PTY: %w", err), m.master.Close())
	}
	go m.serve()
	return m, nil
}

func (m *bulkModem) serve() {
	buf := make([]byte, 64<<10)
	for {
		n, err := m.master.Read(buf)
		if err != nil {
			return
		}
		if !m.bulk.Load() {
			for range bytes.Count(buf[:n], []byte("\r")) {
				_, _ = io.WriteString(m.master, "\r\nOK\r\n") // an error is that of the next read
			}
			continue
		}
		if m.got.Add(int64(n)) >= m.whole.Load() {
			select {
			case m.done <- struct{}{}:
			default:
			}
		}
	}
}

func (m *bulkModem) close() {
	_ = m.hold.Close() // both are gone with the process anyway
	_ = m.master.Close()
}

// flow is a bulk transfer.
type flow struct {
	mibps float64 // MiB/s
	cpu   float64 // ns per octet, of the server
}

// transfer moves size octets over a connection to a modem's PTY, in one direction, through the process pid.
func (m *bulkModem) transfer(ctx context.Context, c net.Conn, in *bufio.Reader, toModem bool, size int64,
	pid int) (flow, error) {
	m.got.Store(0)
	m.whole.Store(size)
	m.bulk.Store(true)
	defer m.bulk.Store(false)
	before, err := cpuOf(pid)
	if err != nil {
		return flow{}, err
	}
	began := time.Now()
	source, done := io.LimitReader(chatter{}, size), make(chan error, 1)
	var w io.Writer = c
	if !toModem {
		w = m.master
	}
	go func() {
		_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{source}, make([]byte, 32<<10))
		done <- err
	}()
	if toModem {
		select {
		case <-m.done:
		case <-time.After(time.Minute):
			err = fmt.Errorf("%d of %d octets arrived", m.got.Load(), size)
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	} else {
		_ = c.SetReadDeadline(time.Now().Add(time.Minute))
		_, err = io.CopyN(io.Discard, in, size)
	}
	if err != nil {
		return flow{}, err
	}
	took := time.Since(began)
	after, err := cpuOf(pid)
	return flow{float64(size) / (1 << 20) / took.Seconds(), float64(after-before) / float64(size)},
		errors.Join(err, <-done)
}

// chatter is endless text.
type chatter struct{}

func (chatter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a' + byte(i&15)
	}
	return len(p), nil
}

// consoleServer compares bulk over RFC 2217, to a PTY and back, with ser2net on a PTY of the same kind.
func (b *bench) consoleServer(ctx context.Context) error {
	program, err := exec.LookPath("ser2net")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/ser2net")
	}
	if err != nil {
		b.add(row{figure: "console server: bulk over RFC 2217", note: "needs ser2net: apt-get install ser2net"})
		return nil
	}
	var ours, theirs [2][]flow
	for range b.sizes.bulkRounds {
		for i, toModem := range []bool{true, false} {
			o, err := b.throughOurs(ctx, toModem)
			if err != nil {
				return fmt.Errorf("ringback: %w", err)
			}
			t, err := b.throughSer2net(ctx, program, toModem)
			if err != nil {
				return fmt.Errorf("ser2net: %w", err)
			}
			ours[i], theirs[i] = append(ours[i], o), append(theirs[i], t)
		}
	}
	for i, name := range []string{"to the modem", "from the modem"} {
		speed, cpu := func(f flow) float64 { return f.mibps }, func(f flow) float64 { return f.cpu }
		os, ts, oc, tc := of(ours[i], speed), of(theirs[i], speed), of(ours[i], cpu), of(theirs[i], cpu)
		b.add(row{figure: "console server, RFC 2217, " + name, ours: fmt.Sprintf("%.1f MiB/s", os),
			peer: fmt.Sprintf("%.1f MiB/s", ts), ratio: fmt.Sprintf("%.2f", os/ts), goal: ">= 1.0",
			verdict: hold(os >= ts), port: "pty"})
		b.add(row{figure: "  CPU of the server", ours: fmt.Sprintf("%.1f ns/octet", oc),
			peer: fmt.Sprintf("%.1f ns/octet", tc), ratio: fmt.Sprintf("%.2f", oc/tc), goal: "<= 1.0",
			verdict: hold(oc <= tc), port: "pty"})
	}
	return nil
}

// of returns the median of a figure.
func of(all []flow, figure func(flow) float64) float64 {
	var s sample
	for _, f := range all {
		s = append(s, figure(f))
	}
	return s.median()
}

// freeAddress returns a TCP address that is free now.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func (b *bench) throughOurs(ctx context.Context, toModem bool) (f flow, err error) {
	m, err := newBulkModem()
	if err != nil {
		return f, err
	}
	defer m.close()
	address, err := freeAddress()
	if err != nil {
		return f, err
	}
	d, err := b.startDaemon(ctx, plan{Dir: b.path("console-server"), Kind: "pty", CallOut: []string{m.slave}, Users: 1,
		Listen: address})
	if err != nil {
		return f, err
	}
	defer d.stop()
	c, in, err := comPort(address)
	if err != nil {
		return f, err
	}
	defer c.Close()
	for _, step := range [][2]string{{"sername: ", "u0\r"}, {"assword: ", wire.Password + "\r"}} {
		if err := until(c, in, step[0], 30*time.Second); err != nil {
			return f, fmt.Errorf("log in: %w: %s", err, d.lastWords())
		}
		if _, err := io.WriteString(c, step[1]); err != nil {
			return f, err
		}
	}
	if err := answered(c, in); err != nil {
		return f, fmt.Errorf("%w: %s", err, d.lastWords())
	}
	return m.transfer(ctx, c, in, toModem, b.sizes.bulk, d.pid())
}

func (b *bench) throughSer2net(ctx context.Context, program string, toModem bool) (f flow, err error) {
	m, err := newBulkModem()
	if err != nil {
		return f, err
	}
	defer m.close()
	address, err := freeAddress()
	if err != nil {
		return f, err
	}
	ip, port, _ := net.SplitHostPort(address)
	dir := b.path("ser2net")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return f, err
	}
	config := filepath.Join(dir, "ser2net.yaml")
	text := fmt.Sprintf("%%YAML 1.1\n---\nconnection: &modem\n  accepter: telnet(rfc2217),tcp,%s,%s\n  connector: "+
		"serialdev,%s,115200n81,local\n", ip, port, m.slave)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return f, err
	}
	server := exec.CommandContext(ctx, program, "-n", "-u", "-c", config)
	if err := server.Start(); err != nil {
		return f, err
	}
	defer func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	}()
	var c net.Conn
	var in *bufio.Reader
	for range 100 {
		if c, in, err = comPort(address); err == nil {
			break
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return f, err
		}
	}
	if err != nil {
		return f, err
	}
	defer c.Close()
	if err := answered(c, in); err != nil {
		return f, err
	}
	return m.transfer(ctx, c, in, toModem, b.sizes.bulk, server.Process.Pid)
}

// comPort connects a client of RFC 2217: it agrees to BINARY and COM-PORT, and rejects nothing else.
func comPort(address string) (net.Conn, *bufio.Reader, error) {
	c, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return nil, nil, err
	}
	const iac, do, will, binary, sga, comPort = 255, 253, 251, 0, 3, 44
	_, err = c.Write([]byte{iac, will, comPort, iac, do, comPort, iac, will, binary, iac, do, binary, iac, do, sga})
	if err != nil {
		return nil, nil, errors.Join(err, c.Close())
	}
	return c, bufio.NewReaderSize(c, 64<<10), nil
}

// answered returns when the modem answers, and nothing more comes from it.
func answered(c net.Conn, in *bufio.Reader) (err error) {
	for range 30 {
		if _, err := io.WriteString(c, "AT\r"); err != nil {
			return err
		}
		if err = until(c, in, "OK\r\n", time.Second); err == nil {
			for err == nil { // answers to earlier ones
				err = until(c, in, "OK\r\n", time.Second)
			}
			return nil
		}
	}
	return err
}

// until reads up to a text, for a time at most.
func until(c net.Conn, in *bufio.Reader, text string, limit time.Duration) error {
	_ = c.SetReadDeadline(time.Now().Add(limit))
	var seen []byte
	for !bytes.HasSuffix(seen, []byte(text)) {
		one, err := in.ReadByte()
		if err != nil {
			return fmt.Errorf("waiting for %q after %q: %w", text, seen, err)
		}
		seen = append(seen, one)
	}
	return nil
}
