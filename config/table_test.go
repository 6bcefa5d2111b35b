package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/schema"
)

// Every default and example of the table passes its own check: or() and the reference rely on that.
func TestTable(t *testing.T) {
	var walk func(path string, keys []schema.Key)
	walk = func(path string, keys []schema.Key) {
		for _, k := range keys {
			at := path + k.Name
			if k.Doc == "" {
				t.Errorf("%s has no description", at)
			}
			switch k.Type {
			case schema.Object:
				walk(at+".", k.Keys)
			case schema.List:
				walk(at+"[].", k.Elem.Keys)
			case schema.Dict:
			default:
				if _, err := schema.ParseScalar(k, k.Default); k.Default != "" && err != nil {
					t.Errorf("default of %s: %v", at, err)
				}
				if k.Example == "" {
					t.Errorf("%s has no example", at)
				} else if _, err := schema.ParseScalar(k, strings.Trim(k.Example, `"'`)); err != nil {
					t.Errorf("example of %s: %v", at, err)
				}
			}
		}
	}
	walk("", Keys())
	walk("policy: ", policies.Keys())
}

// The defaults printed in the reference are those of the packages.
func TestDefaultsAreThePackages(t *testing.T) {
	if k := schema.Find(schema.Find(policies.Keys(), "attempts").Keys, "max"); k.Default != "1" {
		t.Error("attempts.max")
	}
	for path, want := range map[string]string{"login.tries": "3", "login.failure_delay": "2s", "login.timeout": "1m",
		"exec.idle_timeout": "10m", "callback.lifetime": "1h", "numbers.max_digits": "15"} {
		schema.Scalars(Keys(), func(p string, k schema.Key) {
			if p == path && k.Default != want {
				t.Errorf("%s: %q, want %q", p, k.Default, want)
			}
		})
	}
}

func TestReference(t *testing.T) {
	const path = "../docs/reference/configuration.md"
	want := Reference()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s is stale (%v): go test ./config -update, then read the difference", path, err)
	}
}
