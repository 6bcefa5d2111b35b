package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func (s *Server) running() bool {
	if s.done == nil {
		return false
	}
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// Kill ends the server at once, as the loss of its machine's power does, except that what the kernel has of its files
// stays. It may be called twice.
func (s *Server) Kill() {
	if !s.running() {
		return
	}
	pid := s.cmd.Process.Pid
	syscall.Kill(pid, syscall.SIGSTOP) // so that it starts no other child
	all := children(pid)
	syscall.Kill(pid, syscall.SIGKILL)
	for _, c := range all {
		syscall.Kill(c, syscall.SIGKILL)
	}
	<-s.done
	await(func() bool {
		for _, c := range all {
			if state, _ := stat(c); state != 0 && state != 'Z' {
				return false
			}
		}
		return true
	})
	s.removeSegment()
}

// removeSegment removes the segment of System V by which a server that starts would find processes of this one.
func (s *Server) removeSegment() {
	text, _ := os.ReadFile(filepath.Join(s.data, "postmaster.pid"))
	if lines := strings.Split(string(text), "\n"); len(lines) > 6 {
		if f := strings.Fields(lines[6]); len(f) == 2 {
			id, _ := strconv.Atoi(f[1])
			unix.SysvShmCtl(id, unix.IPC_RMID, nil)
		}
	}
}

// Stop shuts the server down in order: connections are ended with SQLSTATE 57P01, and a standby gets all.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if !s.running() {
		return
	}
	s.Resume()
	s.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-s.done:
	case <-time.After(time.Minute):
		t.Fatalf("pgtest: PostgreSQL %s does not shut down within a minute", s.name)
	}
}

// Restart starts a server that was stopped or killed; one that runs is stopped first. Its addresses stay.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.Stop(t)
	if err := s.start(); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
}

// Pause stops all processes of the server (SIGSTOP), and waits until they have stopped. Its sockets stay open.
func (s *Server) Pause() {
	pid := s.cmd.Process.Pid
	syscall.Kill(pid, syscall.SIGSTOP)
	await(func() bool {
		stopped := true
		for _, c := range append(children(pid), pid) {
			if state, _ := stat(c); state != 'T' && state != 'Z' && state != 0 {
				syscall.Kill(c, syscall.SIGSTOP)
				stopped = false
			}
		}
		return stopped
	})
}

// Resume ends a Pause.
func (s *Server) Resume() {
	pid := s.cmd.Process.Pid
	for _, c := range append(children(pid), pid) {
		syscall.Kill(c, syscall.SIGCONT)
	}
}

// children returns the processes whose parent is pid.
func children(pid int) []int {
	var all []int
	paths, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range paths {
		c, _ := strconv.Atoi(filepath.Base(p))
		if _, parent := stat(c); parent == pid {
			all = append(all, c)
		}
	}
	return all
}

// stat returns the state (proc(5)) and the parent of a process; 0, 0 if there is none.
func stat(pid int) (state byte, parent int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	after := strings.LastIndex(string(text), ") ")
	if err != nil || after < 0 {
		return 0, 0
	}
	fields := strings.Fields(string(text[after+2:]))
	parent, _ = strconv.Atoi(fields[1])
	return fields[0][0], parent
}

// await waits until f is true, for at most a minute.
func await(f func() bool) bool {
	late := time.After(time.Minute)
	for !f() {
		select {
		case <-late:
			return false
		case <-time.After(2 * time.Millisecond):
		}
	}
	return true
}
