package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/bench/wire"
)

// plan describes the configuration of a daemon under test.
type plan struct {
	Dir        string
	Kind       string // of port
	CallIn     []string
	CallOut    []string
	Users      int // local users u0 …; 0 with RADIUS
	Auth, Acct string
	ForcedWait time.Duration
	Default    bool   // use the waits that real modems need, not those of a test
	PPP        bool   // the lines that take calls serve PPP
	Echo       string // host:port that callers of PPP may reach on this machine
	// interval of the probes of idle modems; 0: the default
	Probe time.Duration
	Log   string // level; "" warn
	// a line with another setting than the rest, to be reloaded: its TTY, and the setting; 0 none
	Odd     int
	OddWait time.Duration
	// hunting among the lines, attempts by cause, and the hold-off of numbers
	Attempts bool
	Metrics  bool
	Page     bool
	Home     int    // number of the first user; 0: that of the town's first subscriber
	Listen   string // address of a listener of RFC 2217, whose users have the modem of the first line itself; "": none
	Waiters  int    // users w0 …, called back by the last line only
}

// The configuration of a daemon under test. Separate lines take calls and dial, so that no call meets a dial. The waits
// for real modems (DTR low, drain of their buffer, pause after each answer) are as short as possible, because the
// town's modems need none.
var configuration = template.Must(template.New("ringback.yaml").Parse(`hostname: bench
state_dir: state
api: {socket: {{.Dir}}/ringback.sock}
policies_dir: policies.d
log: {level: {{or .Log "warn"}}}
{{- if .Page}}
console: {listen: "127.0.0.1:0"}
{{- end}}
{{- if .Metrics}}
metrics: {listen: "127.0.0.1:0"}
{{- end}}
exec: {callback: true}
{{- if .Listen}}
listen: [{address: "{{.Listen}}", protocol: rfc2217, line: 1, raw: [default]}]
{{- end}}
{{- if .Attempts}}
rotaries: {"1": {hunt: least_used}}
callback: {hold_off: 1s}
{{- end}}
aaa:
{{- if .Auth}}
  radius:
    - {name: town, address: {{.Auth}}, accounting: {{.Acct}}, secret_file: radius.secret}
{{- end}}
  lists:
    login: {default: [{{if .Auth}}radius{{else}}local{{end}}]}
{{- if .PPP}}
    ppp: {default: [local]}
{{- end}}
{{- if .PPP}}
ppp:
  netdev: userspace
  userspace: {allow: [{{.Echo}}]}
  profiles:
    - {name: default, authentication: [pap], address: 10.8.0.1, pool: dialin, echo: {every: 10s, misses: 4}}
  pools: [{name: dialin, addresses: ["10.8.1.0-10.8.16.255"]}]
{{- end}}
{{- if .Users}}
users:
{{- range $n, $number := .Numbers}}
  - {name: u{{$n}}, password_file: password{{if not $.PPP}}, callback: {dialstring: "{{$number}}"}{{end}}{{if $.Listen}}, dial_out: true{{end}}}
{{- end}}
{{- range $n, $number := .WaitNumbers}}
  - {name: w{{$n}}, password_file: password, callback: {dialstring: "{{$number}}"}}
{{- end}}
{{- end}}
chat_scripts:
  - {name: rtp, script: 'ABORT ERROR ABORT BUSY "" "AT" OK "ATDT \T" TIMEOUT 45 CONNECT \c'}
lines:
{{- $p := .}}
{{- range $i, $a := .CallIn}}
  - {tty: {{$p.In $i}}, port: "{{$p.Kind}}://{{$a}}", modem: callin, rotary: 1{{if $p.PPP}}, autoselect: [ppp], ppp_profile: default{{end}}{{$p.Rest ($p.In $i)}}}
{{- end}}
{{- range $i, $a := .CallOut}}
  - {tty: {{$p.Out $i}}, port: "{{$p.Kind}}://{{$a}}", modem: callout, rotary: 1, scripts: {callback: rtp}{{$p.Rest ($p.Out $i)}}}
{{- end}}
`))

func (p plan) In(i int) int  { return 1 + i }
func (p plan) Out(i int) int { return 1 + len(p.CallIn) + i }

func (p plan) Numbers() []int {
	var n []int
	for i := range p.Users {
		n = append(n, cmp.Or(p.Home, wire.FirstHome)+i)
	}
	return n
}

func (p plan) WaitNumbers() []int {
	var n []int
	for i := range p.Waiters {
		n = append(n, wire.FirstWait+i)
	}
	return n
}

// waits reports whether a number is that of a waiter.
func (p plan) waits(number string) bool {
	n, err := strconv.Atoi(number)
	return err == nil && n >= wire.FirstWait && n < wire.FirstWait+p.Waiters
}

