package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/schema"
)

// maxSecret is the maximum size of a secret file, in octets.
const maxSecret = 4096

// readFile reads a regular file of at most max octets and returns its permissions.
func readFile(path string, max int64) ([]byte, access, error) {
	data, info, err := schema.ReadFile(path, max)
	if err != nil {
		return nil, access{}, err
	}
	return data, accessOf(info), nil
}

// secret reads the file that a key names; ok is false if there was a problem, which it reports.
func (l *loader) secret(v *schema.Value) (s aaa.Secret, ok bool) {
	path, ok := l.credential(v)
	if !ok {
		return "", false
	}
	data, access, err := l.read(path, maxSecret)
	if err != nil {
		l.errorAt(v, secretHint(v.Text(), err), "%s: %s", path, schema.Reason(err))
		return "", false
	}
	text := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case text == "":
		l.errorAt(v, "write the secret into it", "%s: the file is empty", path)
		return "", false
	case strings.ContainsAny(text, "\n\r\x00"):
		l.errorAt(v, "the secret alone, on one line", "%s: the file has more than one line, or a NUL", path)
		return "", false
	}
	l.trust(v, path, access, noRead)
	return aaa.Secret(text), true
}

func secretHint(text string, err error) string {
	name, credential := strings.CutPrefix(text, credentialPrefix)
	switch {
	case credential:
		return "add LoadCredential=" + name + ":FILE to the unit, and restart the service"
	case errors.Is(err, fs.ErrNotExist):
		const create = "the path is relative to the directory of the configuration file; create it with: " +
			"(umask 077; openssl rand -base64 24 > FILE)"
		return create
	}
	return "a regular file that the daemon's user may read"
}

// credentialPrefix begins the name of a systemd credential in place of a path.
const credentialPrefix = "credential:"

// credential returns the path of a secret or certificate: that of a credential that systemd gives to the service
// (LoadCredential=, systemd.exec(5)), or a path of the file. ok is false if there was a problem, which it reports.
func (l *loader) credential(v *schema.Value) (path string, ok bool) {
	name, is := strings.CutPrefix(v.Text(), credentialPrefix)
	if !is {
		return l.path(v.Text()), true
	}
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		l.errorAt(v, "write credential:NAME, with the name of LoadCredential=NAME:FILE", "%q is no name of a "+
			"credential", name)
		return "", false
	case !filepath.IsAbs(dir):
		l.errorAt(v, "add LoadCredential="+name+":FILE to the unit; to check by hand while the service runs, write "+
			"CREDENTIALS_DIRECTORY=/run/credentials/ringback.service before the command",
			"credential %s: systemd has given this process no credentials ($CREDENTIALS_DIRECTORY)", name)
		return "", false
	}
	return filepath.Join(dir, name), true
}

// path returns a path of the file, relative to the file's directory.
func (l *loader) path(p string) string {
	if p == "" || filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(l.dir, p)
}
