// Package pgtest has PostgreSQL servers for tests: a primary with its synchronous standby, on sockets of their own,
// that a test may kill, pause and promote; PgBouncer; and a proxy that cuts, delays and holds single messages. Nothing
// that it starts outlives the process of the tests, even if that is killed.
package pgtest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Names and password of what each server has: a database, and a role that is its owner and no superuser.
const (
	Name     = "ringback"
	User     = "ringback"
	Password = "password of the tests"
	Admin    = "postgres" // the superuser, who needs no password on the socket
)

// Port is the port in the names of sockets.
const Port = 5432

// Options configures a server. The zero value is a server on a socket whose users need no password there.
type Options struct {
	Settings map[string]string // of postgresql.conf
	HBA      []string          // lines of pg_hba.conf that come before those of this package
	// TCP opens a port of 127.0.0.1 too, on which roles need their password.
	TCP bool
	// TLS is for the TCP port, with a certificate for localhost of an authority of the server's own. Without TLS, a
	// client is refused there.
	TLS bool
	// Disk has its files on a disk, for measurements; otherwise they are in memory if there is room.
	Disk bool
	// Clock runs the server under libfaketime: see SetClock.
	Clock bool
}

// Server is a PostgreSQL server. Its methods may be called by one goroutine at a time.
type Server struct {
	Database        // the first one
	TCP      string // host:port; "": none
	CAFile   string // the authority that signed its certificate; "": no TLS
	Log      string // path of its log

	name string // of the server among those of the process: its directory, and its name as a standby
	bin  string // directory of the programs
	data string
	o    Options
	port int

	cmd  *exec.Cmd
	done chan struct{} // closed when the postmaster has ended
}

// Start starts a server, which the test's cleanup kills. If PostgreSQL 15 or later is not installed, the test is
// skipped, or fails with RINGBACK_REQUIRE_PEERS=1.
func Start(t testing.TB, options ...Options) *Server {
	t.Helper()
	var o Options
	if len(options) > 0 {
		o = options[0]
	}
	s, err := prepare(t, o)
	return owned(t, s, err)
}

// owned starts a server that is prepared, for one test.
func owned(t testing.TB, s *Server, err error) *Server {
	t.Helper()
	if err == nil {
		err = s.start()
	}
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the log of PostgreSQL %s ends with:\n%s", s.name, tail(s.Log))
		}
		os.RemoveAll(filepath.Dir(s.data))
	})
	return s
}

// tail returns the end of a file.
func tail(path string) []byte {
	text, _ := os.ReadFile(path)
	return text[max(0, len(text)-8000):]
}

// prepare makes the data directory of a server.
func prepare(t testing.TB, o Options) (*Server, error) {
	t.Helper()
	bin := programs(t)
	if o.Clock {
		faketime(t)
	}
	dir, err := newDir(o.Disk)
	if err != nil {
		return nil, err
	}
	s := newServer(bin, dir, o)
	if err := s.run("initdb", "-D", s.data, "-U", Admin, "-A", "trust", "--no-sync", "--no-instructions",
		"-E", "UTF8", "--locale=C"); err != nil {
		return nil, err
	}
	if err := s.configure(); err != nil {
		return nil, err
	}
	if err := s.start(); err != nil {
		return nil, err
	}
	_, err = s.query(context.Background(), "postgres", Admin, fmt.Sprintf(
		"CREATE ROLE %s LOGIN PASSWORD '%s'; CREATE DATABASE %s OWNER %s", User, Password, Name, User))
	return s, err
}

func newServer(bin, dir string, o Options) *Server {
	s := &Server{name: filepath.Base(dir), bin: bin, data: filepath.Join(dir, "data"), o: o, port: Port,
		Log: filepath.Join(dir, "log")}
	s.Database = Database{Server: s, Name: Name, Address: dir}
	return s
}