// Rest is the part of a line that is the same for both directions.
func (p plan) Rest(tty int) (rest string) {
	var timing []string
	if !p.Default {
		timing = append(timing, "dtr_low: 1ms, drain: 1ms, guard: 1ms, silence: 20ms, settle: 1ms",
			"command_gap: "+commandGap.String())
	}
	if p.Listen != "" { // raw access to a port without modem signals needs it
		defer func() { rest += ", insecure_signals: true" }()
	}
	if p.Probe > 0 {
		timing = append(timing, "probe: "+p.Probe.String())
	}
	if tty == p.Odd {
		timing = append(timing, "answer: "+p.OddWait.String())
	}
	rest = fmt.Sprintf(", callback: {forced_wait: %s}", p.ForcedWait)
	if len(timing) > 0 {
		rest += ", timing: {" + strings.Join(timing, ", ") + "}"
	}
	return rest
}

// attempts are the rules of a policy about what follows a failed attempt, for each cause.
const attempts = `attempts:
  max: 3
  retry_wait: 30s
  disable: 1s
  busy: {wait: 30s, backoff: 2, max_wait: 10m, jitter: 5s, line: other}
  no_answer: {wait: 1m, backoff: 2, jitter: 5s, line: other}
  no_carrier: {wait: 30s, line: other}
  no_dialtone: {wait: 10s, line: other}
  voice: {retry: no}
  timeout: {wait: 30s, line: other}
`

// policyFiles returns the policies of the users, by file name.
func (p plan) policyFiles() map[string]string {
	rules := "attempts: {max: 1}\n"
	if p.Attempts {
		rules = attempts
	}
	rules = "callback: optional\nnumbers: {allow: [\"84*\", \"89*\"]}\n" + rules
	if p.Listen != "" {
		rules += "raw_access: true\n"
	}
	files := map[string]string{"default.yaml": "group: default\n" + rules}
	if p.Waiters > 0 {
		var users []string
		for i := range p.Waiters {
			users = append(users, fmt.Sprint("w", i))
		}
		files["waiters.yaml"] = fmt.Sprintf("group: waiters\nusers: [%s]\ncallback_lines: [{line: %d}]\n%s",
			strings.Join(users, ", "), p.Out(len(p.CallOut)-1), rules)
	}
	return files
}

// files writes the configuration.
func (p plan) files() (string, error) {
	var conf bytes.Buffer
	if err := configuration.Execute(&conf, p); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Join(p.Dir, "policies.d"), 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(p.Dir, "ringback.yaml")
	files := map[string]string{
		path:                                  conf.String(),
		filepath.Join(p.Dir, "password"):      wire.Password + "\n",
		filepath.Join(p.Dir, "radius.secret"): wire.Secret + "\n",
	}
	for name, data := range p.policyFiles() {
		files[filepath.Join(p.Dir, "policies.d", name)] = data
	}
	before := time.Now().Add(-time.Minute) // a reload waits for files that changed in the last second
	for name, data := range files {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			return "", err
		}
		if err := os.Chtimes(name, before, before); err != nil {
			return "", err
		}
	}
	return path, nil
}

// daemon is `ringback serve` as a child process.
type daemon struct {
	cmd   *exec.Cmd
	plan  plan
	log   string
	api   *client.Client
	ended chan struct{}
}

// startDaemon starts the daemon and waits until all its lines are in service. The caller stops it.
func (b *bench) startDaemon(ctx context.Context, p plan) (*daemon, error) {
	path, err := p.files()
	if err != nil {
		return nil, err
	}
	d := &daemon{plan: p, log: filepath.Join(p.Dir, "ringback.log"),
		api: client.New(filepath.Join(p.Dir, "ringback.sock")), ended: make(chan struct{})}
	log, err := os.Create(d.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	d.cmd = exec.Command(b.ringback, "serve", "-c", path)
	d.cmd.Stderr, d.cmd.Stdout = log, log
	if err := d.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start ringback: %w", err)
	}
	go func() { d.cmd.Wait(); close(d.ended) }()
	if err := d.ready(ctx); err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

func (d *daemon) ready(ctx context.Context) error {
	deadline := time.Now().Add(60 * time.Second)
	for {
		lines, err := d.api.Lines(ctx)
		down := 0
		for _, l := range lines {
			if l.State != "idle" {
				down++
			}
		}
		if err == nil && down == 0 && len(lines) > 0 {
			return nil
		}
		select {
		case <-d.ended:
			return fmt.Errorf("the daemon has stopped: %s", d.lastWords())
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("ringback is not in service after a minute: %d of %d lines are not idle; %w: %s", down,
				len(lines), errors.Join(err), d.lastWords())
		}
	}
}

func (d *daemon) lastWords() string {
	data, _ := os.ReadFile(d.log)
	text := strings.TrimSpace(string(data))
	return text[max(0, len(text)-800):]
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

func (d *daemon) stop() {
	d.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(30 * time.Second):
		d.cmd.Process.Kill()
		<-d.ended
	}
}
