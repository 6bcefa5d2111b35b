package e2e

import (
	"strings"
	"testing"
)

// TestPeerRPM installs, upgrades and erases the rpm with rpm, on a Debian: it does not show that the names of the
// packages on which it depends are right.
func TestPeerRPM(t *testing.T) {
	t.Parallel()
	needs(t, "rpm", "rpm")
	m := bootMachine(t)
	rpm := func(how, version string) {
		t.Helper()
		m.run(t, "rpm --nodeps --nosignature "+how+" "+m.fetch(t, version, "*.rpm"))
	}
	const files = "cd /mnt && find usr etc -name '*ringback*' -not -type c"
	before := m.run(t, files)
	rpm("--install", "1.0.0")
	for _, tt := range []struct{ script, want string }{
		{"rpm --verify --nodeps ringback", ""},
		{"systemctl show -P ActiveState ringback", "inactive"},
		{"id -nG ringback", "ringback dialout"},
		{"stat -c '%a %U %G' /etc/ringback /etc/ringback/ringback.yaml /run/ringback",
			"750 root ringback\n640 root ringback\n755 ringback ringback"},
	} {
		if out := m.run(t, tt.script); out != tt.want {
			t.Errorf("%s: %q, want %q", tt.script, out, tt.want)
		}
	}
	m.run(t, "systemctl enable --now ringback && ringback show line")
	first := m.run(t, "systemctl show -P MainPID ringback")
	m.run(t, "echo '# a change' >>/etc/ringback/ringback.yaml")

	rpm("--upgrade", "1.0.1")
	m.until(t, "ringback show line")
	if now := m.run(t, "systemctl show -P MainPID ringback"); now == first {
		t.Error("the daemon of the old version still runs")
	}
	if out := m.run(t, "ringback version; tail -n 1 /etc/ringback/ringback.yaml"); !strings.HasPrefix(out,
		"ringback 1.0.1,") || !strings.HasSuffix(out, "# a change") {
		t.Errorf("after the upgrade: %s", out)
	}

	m.run(t, "rpm --nodeps --erase ringback")
	m.run(t, "test -e /var/lib/ringback/journal.db -a -e /etc/ringback/ringback.yaml.rpmsave -a ! -e /run/ringback")
	if out, err := m.try(t, "systemctl is-active ringback"); err == nil {
		t.Errorf("after the erasure the service is %s", out)
	}
	m.run(t, "rm -r /etc/ringback")
	if after := m.run(t, files); after != before {
		t.Errorf("after the erasure there is still\n%s\nbefore the installation there was\n%s", after, before)
	}
}
