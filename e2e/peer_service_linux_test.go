package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab"
)

// TestPeerService runs the unit under systemd: reload, a credential, the devices that it may open, socket activation,
// and a daemon that hangs.
func TestPeerService(t *testing.T) {
	t.Parallel()
	m := bootMachine(t)
	m.install(t, "1.0.0")
	m.until(t, "ringback show line")
	m.run(t, "systemctl reload ringback")
	m.until(t, "journalctl --unit ringback --output cat | grep -q 'configuration reloaded\\|reloaded'")
	m.until(t, "systemctl is-active ringback")

	m.run(t, `install -D -m 600 <(echo "a secret of 24 octets, or more") /etc/ringback/secrets/radius
mkdir -p /etc/systemd/system/ringback.service.d
printf '[Service]\nLoadCredential=radius:/etc/ringback/secrets/radius\nWatchdogSec=5\nRestartSec=1\n' \
	>/etc/systemd/system/ringback.service.d/test.conf
cat >/etc/ringback/ringback.yaml <<END
state_dir: /var/lib/ringback
api: {socket: /run/ringback/ringback.sock}
aaa:
  radius: [{name: r, address: 127.0.0.1, secret_file: "credential:radius"}]
  lists: {login: {default: [radius]}}
lines: [{tty: 1, port: "serial:///dev/ttyS63"}]
END
systemctl daemon-reload && systemctl restart ringback`)
	// the service may open the device, and the kernel has no UART there
	m.until(t, "ringback show line | tr -s ' \\n' ' ' | grep -q 'no UART behind it'")
	if out, err := m.try(t, "runuser -u ringback -- cat /etc/ringback/secrets/radius"); err == nil {
		t.Errorf("the user ringback can read the secret itself: %s", out)
	}
	m.run(t, "CREDENTIALS_DIRECTORY=/run/credentials/ringback.service ringback check-config")

	m.run(t, "systemctl stop ringback && systemctl start ringback.socket")
	if out, _ := m.try(t, "systemctl is-active ringback"); strings.TrimSpace(out) != "inactive" {
		t.Errorf("before the first command the service is %s", out)
	}
	m.run(t, "ringback show line") // waits for the daemon, which systemd starts
	m.run(t, "systemctl is-active ringback")

	m.run(t, `pid=$(systemctl show -P MainPID ringback); [ "$pid" -gt 1 ] && kill -STOP "$pid"`)
	m.until(t, `[ "$(systemctl show -P NRestarts ringback)" -gt 0 ]`)
	m.until(t, "ringback show line")
}

// TestPeerInstallHowTo goes from the package to a called-back line as docs/how-to/install.md says, with a modem of the
// lab instead of a serial one.
func TestPeerInstallHowTo(t *testing.T) {
	t.Parallel()
	m := bootMachine(t)
	m.install(t, "1.0.0")
	l := startTown(t, lab.Options{})
	port := regexp.MustCompile(`rfc2217://[^"'\s,}]+`).FindString(readFile(t, l.Dir()+"/ringback.yaml"))
	if port == "" {
		t.Fatalf("no port in\n%s", readFile(t, l.Dir()+"/ringback.yaml"))
	}
	l.StopDaemon()
	out := m.run(t, `cd /root && (umask 077; echo maui-1993 >pw)
ringback init --aaa local --user austin-01 --password-file pw --number 84001 --hostname maui-nas-04 --port `+
		port+` --probe 2>&1`)
	for _, want := range []string{"good     S2", "/etc/ringback/ringback.yaml: written and checked",
		"ringback aaa test austin-01 -c /etc/ringback/ringback.yaml",
		"systemctl restart ringback && ringback show line"} {
		if !strings.Contains(out, want) {
			t.Errorf("init does not print %q:\n%s", want, out)
		}
	}
	if out := m.run(t, "echo maui-1993 | runuser -u ringback -- ringback aaa test austin-01 "+
		"-c /etc/ringback/ringback.yaml"); !strings.Contains(out, "call_back: at 84001") {
		t.Errorf("aaa test:\n%s", out)
	}
	m.run(t, "systemctl restart ringback")
	m.until(t, "ringback show line | grep -q idle")
	m.answerFor(t, l)
	play(t, l, parse(t, login("austin-01", "maui-1993")+`see Callback initiated
see NO CARRIER
see RING
see CONNECT
see Username:
type austin-01
see Password:
type maui-1993
see maui-nas-04>
hangup
-- callback --
phase: completed
user: austin-01
number: 84001
verify: yes
attempts: 1
`))
	if out := m.run(t, "ringback show callbacks --all"); !strings.Contains(out, "completed") {
		t.Errorf("show callbacks --all:\n%s", out)
	}
}
