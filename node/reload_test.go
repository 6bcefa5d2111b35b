package node

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker"
	"github.com/ringback/ringback/broker/journal/sqlite"
	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/config/configtest"
	"github.com/ringback/ringback/lines"
	"github.com/ringback/ringback/node/methods"
)

func TestRanges(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		ttys []int
		want string
	}{
		{[]int{65}, "65"}, {[]int{65, 66}, "65-66"}, {[]int{65, 66, 67, 70}, "65-67, 70"},
		{[]int{1, 3, 4, 9}, "1, 3-4, 9"},
	} {
		if got := ranges(tt.ttys); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.ttys, got, tt.want)
		}
	}
}

// Without an accounting method nothing is recorded, until a reload configures one.
func TestNothingAccounted(t *testing.T) {
	t.Parallel()
	cfg := configtest.Load(t, "users: [{name: kim, password_file: password}]\naaa: {lists: {login: {default: "+
		"[local]}}}\n"+
		"lines: [{tty: 1, port: \"tcp://127.0.0.1:1\"}]\n")
	want := map[string]broker.AccountingList{"default": {Record: broker.NoRecording}}
	if got := accountingLists(cfg); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// A reload changes the access server's name in later requests.
func TestReloadOfHostname(t *testing.T) {
	t.Parallel()
	named := func(name string) *methods.Set {
		text := strings.NewReplacer("hostname: h", "hostname: "+name, "METHOD", "radius").Replace(generationConfig)
		return methodsOf(t, configtest.Load(t, text))
	}
	d := &daemon{methods: named("maui")}
	if got := d.about(time.Now()).Hostname; got != "maui" {
		t.Errorf("at the start: %q", got)
	}
	d.replace(named("kihei"), time.Now())
	if got := d.about(time.Now()).Hostname; got != "kihei" {
		t.Errorf("after the reload: %q", got)
	}
}

// TestReloadFailedSaysWhy: the audit has the first error of a configuration that is not applied.
func TestReloadFailedSaysWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "state", "journal.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	file := filepath.Join(dir, "ringback.yaml")
	if err := os.WriteFile(file, []byte("hostname: h\nlife: 1h\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := &daemon{cfg: &config.Config{File: file}, log: zap.NewNop(), journal: j,
		logHealth: func() client.Log { return client.Log{} },
		broker:    broker.New(broker.Options{Journal: j, Pool: lines.NewPool(lines.PoolOptions{})}, broker.Config{})}
	d.reload(t.Context())
	audit, _, err := j.AuditTail(t.Context(), 1)
	if err != nil || len(audit) != 1 || audit[0].Kind != "reload failed" ||
		!strings.HasPrefix(audit[0].Text, file+": the new configuration has errors: "+file+":2:1: life: unknown key") {
		t.Errorf("%+v, %v", audit, err)
	}
	if h, _ := d.health(t.Context()); !slices.ContainsFunc(h.Problems, func(p string) bool {
		return strings.HasPrefix(p, "the last reload failed") && strings.Contains(p, file+":2:1: life: unknown key")
	}) {
		t.Errorf("health: %q", h.Problems)
	}
}
