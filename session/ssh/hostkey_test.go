package sshfront

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHostKey(t *testing.T) {
	dir := t.TempDir()
	key, made, err := HostKey(dir)
	if err != nil || !made {
		t.Fatal(made, err)
	}
	path := filepath.Join(dir, HostKeyFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	again, made, err := HostKey(dir)
	if err != nil || made || !bytes.Equal(again.PublicKey().Marshal(), key.PublicKey().Marshal()) {
		t.Errorf("the key is another one the second time: %v, %v", made, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".ssh_host_*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, _, err := HostKey(dir); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others read: %v", err)
	}
	if err := os.WriteFile(path, []byte("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = os.Chmod(path, 0o600)
	if _, _, err := HostKey(dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a key that was cut off: %v", err)
	}
	if _, _, err := HostKey(filepath.Join(dir, "none")); err == nil {
		t.Error("a key was made in no directory")
	}
}
