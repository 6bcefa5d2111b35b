package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTraces(t *testing.T) {
	c, problems, _ := loadText(t, testedLines+"traces: {endpoint: \"http://127.0.0.1:4318/v1/traces\"}", nil)
	if c == nil || c.Traces != (Traces{Endpoint: "http://127.0.0.1:4318/v1/traces"}) {
		t.Errorf("%s", problems)
	}
	if c, _, _ := loadText(t, testedLines, nil); c == nil || c.Traces != (Traces{}) {
		t.Error("traces without the key")
	}
	_, _, dir := loadText(t, testedLines+"traces: {endpoint: \"http://192.0.2.1/v1/traces\", identities: true}", nil)
	if _, all := Load(filepath.Join(dir, "ringback.yaml"), nil); !slices.ContainsFunc(all, func(p Problem) bool {
		return p.Key == "traces.identities" && strings.Contains(p.Msg, "without encryption")
	}) {
		t.Error("no warning of names that are not encrypted")
	}
	const plain, secure = "http://192.0.2.1/v1/traces", "https://192.0.2.1/v1/traces"
	for text, want := range map[string]string{
		"{}":                             "traces.endpoint: is required",
		"{endpoint: \"192.0.2.1:4318\"}": "write https://HOST:4318/v1/traces",
		"{endpoint: \"grpc://192.0.2.1:4317/v1/traces\"}":              "write https://HOST:4318/v1/traces",
		"{endpoint: \"https://192.0.2.1:4318\"}":                       "write https://192.0.2.1:4318/v1/traces",
		"{endpoint: \"" + plain + "\", tls: {ca_file: kim.password}}":  "is not over TLS",
		"{endpoint: \"" + secure + "\", tls: {ca_file: kim.password}}": "there is no certificate in it",
	} {
		if c, problems, _ := loadText(t, testedLines+"traces: "+text, nil); c != nil ||
			!strings.Contains(problems, want) {
			t.Errorf("%s: %q, want %q", text, problems, want)
		}
	}
}
