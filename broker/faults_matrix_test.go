package broker_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var updateFaults = flag.Bool("update", false, "print the fault matrix in docs/reference/faults.md again")

// faultPage has the documented end of each cell.
const faultPage = "../docs/reference/faults.md"

// faultCells is how many cells a usual run plays; with RINGBACK_LONG=1 and with -update all are played.
const faultCells = 24

// place is the place of a cell in the matrix.
type place struct{ fault, moment int }

// cells returns all cells of the matrix that can be reached.
func cells() (all []place) {
	for i, f := range faults {
		for k, m := range moments {
			all = append(all, place{i, k})
			if m.name == f.last {
				break
			}
		}
	}
	return all
}

// TestFaultMatrix plays each fault at each moment of a line and of a callback, or a sample of them: the laws hold, no
// line is stuck, and the cell ends as docs/reference/faults.md says. RINGBACK_SEED repeats a sample.
func TestFaultMatrix(t *testing.T) {
	all := cells()
	if len(all) < 300 {
		t.Fatalf("only %d cells", len(all))
	}
	if os.Getenv("RINGBACK_LONG") == "" && !*updateFaults {
		seed := uint64(time.Now().Unix() / (24 * 60 * 60)) // another sample each day
		if v, err := strconv.ParseUint(os.Getenv("RINGBACK_SEED"), 10, 64); err == nil {
			seed = v
		}
		t.Logf("%d of %d cells: RINGBACK_SEED=%d", faultCells, len(all), seed)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
		all = all[:faultCells]
	}
	documented := documentedEnds(t)
	played := map[place]ends{}
	for _, p := range all {
		f, m := faults[p.fault], moments[p.moment]
		t.Run(f.name+"/"+m.name, func(t *testing.T) {
			e := inCell(t, f, m)
			played[p] = e
			if want, ok := documented[f.name+"/"+m.name]; !*updateFaults && (!ok || e != want) {
				t.Errorf("ended with %q, documented is %q (%v)", e, want, ok)
			}
		})
	}
	if *updateFaults && !t.Failed() {
		if err := os.WriteFile(faultPage, []byte(printMatrix(played)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFaultPage: the page has every fault, every moment and every cell.
func TestFaultPage(t *testing.T) {
	documented := documentedEnds(t)
	for _, p := range cells() {
		name := faults[p.fault].name + "/" + moments[p.moment].name
		if _, ok := documented[name]; !ok {
			t.Errorf("%s is not documented", name)
		}
		delete(documented, name)
	}
	if len(documented) > 0 {
		t.Errorf("documented, but in no table: %v", documented)
	}
	played := map[place]ends{}
	documented = documentedEnds(t)
	for _, p := range cells() {
		played[p] = documented[faults[p.fault].name+"/"+moments[p.moment].name]
	}
	if page, err := os.ReadFile(faultPage); err != nil || string(page) != printMatrix(played) {
		t.Errorf("%s is not what the tables print (%v): go test ./broker -run FaultMatrix -update", faultPage, err)
	}
}

// documentedEnds reads the page.
func documentedEnds(t *testing.T) map[string]ends {
	t.Helper()
	page, err := os.ReadFile(faultPage)
	if err != nil && !*updateFaults {
		t.Fatal(err)
	}
	all := map[string]ends{}
	fault := ""
	for line := range strings.Lines(string(page)) {
		if name, ok := strings.CutPrefix(line, "### "); ok {
			fault = strings.TrimSpace(name)
			continue
		}
		column := strings.Split(strings.Trim(line, "| \n"), " | ")
		if fault == "" || len(column) != 3 || column[0] == "the callback" || strings.HasPrefix(column[0], "---") {
			continue
		}
		for moment := range strings.SplitSeq(column[2], ", ") {
			all[fault+"/"+moment] = ends{column[0], column[1]}
		}
	}
	return all
}

// printMatrix prints the page.
func printMatrix(played map[place]ends) string {
	var b strings.Builder
	b.WriteString(faultIntro)
	b.WriteString("\n## Moments\n\n| moment | state of the line with the fault, and of the callback |\n|---|---|\n")
	for _, m := range moments {
		fmt.Fprintf(&b, "| %s | %s |\n", m.name, m.about)
	}
	b.WriteString("\n## Faults\n")
	for i, f := range faults {
		fmt.Fprintf(&b, "\n### %s\n\n%s.\n\n| the callback | the line | moments |\n|---|---|---|\n", f.name,
			wrap(strings.ToUpper(f.about[:1])+f.about[1:]))
		var order []ends
		at := map[ends][]string{}
		for k, m := range moments {
			e, ok := played[place{i, k}]
			if !ok {
				continue
			}
			if !slices.Contains(order, e) {
				order = append(order, e)
			}
			at[e] = append(at[e], m.name)
		}
		for _, e := range order {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", e.callback, e.line, strings.Join(at[e], ", "))
		}
	}
	return b.String()
}

// wrap breaks a text into lines of at most 100 columns.
func wrap(text string) string {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(text) {
		switch {
		case column == 0:
		case column+1+len(word) > 98:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

const faultIntro = `# Faults of modems, ports and calls

What becomes of a callback and of its line when something goes wrong, for each fault at each moment.
The tables are printed by a test (` + "`go test ./broker -run FaultMatrix -update`" + `), which plays all these
cells with the real broker, pool, modem driver and journal, and modems with faults, in simulated time.

The town of the test has three lines. One is called by the subscriber, who is to log in again on the
call back; another line calls back, or the third one instead. The policy allows two attempts, 30 seconds
apart, and the lifetime is ten minutes. Policies by cause
([policies](../how-to/policies.md#after-an-attempt-that-failed)) can send the second attempt to another
line. A fault begins at a moment and lasts for 80 seconds: S7, the longest time that a modem waits for
carrier, and 30 seconds. Then it ends, except where it was a single event.

* **The callback**: its end. *none*: the caller was not promised one, because the first call did not
  connect or was cut. *2 attempts*: both were used.
* **The line**: the state of the line with the fault after the 80 seconds. *In service*: idle, or in use
  for a call or a callback. The causes of *down* and *quarantined* are those of
  [line failures](line-failures.md).

Checked in each cell: no line is stuck; a line that is out of service has a reason and a cause, and the
other lines are in service; modems receive no more dial commands than attempts are recorded, and these
are no more than the policy allows; a callback ends once, with its cause; after the fault all lines are
in service again, and the next caller is answered and gets a session.
`
