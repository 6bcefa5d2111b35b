// Package postgres runs a PostgreSQL server for a lab: on a socket, for one database, as a child process that does not
// outlive the lab.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Name is the name of the database, and of its owner, who needs no password.
const Name = "ringback"

// Debian is where Debian's packages have the versions of PostgreSQL.
const Debian = "/usr/lib/postgresql"

// Server is a server with its files in a directory.
type Server struct {
	Dir   string // of the socket and the files: the address for clients
	Fresh bool   // the database is empty: it was made by New

	bin       string
	user      *syscall.Credential
	temporary bool // Dir is removed by Close

	cmd   *exec.Cmd
	ended chan struct{} // closed when the server has ended; nil: it was never started
}

// maxDir is the longest directory of a socket, whose path has 107 octets at most (unix(7)).
const maxDir = 107 - len("/.s.PGSQL.5432") - len(".lock") - 1

// New prepares a server in dir, or uses the one that is there. If PostgreSQL cannot use dir, because it runs as another
// user or because the path of its socket would be too long, its files are in a temporary directory. Close must be
// called. installed is Debian, or another directory with versions of PostgreSQL.
func New(ctx context.Context, dir, installed string) (*Server, error) {
	bin, err := Programs(installed)
	if err != nil {
		return nil, err
	}
	s := &Server{Dir: dir, bin: bin}
	if s.user, err = Credential(); err != nil {
		return nil, err
	}
	if s.user != nil || len(dir) > maxDir {
		if s.Dir, err = os.MkdirTemp("", "ringback-lab-"); err != nil {
			return nil, fmt.Errorf("directory for PostgreSQL: %w", err)
		}
		s.temporary = true
	}
	if err := s.make(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.Dir, "data") }
func (s *Server) log() string  { return filepath.Join(s.Dir, "postgres.log") }

// make makes the database, unless it is there.
func (s *Server) make(ctx context.Context) error {
	made := filepath.Join(s.Dir, "made")
	if _, err := os.Stat(made); err == nil {
		return nil
	}
	s.Fresh = true
	if err := os.RemoveAll(s.data()); err != nil { // one that was not finished
		return fmt.Errorf("directory for PostgreSQL: %w", err)
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("directory for PostgreSQL: %w", err)
	}
	if s.user != nil {
		if err := os.Chown(s.Dir, int(s.user.Uid), int(s.user.Gid)); err != nil {
			return fmt.Errorf("directory for PostgreSQL: %w", err)
		}
	}
	if err := s.run(ctx, "", "initdb", "-D", s.data(), "-U", "postgres", "-A", "trust", "--no-instructions", "-E",
		"UTF8", "--locale=C"); err != nil {
		return err
	}
	for _, statement := range []string{"CREATE ROLE " + Name + " LOGIN", "CREATE DATABASE " + Name + " OWNER " + Name} {
		if err := s.run(ctx, statement+"\n", "postgres", "--single", "-D", s.data(), "postgres"); err != nil {
			return err
		}
	}
	if err := os.WriteFile(made, nil, 0o600); err != nil {
		return fmt.Errorf("directory for PostgreSQL: %w", err)
	}
	return nil
}

// run runs a program to its end.
func (s *Server) run(ctx context.Context, stdin, program string, args ...string) error {
	cmd := s.command(ctx, program, args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("PostgreSQL: %s: %w\n%s", program, err, out)
	}
	return nil
}

// command is one of PostgreSQL's programs, without PGHOST and its like in its environment.
func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...)
	cmd.Dir = s.Dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.Dir, "LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user, Setpgid: true} // the lab handles Ctrl-C
	return cmd
}

// startTime is how long a server may take until it accepts connections, on a busy machine.
const startTime = time.Minute

// Start starts the server and waits until it accepts connections. held is the lab's lock on the directory, which stays
// locked until the server has ended.
func (s *Server) Start(ctx context.Context, held *os.File) error {
	if err := os.Remove(filepath.Join(s.data(), "postmaster.pid")); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	defer log.Close()
	s.cmd = s.command(context.WithoutCancel(ctx), "postgres", "-D", s.data(), "-c",
		"unix_socket_directories="+s.Dir, "-c", "listen_addresses=", "-c", "port=5432", "-c",
		"shared_buffers=16MB", "-c", "timezone=UTC", "-c", "dynamic_shared_memory_type=mmap")
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.ExtraFiles = log, log, []*os.File{held}
	s.cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT // an immediate shutdown: no server outlives its lab
	started, ended := make(chan error, 1), make(chan struct{})
	cmd := s.cmd
	go func() {
		runtime.LockOSThread() // Pdeathsig is sent when the thread that started the child ends
		defer close(ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			cmd.Wait()
		}
	}()
	s.ended = ended
	if err := <-started; err != nil {
		return fmt.Errorf("PostgreSQL: %w", err)
	}
	return s.ready(ctx)
}

// ready waits until the server has written that it is ready (the eighth line of postmaster.pid).
func (s *Server) ready(ctx context.Context) error {
	deadline := time.After(startTime)
	for {
		text, _ := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
		if l := strings.Split(string(text), "\n"); len(l) > 7 && strings.TrimSpace(l[7]) == "ready" {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("PostgreSQL has ended: %s", s.lastWords())
		case <-deadline:
			return fmt.Errorf("PostgreSQL did not start in %v: %s", startTime, s.lastWords())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// lastWords is the end of the server's log.
func (s *Server) lastWords() string {
	text, _ := os.ReadFile(s.log())
	return string(text[max(0, len(text)-1000):])
}

// Stop shuts the server down; its connections are ended. Without an effect if it does not run.
func (s *Server) Stop() {
	if s.ended == nil || s.cmd.Process == nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGINT)
	select {
	case <-s.ended:
	case <-time.After(startTime):
		s.cmd.Process.Signal(syscall.SIGQUIT)
		<-s.ended
	}
}

// Close stops the server and removes files that the next lab does not use.
func (s *Server) Close() error {
	s.Stop()
	if s.temporary {
		return os.RemoveAll(s.Dir)
	}
	return nil
}
