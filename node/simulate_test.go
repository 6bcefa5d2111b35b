package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/broker/journal"
	"github.com/ringback/ringback/broker/journal/sqlite"
)

// pastState returns a state directory whose journal has n callbacks of kim, an hour apart from the first on, at 84001.
func pastState(t *testing.T, first time.Time, n int) string {
	t.Helper()
	dir := t.TempDir()
	j, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(dir, "journal.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	var tx []journal.Mutation
	for i := range n {
		at := first.Add(time.Duration(i) * time.Hour)
		tx = append(tx, journal.PutCallback{Callback: journal.Callback{ID: fmt.Sprint("cb", i), Phase: "completed",
			Outcome: "completed", User: "kim", Entry: "local", Service: "exec", CallID: fmt.Sprint("in", i),
			Number: "84001", Max: 1, Created: at, Ended: at.Add(time.Minute), Authorization: granted84001,
			Decision: `{"outcome": "call_back", "origin": "aaa"}`}},
			journal.PutCall{Call: journal.Call{ID: fmt.Sprint("out", i), Direction: "outgoing", Leg: 2,
				CallbackID: fmt.Sprint("cb", i), Start: at, End: at.Add(61 * time.Second)}})
	}
	if err := j.Commit(t.Context(), tx...); err != nil {
		t.Fatal(err)
	}
	return dir
}

// granted84001 is what AAA granted at the callbacks of pastState.
const granted84001 = `{"authorization": {"callback": true, "dialstring": "84001"}}`

// TestSimulate: changed files are compared with those in force over a part of the past; nothing of them is in force.
func TestSimulate(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	m := running(t, strings.Replace(withPolicies, "state_dir: state", "state_dir: "+pastState(t, first, 5), 1), pageAt)
	c := client.New(filepath.Join(m.dir, "s"))
	file := client.PolicyText{Name: "default.yaml", Text: "group: default\nnumbers: {from: [aaa], deny: ['84*']}\n"}
	from, until := first.Add(time.Hour), first.Add(4*time.Hour)
	v, err := c.SimulatePolicies(t.Context(), client.Simulation{Files: []client.PolicyText{file}, From: &from,
		Until: &until, Most: 2})
	if err != nil || v.Requests != 3 || v.Changed != 3 || len(v.Differences) != 2 || len(v.Changes) != 1 ||
		v.Changes[0].Was != "call_back" || v.Changes[0].Will != "refuse" || v.Changes[0].Calls != 3 ||
		v.Changes[0].Seconds != 183 || len(v.Users) != 1 || v.Users[0].Rejected != 3 ||
		v.Differences[0].At != "callback cb1" || !slices.Equal(v.Groups, []string{"default"}) || v.NotLoaded != nil {
		t.Errorf("%+v %v", v, err)
	}
	if v, err = c.SimulatePolicies(t.Context(), client.Simulation{}); err != nil || v.Requests != 5 || v.Changed != 0 ||
		len(v.Groups) != 0 {
		t.Errorf("the files on the disk: %+v %v", v, err)
	}
	number := "84001"
	if e, err := c.ExplainPolicy(t.Context(), client.PolicyRequest{User: "kim", Number: &number}); err != nil ||
		e.Decision.Outcome != "call_back" {
		t.Errorf("the files of the comparison are in force: %+v %v", e, err)
	}
	m.logs(t, `policies simulated	{"files": 1, "requests": 3, "changed": 3`)
}

// TestSimulateFails: what is wrong has its place, in the file too.
func TestSimulateFails(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	m := running(t, strings.Replace(withPolicies, "state_dir: state", "state_dir: "+pastState(t, first, 1), 1), pageAt)
	c := client.New(filepath.Join(m.dir, "s"))
	file := func(name, text string) client.Simulation {
		return client.Simulation{Files: []client.PolicyText{{Name: name, Text: text}}}
	}
	twice := file("new.yaml", "group: new\n")
	twice.Files = append(twice.Files, twice.Files...)
	for _, q := range []struct {
		client.Simulation
		at, text string
	}{
		{file("new.yaml", "group: new\nusrs: [kim]\n"), "body.files", "new.yaml:2:1: usrs: unknown key"},
		{twice, "body.files", "twice"},
		{client.Simulation{From: &first, Until: &first}, "body.until", "after"},
	} {
		_, err := c.SimulatePolicies(t.Context(), q.Simulation)
		var p *client.Problem
		if !errors.As(err, &p) || p.Status != 422 || len(p.Errors) != 1 || p.Errors[0].Location != q.at ||
			!strings.Contains(p.Errors[0].Message, q.text) {
			t.Errorf("%s %s: %v", q.at, q.text, err)
		}
	}
	_, err := c.SimulatePolicies(t.Context(), file("new.yaml", strings.Repeat("# x\n", 300_000)))
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != 413 {
		t.Errorf("too large: %v", err)
	}
}

// TestSimulateEnds: a comparison whose client has left is over, and another one can begin.
func TestSimulateEnds(t *testing.T) {
	t.Parallel()
	first := time.Date(2026, 11, 2, 8, 0, 0, 0, time.UTC)
	m := running(t, strings.Replace(withPolicies, "state_dir: state", "state_dir: "+pastState(t, first, 1), 1), pageAt)
	c := client.New(filepath.Join(m.dir, "s"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.SimulatePolicies(ctx, client.Simulation{}); err == nil {
		t.Error("a client that has left got an answer")
	}
	if v, err := c.SimulatePolicies(t.Context(), client.Simulation{}); err != nil || v.Requests != 1 {
		t.Errorf("%+v %v", v, err)
	}
}
