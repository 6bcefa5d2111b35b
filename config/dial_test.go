package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/schema"
)

// A policy names a chat script of the configuration, built in or not, and waits for less than a callback lives.
func TestPolicyDial(t *testing.T) {
	dir := samples(t)
	for text, want := range map[string]string{
		"script: exec-callback\nwait: 29m": "",
		"script: nobody":                   `policies.d/own.yaml:2:9: script: there is no chat script "nobody"`,
		"script: offhook":                  "policies.d/own.yaml:2:9: script: chat script offhook sends no \\T",
		"wait: 30m": "policies.d/own.yaml:2:7: wait: callbacks expire 30m0s after the promise, before they would be " +
			"dialed (write a shorter wait, or a longer callback.lifetime in full.yaml)",
	} {
		if err := os.WriteFile(filepath.Join(dir, "policies.d", "own.yaml"), []byte("group: own\n"+text+"\n"),
			0o600); err != nil {
			t.Fatal(err)
		}
		_, problems := Load(filepath.Join(dir, "full.yaml"), Overrides{"callback.lifetime": "30m"})
		got := strings.ReplaceAll(problems.Only(schema.Error).String(), dir+"/", "")
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
