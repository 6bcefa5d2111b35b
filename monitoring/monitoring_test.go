package monitoring

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/ringback/ringback/metrics"
)

// rule is an alert of alerts.yaml.
type rule struct {
	Alert, Expr string
	Annotations map[string]string
}

func rules(t *testing.T) (all []rule) {
	t.Helper()
	data, err := os.ReadFile("alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct{ Rules []rule }
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// TestAlerts: each rule uses metrics of the table, in the right way, and says what to do.
func TestAlerts(t *testing.T) {
	t.Parallel()
	all := rules(t)
	if len(all) < 20 {
		t.Fatalf("%d rules", len(all))
	}
	shown := regexp.MustCompile(`\$labels\.(\w+)`)
	for _, r := range all {
		labels := checkExpr(t, r.Alert, r.Expr)
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s: a summary and a description with what to do are needed", r.Alert)
		}
		for _, text := range r.Annotations {
			for _, l := range shown.FindAllStringSubmatch(text, -1) {
				if !slices.Contains(labels, l[1]) {
					t.Errorf("%s: the text has the label %s, the expression has %v", r.Alert, l[1], labels)
				}
			}
		}
	}
}

// TestDashboard: each panel uses metrics of the table, in the right way, and has a place of its own.
func TestDashboard(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		UID    string
		Panels []struct {
			ID          int
			Type, Title string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ Expr, LegendFormat string }
		}
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	if board.UID == "" || len(board.Panels) < 20 {
		t.Errorf("%q has %d panels", board.UID, len(board.Panels))
	}
	ids, squares := map[int]bool{}, map[[2]int]string{}
	shown := regexp.MustCompile(`\{\{(\w+)\}\}`)
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %d %q: its number is used twice, or it shows nothing", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := squares[[2]int{x, y}]; other != "" || x >= 24 {
					t.Fatalf("%s is over %s, or beyond the edge", p.Title, other)
				}
				squares[[2]int{x, y}] = p.Title
			}
		}
		for _, target := range p.Targets {
			labels := checkExpr(t, p.Title, target.Expr)
			for _, l := range shown.FindAllStringSubmatch(target.LegendFormat, -1) {
				if !slices.Contains(labels, l[1]) {
					t.Errorf("%s: the legend has the label %s, the expression has %v", p.Title, l[1], labels)
				}
			}
		}
	}
}

var (
	selector = regexp.MustCompile(`\b((?:ringback|process|go)_\w+|up)\b(\{[^}]*\})?`)
	matcher  = regexp.MustCompile(`(\w+)\s*(=~|!=|=)\s*"([^"]*)"`)
	grouping = regexp.MustCompile(`\b(by|without)\s*\(([^)]*)\)`)
)

// checkExpr checks the metrics of an expression, and returns the labels of its result.
func checkExpr(t *testing.T, of, expr string) (labels []string) {
	t.Helper()
	found := 0
	labels = []string{"instance", "job"}
	for _, at := range selector.FindAllStringSubmatchIndex(expr, -1) {
		found++
		name, matchers := expr[at[2]:at[3]], ""
		if at[4] >= 0 {
			matchers = expr[at[4]:at[5]]
		}
		row, counts := find(name)
		if row == nil && strings.HasPrefix(name, "ringback_") {
			t.Errorf("%s: there is no metric %s", of, name)
			continue
		}
		before := strings.TrimSpace(expr[:at[0]])
		if rated := strings.HasSuffix(before, "rate(") || strings.HasSuffix(before, "increase("); row != nil &&
			rated != counts {
			t.Errorf("%s: rate() and increase() are for counts, %s is a %s", of, name, row.Type)
		}
		if row == nil { // of Prometheus, the process or Go
			row = &metrics.Row{}
		}
		for _, l := range row.Labels {
			labels = append(labels, l.Name)
		}
		for _, m := range matcher.FindAllStringSubmatch(matchers, -1) {
			checkMatcher(t, of, name, row, m[1], m[3])
		}
	}
	if found == 0 {
		t.Errorf("%s: no metric in %q", of, expr)
	}
	return grouped(t, of, expr, labels)
}

// find returns the row of a metric, or of the series of a histogram, and whether it only grows.
func find(name string) (*metrics.Row, bool) {
	for i := range metrics.Table {
		r := &metrics.Table[i]
		histogram := r.Type == metrics.Histogram
		if r.Name == name && !histogram {
			return r, r.Type == metrics.Counter
		}
		if rest, ok := strings.CutPrefix(name, r.Name); ok && histogram &&
			slices.Contains([]string{"_bucket", "_count", "_sum"}, rest) {
			return r, true
		}
	}
	return nil, false
}

func checkMatcher(t *testing.T, of, name string, row *metrics.Row, label, values string) {
	t.Helper()
	if label == "instance" || label == "job" {
		return
	}
	i := slices.IndexFunc(row.Labels, func(l metrics.Label) bool { return l.Name == label })
	if i < 0 {
		t.Errorf("%s: %s has no label %s", of, name, label)
		return
	}
	for _, v := range strings.Split(values, "|") {
		if known := row.Labels[i].Values; known != nil && !slices.Contains(known, v) {
			t.Errorf("%s: the label %s of %s is never %q", of, label, name, v)
		}
	}
}

// grouped returns the labels that an aggregation leaves.
func grouped(t *testing.T, of, expr string, labels []string) []string {
	t.Helper()
	all := append(slices.Clone(labels), "le")
	for _, g := range grouping.FindAllStringSubmatch(expr, -1) {
		var names []string
		for _, n := range strings.Split(g[2], ",") {
			if n = strings.TrimSpace(n); !slices.Contains(all, n) {
				t.Errorf("%s: no metric of the expression has the label %s", of, n)
			}
			names = append(names, n)
		}
		if g[1] == "by" {
			labels = names
		}
	}
	return labels
}

// TestCheckExpr: the check finds what it is for.
func TestCheckExpr(t *testing.T) {
	for expr, good := range map[string]bool{
		`ringback_lines{state="idle"} == 0`:                true,
		`ringback_lines{state="in call"} == 0`:             false,
		`ringback_lines{color="red"} == 0`:                 false,
		`ringback_line > 0`:                                false,
		`ringback_calls_total > 5`:                         false,
		`rate(ringback_calls_total[5m]) > 5`:               true,
		`rate(ringback_lines[5m]) > 5`:                     false,
		`ringback_callback_dial_delay_seconds > 1`:         false,
		`sum by (result) (rate(ringback_calls_total[5m]))`: false,
		`histogram_quantile(0.9, sum by (le) (rate(ringback_callback_dial_delay_seconds_bucket[5m])))`: true,
		`1 > 0`: false,
	} {
		sub := &testing.T{}
		if checkExpr(sub, "", expr); sub.Failed() == good {
			t.Errorf("%s: failed is %t", expr, sub.Failed())
		}
	}
}

// TestPeerPromtool: promtool accepts the rules, and they fire when they should.
func TestPeerPromtool(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal("promtool is missing: install the Debian package prometheus")
		}
		t.Skip("promtool is missing: install the Debian package prometheus")
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts.test.yaml"}} {
		out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput()
		if err != nil || strings.Contains(string(out), "FAILED") || !strings.Contains(string(out), "SUCCESS") {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}
