package node

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/policies/policytest"
)

// withPolicies is a configuration whose lines call back.
const withPolicies = `hostname: maui
state_dir: state
api: {socket: DIR/s}
console: {listen: "127.0.0.1:0"}
exec: {callback: true}
users: [{name: kim, password_file: secret}]
aaa: {lists: {login: {default: [local]}}}
lines:
  - {tty: 1, port: "tcp://127.0.0.1:1", rotary: 7}
`

// TestExplainPolicy: a daemon explains what its policies decide, with the place of each rule in the files.
func TestExplainPolicy(t *testing.T) {
	t.Parallel()
	m := running(t, withPolicies, pageAt)
	c := client.New(filepath.Join(m.dir, "s"))
	number := "84001"
	v, err := c.ExplainPolicy(t.Context(), client.PolicyRequest{User: "kim", Number: &number, Line: 1})
	if err != nil || v.Decision.Outcome != "call_back" || !slices.Equal(v.Decision.Numbers, []string{number}) ||
		v.Decision.Group != "default" || v.Decision.File != filepath.Join(m.dir, "policies.d", "default.yaml") ||
		v.Decision.Attempts != 1 {
		t.Errorf("%+v %v", v, err)
	}
	at := func(s client.Step) bool { return strings.Contains(s.At, "default.yaml:2") }
	if !slices.ContainsFunc(v.Trace, at) {
		t.Errorf("no rule names the line of the file: %+v", v.Trace)
	}
	for want, q := range map[string]client.PolicyRequest{
		"query.request.line":    {User: "kim", Line: 99},
		"query.request.user":    {},
		"query.request.service": {User: "kim", Service: "slip"},
		"query.request.auth":    {User: "kim", Auth: "chap"},
		"query.request.numbers": {User: "kim", Number: &number, Numbers: []string{number}},
		"query.request.time":    {User: "kim", Time: "noon"},
	} {
		_, err := c.ExplainPolicy(t.Context(), q)
		var p *client.Problem
		if !errors.As(err, &p) || p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Location != want {
			t.Errorf("%s: %+v", want, p)
		}
	}
}

// TestPolicyRequestKeys: the client's type has the keys of a request in a file of tests, and no others.
func TestPolicyRequestKeys(t *testing.T) {
	t.Parallel()
	var keys, fields []string
	for _, k := range policytest.Keys()[0].Elem.Keys {
		if k.Name == "request" {
			for _, k := range k.Keys {
				keys = append(keys, k.Name)
			}
		}
	}
	for f := range reflect.TypeFor[client.PolicyRequest]().Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields = append(fields, name)
	}
	slices.Sort(keys)
	slices.Sort(fields)
	if !slices.Equal(keys, fields) || len(keys) == 0 {
		t.Errorf("the client has %q, files of tests have %q", fields, keys)
	}
}
