package config

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ringback/ringback/schema"
)

// Change is a changed key that takes effect only after a restart.
type Change struct {
	Key   string // as in the reference: `log.level`, `lines[].port`
	Lines []int  // the TTYs of a key of lines
}

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
func NeedsRestart(old, now *Config) []Change { return needsRestart(old.written, now.written) }

func needsRestart(old, now written) []Change {
	table := Keys()
	a, _ := schema.Parse("", old.file, table)
	b, _ := schema.Parse("", now.file, table)
	var changes []Change
	fixed("", table, func(path string, k schema.Key) {
		if old.text(path, k, a) != now.text(path, k, b) {
			changes = append(changes, Change{Key: path})
		}
	})
	return append(changes, changedLines(a, b)...)
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

// changedLines compares lines by TTY, independent of their order in the file.
func changedLines(a, b *schema.Value) []Change {
	old, now := linesOf(a), linesOf(b)
	at := map[string][]int{}
	all := maps.Clone(old)
	maps.Copy(all, now)
	for tty := range all {
		was, is := old[tty], now[tty]
		if was == nil || is == nil {
			at["tty"] = append(at["tty"], tty)
			continue
		}
		for path, text := range is {
			if was[path] != text {
				at[path] = append(at[path], tty)
			}
		}
	}
	var changes []Change
	fixed("", schema.Inherit("", lineKeys()), func(path string, _ schema.Key) {
		if ttys := at[path]; len(ttys) > 0 {
			slices.Sort(ttys)
			changes = append(changes, Change{Key: "lines[]." + path, Lines: ttys})
		}
	})
	return changes
}

// linesOf returns the values of each line's keys that need a restart, by TTY and path.
func linesOf(v *schema.Value) map[int]map[string]string {
	out := map[int]map[string]string{}
	keys := schema.Inherit("", lineKeys())
	for _, entry := range v.Get("lines").Items() {
		first, last, err := schema.ParseTTYs(entry.Get("tty").Text())
		if err != nil {
			continue
		}
		alike := map[string]string{}
		fixed("", keys, func(path string, k schema.Key) {
			alike[path] = schema.Canonical(k, entry.Get(strings.Split(path, ".")...))
		})
		for tty := first; tty <= last; tty++ {
			line := maps.Clone(alike)
			line["tty"] = strconv.Itoa(tty)
			line["port"], _ = expand(entry.Get("port").Text(), tty, tty-first)
			out[tty] = line
		}
	}
	return out
}
