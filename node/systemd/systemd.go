// Package systemd is the service's side of systemd's protocols: notifications and the watchdog (sd_notify(3),
// sd_watchdog_enabled(3)) and passed sockets (sd_listen_fds(3)). It needs no library of systemd.
package systemd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Service is this process as a service of systemd. A nil Service, and the zero value, is a process that systemd has
// not started: its notifications do nothing. The methods may be used by several goroutines, except Socket, Unused and
// Close.
type Service struct {
	conn     *net.UnixConn // to the manager; nil: it expects no notifications
	watchdog time.Duration
	sockets  []socket
}

// socket is a listening socket that systemd has passed.
type socket struct {
	name     string
	listener net.Listener
}

// sendTime is the maximum time that a notification waits for a manager that does not read.
const sendTime = 5 * time.Second

// Open reads what systemd has put into the environment of this process, and removes it from there: a process that this
// one starts is not the service. The caller closes the Service.
func Open() (*Service, error) {
	s := &Service{}
	defer func() {
		for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS",
			"LISTEN_FDNAMES"} {
			os.Unsetenv(name)
		}
	}()
	if path := os.Getenv("NOTIFY_SOCKET"); path != "" {
		// A path that begins with @ is in the abstract namespace, for systemd as for package net.
		conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			return nil, fmt.Errorf("connect to systemd's $NOTIFY_SOCKET: %w", err)
		}
		s.conn = conn
	}
	var err error
	if s.watchdog, err = watchdogOf(os.Getenv("WATCHDOG_USEC"), os.Getenv("WATCHDOG_PID")); err == nil {
		s.sockets, err = passed(os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES"))
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// watchdogOf returns the time in which the manager expects Alive; 0 if it does not.
func watchdogOf(usec, pid string) (time.Duration, error) {
	if usec == "" || pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0, nil
	}
	n, err := strconv.ParseInt(usec, 10, 64)
	if err != nil || n <= 0 || n > int64(maxWatchdog/time.Microsecond) {
		return 0, fmt.Errorf("$WATCHDOG_USEC is %q, not a number of microseconds", usec)
	}
	return time.Duration(n) * time.Microsecond, nil
}

const maxWatchdog = 365 * 24 * time.Hour

// firstFD is the first passed file descriptor (SD_LISTEN_FDS_START).
const firstFD = 3

// maxSockets bounds LISTEN_FDS: the daemon knows a few sockets.
const maxSockets = 64

func passed(pid, count, names string) (all []socket, err error) {
	if count == "" || pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > maxSockets {
		return nil, fmt.Errorf("$LISTEN_FDS is %q, not a number of sockets up to %d", count, maxSockets)
	}
	named := strings.Split(names, ":")
	for i := range n {
		name := "unknown" // as sd_listen_fds_with_names calls it
		if names != "" && i < len(named) {
			name = named[i]
		}
		l, err2 := listener(firstFD+i, name)
		if err2 != nil {
			err = errors.Join(err, err2)
			continue
		}
		all = append(all, socket{name, l})
	}
	if err != nil {
		for _, s := range all {
			s.listener.Close()
		}
		return nil, err
	}
	return all, nil
}

// listener takes over a passed descriptor, which it closes if it is no listening stream socket.
func listener(fd int, name string) (net.Listener, error) {
	unix.CloseOnExec(fd)
	f := os.NewFile(uintptr(fd), name)
	defer f.Close() // net has a copy
	if listens, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err != nil {
		return nil, fmt.Errorf("descriptor %d (%s) that systemd passes: %w", fd, name, err)
	} else if listens == 0 {
		return nil, fmt.Errorf("descriptor %d (%s) that systemd passes is not a listening socket (ListenStream= "+
			"and Accept=no in the socket unit)", fd, name)
	}
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("descriptor %d (%s) that systemd passes: %w", fd, name, err)
	}
	return l, nil
}

// Socket returns the passed socket with the name of FileDescriptorName=, once; nil if there is none. The caller closes
// it.
func (s *Service) Socket(name string) net.Listener {
	for i, p := range s.sockets {
		if p.name == name {
			s.sockets = append(s.sockets[:i:i], s.sockets[i+1:]...)
			return p.listener
		}
	}
	return nil
}

// Unused returns an error that names the passed sockets that nothing has taken; nil if there are none. known are the
// names that the service has a use for.
func (s *Service) Unused(known ...string) error {
	if len(s.sockets) == 0 {
		return nil
	}
	var names []string
	for _, p := range s.sockets {
		names = append(names, fmt.Sprintf("%s (%s)", p.name, p.listener.Addr()))
	}
	return fmt.Errorf("systemd passes sockets for which there is no use: %s (FileDescriptorName= must be %s, once)",
		strings.Join(names, ", "), strings.Join(known, " or "))
}

// Close closes the connection to the manager and the sockets that nothing has taken.
func (s *Service) Close() {
	if s.conn != nil {
		s.conn.Close()
	}
	for _, p := range s.sockets {
		p.listener.Close()
	}
}

// Watchdog returns the time in which the manager expects Alive; 0 if it does not.
func (s *Service) Watchdog() time.Duration { return s.watchdog }

// Ready says that the start, or a reload, is complete.
func (s *Service) Ready() { s.notify("READY=1") }

// Reloading says that a reload has begun; Ready ends it. The time tells a manager that has sent a signal
// (Type=notify-reload) whether this is its reload or an earlier one.
func (s *Service) Reloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return
	}
	s.notify("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(now.Nano()/1000, 10))
}

// Stopping says that the service is shutting down.
func (s *Service) Stopping() { s.notify("STOPPING=1") }

// Alive feeds the watchdog.
func (s *Service) Alive() {
	if s.watchdog > 0 {
		s.notify("WATCHDOG=1")
	}
}

// Status sets the text that `systemctl status` shows. Line breaks become spaces.
func (s *Service) Status(text string) { s.notify("STATUS=" + strings.ReplaceAll(text, "\n", " ")) }

// notify sends assignments of sd_notify. It blocks for sendTime at most. An error is not reported: the manager then
// does what it does for a service that says nothing.
func (s *Service) notify(state string) {
	if s == nil || s.conn == nil {
		return
	}
	s.conn.SetWriteDeadline(time.Now().Add(sendTime))
	_, _ = s.conn.Write([]byte(state))
}
