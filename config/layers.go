package config

import (
	"os"
	"sort"
	"strings"
	"time"

	"github.com/spf13/viper"

	"github.com/ringback/ringback/schema"
)

// layer puts flags over environment over file over defaults. Only checked scalars go through viper, which folds
// the letter case of keys and splits them at dots; lists and names chosen by the user are read from the file
// itself.
func (l *loader) layer(o Overrides) {
	l.scalars = viper.New()
	l.scalars.SetEnvPrefix(EnvPrefix)
	l.scalars.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	file := l.v.Flat()
	l.over = map[string]string{}
	var paths, vars []string
	schema.Scalars(Keys(), func(path string, k schema.Key) {
		paths, vars = append(paths, path), append(vars, envName(path))
		l.scalars.SetDefault(path, k.Default)
		_ = l.scalars.BindEnv(path) // its only error is a call without a key
		if s, ok := file[path]; ok {
			_ = l.scalars.MergeConfigMap(nested(path, s)) // its only error is an unsupported type
		}
		l.override(path, k, o)
	})
	for _, path := range sortedKeys(o) {
		if !contains(paths, path) {
			l.problem(Problem{File: "command line", Key: path, Msg: "not a key with a single value",
				Hint: schema.Suggest(path, paths)})
		}
	}
	l.strayVariables(vars)
}

// override checks a key's value from the command line, or from the environment, which viper reads by itself. It
// reports an invalid one.
func (l *loader) override(path string, k schema.Key, o Overrides) {
	// viper ignores empty variables too
	from, key, text := "environment", envName(path), os.Getenv(envName(path))
	if s, ok := o[path]; ok {
		from, key, text = "command line", path, s
		l.scalars.Set(path, s)
	} else if text == "" {
		return
	}
	l.over[path] = text
	if _, err := schema.ParseScalar(k, text); err != nil {
		l.problem(Problem{File: from, Key: key, Msg: err.Error(), Hint: schema.Suggest(text, k.Enum)})
		l.scalars.Set(path, k.Default)
	}
}

// otherVariables are variables of ringback that are not keys: the socket of `ringback show` and similar
// commands, and the settings of the tests and scripts/long.
var otherVariables = []string{
	EnvPrefix + "_SOCKET", EnvPrefix + "_REQUIRE_PEERS", EnvPrefix + "_LONG", EnvPrefix + "_SEED", EnvPrefix + "_SEEDS",
	EnvPrefix + "_FUZZTIME", EnvPrefix + "_UPDATE", EnvPrefix + "_RACE",
}

// strayVariables reports variables that have the prefix but no effect, since the operator may expect one. Empty
// ones are ignored.
func (l *loader) strayVariables(known []string) {
	var rests []string
	for _, k := range known {
		rests = append(rests, strings.TrimPrefix(k, EnvPrefix+"_"))
	}
	stray := map[string]string{}
	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		rest, ours := strings.CutPrefix(name, EnvPrefix+"_")
		if ours && value != "" && !contains(known, name) && !contains(otherVariables, name) {
			stray[name] = rest
		}
	}
	for _, name := range sortedKeys(stray) {
		hint := strings.Replace(schema.Suggest(stray[name], rests), `"`, `"`+EnvPrefix+"_", 1)
		if hint == "" {
			hint = "unset it; only keys with a single value have a variable, for example log.level " +
				envName("log.level")
		}
		l.problem(Problem{File: "environment", Key: name, Msg: "names no key", Hint: hint})
	}
}

func envName(path string) string {
	return EnvPrefix + "_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

func nested(path, value string) map[string]any {
	name, rest, deep := strings.Cut(path, ".")
	if !deep {
		return map[string]any{name: value}
	}
	return map[string]any{name: nested(rest, value)}
}

func sortedKeys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func contains(words []string, w string) bool {
	for _, x := range words {
		if x == w {
			return true
		}
	}
	return false
}

// The values of scalar keys. Values that layer rejected are zero; the Config is not returned then.
func (l *loader) text(path string) string { return l.scalars.GetString(path) }

func (l *loader) bool(path string) bool { return l.scalars.GetBool(path) }

func (l *loader) int(path string) int { return l.scalars.GetInt(path) }

func (l *loader) duration(path string) time.Duration { return l.scalars.GetDuration(path) }

// filePath returns a scalar that is a path: relative to the directory of the file or, from the command line or
// the environment, to the working directory.
func (l *loader) filePath(path string) string {
	s := l.text(path)
	if _, ok := l.over[path]; ok {
		return s
	}
	return l.path(s)
}
