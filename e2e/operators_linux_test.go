package e2e

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// Users and a group of the tests. They need no names.
const (
	daemonUID, aliceUID, bobUID, malloryUID = 64001, 64002, 64003, 64004

	operatorsGID = 64100
)

// asUser runs the program, or prepares to, as a user whose only supplementary groups are these.
func asUser(t *testing.T, program string, uid uint32, groups []uint32, args ...string) *exec.Cmd {
	c := exec.CommandContext(t.Context(), program, args...)
	c.Env, c.Dir = append(os.Environ(), "HOME=/nonexistent"), "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid, Groups: groups}}
	return c
}

// operatorsSite makes the directory of a daemon with its own user, in which other users can run the program. The
// directory for the socket is as systemd makes it (RuntimeDirectory=).
func operatorsSite(t *testing.T) (dir, copied string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to become different users")
	}
	dir = tempDir(t)
	put := func(name, text string, mode fs.FileMode, uid int) {
		t.Helper()
		path := filepath.Join(dir, name)
		var err error
		if text == "" {
			err = os.MkdirAll(path, mode)
		} else {
			err = os.WriteFile(path, []byte(text), mode)
		}
		if err := errors.Join(err, os.Chmod(path, mode), os.Chown(path, uid, uid)); err != nil {
			t.Fatal(err)
		}
	}
	put(".", "", 0o755, 0)
	put("ringback", readFile(t, program(t)), 0o755, 0)
	put("state", "", 0o700, daemonUID)
	put("run", "", 0o700, daemonUID)
	put("policies.d", "", 0o755, 0)
	put("policies.d/default.yaml", "group: default\n", 0o644, 0)
	put("policies.d/vendor.yaml", "group: vendor\naccess: {window: required, approvals: 2}\n", 0o644, 0)
	put("kim.password", "pw\n", 0o600, daemonUID)
	put("ringback.yaml", "state_dir: state\napi: {socket: run/s, group: 64100}\n"+
		"aaa: {lists: {login: {default: [local]}}}\nusers: [{name: kim, password_file: kim.password}]\n"+
		"lines: [{tty: 1, port: \"tcp://127.0.0.1:1\", rotary: 1}, {tty: 2, port: \"tcp://127.0.0.1:2\", rotary: 1}]\n",
		0o644, 0)
	return dir, filepath.Join(dir, "ringback")
}

// Two members of api.group are two operators, told apart by their user IDs; others cannot use the socket.
func TestTwoOperators(t *testing.T) {
	t.Parallel()
	dir, program := operatorsSite(t)
	socket := filepath.Join(dir, "run", "s")
	serve := asUser(t, program, daemonUID, []uint32{operatorsGID}, "serve", "-c", filepath.Join(dir, "ringback.yaml"))
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	serve.Stderr = log
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); serve.Wait() }()
	t.Cleanup(func() { serve.Process.Signal(syscall.SIGTERM); <-ended })
	eventually(t, "the start of the daemon", func() bool {
		select {
		case <-ended:
			t.Fatalf("the daemon has ended:\n%s", readFile(t, log.Name()))
		default:
		}
		return strings.Contains(readFile(t, log.Name()), "started")
	})
	var st unix.Stat_t
	for path, mode := range map[string]uint32{socket: 0o660, filepath.Dir(socket): 0o710} {
		if err := unix.Lstat(path, &st); err != nil || st.Mode&0o7777 != mode || st.Gid != operatorsGID {
			t.Errorf("%s: mode %04o, group %d, %v; must be %04o", path, st.Mode&0o7777, st.Gid, err, mode)
		}
	}
	members := []uint32{operatorsGID}
	for _, step := range []struct {
		uid    uint32
		groups []uint32
		args   string
		want   string // in the output, which of a failure begins with "ringback: "
	}{
		{malloryUID, nil, "policy open vendor --for 4h --reason mine", "ringback: connect to the daemon at"},
		{malloryUID, nil, "show lines",
			"permission denied (run as root, the user of the daemon or a member of its group)"},
		{aliceUID, members, "policy open vendor --for 4h --reason ticket", "ringback policy approve vendor --for 4h"},
		{aliceUID, members, "policy approve vendor --for 4h --reason ticket",
			"access window: uid 64002 (api, pid "},
		{malloryUID, nil, "policy approve vendor --for 4h --reason ticket",
			"ringback: connect to the daemon at"},
		{bobUID, members, "policy approve vendor --for 4h --reason ticket",
			"access window of group vendor open until"},
		{aliceUID, members, "show windows -o json", `"approved_by": "uid 64003 (api, pid `},
		{malloryUID, nil, "line busyout 1", "ringback: connect to the daemon at"},
		{aliceUID, members, "line busyout 1 --reason repair", "line 1 takes no more calls"},
		{bobUID, members, "show line -o json", `"by": "uid 64002 (api, pid `},
		{bobUID, members, "line restore 1", "line 1 takes calls"},
		{malloryUID, nil, "reload", "ringback: connect to the daemon at"},
		{bobUID, members, "reload", "ringback.yaml: reloaded\n  nothing has changed\n"},
	} {
		out, err := asUser(t, program, step.uid, step.groups,
			append(strings.Fields(step.args), "--socket", socket)...).CombinedOutput()
		if !strings.Contains(string(out), step.want) || (err != nil) != strings.HasPrefix(string(out), "ringback: ") {
			t.Errorf("user %d: %s: %v\n%s\nmust have %q", step.uid, step.args, err, out, step.want)
		}
	}
}

// A daemon that cannot give its socket to the group does not start, and says how to fix that.
func TestOperatorsNeedTheGroup(t *testing.T) {
	t.Parallel()
	dir, program := operatorsSite(t)
	out, err := asUser(t, program, daemonUID, nil, "serve", "-c", filepath.Join(dir, "ringback.yaml")).CombinedOutput()
	if want := "make the user running ringback a member, usermod -aG 64100 USER"; err == nil ||
		!strings.Contains(string(out), want) {
		t.Errorf("%v\n%s", err, out)
	}
	if info, err := os.Stat(filepath.Join(dir, "run")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory of the socket: %v %v", info.Mode(), err)
	}
}
