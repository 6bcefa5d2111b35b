package pgtest

import (
	"os"
	"path/filepath"

	"github.com/ringback/ringback/lab/servers"
)

// writeCertificates writes the files of TLS into the data directory of a server, and returns the path of its authority.
func writeCertificates(data string) (ca string, err error) {
	authority, err := servers.NewAuthority("authority of a test")
	if err != nil {
		return "", err
	}
	if err := authority.WriteFiles(data, servers.Certificate{Name: "server", Server: true,
		Hosts: []string{"localhost", "127.0.0.1"}}); err != nil {
		return "", err
	}
	for _, name := range []string{"server.pem", "server.key"} {
		path := filepath.Join(data, name)
		if err := os.Chmod(path, 0o600); err != nil {
			return "", err
		}
		if err := give(path); err != nil {
			return "", err
		}
	}
	ca = filepath.Join(filepath.Dir(data), "ca.pem")
	return ca, os.Rename(filepath.Join(data, "ca.pem"), ca)
}
