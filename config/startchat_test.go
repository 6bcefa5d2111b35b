package config

import (
	"strings"
	"testing"
)

// The group of start_chat must exist and allow numbers; without the key there is none.
func TestStartChat(t *testing.T) {
	load := func(text string) (*Config, string) {
		c, problems, _ := loadText(t, testedLines+"policies_dir: operators.d\n"+text, nil)
		return c, problems
	}
	if c, problems := load("start_chat: {policy: operators}"); c == nil || c.ChatPolicy != "operators" {
		t.Errorf("%s", problems)
	}
	if c, problems := load(""); c == nil || c.ChatPolicy != "" {
		t.Errorf("without the key: %s", problems)
	}
	for text, want := range map[string]string{
		"start_chat: {}":               "start_chat.policy: is required",
		`start_chat: {policy: ""}`:     "start_chat.policy",
		"start_chat: {policy: nobody}": "group nobody has no policy file",
		"start_chat: {policy: staff}":  "group staff allows no number (numbers.allow)",
	} {
		if c, problems := load(text); c != nil || !strings.Contains(problems, want) {
			t.Errorf("%s: %v\nmust say %s", text, problems, want)
		}
	}
}
