package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/metrics"
)

// monitored is a daemon of this process that serves metrics.
type monitored struct {
	dir, url string
	log      *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// everything is a configuration that has a value for each label.
const everything = `hostname: maui
state_dir: state
api: {socket: DIR/s}
metrics: {listen: 127.0.0.1:0}
users: [{name: kim, password_file: secret}]
ceilings: {day: {calls: 100, minutes: 60}}
aaa:
  radius: [{name: r1, address: "127.0.0.1:1", accounting: "127.0.0.1:1", secret_file: secret}]
  tacacs: [{name: t1, address: "127.0.0.1:1", secret_file: secret}]
  lists:
    login: {default: [local]}
    accounting: {isp: {record: start-stop, methods: [radius]}}
ppp:
  netdev: userspace
  profiles: [{name: default, authentication: [pap], address: 10.8.0.1, pool: dialin}]
  pools: [{name: dialin, addresses: ["10.8.1.0-10.8.1.9"]}]
listen: [{address: "127.0.0.1:0", protocol: telnet, to: vty}]
lines:
  - {tty: 1, port: "tcp://127.0.0.1:1", accounting: isp}
  - {tty: 2, port: "tcp://127.0.0.1:2"}
`

var servedAt = regexp.MustCompile(`metrics are served\s+\{"address": "([^"]+)"\}`)

// monitor runs a daemon until the test ends.
func monitor(t *testing.T) *monitored {
	t.Helper()
	return running(t, everything, servedAt)
}

// running runs a daemon with a configuration until the test ends. at finds in its log the address that the test uses.
func running(t *testing.T, configuration string, at *regexp.Regexp) *monitored {
	t.Helper()
	m := &monitored{dir: t.TempDir(), log: &syncBuffer{}}
	for name, text := range map[string]string{
		"ringback.yaml": strings.ReplaceAll(configuration, "DIR", m.dir), "secret": "a secret of more than 24 octets\n",
		"policies.d/default.yaml": "group: default\ncallback: optional\n" +
			"limits: {group: {hour: {calls: 5}, month: {minutes: 600}}}\n",
	} {
		path := filepath.Join(m.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Options{File: filepath.Join(m.dir, "ringback.yaml"), Version: "test", Stderr: m.log})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	eventually(t, at.String(), func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the daemon has ended: %v\n%s", err, m.log)
		default:
		}
		found := at.FindStringSubmatch(m.log.String())
		if found != nil {
			m.url = "http://" + found[1]
		}
		return found != nil
	})
	return m
}

// logs waits until the log has a text: events are logged after what reports them has gone on.
func (m *monitored) logs(t *testing.T, text string) {
	t.Helper()
	eventually(t, "the log has "+text, func() bool { return strings.Contains(m.log.String(), text) })
}

func (m *monitored) get(t *testing.T, method, path string) (status int, header http.Header, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, m.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

// TestMetricsOfADaemon: a running daemon exports exactly the metrics of the table, with their types, texts and labels;
// its socket exports the same, and /healthz and /readyz agree with `show health`.
func TestMetricsOfADaemon(t *testing.T) {
	t.Parallel()
	m := monitor(t)
	c := client.New(filepath.Join(m.dir, "s"))
	var h client.Health
	eventually(t, "both lines are out of service", func() bool {
		var err error
		h, err = c.Health(t.Context())
		return err == nil && len(h.Out) == 2 && len(h.Warnings) == 1
	})
	status, _, body := m.get(t, http.MethodGet, "/readyz")
	var ready metrics.Readiness
	if err := json.Unmarshal([]byte(body), &ready); err != nil || status != http.StatusServiceUnavailable ||
		ready.Ready || h.Ready || !slices.Equal(ready.Warnings, h.Warnings) || ready.Warnings[0].Code != "no_lines" ||
		!ready.Warnings[0].Unready || ready.Warnings[0].Fix == "" {
		t.Errorf("readyz: %d %s (%v); show health: %+v", status, body, err, h)
	}
	if status, _, body := m.get(t, http.MethodGet, "/healthz"); status != http.StatusOK || body != "{\"live\":true}\n" {
		t.Errorf("healthz: %d %s", status, body)
	}
	for path, want := range map[string]int{"/metrics": 405, "/healthz": 405, "/": 404, "/v1/lines": 404,
		"/debug/vars": 404} {
		method := http.MethodPost
		if want == 404 {
			method = http.MethodGet
		}
		if status, _, body := m.get(t, method, path); status != want {
			t.Errorf("%s %s: %d %s, want %d", method, path, status, body, want)
		}
	}
	status, header, text := m.get(t, http.MethodGet, "/metrics")
	if status != http.StatusOK || header.Get("Content-Type") != metrics.ContentType {
		t.Fatalf("%d %s %s", status, header, text)
	}
	var viaSocket bytes.Buffer
	if err := c.Metrics(t.Context(), &viaSocket); err != nil {
		t.Fatal(err)
	}
	for _, of := range []string{text, viaSocket.String()} {
		parser := expfmt.NewTextParser(model.LegacyValidation)
		families, err := parser.TextToMetricFamilies(strings.NewReader(of))
		if err != nil {
			t.Fatal(err)
		}
		compare(t, families)
	}
	for _, line := range []string{`ringback_lines{state="down"} 2`, "ringback_ready 0",
		`ringback_health_warnings{code="no_lines"} 1`, `ringback_scrape_part_up{part="journal"} 1`,
		`ringback_ceiling_limit{group="default",period="month",resource="seconds",scope="group"} 36000`,
		`ringback_ceiling_limit{group="",period="day",resource="calls",scope="site"} 100`,
		`ringback_aaa_server_up{protocol="radius",server="r1",serves="accounting"} 1`,
		`ringback_ppp_pool_addresses{family="ipv4",pool="dialin",state="free"} 10`,
		`ringback_accounting_spool_records{list="default"} 0`, "ringback_configuration_generation 1",
		`ringback_build_info{goversion="`} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("the scrape has no %s", line)
		}
	}
	if strings.Contains(text, "kim") {
		t.Error("the scrape has the name of a user")
	}
}

