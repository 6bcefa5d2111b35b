// Package tacquito starts tacquito's TACACS+ server as a peer for tests. It is linked as a library because its program
// ends without a syslog socket and opens an extra port for metrics. It reads tacquito's own YAML configuration, as an
// operator would write it. Only tests import it.
package tacquito

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	tq "github.com/facebookincubator/tacquito"
	"github.com/facebookincubator/tacquito/cmds/server/config"
	"github.com/facebookincubator/tacquito/cmds/server/config/accounters/local"
	hashes "github.com/facebookincubator/tacquito/cmds/server/config/authenticators/bcrypt"
	"github.com/facebookincubator/tacquito/cmds/server/config/authorizers/stringy"
	"github.com/facebookincubator/tacquito/cmds/server/config/secret"
	"github.com/facebookincubator/tacquito/cmds/server/config/secret/prefix"
	"github.com/facebookincubator/tacquito/cmds/server/handlers"
	"github.com/facebookincubator/tacquito/cmds/server/loader"
	"github.com/facebookincubator/tacquito/cmds/server/loader/yaml"
	"golang.org/x/crypto/bcrypt"
)

// Options configures a server.
type Options struct {
	Config  string      // YAML text; its secrets provider contains the key, and its prefixes must allow 127.0.0.1
	Address string      // host:port; "": a free port of 127.0.0.1
	TLS     *tls.Config // nil: plain TCP, obfuscated with the key
}

// Server is a running tacquito.
type Server struct {
	Addr string // host:port

	listener *listener
	cancel   context.CancelFunc
	done     chan struct{} // closed when it has ended
	log      *lines
	records  *lines
}

// Start starts a server that ends with the test. If the test fails, its log is printed.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tacquito.yaml")
	if err := os.WriteFile(path, []byte(o.Config), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := start(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("tacquito's log:\n%s", s.Log())
		}
	})
	return s
}

func start(path string, o Options) (*Server, error) {
	s := &Server{done: make(chan struct{}), log: &lines{}, records: &lines{}}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	provider, err := s.load(ctx, path)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("tacquito: %w", err)
	}
	if o.Address == "" {
		o.Address = "127.0.0.1:0"
	}
	tcp, err := net.Listen("tcp", o.Address)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("tacquito: %w", err)
	}
	s.Addr = tcp.Addr().String()
	s.listener = &listener{TCPListener: tcp.(*net.TCPListener), tls: o.TLS, open: map[net.Conn]bool{}}
	server := tq.NewServer(s.log, provider, tq.SetUseTLS(o.TLS != nil))
	go func() {
		defer close(s.done)
		if err := server.Serve(ctx, s.listener); err != nil {
			s.log.Errorf(ctx, "%v", err)
		}
	}()
	return s, nil
}

// load sets up the same parts as tacquito's program, except syslog, metrics and the file watcher.
func (s *Server) load(ctx context.Context, path string) (*loader.Loader, error) {
	accounter, err := local.New(s.log, local.SetLogSink(s.records))
	if err != nil {
		return nil, err
	}
	provider, err := loader.NewLocalConfig(ctx, path, yaml.New(),
		loader.SetLoggerProvider(s.log),
		loader.SetKeychainProvider(secret.New()),
		loader.SetConfigProvider(config.New()),
		loader.SetAuthorizerProvider(stringy.New(s.log)),
		loader.RegisterSecretProviderType(config.PREFIX, prefix.New(s.log)),
		loader.RegisterHandlerType(config.START, handlers.NewStart(s.log)),
		loader.RegisterAuthenticator(config.BCRYPT, hashes.New(s.log, noSecrets{})),
		loader.RegisterAccounter(config.FILE, accounter))
	if err != nil {
		return nil, err
	}
	provider.BlockUntilLoaded()
	return provider, nil
}

// Stop ends the server and its connections, and waits until they have ended. It may be called twice.
func (s *Server) Stop() {
	s.cancel()
	s.listener.stop()
	<-s.done
}

// Accounting returns the records so far, each as tacquito writes it to its file: the request as JSON.
func (s *Server) Accounting() []string { return s.records.all() }

// Log returns the server's log.
func (s *Server) Log() string { return strings.Join(s.log.all(), "\n") }

// Hash returns the hash of a password for tacquito's configuration (authenticator type 1, option hash).
func Hash(password string) (string, error) {
	h, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
	return hex.EncodeToString(h), err
}

// noSecrets is an empty password store: all passwords are in the configuration.
type noSecrets struct{}

func (noSecrets) GetSecret(context.Context, string, string) ([]byte, error) { return nil, nil }

// listener records its connections, because tacquito's server keeps an idle one open for 15 s after it ends.
type listener struct {
	*net.TCPListener
	tls *tls.Config

	mu      sync.Mutex
	open    map[net.Conn]bool
	stopped bool
}

// Accept blocks for a connection.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.TCPListener.Accept()
	if err != nil {
		return nil, err
	}
	if l.tls != nil {
		conn = tls.Server(conn, l.tls)
	}
	c := &tracked{Conn: conn, l: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		conn.Close()
		return nil, net.ErrClosed
	}
	l.open[c] = true
	return c, nil
}

func (l *listener) stop() {
	l.TCPListener.Close()
	l.mu.Lock()
	l.stopped = true
	open := make([]net.Conn, 0, len(l.open))
	for c := range l.open {
		open = append(open, c)
	}
	l.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
}

type tracked struct {
	net.Conn
	l *listener
}

func (c *tracked) Close() error {
	c.l.mu.Lock()
	delete(c.l.open, c)
	c.l.mu.Unlock()
	return c.Conn.Close()
}

// lines is tacquito's logger and its accounting sink.
type lines struct {
	mu   sync.Mutex
	list []string
}

func (l *lines) add(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, s)
}

func (l *lines) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.list...)
}

// Printf adds a record.
func (l *lines) Printf(format string, args ...any) { l.add(fmt.Sprintf(format, args...)) }

// Infof adds a line to the log.
func (l *lines) Infof(_ context.Context, format string, args ...any) {
	l.add("info: " + fmt.Sprintf(format, args...))
}

// Errorf adds an error to the log.
func (l *lines) Errorf(_ context.Context, format string, args ...any) {
	l.add("error: " + fmt.Sprintf(format, args...))
}

// Debugf adds a debug message to the log.
func (l *lines) Debugf(_ context.Context, format string, args ...any) {
	l.add("debug: " + fmt.Sprintf(format, args...))
}

// Record does nothing: it would log passwords.
func (l *lines) Record(context.Context, map[string]string, ...string) {}

// Set returns ctx unchanged.
func (l *lines) Set(ctx context.Context, _ map[string]string, _ ...tq.ContextKey) context.Context {
	return ctx
}
