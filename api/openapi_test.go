package api

import (
	"context"
	"encoding/json"
	"io"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/ringback/ringback/api/client"
)

// description is the OpenAPI description, as JSON, and its schemas.
func description(t *testing.T) (doc map[string]any, schemas *jsonschema.Compiler) {
	t.Helper()
	text, err := OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	schemas = jsonschema.NewCompiler()
	schemas.DefaultDraft(jsonschema.Draft2020)
	if err := schemas.AddResource("mem:///openapi.json", parsed); err != nil {
		t.Fatal(err)
	}
	return parsed.(map[string]any), schemas
}

// at returns what a JSON pointer names; nil if there is nothing.
func at(doc any, pointer string) any {
	for _, name := range strings.Split(strings.TrimPrefix(pointer, "#/"), "/") {
		m, _ := doc.(map[string]any)
		doc = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
	}
	return doc
}

// TestOpenAPI: the description is complete and consistent: references lead somewhere, schemas are valid, parameters of
// a path are declared, names are unique, and the text is the one that is served.
func TestOpenAPI(t *testing.T) {
	doc, schemas := description(t)
	for _, key := range []string{"openapi", "info", "paths", "components"} {
		if doc[key] == nil {
			t.Errorf("no %s", key)
		}
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok && at(doc, ref) == nil {
				t.Errorf("%s: %s leads nowhere", path, ref)
			}
			for name, child := range v {
				walk(path+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(name), child)
			}
		case []any:
			for _, child := range v {
				walk(path, child)
			}
		}
	}
	walk("#", doc)
	for name := range at(doc, "#/components/schemas").(map[string]any) {
		if _, err := schemas.Compile("mem:///openapi.json#/components/schemas/" + name); err != nil {
			t.Errorf("schema %s: %v", name, err)
		}
	}
	ids := map[string]bool{}
	for path, methods := range doc["paths"].(map[string]any) {
		for method, op := range methods.(map[string]any) {
			var declared, used []string
			parameters, _ := at(op, "parameters").([]any)
			for _, p := range parameters {
				if at(p, "in") == "path" {
					declared = append(declared, at(p, "name").(string))
					if at(p, "required") != true {
						t.Errorf("%s %s: a parameter of the path is required", method, path)
					}
				}
			}
			for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				used = append(used, m[1])
			}
			slices.Sort(declared)
			slices.Sort(used)
			id, _ := at(op, "operationId").(string)
			if !slices.Equal(declared, used) || id == "" || ids[id] {
				t.Errorf("%s %s: parameters %q, the path has %q; id %q", method, path, declared, used, id)
			}
			ids[id] = true
			for status, answer := range at(op, "responses").(map[string]any) {
				if text, _ := at(answer, "description").(string); text == "" {
					t.Errorf("%s %s: answer %s has no description", method, path, status)
				}
			}
		}
	}
	w := httptest.NewRecorder()
	guarded(&Server{}).ServeHTTP(w, as(&peer{known: true}, httptest.NewRequest("GET", "/openapi.json", nil)))
	var served any
	if err := json.Unmarshal(w.Body.Bytes(), &served); err != nil {
		t.Fatal(err)
	}
	mine, _ := OpenAPI()
	var printed any
	if err := json.Unmarshal(mine, &printed); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(served)
	b, _ := json.Marshal(printed)
	if string(a) != string(b) {
		t.Error("the description that is served differs from the one that is printed")
	}
}

// TestAnswersAreAsDescribed: what is served is valid by its schema.
func TestAnswersAreAsDescribed(t *testing.T) {
	doc, schemas := description(t)
	metrics := func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, "up 1\n"); return err }
	h := guarded(&Server{Metrics: metrics,
		Version: func() client.Version { return client.Version{Version: "1", Started: created} },
		LogLevel: func() client.LogLevel {
			return client.LogLevel{Level: "debug", Configured: "info", Until: &created}
		},
		Explain: Explain{Policy: func(context.Context, string) (client.PolicyExplanation, error) {
			return client.PolicyExplanation{Trace: []client.Step{}}, nil
		}},
		Config: func(context.Context) (client.Config, error) {
			return client.Config{Settings: []client.Setting{{Key: "hostname", Value: `"maui"`, Set: true}}}, nil
		},
		ConfigDiff: func(context.Context) (client.Reload, error) {
			return client.Reload{Applied: true, Problems: []client.ConfigProblem{}, Changed: []client.ChangedKey{},
				Groups: []string{}, Restart: []string{}, Unverifiable: []string{}}, nil
		}})
	checked := 0
	for _, row := range Routes {
		if row.Method != "GET" || row.ID == "debug" || row.ID == "capture-ppp" || row.ID == "get-health" ||
			row.ID == "events" || row.ID == "get-recording" || row.ID == "list-nodes" { // this node is alone
			continue
		}
		path := real(row.Path)
		if row.ID == "explain-policy" {
			path += "?request=%7B%7D"
		}
		w, _ := answer(t, h, as(&peer{known: true}, httptest.NewRequest("GET", path, nil)))
		if w.Code != 200 {
			t.Errorf("%s: status %d, %s", row.ID, w.Code, w.Body)
			continue
		}
		if row.ID == "get-metrics" { // the only text
			if w.Body.String() != "up 1\n" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain;") {
				t.Errorf("%v %s", w.Header(), w.Body)
			}
			continue
		}
		pointer := "#/paths/" + strings.ReplaceAll(row.Path, "/", "~1") +
			"/get/responses/200/content/application~1json/schema"
		if at(doc, pointer) == nil {
			t.Errorf("%s: no schema at %s", row.ID, pointer)
			continue
		}
		schema, err := schemas.Compile("mem:///openapi.json" + pointer)
		if err != nil {
			t.Errorf("%s: %v", row.ID, err)
			continue
		}
		v, err := jsonschema.UnmarshalJSON(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", row.ID, err)
		}
		checked++
	}
	if checked < 15 {
		t.Errorf("only %d answers were checked", checked)
	}
}