// compare compares what a daemon exports with the table, in both directions.
func compare(t *testing.T, families map[string]*dto.MetricFamily) {
	t.Helper()
	rows := map[string]metrics.Row{}
	for _, r := range metrics.Table {
		rows[r.Name] = r
		alone := strings.HasPrefix(r.Name, "ringback_fleet_") // as this daemon is
		if alone != (families[r.Name] == nil) {
			t.Errorf("%s is exported: %t", r.Name, alone)
		}
	}
	for name, f := range families {
		r, ok := rows[name]
		if !ok {
			if !strings.HasPrefix(name, "go_") && !strings.HasPrefix(name, "process_") {
				t.Errorf("%s is exported and not in the table", name)
			}
			continue
		}
		if kind := strings.ToLower(f.GetType().String()); kind != string(r.Type) || f.GetHelp() != r.Help {
			t.Errorf("%s is exported as a %s, %q", name, kind, f.GetHelp())
		}
		for _, m := range f.GetMetric() {
			got := map[string]string{}
			for _, l := range m.GetLabel() {
				got[l.GetName()] = l.GetValue()
			}
			for _, l := range r.Labels {
				v, ok := got[l.Name]
				if !ok || l.Values != nil && !slices.Contains(l.Values, v) {
					t.Errorf("%s: the label %s is %q, %t", name, l.Name, v, ok)
				}
				delete(got, l.Name)
			}
			if len(got) > 0 {
				t.Errorf("%s: labels %v are not in the table", name, got)
			}
		}
	}
}

// TestPeerPromtoolMetrics: promtool finds nothing wrong with the metrics of a running daemon.
func TestPeerPromtoolMetrics(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal("promtool is missing: install the Debian package prometheus")
		}
		t.Skip("promtool is missing: install the Debian package prometheus")
	}
	m := monitor(t)
	_, _, text := m.get(t, http.MethodGet, "/metrics")
	cmd := exec.CommandContext(t.Context(), promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v: %s", err, out)
	}
}

// TestReloadCounts: the generation counts applied reloads, and errors are counted by the files that have them.
func TestReloadCounts(t *testing.T) {
	t.Parallel()
	m := monitor(t)
	c := client.New(filepath.Join(m.dir, "s"))
	scrape := func() string {
		_, _, text := m.get(t, http.MethodGet, "/metrics")
		return text
	}
	for _, tt := range []struct {
		file, text, want string
		applied          int
	}{
		{"policies.d/default.yaml", "group: default\nlife: 1\n", `ringback_configuration_errors{part="policies"} 1`, 0},
		{"policies.d/default.yaml", "group: default\n", "ringback_configuration_generation 2", 1},
		{"policies.d/more.yaml", "group: more\n", "ringback_policy_groups 2", 1},
		{"ringback.yaml", "life: 1h\n", `ringback_configuration_errors{part="other"} 1`, 0},
	} {
		if err := os.WriteFile(filepath.Join(m.dir, tt.file), []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := c.Reload(t.Context())
		last := fmt.Sprintf("\nringback_configuration_last_reload_successful %d\n", tt.applied)
		if text := scrape(); err != nil || !strings.Contains(text, "\n"+tt.want+"\n") || !strings.Contains(text, last) {
			t.Errorf("%s: no %q after the reload (%v)", tt.file, tt.want, err)
		}
	}
}
