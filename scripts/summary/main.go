// Command summary reads `go test -json` and prints what a person wants of it: the output of what failed, why tests were skipped, a line a
// package, and a closing count `N passed, N failed, N skipped`.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

func main() {
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
		switch e.Action {
		case "output", "build-output":
			out[key] = append(out[key], e.Output)
		case "pass":
			passed += count(e)
			if e.Test == "" {
				fmt.Printf("ok   %-60s %6.1f s\n", e.Package, e.Elapsed)
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
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
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
