// Command opa measures a policy in OPA's Go library, for the benchmark `policy`. It has a module of its own, so that
// OPA is no dependency of ringback.
//
// Usage: opa DIR ROUNDS. DIR has policy.rego, data.json and inputs.json, a list of inputs. It prints the outcome of
// each input, then "ns" and the CPU time of a decision for each round.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "opa:", err)
		os.Exit(1)
	}
}

func run(dir, rounds string) error {
	n, err := strconv.Atoi(rounds)
	if err != nil {
		return err
	}
	ctx := context.Background()
	policy, err := os.ReadFile(filepath.Join(dir, "policy.rego"))
	if err != nil {
		return err
	}
	var data map[string]any
	var inputs []map[string]any
	if err := read(filepath.Join(dir, "data.json"), &data); err != nil {
		return err
	}
	if err := read(filepath.Join(dir, "inputs.json"), &inputs); err != nil {
		return err
	}
	q, err := rego.New(rego.Query("data.ringback.decision"), rego.Module("policy.rego", string(policy)),
		rego.Store(inmem.NewFromObjectWithOpts(data, inmem.OptReturnASTValuesOnRead(true)))).PrepareForEval(ctx)
	if err != nil {
		return err
	}
	for _, input := range inputs {
		outcome, err := decide(ctx, q, input)
		if err != nil {
			return err
		}
		fmt.Println(outcome)
	}
	for range n {
		fmt.Println("ns", measure(ctx, q, inputs))
	}
	return nil
}

func read(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// decide returns the outcome of a decision and its number.
func decide(ctx context.Context, q rego.PreparedEvalQuery, input map[string]any) (string, error) {
	rs, err := q.Eval(ctx, rego.EvalInput(input))
	if err != nil || len(rs) != 1 {
		return "", fmt.Errorf("%d results: %w", len(rs), err)
	}
	d, _ := rs[0].Expressions[0].Value.(map[string]any)
	return fmt.Sprint(d["outcome"], " ", d["number"]), nil
}

// measure returns the CPU time of a decision in nanoseconds, over half a second.
func measure(ctx context.Context, q rego.PreparedEvalQuery, inputs []map[string]any) int64 {
	began, used, n := time.Now(), cpu(), 0
	for ; time.Since(began) < 500*time.Millisecond; n++ {
		if _, err := q.Eval(ctx, rego.EvalInput(inputs[n%len(inputs)])); err != nil {
			return -1
		}
	}
	return (cpu() - used).Nanoseconds() / int64(n)
}

// cpu returns the CPU time of this process.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // impossible for this process
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
