package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestPeerImageRuns runs the program of the image with what a container engine gives it: the files of the image, as its
// user, /proc and /dev. It plays the lab's scenarios, serves, and ends when it is told to.
func TestPeerImageRuns(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		skipPeer(t, "needs root, for namespaces")
	}
	i := unpack(t, filepath.Join(release(t, "1.0.0"), "ringback-1.0.0-oci.tar"))
	for args, want := range map[string]string{"version": "ringback 1.0.0,",
		"lab --play --pace 20": "4 of 4 scenarios ended as expected"} {
		out, err := i.command(t, strings.Fields(args)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("ringback %s: %v\n%s", args, err, out)
		}
	}
	serve := i.command(t, i.Config.Cmd...)
	var log strings.Builder
	serve.Stdout, serve.Stderr = &log, &log
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve.Wait() }()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); ; {
		if out, err := i.command(t, "show", "health").CombinedOutput(); err == nil {
			if !strings.Contains(string(out), "ready: yes") {
				t.Errorf("show health:\n%s", out)
			}
			break
		}
		select {
		case <-tick.C:
		case err := <-ended:
			t.Fatalf("the daemon has ended: %v\n%s", err, log.String())
		case <-limit:
			t.Fatalf("the daemon does not answer in %v", patience)
		}
	}
	if err := serve.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err != nil || !strings.Contains(log.String(), "stopped") {
			t.Errorf("after SIGTERM: %v\n%s", err, log.String())
		}
	case <-time.After(patience):
		t.Errorf("the daemon does not end in %v after SIGTERM", patience)
	}
}

// image is an image whose files are in a directory, and its configuration.
type image struct {
	root   string
	Config struct {
		User, WorkingDir string
		Env              []string
		Entrypoint, Cmd  []string
	} `json:"config"`
}

func unpack(t *testing.T, archive string) (i image) {
	t.Helper()
	dir := t.TempDir()
	runHere(t, ".", needs(t, "skopeo", "skopeo"), "copy", "--quiet", "oci-archive:"+archive, "dir:"+dir)
	var manifest struct {
		Config struct{ Digest string }
		Layers []struct{ Digest string }
	}
	err := json.Unmarshal([]byte(readFile(t, dir+"/manifest.json")), &manifest)
	blob := func(digest string) string { return filepath.Join(dir, strings.TrimPrefix(digest, "sha256:")) }
	if err == nil {
		err = json.Unmarshal([]byte(readFile(t, blob(manifest.Config.Digest))), &i)
	}
	i.root = tempDir(t)
	if err := errors.Join(err, os.Chmod(i.root, 0o755), os.Mkdir(i.root+"/proc", 0o555),
		os.Mkdir(i.root+"/dev", 0o755)); err != nil {
		t.Fatal(err)
	}
	for _, l := range manifest.Layers {
		runHere(t, i.root, "tar", "-xzp", "--numeric-owner", "-f", blob(l.Digest))
	}
	return i
}

// command runs the program of the image in namespaces for processes and mounts. It is killed if the test ends.
func (i image) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", append([]string{"-c", `root=$1 user=$2 dir=$3; shift 3
mount --make-rprivate / && mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" &&
exec unshare --root="$root" --wd="$dir" --setgid="${user#*:}" --setuid="${user%:*}" "$@"`, "sh", i.root, i.Config.User, i.Config.WorkingDir},
		append(i.Config.Entrypoint, args...)...)...)
	c.Env = i.Config.Env
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	return c
}
