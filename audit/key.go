package audit

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Files of the state directory.
const (
	KeyFile    = "audit.key"     // the key that signs, PKCS #8 in PEM, mode 0600
	NewKeyFile = "audit.key.new" // the key that replaces it at the next start or reload
	LastFile   = "audit.last"    // the last seal
	SealsFile  = "audit.seals"   // the seals, unless the configuration names another file
)

// Fingerprint returns the SHA-256 of a public key (its DER) as hexadecimal digits, as
// `openssl pkey -pubin -outform der | sha256sum` prints it.
func Fingerprint(key ed25519.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err) // an Ed25519 key is always encoded
	}
	return fmt.Sprintf("%x", sha256.Sum256(der))
}

// PublicPEM returns a public key in PEM.
func PublicPEM(key ed25519.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err) // as above
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// maxKey limits the octets of a file with a key.
const maxKey = 64 << 10

// ReadPublicKeys reads the public keys of a PEM file; there may be text around them.
func ReadPublicKeys(path string) (keys []ed25519.PublicKey, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	for len(keys) < 100 {
		block, rest := pem.Decode(b)
		if block == nil {
			break
		}
		b = rest
		if block.Type == "PRIVATE KEY" {
			return nil, fmt.Errorf("public key %s: this is the private key, which must stay on the server (print the "+
				"public one there with `ringback audit key`)", path)
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		key, ok := parsed.(ed25519.PublicKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("public key %s: a block %q is no Ed25519 public key", path, block.Type)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("public key %s: no Ed25519 public key in PEM (print it with `ringback audit key`)", path)
	}
	return keys, nil
}

// readKey reads the private key at path. The error wraps fs.ErrNotExist if there is no file.
func readKey(path string) (ed25519.PrivateKey, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("key %w (it must be a file of mode 0600 that this user may read, not a link)", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("key %w", err)
	}
	if mode := info.Mode(); !mode.IsRegular() || mode.Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key %s: mode %v gives others access (chmod 600 %[1]s; replace the key if others may "+
			"have read it: ringback audit key --rotate)", path, mode)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
		return nil, fmt.Errorf("key %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("key %s: is no key in PEM (restore it from a backup, or move it aside: the next start "+
			"makes a new key, which auditors must be given)", path)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("key %s: is no Ed25519 key in PKCS #8", path)
	}
	return key, nil
}

// makeKey writes a new key to path, where there must be none. A crash leaves a complete key or none.
func makeKey(path string) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return nil, fmt.Errorf("key %s: %w (may this user write there?)", path, err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err := errors.Join(err, f.Sync(), f.Close(), giveToOwner(f.Name())); err != nil {
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	if err := os.Link(f.Name(), path); err != nil { // unlike a rename it replaces nothing
		return nil, fmt.Errorf("key %s: %w", path, err)
	}
	return key, syncDir(filepath.Dir(path))
}

// Key returns the public key of the state directory, and creates the key if there is none.
func Key(stateDir string) (ed25519.PublicKey, error) {
	key, err := ownKey(stateDir)
	if err != nil {
		return nil, err
	}
	return key.Public().(ed25519.PublicKey), nil
}

func ownKey(stateDir string) (ed25519.PrivateKey, error) {
	path := filepath.Join(stateDir, KeyFile)
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	return key, err
}

// Rotate creates the key that replaces the one of the state directory at the next start or reload, and returns its
// public key. If it was created before and is not in use yet, that one is returned.
func Rotate(stateDir string) (ed25519.PublicKey, error) {
	if _, err := Key(stateDir); err != nil {
		return nil, err
	}
	path := filepath.Join(stateDir, NewKeyFile)
	key, err := readKey(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = makeKey(path)
	}
	if err != nil {
		return nil, err
	}
	return key.Public().(ed25519.PublicKey), nil
}

// giveToOwner gives a file that root has made in a directory of another user to that user: the daemon runs as it.
func giveToOwner(path string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return os.Lchown(path, int(st.Uid), int(st.Gid))
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
