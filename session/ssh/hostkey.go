package sshfront

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/crypto/ssh"
)

// HostKeyFile is the name of the host key in the directory of the state.
const HostKeyFile = "ssh_host_ed25519_key"

// HostKey reads the host key in a directory, or makes it if there is none: Ed25519, readable by this user only. made
// reports whether it did.
func HostKey(dir string) (key ssh.Signer, made bool, err error) {
	path := filepath.Join(dir, HostKeyFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = makeKey(path); err == nil {
			made = true
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("the host key of SSH: %w", err)
	}
	if !made {
		if err := private(path); err != nil {
			return nil, false, err
		}
	}
	if key, err = ssh.ParsePrivateKey(text); err != nil {
		return nil, false, fmt.Errorf("the host key of SSH: %s: %w (restore it, or remove it: clients then see "+
			"another key)", path, err)
	}
	return key, made, nil
}

// private returns an error if others can read a file.
func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("the host key of SSH: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("the host key of SSH: %s can be read or written by others (chmod 600 %s)", path, path)
	}
	return nil
}

// makeKey writes a new key, and never over another one.
func makeKey(path string) (text []byte, err error) {
	_, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(secret, "ringback")
	if err != nil {
		return nil, err
	}
	text = pem.EncodeToMemory(block)
	f, err := os.CreateTemp(filepath.Dir(path), ".ssh_host_*") // 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Link(f.Name(), path) // fails if there is one
	}
	return text, err
}
