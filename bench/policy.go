package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/policytest"
	"github.com/ringback/ringback/policies/replay"
)

// The large site: groups of two users each, of which the middle one has all prefixes but one, and a deny pattern.
const (
	policyGroups   = 1000
	policyPrefixes = 10_000
)

// policyRound is how long a round of a measurement is.
const policyRound = 500 * time.Millisecond

// policy measures decisions of a large site, in comparison with OPA, and what else works with its policy files.
func (b *bench) policy(ctx context.Context) error {
	dir := b.path("large.d")
	patterns, err := writeSite(dir)
	if err != nil {
		return err
	}
	set, err := b.policyLoad(ctx, dir)
	if err != nil {
		return err
	}
	asked := largeRequests()
	if err := b.policyDecision(ctx, set, asked, patterns); err != nil {
		return err
	}
	if err := b.policyClasses(dir); err != nil {
		return err
	}
	b.policyPrefix(patterns)
	return b.policySimulate(ctx, set, dir)
}

func groupName(i int) string { return fmt.Sprintf("g%d", i) }

// writeSite writes the policy files, and returns the patterns of the middle group.
func writeSite(dir string) (patterns []string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for i := range policyPrefixes {
		patterns = append(patterns, fmt.Sprintf("84%05d*", i))
	}
	for i := range policyGroups {
		allow := `["84*"]`
		if i == policyGroups/2 {
			allow = `["` + strings.Join(patterns, `", "`) + `"]`
		}
		text := fmt.Sprintf("group: %s\nusers: [a%d, b%d]\nnumbers:\n  from: [aaa, caller]\n  allow: %s\n"+
			"  deny: [\"849*\"]\n", groupName(i), i, i, allow)
		if err := os.WriteFile(filepath.Join(dir, groupName(i)+".yaml"), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return patterns, nil
}

var bothServices = map[aaa.Service]bool{aaa.EXEC: true, aaa.PPP: true}

func (b *bench) policyLoad(ctx context.Context, dir string) (set *policies.Set, err error) {
	var seconds, cpu sample
	for range b.sizes.policyRounds {
		began, before := time.Now(), used(syscall.RUSAGE_SELF)
		loaded, problems := policies.LoadDir(dir, policies.Site{Callback: bothServices})
		if problems.HasErrors() {
			return nil, problems.Err()
		}
		set, seconds = loaded, append(seconds, time.Since(began).Seconds())
		cpu = append(cpu, (used(syscall.RUSAGE_SELF) - before).Seconds())
	}
	b.add(row{figure: "load 1,000 policy files, 10,000 prefixes", ours: seconds.spread("%.2f", "s"), goal: "≤ 1 s",
		verdict: hold(seconds.median() <= 1), note: "CPU " + cpu.spread("%.2f", "s")})
	return set, ctx.Err()
}

// largeRequests are logins for which AAA leaves the number to the caller: every second one is of the group with all
// prefixes, and one of ten numbers is rejected.
func largeRequests() (asked []policytest.Asked) {
	for i := range 1000 {
		user, number := fmt.Sprintf("a%d", i), fmt.Sprintf("84%05d12", i*7%policyPrefixes)
		if i%2 == 0 {
			user = fmt.Sprintf("b%d", policyGroups/2)
		}
		if i%10 == 0 {
			number = fmt.Sprintf("85%05d", i)
		}
		empty := ""
		asked = append(asked, policytest.Asked{User: user, Service: aaa.EXEC, Number: &empty, Typed: &number})
	}
	return asked
}

// policyDecision compares decisions with those of OPA, which must be the same.
func (b *bench) policyDecision(ctx context.Context, set *policies.Set, asked []policytest.Asked,
	patterns []string) error {
	var requests []policies.Request
	var outcomes []string
	for _, a := range asked {
		requests = append(requests, a.Request())
		d, _ := set.Evaluate(a.Request())
		outcomes = append(outcomes, strings.TrimSpace(fmt.Sprint(d.Outcome, " ", d.Number)))
	}
	opa, missing := b.newOPA(ctx, asked, patterns)
	var ours, allocations, theirs, ratios sample
	for range b.sizes.policyRounds {
		ns, mallocs := timed(func(i int) { set.Evaluate(requests[i%len(requests)]) })
		ours, allocations = append(ours, ns/1000), append(allocations, mallocs)
		if missing != nil {
			continue
		}
		ns, err := opa.round(ctx, outcomes)
		if err != nil {
			return err
		}
		theirs, ratios = append(theirs, ns/1000), append(ratios, ns/1000/ours[len(ours)-1])
	}
	b.add(row{figure: "policy decision, 1,000 groups", ours: ours.spread("%.1f", "µs"), goal: "≤ 20 µs",
		verdict: hold(ours.median() <= 20)})
	b.add(row{figure: "… allocations", ours: allocations.spread("%.1f", ""), goal: "≤ 10",
		verdict: hold(allocations.median() <= 10)})
	if missing != nil {
		b.add(row{figure: "… OPA", note: missing.Error()})
		return ctx.Err()
	}
	b.add(row{figure: "… OPA's library takes", ours: ours.spread("%.1f", "µs"), peer: theirs.spread("%.0f", "µs"),
		ratio: times(ratios.median()), goal: "≥ 10", verdict: hold(ratios.median() >= 10),
		note: fmt.Sprintf("%d rounds, ratio %s, the same %d outcomes", len(ratios), ratios.spread("%.0f", ""),
			len(outcomes))})
	return ctx.Err()
}

// policyClasses measures decisions of the same groups at a site that has numbers.country, so that numbers of many
// countries in any notation have classes.
func (b *bench) policyClasses(dir string) error {
	site := policies.Site{Callback: bothServices, Plan: numbers.Plan{Country: numbers.Country{Code: "33",
		Digits: []int{9}, International: []string{"00"}, National: []string{"0"}}}}
	set, problems := policies.LoadDir(dir, site)
	if problems.HasErrors() {
		return problems.Err()
	}
	var requests []policies.Request
	for i, typed := range []string{"+84 912 345 678", "+84 28 3823 8888", "0084 24 3825 5555", "+1 408 555 1212",
		"+1 876 926 1234", "+1 555 123 4567", "01 40 20 50 51", "+33 899 123 456", "+49 151 12345678",
		"+44 1481 960194", "+39 06 1234 5678", "+7 717 212 3456", "+881 6 1234 5678", "+33 (0)6 12 34 56 78"} {
		empty := ""
		requests = append(requests, policytest.Asked{User: fmt.Sprintf("a%d", i), Service: aaa.EXEC, Number: &empty,
			Typed: &typed}.Request())
	}
	for _, r := range requests { // the first number of each country compiles its numbering plan
		set.Evaluate(r)
	}
	var took, allocations sample
	for range b.sizes.policyRounds {
		ns, mallocs := timed(func(i int) { set.Evaluate(requests[i%len(requests)]) })
		took, allocations = append(took, ns/1000), append(allocations, mallocs)
	}
	b.add(row{figure: "policy decision, numbers.country", ours: took.spread("%.1f", "µs"), goal: "≤ 20 µs",
		verdict: hold(took.median() <= 20), note: fmt.Sprintf("classes of numbers of %d kinds", len(requests))})
	b.add(row{figure: "… allocations", ours: allocations.spread("%.1f", ""), goal: "≤ 10",
		verdict: hold(allocations.median() <= 10)})
	return nil
}

// timed calls f for a while, and returns the nanoseconds of CPU and the allocations of a call.
func timed(f func(i int)) (ns, mallocs float64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, cpu, n := time.Now(), used(syscall.RUSAGE_SELF), 0
	for time.Since(began) < policyRound {
		for range 100 { // reading the clock takes as long as a prefix match
			f(n)
			n++
		}
	}
	took := used(syscall.RUSAGE_SELF) - cpu
	runtime.ReadMemStats(&after)
	return float64(took.Nanoseconds()) / float64(n), float64(after.Mallocs-before.Mallocs) / float64(n)
}

// policyPrefix compares the index of patterns with a scan of all.
func (b *bench) policyPrefix(patterns []string) {
	index := numbers.PatternsOf(patterns...)
	var number []numbers.Number
	for i := range 1000 {
		n, _ := numbers.Reread(fmt.Sprintf("84%05d12", i*7%policyPrefixes))
		number = append(number, n)
	}
	var ours, theirs, ratios sample
	for range b.sizes.policyRounds {
		a, _ := timed(func(i int) { index.Longest(number[i%len(number)]) })
		z, _ := timed(func(i int) { scan(patterns, number[i%len(number)].String()) })
		ours, theirs, ratios = append(ours, a), append(theirs, z/1000), append(ratios, z/a)
	}
	b.add(row{figure: "prefix match among 10,000", ours: ours.spread("%.0f", "ns"),
		peer: "linear scan " + theirs.spread("%.0f", "µs"), ratio: times(ratios.median()), goal: "≥ 5",
		verdict: hold(ratios.median() >= 5)})
}

// scan returns the longest pattern that matches.
func scan(patterns []string, number string) (longest string) {
	for _, p := range patterns {
		prefix, isPrefix := strings.CutSuffix(p, "*")
		if len(p) > len(longest) && (isPrefix && strings.HasPrefix(number, prefix) || p == number) {
			longest = p
		}
	}
	return longest
}

// policySimulate replays requests of a file against the files with one changed group.
func (b *bench) policySimulate(ctx context.Context, was *policies.Set, dir string) error {
	group := groupName(policyGroups / 2)
	text := fmt.Sprintf("group: %s\nusers: [a%d, b%d]\n", group, policyGroups/2, policyGroups/2)
	if err := os.WriteFile(filepath.Join(dir, group+".yaml"), []byte(text), 0o600); err != nil {
		return err
	}
	will, problems := policies.LoadDir(dir, policies.Site{Callback: bothServices})
	if problems.HasErrors() {
		return problems.Err()
	}
	var file strings.Builder
	for i := range b.sizes.policyPast {
		fmt.Fprintf(&file, `{"user":"a%d","number":"","typed":"84%05d12","time":"2026-11-02T08:00:00Z"}`+"\n",
			i%policyGroups, i%policyPrefixes)
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as the command does
	var rate, cpu sample
	for range b.sizes.policyRounds {
		began, before := time.Now(), used(syscall.RUSAGE_SELF)
		r, err := replay.Comparison{Was: was, Will: will, Examples: 20}.Run(ctx,
			replay.Lines("past.jsonl", strings.NewReader(file.String())))
		if err != nil {
			return err
		}
		if r.Requests != b.sizes.policyPast || r.Changed == 0 {
			return fmt.Errorf("%d of %d requests were replayed, %d changed", r.Requests, b.sizes.policyPast, r.Changed)
		}
		rate = append(rate, float64(r.Requests)/time.Since(began).Seconds())
		cpu = append(cpu, microseconds(used(syscall.RUSAGE_SELF)-before)/float64(r.Requests))
	}
	b.add(row{figure: "policy simulate, requests per second", ours: rate.spread("%.0f", ""), goal: "≥ 100,000",
		verdict: hold(rate.median() >= 100_000),
		note:    fmt.Sprintf("CPU of a request %s, %d cores", cpu.spread("%.1f", "µs"), runtime.NumCPU())})
	return nil
}

// opa is OPA's library with the same policy, in a process of its own.
type opa struct{ binary, dir string }

// newOPA builds it; the error says why it cannot be measured.
func (b *bench) newOPA(ctx context.Context, asked []policytest.Asked, patterns []string) (*opa, error) {
	o := &opa{binary: b.path("opa"), dir: b.path("opa.d")}
	build := exec.CommandContext(ctx, "go", "build", "-o", o.binary, ".")
	build.Dir = filepath.Join(b.source, "bench", "opa")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build in bench/opa (it fetches OPA): %w: %.300s", err, out)
	}
	rego, err := os.ReadFile(filepath.Join(build.Dir, "policy.rego"))
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(opaData(patterns))
	if err != nil {
		return nil, err
	}
	inputs, err := json.Marshal(opaInputs(asked))
	if err != nil {
		return nil, err
	}
	return o, errors.Join(os.MkdirAll(o.dir, 0o700), os.WriteFile(filepath.Join(o.dir, "policy.rego"), rego, 0o600),
		os.WriteFile(filepath.Join(o.dir, "data.json"), data, 0o600),
		os.WriteFile(filepath.Join(o.dir, "inputs.json"), inputs, 0o600))
}

// opaData is the large site as OPA's data: objects whose keys are prefixes.
func opaData(patterns []string) map[string]any {
	users, groups := map[string]string{}, map[string]any{}
	for i := range policyGroups {
		allow := map[string]bool{"84": true}
		if i == policyGroups/2 {
			allow = map[string]bool{}
			for _, p := range patterns {
				allow[strings.TrimSuffix(p, "*")] = true
			}
		}
		users[fmt.Sprintf("a%d", i)], users[fmt.Sprintf("b%d", i)] = groupName(i), groupName(i)
		groups[groupName(i)] = map[string]any{"callback": "optional", "allow": allow,
			"from": map[string]bool{"aaa": true, "caller": true}, "deny": map[string]bool{"849": true},
			"no_verify": "deny",
			"attempts":  map[string]any{"max": 1, "retry_wait": "30s"}}
	}
	return map[string]any{"users": users, "groups": groups, "services": map[string]bool{"exec": true, "ppp": true},
		"emergency": map[string]bool{"112": true, "911": true, "999": true, "000": true}}
}

func opaInputs(asked []policytest.Asked) (inputs []map[string]any) {
	for _, a := range asked {
		inputs = append(inputs, map[string]any{"user": a.User, "service": a.Service, "callback": true,
			"number": *a.Number, "typed": *a.Typed, "no_verify": false})
	}
	return inputs
}

// round checks the outcomes and returns the nanoseconds of a decision.
func (o *opa) round(ctx context.Context, outcomes []string) (ns float64, err error) {
	cmd := exec.CommandContext(ctx, o.binary, o.dir, "1")
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("bench/opa: %w", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	last := len(lines) - 1
	if !slices.Equal(lines[:last], outcomes) {
		return 0, errors.New("OPA and ringback decide otherwise")
	}
	_, err = fmt.Sscanf(lines[last], "ns %f", &ns)
	return ns, err
}
