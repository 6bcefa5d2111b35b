package config

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/ringback/ringback/schema"
)

// written is the source of a configuration, to be compared: the digest of each key's value, by its path. A list or
// dict is one key. The tree of a long file is not kept for this, and is not read again at a reload.
type written map[string][sha256.Size]byte

// source is where the values of a configuration are from.
type source struct {
	file *schema.Value
	over map[string]string // overrides: path → text
	// The values in force of keys with a default that depends on the machine: path → text.
	inForce map[string]string
	// The secrets that a key refers to: path → digest.
	secrets map[string]string
}

func (s source) written() written {
	w := written{}
	eachKey("", Keys(), func(path string, k schema.Key) { w[path] = sha256.Sum256([]byte(s.text(path, k))) })
	return w
}

// Change is a key that differs between two configurations.
type Change struct {
	Key    string          // path; a list or dict is one key
	Effect []schema.Reload // how a reload applies it: the distinct values of the keys below it
}

// Changes returns the keys that differ between the configurations, in the order of the reference. What is in the files
// that a key names is not compared.
func Changes(old, now *Config) []Change { return changes(old.written, now.written) }

// NeedsRestart returns the keys that differ between the configurations and that take effect only after a
// restart, in the order of the reference.
func NeedsRestart(old, now *Config) []string { return needsRestart(old.written, now.written) }

func needsRestart(old, now written) (keys []string) {
	for _, c := range changes(old, now) {
		if slices.Equal(c.Effect, []schema.Reload{schema.Restart}) {
			keys = append(keys, c.Key)
		}
	}
	return keys
}

func changes(old, now written) (all []Change) {
	eachKey("", Keys(), func(path string, k schema.Key) {
		if old[path] != now[path] {
			all = append(all, Change{path, k.Reloads()})
		}
	})
	return all
}

// eachKey calls f for the keys that are nested in objects only; a list or dict is one key.
func eachKey(prefix string, keys []schema.Key, f func(path string, k schema.Key)) {
	for _, k := range keys {
		if k.Type == schema.Object {
			eachKey(prefix+k.Name+".", k.Keys, f)
		} else {
			f(prefix+k.Name, k)
		}
	}
}

// text returns the value of a key in a form that can be compared.
func (s source) text(path string, k schema.Key) string {
	if t, ok := s.inForce[path]; ok {
		return t
	}
	if t, ok := s.over[path]; ok {
		if o, err := schema.ParseScalar(k, t); err == nil {
			return schema.Canonical(k, o)
		}
	}
	return schema.Canonical(k, s.at(path)) + s.secrets[path]
}

// at returns the value of a key in the file.
func (s source) at(path string) *schema.Value { return s.file.Get(strings.Split(path, ".")...) }
