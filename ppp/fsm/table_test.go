package fsm_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/ppp/fsm"
)

var update = flag.Bool("update", false, "print docs/reference/ppp-automaton.md anew")

// rfc1661 is the table of RFC 1661 §4.1, both halves side by side.
const rfc1661 = `
Up    2       irc,scr/6 -          -                -        -         -         -           -         -
Down  -       -         0          tls/1            0        1         1         1           1         tld/1
Open  tls/1   1         irc,scr/6  3r               5r       5r        6         7           8         9r
Close 0       tlf/0     2          2                4        4         irc,str/4 irc,str/4   irc,str/4 tld,irc,str/4
TO+   -       -         -          -                str/4    str/5     scr/6     scr/6       scr/8     -
TO-   -       -         -          -                tlf/2    tlf/3     tlf/3p    tlf/3p      tlf/3p    -
RCR+  -       -         sta/2      irc,scr,sca/8    4        5         sca/8     sca,tlu/9   sca/8     tld,scr,sca/8
RCR-  -       -         sta/2      irc,scr,scn/6    4        5         scn/6     scn/7       scn/6     tld,scr,scn/6
RCA   -       -         sta/2      sta/3            4        5         irc/7     scr/6x      irc,tlu/9 tld,scr/6x
RCN   -       -         sta/2      sta/3            4        5         irc,scr/6 scr/6x      irc,scr/8 tld,scr/6x
RTR   -       -         sta/2      sta/3            sta/4    sta/5     sta/6     sta/6       sta/6     tld,zrc,sta/5
RTA   -       -         2          3                tlf/2    tlf/3     6         6           8         tld,scr/6
RUC   -       -         scj/2      scj/3            scj/4    scj/5     scj/6     scj/7       scj/8     scj/9
RXJ+  -       -         2          3                4        5         6         6           8         9
RXJ-  -       -         tlf/2      tlf/3            tlf/2    tlf/3     tlf/3     tlf/3       tlf/3     tld,irc,str/5
RXR   -       -         2          3                4        5         6         7           8         ser/9`

const lastEvent = fsm.RXR

// cell prints what Step does in the notation of the RFC.
func cell(s fsm.State, e fsm.Event) string {
	next, do, ok := fsm.Step(s, e)
	if !ok {
		return "-"
	}
	var names []string
	for _, a := range do {
		names = append(names, a.String())
	}
	out := strings.Join(names, ",")
	if out != "" {
		out += "/"
	}
	return out + fmt.Sprint(int(next))
}

// Step is the table of the RFC, cell by cell.
func TestTable(t *testing.T) {
	rows := strings.Split(strings.TrimSpace(rfc1661), "\n")
	if len(rows) != int(lastEvent)+1 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, row := range rows {
		want := strings.Fields(row)
		e := fsm.Event(i)
		if len(want) != int(fsm.Opened)+2 || want[0] != e.String() {
			t.Fatalf("row %q is for %v", row, e)
		}
		for s := fsm.Initial; s <= fsm.Opened; s++ {
			if got, want := cell(s, e), strings.TrimRight(want[s+1], "rpx"); got != want {
				t.Errorf("%v in %v: %s, the RFC has %s", e, s, got, want)
			}
		}
	}
}

// What is not in the table is illegal and changes nothing.
func TestStepOutOfRange(t *testing.T) {
	for _, s := range []fsm.State{fsm.Initial, fsm.Opened, fsm.Opened + 1, 255} {
		for _, e := range []fsm.Event{lastEvent + 1, 255} {
			if next, do, ok := fsm.Step(s, e); next != s || do != nil || ok {
				t.Errorf("%v in %v: %v %v %v", e, s, next, do, ok)
			}
		}
	}
	if fsm.State(200).String() == "" || fsm.Event(200).String() == "" || fsm.Action(200).String() == "" {
		t.Error("a value without a text")
	}
}

