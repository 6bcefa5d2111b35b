package cli

import (
	"encoding/json"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/lines/modem/probe"
)

// modemOnTCP serves a modem of the lab, on TCP or behind an RFC 2217 server.
func modemOnTCP(t *testing.T, telnet bool) (url string, m *exchange.Modem) {
	t.Helper()
	x := exchange.New(exchange.Config{})
	m = x.AddModem(exchange.ModemConfig{Name: "tty1", Number: "55555"})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serve, scheme := m.ServeTCP, "tcp://"
	if telnet {
		serve, scheme = m.ServeRFC2217, "rfc2217://"
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = serve(l) // it ends with the exchange
	}()
	t.Cleanup(func() {
		l.Close()
		if err := x.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return scheme + l.Addr().String(), m
}

// probed runs `modem probe` with these arguments.
func probed(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	c := newModemProbe()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetOut(&out)
	c.SetErr(&out)
	c.SetArgs(args)
	err := c.ExecuteContext(t.Context())
	return out.String(), err
}

// The probe proposes a line with which check-config agrees, on ports with and without modem signals.
func TestModemProbe(t *testing.T) {
	for _, telnet := range []bool{false, true} {
		url, m := modemOnTCP(t, telnet)
		out, err := probed(t, url, "-o", "json", "--timeout", "20s") // the machine may be busy
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		var r probe.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		if r.Profile != "lab" || r.InBand == telnet || r.Port == "" {
			t.Errorf("%+v", r)
		}
		if s := m.State(); s != exchange.OnHook {
			t.Errorf("the modem is %v", s)
		}
		dir := fileDir(t, map[string]string{"ringback.yaml": r.YAML +
			"state_dir: state\naaa: {lists: {login: {default: [none]}}}\n"})
		cfg, problems := config.Load(filepath.Join(dir, "ringback.yaml"), nil)
		if cfg == nil || cfg.Lines[0].Profile.Name != "lab" {
			t.Errorf("%s: %v", r.YAML, problems)
		}
		text, err := probed(t, url, "--tty", "65", "--timeout", "20s")
		if err != nil || !strings.Contains(text, "ringback exchange modem  (model or firmware)") ||
			!strings.Contains(text, "  - tty: 65\n") {
			t.Errorf("%v: %s", err, text)
		}
	}
}

func TestModemProbeErrors(t *testing.T) {
	bad := fileDir(t, map[string]string{"ringback.yaml": "lines: 5\n"})
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"/dev/nosuch"}, "serial:///dev/nosuch: no such file"},
		{[]string{"sreial:///dev/ttyS0"}, "did you mean serial?"},
		{[]string{"tcp://127.0.0.1:1", "--timeout", "0s"}, "--timeout 0s: must be more than 0"},
		{[]string{"tcp://127.0.0.1:1", "-o", "xml"}, "-o xml: must be table, json or yaml"},
		{[]string{"tcp://127.0.0.1:1", "-c", filepath.Join(bad, "ringback.yaml")}, "exit status 1"},
	} {
		if out, err := probed(t, tc.args...); err == nil ||
			!strings.Contains(err.Error(), tc.want) {
			t.Errorf("%v: %v %s", tc.args, err, out)
		}
	}
}
