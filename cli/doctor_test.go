package cli

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/doctor"
)

// runDoctor runs the command and returns its exit status and what it prints.
func runDoctor(t *testing.T, args ...string) (status int, out string) {
	t.Helper()
	root := newRoot("test")
	var b bytes.Buffer
	root.SetOut(&b)
	root.SetArgs(append([]string{"doctor"}, args...))
	err := root.ExecuteContext(t.Context())
	var s exitStatus
	switch {
	case errors.As(err, &s):
		return int(s), b.String()
	case err != nil:
		t.Fatal(err)
	}
	return 0, b.String()
}

const doctorConfig = `
state_dir: state
api: {socket: /nowhere/ringback.sock}
aaa: {lists: {login: {default: [local]}}}
lines:
`

func TestDoctor(t *testing.T) {
	dir := fileDir(t, map[string]string{
		"well.yaml": doctorConfig + `  - {tty: 1, port: "tcp://127.0.0.1:1"}`,
		"ill.yaml":  doctorConfig + `  - {tty: 1, port: "serial:///dev/no-such-device", init: AT&F1X3}`,
	})
	status, out := runDoctor(t, "-c", filepath.Join(dir, "well.yaml"))
	if status != 0 || !strings.Contains(out, "not complete: daemon, fleet, line, notice, dcd, wires, com-port: no "+
		"daemon answers\n") ||
		!strings.HasSuffix(out, " checks, 0 problems\n") {
		t.Errorf("%d\n%s", status, out)
	}
	status, out = runDoctor(t, "-c", filepath.Join(dir, "ill.yaml"), "--modems")
	if status != 1 || !strings.Contains(out, "device: line 1: /dev/no-such-device does not exist\n  fix: plug it in") ||
		!strings.Contains(out, "dial-tone: line 1: init has X3: ") ||
		!strings.Contains(out, "modem: line 1: serial:///dev/no-such-device: no such file or directory") {
		t.Errorf("%d\n%s", status, out)
	}
	status, out = runDoctor(t, "-c", filepath.Join(dir, "ill.yaml"), "-o", "json")
	if status != 1 || !strings.Contains(out, `"check": "device",`) {
		t.Errorf("%d\n%s", status, out)
	}
	root := newRoot("test")
	root.SetArgs([]string{"doctor", "-c", filepath.Join(dir, "none.yaml")})
	if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "check-config") {
		t.Errorf("without a configuration: %v", err)
	}
}

// The how-to names each check, and its samples count them.
func TestDoctorHowTo(t *testing.T) {
	text := readFile(t, "../docs/how-to/first-modem.md")
	if n := len(doctor.Checks()); strings.Count(text, fmt.Sprintf("%d checks, ", n)) < 2 {
		t.Errorf("the samples do not say %d checks", n)
	}
	for _, c := range doctor.Checks() {
		if !strings.Contains(text, "`"+c.Name+"`") {
			t.Errorf("the how-to does not name the check %s", c.Name)
		}
	}
}
