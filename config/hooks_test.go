package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The hooks of the full sample, and what makes a hook unusable.
func TestHooks(t *testing.T) {
	c, problems := Load(filepath.Join(samples(t), "full.yaml"), nil)
	if c == nil {
		t.Fatal(problems)
	}
	if len(c.Hooks) != 2 || c.Hooks[0].Name != "siem" || len(c.Hooks[0].Secret) != 32 || c.Hooks[0].Roots == nil ||
		c.Hooks[0].Timeout != 5*time.Second || !slices.Equal(c.Hooks[1].Command, []string{"/bin/sh", "/dev/null"}) ||
		c.Hooks[1].RetryFor != time.Hour {
		t.Errorf("%+v", c.Hooks)
	}
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", 0o600)
	bad := write("bad", "password\n", 0o600)
	plain := write("plain", "x", 0o600)
	const head = "hooks: [{name: a, events: [login.locked], "
	for text, want := range map[string]string{
		head + "url: \"https://x.example/\", secret_file: " + good + "}]": "",
		head + "command: [/bin/sh, -c, \"exit 0\"]}]":                     "",
		head + "url: \"http://x.example/\", secret_file: " + good + "}]":  "is not encrypted",
		head + "url: \"https://x.example/\"}]":                            "a webhook needs a secret",
		head + "url: \"https://x.example/\", secret_file: " + bad + "}]":  "is no secret of Standard Webhooks",
		head + "}]": "both or neither of url and command",
		head + "command: [/bin/sh], url: \"https://x.example/\"}]":               "both or neither of url and command",
		head + "command: [sh]}]":                                                 `"sh" is no absolute path`,
		head + "command: [/nonexistent/x]}]":                                     "no such file",
		head + "command: [" + plain + "]}]":                                      "is no program",
		head + "command: [/bin/sh], secret_file: x}]":                            "it is for a hook with url",
		head + "command: [/bin/sh], timeout: 0s}]":                               "timeout",
		"hooks: [{name: a, events: [], command: [/bin/sh]}]":                     "a hook without events",
		"hooks: [{name: a, events: [callback.fails], command: [/bin/sh]}]":       "callback.failed",
		"hooks: [{name: \"A b\", events: [alarm], command: [/bin/sh]}]":          "small letters",
		head + "command: [/bin/sh]}, {name: a, events: [alarm], command: [/x]}]": `hook "a" is already on line`,
	} {
		c, problems, _ := loadText(t, testedLines+text, nil)
		if want == "" && (c == nil || len(c.Hooks) != 1) || want != "" && (c != nil ||
			!strings.Contains(problems, want)) {
			t.Errorf("%s: %s\nmust say %q", text, problems, want)
		}
	}
	unsafe := write("unsafe", "#!/bin/sh\n", 0o777)
	c, problems2, _ := loadText(t, testedLines+head+"command: ["+unsafe+"]}]", nil)
	if c == nil || len(c.Unsafe) == 0 {
		t.Errorf("a program that others can write: %s", problems2)
	}
}
