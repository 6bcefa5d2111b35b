// Command summary reads `go test -json` and prints what a person wants of it: the output of what failed, why tests were skipped, a line a
// package with its time, marked where it is over the budget of docs/explanation/testing.md, the ten slowest tests, and a closing count
// `N passed, N failed, N skipped`. Run it in the repository's root.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

func main() {
	budgets, err := readBudgets("docs/explanation/testing.md")
	if err != nil {
		fmt.Println("no time budgets:", err)
	}
	times := map[string]float64{}
	out := map[string][]string{}
	var passed, failed, skipped int
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Println(in.Text())
			continue
		}
		key := e.Package + " " + e.Test
		if e.Test != "" && (e.Action == "pass" || e.Action == "fail") {
			times[key] = e.Elapsed
		}
		switch e.Action {
		case "output", "build-output":
			out[key] = append(out[key], e.Output)
		case "pass":
			passed += count(e)
			if e.Test == "" {
				fmt.Printf("ok   %-60s %6.1f s%s\n", e.Package, e.Elapsed, over(budgets, e))
			}
			delete(out, key)
		case "skip":
			skipped += count(e)
			if e.Test != "" {
				fmt.Printf("SKIP %s %s: %s\n", e.Package, e.Test, reason(out[key]))
			}
		case "fail", "build-fail":
			failed += max(count(e), 0)
			if e.Test == "" {
				failed++
			}
			fmt.Printf("FAIL %s %s\n%s", e.Package, e.Test, strings.Join(out[key], ""))
		}
	}
	slowest(times, 10)
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
}

// budget is the seconds of a package that testing.md does not name.
const budget = 30

var budgetRow = regexp.MustCompile(`(?m)^\| ` + "`([^`]+)`" + ` \| (\d+) \|$`)

// readBudgets has the seconds that the tests of a package may take, by the end of its import path.
func readBudgets(path string) (map[string]float64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	budgets := map[string]float64{}
	for _, m := range budgetRow.FindAllStringSubmatch(string(text), -1) {
		if budgets[m[1]], err = strconv.ParseFloat(m[2], 64); err != nil {
			return nil, err
		}
	}
	return budgets, nil
}

// over says that a package took longer than it may; "" where it did not.
func over(budgets map[string]float64, e event) string {
	most := float64(budget)
	for name, seconds := range budgets {
		if strings.HasSuffix(e.Package, "/ringback/"+name) {
			most = seconds
		}
	}
	if e.Elapsed <= most {
		return ""
	}
	return fmt.Sprintf("  OVER its budget of %.0f s", most)
}

// slowest prints the n tests that took longest, of those that have no tests within.
func slowest(times map[string]float64, n int) {
	for name := range maps.Clone(times) {
		pkg, test, _ := strings.Cut(name, " ")
		for i := strings.LastIndexByte(test, '/'); i > 0; i = strings.LastIndexByte(test[:i], '/') {
			delete(times, pkg+" "+test[:i])
		}
	}
	names := slices.SortedFunc(maps.Keys(times), func(a, b string) int { return cmp.Compare(times[b], times[a]) })
	for _, name := range names[:min(n, len(names))] {
		fmt.Printf("slow %-100s %6.1f s\n", name, times[name])
	}
}

func count(e event) int {
	if e.Test == "" {
		return 0
	}
	return 1
}

// reason is what the test said when it skipped itself.
func reason(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		l := strings.TrimSpace(lines[i])
		if l != "" && !strings.HasPrefix(l, "---") && !strings.HasPrefix(l, "===") {
			return l
		}
	}
	return "no reason given"
}
