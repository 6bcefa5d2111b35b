package syslog

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/certs"
	"github.com/ringback/ringback/lab/servers"
)

// gtls is where Debian's rsyslog has its driver for TLS.
const gtls = "/usr/lib/*/rsyslog/lmnsd_gtls.so"

// rsyslogd is Debian's rsyslog in a directory of its own. It writes what it receives to two files: "raw" has the
// octets, "read" what it has read in them.
type rsyslogd struct{ dir string }

func (r rsyslogd) file(name string) string { return filepath.Join(r.dir, name) }

// start starts it with a configuration; its ruleset is "all".
func (r rsyslogd) start(t *testing.T, inputs string) {
	t.Helper()
	conf := `
global(workDirectory="` + r.dir + `")
template(name="raw" type="string" string="%rawmsg%\n")
template(name="read" type="string" string="` + strings.Join([]string{"%inputname%", "%syslogfacility%",
		"%syslogseverity%", "%hostname%", "%app-name%", "%procid%", "%msgid%", "%structured-data%", "%msg%"}, "|") + `\n")
ruleset(name="all") {
	action(type="omfile" file="` + r.file("raw") + `" template="raw")
	action(type="omfile" file="` + r.file("read") + `" template="read")
}
` + inputs
	if err := os.WriteFile(r.file("rsyslog.conf"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	cmd := exec.Command(need(t, "rsyslogd", "rsyslog"), "-n", "-f", r.file("rsyslog.conf"), "-i", r.file("pid"))
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		cmd.Wait()
		if t.Failed() {
			t.Logf("rsyslogd: %s", output.String())
		}
	})
}

func need(t *testing.T, program, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	if err != nil {
		missing(t, program, pkg)
	}
	return path
}

func missing(t *testing.T, what, pkg string) {
	t.Helper()
	msg := fmt.Sprintf("needs %s: apt-get install %s", what, pkg)
	if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
		t.Fatal(msg)
	}
	t.Skip(msg)
}

// awaited returns the content of a file once it has whole lines with the text.
func awaited(t *testing.T, path, text string) string {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(ample); ; <-tick.C {
		b, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(b), text) && len(b) > 0 {
			return string(b)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has %q after %v, not %q (%v)", path, b, ample, text, err)
		}
	}
}

// with returns the lines of a file that have a text, once they are there.
func with(t *testing.T, path, text string, count int) (lines []string) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(ample); len(lines) < count; <-tick.C {
		lines = nil
		b, _ := os.ReadFile(path)
		for line := range strings.Lines(string(b)) {
			if strings.HasSuffix(line, "\n") && strings.Contains(line, text) {
				lines = append(lines, strings.TrimSuffix(line, "\n"))
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has %q after %v", path, b, ample)
		}
	}
	return lines
}

// certificatesFor writes the files of both sides to a directory.
func certificatesFor(t *testing.T, dir string) certs.Files {
	t.Helper()
	ca, err := servers.NewAuthority("syslog")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) string {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	issue := func(name string, c servers.Certificate) (certFile, keyFile string) {
		cert, key, err := ca.Issue(c)
		if err != nil {
			t.Fatal(err)
		}
		return write(name+".pem", cert), write(name+".key", key)
	}
	issue("server", servers.Certificate{Name: "rsyslog", Hosts: []string{"127.0.0.1"}, Server: true})
	files := certs.Files{CAFile: write("ca.pem", ca.PEM())}
	files.CertFile, files.KeyFile = issue("client", servers.Certificate{Name: "nas", Client: true})
	return files
}

