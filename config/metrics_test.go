package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMetrics: what a listener for metrics needs, and what it is warned of.
func TestMetrics(t *testing.T) {
	t.Parallel()
	dir := samples(t)
	const rest = "aaa: {lists: {login: {default: [none]}}}\n"
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"metrics: {listen: 127.0.0.1:9823}", ""},
		{"metrics: {listen: \"[::1]:9823\"}", ""},
		{"metrics: {listen: localhost:9823}", ""},
		{"metrics: {listen: \":9823\"}",
			":9823 can be read by everyone who reaches it, and on the way (write 127.0.0.1"},
		{"metrics: {listen: 192.0.2.9:9823}", "can be read by everyone who reaches it, and on the way"},
		{"metrics: {listen: 192.0.2.9:9823, tls: {cert_file: ringback.pem, key_file: ringback.key}}",
			"can be read by everyone who reaches it (write"},
		{"metrics: {listen: 192.0.2.9:9823, tls: {cert_file: ringback.pem, key_file: ringback.key, client_ca_file: " +
			"ca.pem}}", ""},
		{"metrics: {listen: 127.0.0.1:9823, tls: {cert_file: ringback.pem}}", "tls: set cert_file and key_file"},
		{"metrics: {listen: 127.0.0.1:9823, tls: {cert_file: ringback.pem, key_file: ringback.key, client_ca_file: " +
			"ringback.key}}", "there is no certificate in it"},
		{"metrics: {tls: {cert_file: ringback.pem, key_file: ringback.key}}", "certificates without an address"},
		{"metrics: {listen: localhost}", "must be HOST:PORT, such as 127.0.0.1:9823"},
		{"metrics: {listen: 127.0.0.1:99999}", "the port must be a number from 0 to 65535"},
	} {
		path := filepath.Join(dir, "m.yaml")
		if err := os.WriteFile(path, []byte(tt.text+"\n"+rest), 0o600); err != nil {
			t.Fatal(err)
		}
		_, problems := Load(path, nil)
		var found []string
		for _, p := range problems {
			if strings.HasPrefix(p.Key, "metrics") {
				found = append(found, p.String())
			}
		}
		text := strings.Join(found, "\n")
		if len(found) > 1 || (text == "") != (tt.want == "") || !strings.Contains(text, tt.want) {
			t.Errorf("%s: %q, want %q", tt.text, text, tt.want)
		}
	}
}
