package config

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestEffective: every key with its value, where it is from, and no secret.
func TestEffective(t *testing.T) {
	t.Setenv("RINGBACK_LOG_LEVEL", "debug")
	c, problems := Load(filepath.Join(samples(t), "full.yaml"), nil)
	if c == nil {
		t.Fatal(problems)
	}
	all, err := c.Effective()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]Setting{}
	for _, s := range all {
		got[s.Key] = s
		for _, secret := range []string{"$2b$", "$2a$", "ABORT", "{national}"} {
			if strings.Contains(s.Value, secret) {
				t.Errorf("%s shows %q: %s", s.Key, secret, s.Value)
			}
		}
	}
	for key, want := range map[string]Setting{
		"hostname": {Value: `"maui-nas-04"`, Set: true}, "log.level": {Value: `"debug"`, Set: true},
		"journal.keep": {Value: "8760h0m0s", Set: true},
	} {
		if want.Key = key; got[key] != want {
			t.Errorf("%+v, must be %+v", got[key], want)
		}
	}
	for _, key := range []string{"users", "chat_scripts", "trunks"} {
		if !strings.Contains(got[key].Value, "[secret]") && got[key].Value != "[]" {
			t.Errorf("%s: %s", key, got[key].Value)
		}
	}
	if len(all) < 60 {
		t.Errorf("%d keys", len(all))
	}
}