// Debian's rsyslog reads our records by every transport: one line each, whatever a caller has typed, with the header,
// the structured data and the text in their places.
func TestPeerRsyslog(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) (rsyslogd, Server){
		"udp": func(t *testing.T) (rsyslogd, Server) {
			c, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			address := c.LocalAddr().String()
			_, port, _ := net.SplitHostPort(address)
			c.Close()
			r := rsyslogd{t.TempDir()}
			r.start(t, `module(load="imudp") input(type="imudp" address="127.0.0.1" port="`+port+`" ruleset="all")`)
			return r, Server{Network: UDP, Address: address}
		},
		"tcp": func(t *testing.T) (rsyslogd, Server) {
			r := rsyslogd{t.TempDir()}
			r.start(t, `module(load="imtcp") input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="`+
				r.file("port")+`" ruleset="all")`)
			return r, Server{Network: TCP, Address: "127.0.0.1:" + awaited(t, r.file("port"), "")}
		},
		"tls": func(t *testing.T) (rsyslogd, Server) {
			if found, _ := filepath.Glob(gtls); len(found) == 0 {
				missing(t, gtls, "rsyslog-gnutls")
			}
			r := rsyslogd{t.TempDir()}
			files := certificatesFor(t, r.dir)
			r.start(t, `global(defaultNetstreamDriverCAFile="`+r.file("ca.pem")+`"
       defaultNetstreamDriverCertFile="`+r.file("server.pem")+`" defaultNetstreamDriverKeyFile="`+r.file("server.key")+`")
module(load="imtcp" streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid")
input(type="imtcp" address="127.0.0.1" port="0" listenPortFileName="`+r.file("port")+`" ruleset="all")`)
			return r, Server{Network: TLS, Address: "127.0.0.1:" + awaited(t, r.file("port"), ""), TLS: files}
		},
		"unix": func(t *testing.T) (rsyslogd, Server) {
			r := rsyslogd{t.TempDir()}
			r.start(t, `module(load="imuxsock" sysSock.use="off") input(type="imuxsock" socket="`+r.file("log")+
				`" ruleset="all")`)
			return r, Server{Network: Unix, Address: r.file("log")}
		},
	} {
		t.Run(name, func(t *testing.T) {
			need(t, "rsyslogd", "rsyslog")
			r, server := start(t)
			s := run(t, server)
			ready, deadline := false, time.Now().Add(ample)
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for ; !ready; <-tick.C { // a datagram to a server that is not there yet is lost
				s.log.Info("ready?")
				flush(t, s)
				b, _ := os.ReadFile(r.file("read"))
				if ready = bytes.Contains(b, []byte("ready?")); !ready && time.Now().After(deadline) {
					t.Fatal("rsyslogd receives nothing")
				}
			}
			hostile := "x\r\n<187>1 - - - - - - %RINGBACK-0-FORGED: \x00\x1b[2J]\"\xff%s"
			s.log.Warn("login failed", zap.String(KindKey, "login.failed"), zap.String("user", hostile),
				zap.String("call", "qwerty22"), zap.String("reason", "Größe"))
			s.log.Warn("login failed", zap.String("user", strings.Repeat("ü", 32<<10)))
			s.log.Warn("login failed: end")
			with(t, r.file("raw"), "login failed: end", 1)
			with(t, r.file("read"), "login failed: end", 1)
			raw, read := with(t, r.file("raw"), "", 4), with(t, r.file("read"), "login failed", 3)
			for _, line := range raw {
				if server.Network == Unix {
					break
				}
				if p, err := parse(line); err != nil || p.severity != 6 || p.facility != 23 {
					t.Errorf("%q: %v", line, err)
				}
			}
			const text = `%RINGBACK-6-LOG: login failed ` +
				`user="x\r\n<187>1 - - - - - - %RINGBACK-0-FORGED: \x00\x1b[2J]\"\xff%s" call=qwerty22 reason="Größe"`
			want := "23|6|maui-nas-04.example.net|ringback|4711|log.login.failed|[meta sequenceId=\"N\"]" +
				`[ringback@32473 call="qwerty22"]|` + "\ufeff" + text
			if server.Network == Unix {
				host, err := os.Hostname()
				if err != nil {
					t.Fatal(err)
				}
				want = "23|6|" + host + "|ringback|4711|-|-| " + text
			}
			_, got, _ := strings.Cut(read[0], "|")
			if before, after, ok := strings.Cut(got, `sequenceId="`); ok {
				_, after, _ = strings.Cut(after, `"`)
				got = before + `sequenceId="N"` + after
			}
			if got != want || len(read) != 3 {
				t.Errorf("rsyslog reads %d records, the first\n%q, want\n%q", len(read), got, want)
			}
		})
	}
}
