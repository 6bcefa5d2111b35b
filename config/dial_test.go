package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/schema"
)

// TestWaitsWithinTheLifetime: no callback waits until it has expired.
func TestWaitsWithinTheLifetime(t *testing.T) {
	dir := samples(t)
	for text, want := range map[string]string{
		"hold_off": "2h", "random_wait": "1h",
	} {
		_, problems := Load(filepath.Join(dir, "full.yaml"), Overrides{"callback." + text: want + "0m0s"})
		if got := problems.Only(schema.Error).String(); !strings.Contains(got, want+"0m0s: callbacks expire 1h0m0s "+
			"after the promise, before they would be dialed (write a shorter time") {
			t.Errorf("%s: %s", text, got)
		}
		c, problems := Load(filepath.Join(dir, "full.yaml"), Overrides{"callback." + text: "59m"})
		if len(problems.Only(schema.Error)) > 0 || max(c.Callback.HoldOff, c.Callback.RandomWait) != 59*time.Minute {
			t.Errorf("%s: %v", text, problems)
		}
	}
}

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
