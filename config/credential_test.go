package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCredentials: a secret may be a credential of systemd, which may be readable for the group of root.
func TestCredentials(t *testing.T) {
	dir, credentials := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"radius": "a secret of 24 octets, or more\n", "kim": "pw1",
		"loose": "a secret of 24 octets, or more"} {
		if err := os.WriteFile(filepath.Join(credentials, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range map[string]os.FileMode{"radius": 0o440, "kim": 0o400, "loose": 0o444} {
		if err := os.Chmod(filepath.Join(credentials, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	load := func(secret string) (*Config, Problems) {
		path := filepath.Join(dir, "ringback.yaml")
		text := "aaa: {radius: [{name: r, address: 127.0.0.1, secret_file: \"" + secret +
			"\"}], lists: {login: {default: [radius, local]}}}\n" +
			"users: [{name: kim, password_file: \"credential:kim\"}]\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return Load(path, nil)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	cfg, problems := load("credential:radius")
	if cfg == nil || len(cfg.Unsafe) > 0 {
		t.Fatal(problems)
	}
	if got := string(cfg.RADIUS.Servers[0].Secret); got != "a secret of 24 octets, or more" {
		t.Errorf("the secret is %q", got)
	}
	if cfg, _ := load("credential:loose"); cfg == nil || len(cfg.Unsafe) != 1 {
		t.Errorf("a credential that all can read is used: %+v", cfg)
	}
	for _, tt := range []struct{ directory, secret, want string }{
		{credentials, "credential:none", "no such file or directory (add LoadCredential=none:FILE to the unit"},
		{credentials, "credential:", `"" is no name of a credential`},
		{credentials, "credential:..", `".." is no name of a credential`},
		{credentials, "credential:../radius", `"../radius" is no name of a credential`},
		{"", "credential:radius", "credential radius: systemd has given this process no credentials"},
		{"relative", "credential:radius", "credential radius: systemd has given this process no credentials"},
	} {
		t.Setenv("CREDENTIALS_DIRECTORY", tt.directory)
		cfg, problems := load(tt.secret)
		text := ""
		for _, p := range problems {
			text += p.String() + "\n"
		}
		if cfg != nil || !strings.Contains(text, "aaa.radius[0].secret_file: ") || !strings.Contains(text, tt.want) {
			t.Errorf("%s in %q: %s\nwant %q", tt.secret, tt.directory, text, tt.want)
		}
	}
}
