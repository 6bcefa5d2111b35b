package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// The JSON Schemas are valid, accept the samples and reject an unknown key. policies tests the one of policy files.
func TestPolicySchema(t *testing.T) {
	for kind, pattern := range map[string]string{
		"policy": "../testdata/config/policies.d/*.yaml", "tests": "../policies/examples/*.test.yaml",
		"config": "../testdata/config/*l.yaml",
	} {
		text, err := policyCommand("/nowhere", "schema", kind)
		if kind == "config" {
			var b strings.Builder
			c := newConfigSchema()
			c.SetOut(&b)
			c.SetArgs(nil)
			err = c.Execute()
			text = b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", kind, err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource(kind, doc); err != nil {
			t.Fatal(err)
		}
		s := c.MustCompile(kind)
		files, _ := filepath.Glob(pattern)
		if len(files) == 0 {
			t.Errorf("no sample of %s", kind)
		}
		for _, file := range files {
			data, err := os.ReadFile(file)
			var v map[string]any
			if err != nil || yaml.Unmarshal(data, &v) != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if numbered, ok := v["rotaries"].(map[any]any); ok { // a name of JSON is text
				rotaries := map[string]any{}
				for n, r := range numbered {
					rotaries[fmt.Sprint(n)] = r
				}
				v["rotaries"] = rotaries
			}
			if err := s.Validate(v); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			v["tset"] = true
			if s.Validate(v) == nil {
				t.Errorf("%s: with another key it is valid too", file)
			}
		}
	}
	_, err := policyCommand("/nowhere", "schema", "test")
	if err == nil || err.Error() != `"test": must be policy or tests` {
		t.Error(err)
	}
}
