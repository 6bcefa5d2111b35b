package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
}

// The configuration of a daemon under test. Separate lines take calls and dial, so that no call meets a dial. The waits
// for real modems (DTR low, drain of their buffer, pause after each answer) are as short as possible, because the
// town's modems need none.
var configuration = template.Must(template.New("ringback.yaml").Parse(`hostname: bench
state_dir: state
api: {socket: {{.Dir}}/ringback.sock}
policies_dir: policies.d
log: {level: warn}
exec: {callback: true}
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
  - {name: u{{$n}}, password_file: password{{if not $.PPP}}, callback: {dialstring: "{{$number}}"}{{end}}}
{{- end}}
{{- end}}
chat_scripts:
  - {name: rtp, script: 'ABORT ERROR ABORT BUSY "" "AT" OK "ATDT \T" TIMEOUT 45 CONNECT \c'}
lines:
{{- $p := .}}
{{- range $i, $a := .CallIn}}
  - {tty: {{$p.In $i}}, port: "{{$p.Kind}}://{{$a}}", modem: callin, rotary: 1{{if $p.PPP}}, autoselect: [ppp], ppp_profile: default{{end}}{{$p.Rest}}}
{{- end}}
{{- range $i, $a := .CallOut}}
  - {tty: {{$p.Out $i}}, port: "{{$p.Kind}}://{{$a}}", modem: callout, rotary: 1, scripts: {callback: rtp}{{$p.Rest}}}
{{- end}}
`))

func (p plan) In(i int) int  { return 1 + i }
func (p plan) Out(i int) int { return 1 + len(p.CallIn) + i }

func (p plan) Numbers() []int {
	var n []int
	for i := range p.Users {
		n = append(n, wire.FirstHome+i)
	}
	return n
}

// Rest is the part that all lines have in common.
func (p plan) Rest() string {
	rest := fmt.Sprintf(", callback: {forced_wait: %s}", p.ForcedWait)
	if !p.Default {
		rest += fmt.Sprintf(", timing: {dtr_low: 1ms, drain: 1ms, guard: 1ms, silence: 20ms, command_gap: %s, "+
			"settle: 1ms}", commandGap)
	}
	return rest
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
	for name, data := range map[string]string{
		path:                                  conf.String(),
		filepath.Join(p.Dir, "password"):      wire.Password + "\n",
		filepath.Join(p.Dir, "radius.secret"): wire.Secret + "\n",
		filepath.Join(p.Dir, "policies.d/default.yaml"): "group: default\ncallback: optional\nnumbers: {allow: " +
			"[\"84*\"]}\nattempts: {max: 1}\n",
	} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
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
