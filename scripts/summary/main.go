// Command summary reads `go test -json` and prints a summary: the output of failed tests, why tests were skipped, one
// line per package with its time, marked if it is over the budget in docs/explanation/testing.md, the packages that
// failed outside of a test, the ten slowest tests, and finally the number of tests `N passed, N failed, N skipped`. Run
// it in the repository's root.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type event struct {
	Action, Package, ImportPath, Test, Output, FailedBuild string
	Elapsed                                                float64
}

func main() {
	budgets, err := readBudgets("docs/explanation/testing.md")
	if err != nil {
		fmt.Println("cannot read the time budgets:", err)
	}
	if err := summarize(os.Stdin, os.Stdout, budgets); err != nil {
		fmt.Fprintln(os.Stderr, "summary:", err)
		os.Exit(1)
	}
}

// summary is what was read so far.
type summary struct {
	w                       io.Writer
	out                     map[string][]string // by package and test; of builds by import path
	passed, failed, skipped int
	failedIn                map[string]int    // failed tests by package
	panicked                map[string]string // the test during which a package panicked; "" if outside of tests
	broken                  []string          // packages that failed outside of a test, and how
	budgets                 map[string]float64
	times                   map[string]float64 // of tests, in seconds, by package and test
}

// summarize reads to the end of r. It prints lines that are not events unchanged.
func summarize(r io.Reader, w io.Writer, budgets map[string]float64) error {
	s := &summary{w: w, out: map[string][]string{}, failedIn: map[string]int{}, panicked: map[string]string{},
		budgets: budgets, times: map[string]float64{}}
	in := bufio.NewScanner(r)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Fprintln(w, in.Text())
			continue
		}
		s.take(e)
	}
	slowest(w, s.times, 10)
	for _, b := range s.broken {
		fmt.Fprintln(w, "BROKEN", b)
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
	return in.Err()
}

func (s *summary) take(e event) {
	key := e.Package + " " + e.Test
	if e.Test != "" && (e.Action == "pass" || e.Action == "fail") {
		s.times[key] = e.Elapsed
	}
	switch e.Action {
	case "output":
		s.out[key] = append(s.out[key], e.Output)
		if strings.HasPrefix(e.Output, "panic: ") || strings.HasPrefix(e.Output, "fatal error: ") {
			s.panicked[e.Package] = e.Test
		}
	case "build-output":
		s.out[e.ImportPath] = append(s.out[e.ImportPath], e.Output)
	case "build-fail":
		fmt.Fprintf(s.w, "FAIL %s\n%s", e.ImportPath, strings.Join(s.out[e.ImportPath], ""))
	case "pass":
		if e.Test == "" {
			fmt.Fprintf(s.w, "ok   %-60s %6.1f s%s\n", e.Package, e.Elapsed, over(s.budgets, e))
		} else {
			s.passed++
		}
		delete(s.out, key)
	case "skip":
		if e.Test != "" {
			s.skipped++
			fmt.Fprintf(s.w, "SKIP %s %s: %s\n", e.Package, e.Test, reason(s.out[key]))
		}
	case "fail":
		fmt.Fprintf(s.w, "FAIL %s\n%s", strings.TrimSpace(key), strings.Join(s.out[key], ""))
		if e.Test == "" {
			s.packageFailed(e)
		} else {
			s.failed++
			s.failedIn[e.Package]++
		}
	}
}

// packageFailed records how a package failed, unless its failed tests explain it.
func (s *summary) packageFailed(e event) {
	test, panicked := s.panicked[e.Package]
	switch {
	case e.FailedBuild != "" || strings.Contains(strings.Join(s.out[e.Package+" "], ""), "[setup failed]"):
		s.broken = append(s.broken, e.Package+": does not build")
	case panicked:
		if test != "" && s.failedIn[e.Package] == 0 { // a timeout: no event names the test as failed
			fmt.Fprint(s.w, strings.Join(s.out[e.Package+" "+test], ""))
		}
		s.broken = append(s.broken, strings.TrimSuffix(e.Package+": panicked in "+test, " in ")+
			"; its later tests did not run")
	case s.failedIn[e.Package] == 0:
		s.broken = append(s.broken, e.Package+": failed outside its tests")
	}
}

// budget is the limit in seconds for a package that testing.md does not name.
const budget = 30

var budgetRow = regexp.MustCompile(`(?m)^\| ` + "`([^`]+)`" + ` \| (\d+) \|$`)

// readBudgets returns the limit in seconds for the tests of a package, by the end of its import path.
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

// over says that a package exceeded its budget; "" if it did not.
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

// slowest prints the n tests that took longest, without tests that have subtests.
func slowest(w io.Writer, times map[string]float64, n int) {
	for name := range maps.Clone(times) {
		pkg, test, _ := strings.Cut(name, " ")
		for i := strings.LastIndexByte(test, '/'); i > 0; i = strings.LastIndexByte(test[:i], '/') {
			delete(times, pkg+" "+test[:i])
		}
	}
	names := slices.SortedFunc(maps.Keys(times), func(a, b string) int { return cmp.Compare(times[b], times[a]) })
	for _, name := range names[:min(n, len(names))] {
		fmt.Fprintf(w, "slow %-100s %6.1f s\n", name, times[name])
	}
}

// reason is the message of a skipped test.
func reason(lines []string) string {
	for i := len(lines) - 1; i >= 0; i-- {
		l := strings.TrimSpace(lines[i])
		if l != "" && !strings.HasPrefix(l, "---") && !strings.HasPrefix(l, "===") {
			return l
		}
	}
	return "no reason given"
}
