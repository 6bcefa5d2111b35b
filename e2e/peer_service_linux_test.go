package e2e

import (
	"strings"
	"testing"
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

// TestPeerNotifyReload: with the drop-in, systemd of Debian 13 waits for the end of a reload, and then says whether it
// failed.
func TestPeerNotifyReload(t *testing.T) {
	t.Parallel()
	m := bootNew(t, "trixie")
	m.install(t, "1.0.0")
	m.until(t, "ringback show line")
	m.run(t, `mkdir -p /etc/systemd/system/ringback.service.d
cp /usr/share/ringback/systemd/notify-reload.conf /etc/systemd/system/ringback.service.d/
systemd-analyze verify --man=no ringback.service && systemctl daemon-reload && systemctl restart ringback`)
	if out := m.run(t, "systemctl show -P Type ringback"); out != "notify-reload" {
		t.Errorf("the type of the service is %q", out)
	}
	const idle = "0 lines: 0 in use, 0 out of service; 0 pending callbacks"
	for _, tt := range []struct{ change, want string }{
		{"true", idle},
		{"echo 'lines: [{tty: x}]' >>/etc/ringback/ringback.yaml", idle + "; the last reload failed"},
		{"sed -i '$d' /etc/ringback/ringback.yaml", idle},
	} {
		if out := m.run(t, tt.change+" && systemctl reload ringback && systemctl show -P StatusText ringback"); out !=
			tt.want {
			t.Errorf("%s: the status is %q, want %q", tt.change, out, tt.want)
		}
	}
}