// A caller may change what Step returned.
func TestStepReturnsACopy(t *testing.T) {
	_, do, _ := fsm.Step(fsm.Closed, fsm.Open)
	do[0] = fsm.TLF
	if got := cell(fsm.Closed, fsm.Open); got != "irc,scr/6" {
		t.Errorf("the table is now %s", got)
	}
}

// Each state that waits was entered with a timer, and has a way out by the timer (RFC 1661 §4.1).
func TestTimers(t *testing.T) {
	arms := []fsm.Action{fsm.SCR, fsm.STR, fsm.ZRC}
	for s := fsm.Initial; s <= fsm.Opened; s++ {
		for e := fsm.Up; e <= lastEvent; e++ {
			next, do, ok := fsm.Step(s, e)
			armed := slices.ContainsFunc(do, func(a fsm.Action) bool { return slices.Contains(arms, a) })
			if ok && next.Waits() && !s.Waits() && !armed {
				t.Errorf("%v in %v: no timer in %v", e, s, next)
			}
			if ok && !next.Waits() && armed {
				t.Errorf("%v in %v: a timer in %v", e, s, next)
			}
		}
		if !s.Waits() {
			continue
		}
		if next, _, ok := fsm.Step(s, fsm.TOMinus); !ok || next.Waits() {
			t.Errorf("%v is not left by the timer", s)
		}
	}
}

// TestReference compares the document with the table.
func TestReference(t *testing.T) {
	const doc = "../../docs/reference/ppp-automaton.md"
	got, err := os.ReadFile(doc)
	if err != nil && !*update {
		t.Fatal(err)
	}
	switch want := reference(); {
	case string(got) == want:
	case *update:
		if err := os.WriteFile(doc, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not what the table says: go test ./ppp/fsm -run Reference -update", doc)
	}
}

func reference() string {
	var b strings.Builder
	b.WriteString(`# The automaton of PPP

<!-- Printed from ppp/fsm: go test ./ppp/fsm -run Reference -update -->

LCP, IPCP and IPV6CP negotiate by the automaton of RFC 1661 §4.1. A cell has the actions and the next
state; an empty cell is an event that cannot happen in the state. Of the RFC's implementation options
none is taken: an Open in a state with an automaton under way does nothing more, and a layer whose
peer does not answer is finished.

The restart timer (3 seconds by default) runs in the states printed in italics.

`)
	b.WriteString("| event |")
	for s := fsm.Initial; s <= fsm.Opened; s++ {
		mark := ""
		if s.Waits() {
			mark = "*"
		}
		fmt.Fprintf(&b, " %s%d %v%s |", mark, s, s, mark)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", int(fsm.Opened)+1) + "\n")
	for e := fsm.Up; e <= lastEvent; e++ {
		fmt.Fprintf(&b, "| %v |", e)
		for s := fsm.Initial; s <= fsm.Opened; s++ {
			fmt.Fprintf(&b, " %s |", strings.TrimPrefix(cell(s, e), "-"))
		}
		b.WriteString("\n")
	}
	b.WriteString(`
| event | meaning |
|---|---|
| Up, Down | the layer below is up, is down |
| Open, Close | the layer is allowed to open, has to close |
| TO+, TO- | time-out, with transmissions left, without |
| RCR+, RCR- | Configure-Request that can be acknowledged, that cannot |
| RCA, RCN | Configure-Ack; Configure-Nak or Configure-Reject |
| RTR, RTA | Terminate-Request, Terminate-Ack |
| RUC | a packet with an unknown code |
| RXJ+, RXJ- | Code-Reject or Protocol-Reject that is permitted, that ends the layer |
| RXR | Echo-Request, Echo-Reply or Discard-Request |

| action | meaning |
|---|---|
| tlu, tld | the layer is up, is down |
| tls, tlf | the layer below is needed, is not needed any more |
| irc, zrc | the restart counter is set, is set to zero |
| scr, sca, scn | send Configure-Request; Configure-Ack; Configure-Nak or Configure-Reject |
| str, sta | send Terminate-Request, Terminate-Ack |
| scj, ser | send Code-Reject, Echo-Reply |
`)
	return b.String()
}
