package lab

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestFind(t *testing.T) {
	state := t.TempDir()
	t.Setenv("XDG_STATE_HOME", state)
	if _, err := Find(); !errors.Is(err, ErrNoLab) {
		t.Errorf("without any: %v", err)
	}
	mine := Town{PID: os.Getpid(), Dir: "/d", Socket: "/d/s", Control: "/d/c"}
	takeBack, err := publish(mine)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Find(); err != nil || got != mine {
		t.Errorf("%+v, %v", got, err)
	}
	takeBack()
	if _, err := Find(); !errors.Is(err, ErrNoLab) {
		t.Errorf("after its end: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(state, "ringback", "lab", "*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A killed lab leaves its file; the next lab ignores it, and a lab removes only its own file.
func TestFindStale(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Skip(err)
	}
	takeBack, err := publish(Town{PID: dead.Process.Pid})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Find(); !errors.Is(err, ErrNoLab) {
		t.Errorf("of a dead lab: %v", err)
	}
	if _, err := publish(Town{PID: os.Getpid()}); err != nil {
		t.Fatal(err)
	}
	takeBack()
	if _, err := Find(); err != nil {
		t.Errorf("another lab's file was removed: %v", err)
	}
	if err := os.WriteFile(pointer(), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Find(); err == nil || errors.Is(err, ErrNoLab) {
		t.Errorf("of a damaged file: %v", err)
	}
}
