package config

import (
	"slices"
	"strings"

	"github.com/ringback/ringback/schema"
)

// written is the source of a configuration, without secrets.
type written struct {
	file []byte
	over map[string]string // overrides: path → text
	// The values in force of keys with a default that depends on the machine: path → text.
	inForce map[string]string
	// The secrets that a key refers to: path → digest.
	secrets map[string]string
}

// NeedsRestart returns the keys that differ between the configurations and that take effect only after a
// restart, in the order of the reference.
func NeedsRestart(old, now *Config) []string { return needsRestart(old.written, now.written) }

func needsRestart(old, now written) []string {
	table := Keys()
	a, _ := schema.Parse("", old.file, table)
	b, _ := schema.Parse("", now.file, table)
	var keys []string
	fixed("", table, func(path string, k schema.Key) {
		if old.text(path, k, a) != now.text(path, k, b) {
			keys = append(keys, path)
		}
	})
	return keys
}

// fixed calls f for the keys that need a restart and are nested in objects only; a list or dict is one key.
func fixed(prefix string, keys []schema.Key, f func(path string, k schema.Key)) {
	for _, k := range keys {
		switch {
		case k.Type == schema.Object:
			fixed(prefix+k.Name+".", k.Keys, f)
		case slices.Equal(k.Reloads(), []schema.Reload{schema.Restart}):
			f(prefix+k.Name, k)
		}
	}
}

// text returns the value of a key in a form that can be compared.
func (w written) text(path string, k schema.Key, v *schema.Value) string {
	if s, ok := w.inForce[path]; ok {
		return s
	}
	if s, ok := w.over[path]; ok {
		if o, err := schema.ParseScalar(k, s); err == nil {
			return schema.Canonical(k, o)
		}
	}
	return schema.Canonical(k, v.Get(strings.Split(path, ".")...)) + w.secrets[path]
}