// configure writes the files of a new data directory.
func (s *Server) configure() error {
	settings := map[string]string{"shared_buffers": "32MB", "max_connections": "100", "log_min_messages": "warning",
		"timezone": "UTC", "log_timezone": "UTC", "wal_keep_size": "256MB", "max_wal_size": "512MB",
		"log_line_prefix": "%m [%p] "}
	settings["dynamic_shared_memory_type"] = "mmap" // in the data directory: killed servers leave nothing in /dev/shm
	maps.Copy(settings, s.o.Settings)
	hba := slices.Clone(s.o.HBA)
	hba = append(hba, "local all,replication "+Admin+" trust", "local all all trust")
	switch {
	case s.o.TLS:
		var err error
		if s.CAFile, err = writeCertificates(s.data); err != nil {
			return err
		}
		settings["ssl"], settings["ssl_cert_file"], settings["ssl_key_file"] = "on", "server.pem", "server.key"
		hba = append(hba, "hostssl all all 127.0.0.1/32 scram-sha-256")
	case s.o.TCP:
		hba = append(hba, "host all all 127.0.0.1/32 scram-sha-256")
	}
	var conf strings.Builder
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&conf, "%s = '%s'\n", key, strings.ReplaceAll(settings[key], "'", "''"))
	}
	if err := s.write("postgresql.conf", conf.String()); err != nil {
		return err
	}
	return s.write("pg_hba.conf", strings.Join(hba, "\n")+"\n")
}

// write writes a file of the data directory.
func (s *Server) write(name, text string) error {
	path := filepath.Join(s.data, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	return give(path)
}

// run runs one of PostgreSQL's programs to its end.
func (s *Server) run(program string, args ...string) error {
	cmd := exec.Command(filepath.Join(s.bin, program), args...)
	cmd.Dir, cmd.Env = filepath.Dir(s.data), environment(filepath.Dir(s.data))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(), Setpgid: true}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, out)
	}
	return nil
}

// start starts the postmaster, if it does not run, and waits until it accepts connections.
func (s *Server) start() error {
	if s.running() {
		return nil
	}
	var err error
	for range 5 { // another process may take a free port before PostgreSQL does
		if (s.o.TCP || s.o.TLS) && s.TCP == "" {
			if s.port, err = freePort(); err != nil {
				return err
			}
		}
		if err = s.launch(); err == nil {
			return nil
		}
		if !bytes.Contains(tail(s.Log), []byte("could not bind")) || s.TCP != "" {
			return err
		}
	}
	return err
}

func (s *Server) launch() error {
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	listen := ""
	if s.port != Port {
		listen = "127.0.0.1"
		link := filepath.Join(s.Address, fmt.Sprintf(".s.PGSQL.%d", Port))
		os.Remove(link)
		if err := os.Symlink(fmt.Sprintf(".s.PGSQL.%d", s.port), link); err != nil {
			return err
		}
	}
	s.cmd = exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.data, "-c", "unix_socket_directories="+s.Address,
		"-c", fmt.Sprintf("port=%d", s.port), "-c", "listen_addresses="+listen)
	s.cmd.Stdout, s.cmd.Stderr, s.cmd.Dir = log, log, s.Address
	s.cmd.Env = environment(s.Address)
	if s.o.Clock {
		s.cmd.Env = append(s.cmd.Env, clockEnvironment(s.clockFile())...)
	}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential(), Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	done, cmd := make(chan struct{}), s.cmd
	s.done = done
	go func() { cmd.Wait(); close(done) }()
	if err := s.ready(); err != nil {
		s.Kill()
		return fmt.Errorf("start PostgreSQL: %w\n%s", err, tail(s.Log))
	}
	if listen != "" {
		s.TCP = fmt.Sprintf("%s:%d", listen, s.port)
	}
	return nil
}

// ready waits until the server answers.
func (s *Server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		_, err := s.query(ctx, "postgres", Admin, "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-s.done:
			return fmt.Errorf("it has ended")
		case <-ctx.Done():
			return err
		case <-time.After(30 * time.Millisecond):
		}
	}
}
