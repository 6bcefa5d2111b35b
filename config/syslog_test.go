package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/syslog"
)

// warned reports whether the file of loadText has a warning about records that are not encrypted.
func warned(dir string) bool {
	_, problems := Load(filepath.Join(dir, "ringback.yaml"), nil)
	return slices.ContainsFunc(problems, func(p Problem) bool {
		return p.Key == "log.syslog.address" && strings.Contains(p.Msg, "is not encrypted")
	})
}

func TestSyslog(t *testing.T) {
	host, _ := os.Hostname()
	for text, want := range map[string]Syslog{
		"log: {syslog: {address: tls://syslog.example.net}}": {Server: syslog.Server{Network: syslog.TLS,
			Address: "syslog.example.net:6514"}, Level: "info", Facility: 23, Hostname: host, Enterprise: 32473},
		"log: {syslog: {address: \"unix:///dev/log\", level: warn, facility: daemon, hostname: nas, enterprise: 9}}": {
			Server: syslog.Server{Network: syslog.Unix, Address: "/dev/log"}, Level: "warn", Facility: 3,
			Hostname: "nas", Enterprise: 9},
	} {
		c, problems, dir := loadText(t, testedLines+text, nil)
		if c == nil || c.Log.Syslog == nil || *c.Log.Syslog != want || warned(dir) {
			t.Errorf("%s: %s", text, problems)
		}
	}
	if c, _, _ := loadText(t, testedLines, nil); c == nil || c.Log.Syslog != nil {
		t.Error("a syslog server without the key")
	}
	if _, _, dir := loadText(t, testedLines+"log: {syslog: {address: udp://192.0.2.1}}", nil); !warned(dir) {
		t.Error("no warning of records that are not encrypted")
	}
	for text, want := range map[string]string{
		"{}":                            "log.syslog.address: is required",
		"{address: syslog.example.net}": "write tls://HOST:6514",
		"{address: ftp://x}":            "write tls://HOST:6514",
		"{address: tls://x, tls: {cert_file: kim.password}}":      "a certificate without its key",
		"{address: tls://x, tls: {ca_file: kim.password}}":        "there is no certificate in it",
		"{address: udp://x, tls: {ca_file: kim.password}}":        "is not over TLS",
		"{address: tls://x, facility: kern}":                      "log.syslog.facility",
		"{address: tls://x, enterprise: 0}":                       "log.syslog.enterprise",
		"{address: tls://x, hostname: \"a b\"}":                   "log.syslog.hostname",
		"{address: tls://x, level: notice}":                       "log.syslog.level",
		"{address: \"unix://dev/log\"}":                           "absolute path",
		"{address: tls://x, tls: {cert_file: a, key_file: \"\"}}": "key_file",
	} {
		if c, problems, _ := loadText(t, testedLines+"log: {syslog: "+text+"}", nil); c != nil ||
			!strings.Contains(problems, want) {
			t.Errorf("%s: %q, want %q", text, problems, want)
		}
	}
}
