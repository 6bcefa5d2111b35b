package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/schema"
)

// TestPasswordsFile: passwords of many users in one file, and what check-config says about it, never with a password.
func TestPasswordsFile(t *testing.T) {
	const file = "aaa: {lists: {login: {default: [local]}}}\npasswords_file: all\nusers: [{name: kim}, {name: Kim " +
		"Lee}]\n" +
		"lines: [{tty: 65, port: \"tcp://127.0.0.1:7000\"}]\n"
	for _, tt := range []struct{ file, passwords, want string }{
		{file, "kim\tpw\nKim Lee\tp\tw \nother\tx\n", ""},
		{file, "kim\tpw\r\nKim Lee\tp\tw \r\n", ""},
		{file, "kim\tpw\n", `user "Kim Lee" has no password (add password_file: or password_hash:)`},
		{file, "", `user "kim" has no password`},
		{file, "kim s3cret\nKim Lee\tp\tw\n", "all:1:0: passwords_file: the line is not a name, a tab and a password"},
		{file, "kim\t\nKim Lee\tpw\n", "all:1:0: passwords_file: the line is not a name, a tab and a password"},
		{file, "kim\tpw\n\nKim Lee\tpw\n", "all:2:0: passwords_file: the line is not a name, a tab and a password"},
		{file, "kim\tpw\nkim\ts3cret\nKim Lee\tp\n", "all:2:0: passwords_file: the user has a password on an " +
			"earlier line"},
		{strings.ReplaceAll(file, "_file: all", "_file: nosuch"), "", "nosuch: no such file or directory"},
	} {
		dir := t.TempDir()
		for name, text := range map[string]string{"ringback.yaml": tt.file, "all": tt.passwords} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cfg, problems := Load(filepath.Join(dir, "ringback.yaml"), nil)
		var got strings.Builder
		for _, p := range problems.Only(schema.Error) {
			got.WriteString(p.String() + "\n")
		}
		if !strings.Contains(got.String(), tt.want) || (tt.want == "") != (cfg != nil) ||
			strings.Contains(got.String(), "s3cret") {
			t.Errorf("%q: problems %s; want %q", tt.passwords, got.String(), tt.want)
		}
		if cfg != nil && (cfg.Users[0].Password != "pw" || cfg.Users[1].Password != aaa.Secret("p\tw ")) {
			t.Errorf("%q: users %+v", tt.passwords, cfg.Users)
		}
	}
}
