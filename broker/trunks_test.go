package broker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lab/exchange"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/trunks"
)

func trunk(t *testing.T, name, template string, ttys ...int) trunks.Trunk {
	t.Helper()
	p, err := numbers.ParseTemplate(template)
	if err != nil {
		t.Fatal(err)
	}
	return trunks.Trunk{Name: name, Template: p, Lines: ttys}
}

// dials returns the line and the text of each dial of the town's lines.
func (w *town) dials() (all []string) {
	for _, d := range w.dialed() {
		all = append(all, d.Modem+" "+d.Text)
	}
	return all
}

// Each attempt goes through the next trunk, from a line that leads to it, and dials the trunk's template. The exchange
// answers for the PBX: behind it the number is busy.
func TestTrunksInTurn(t *testing.T) {
	o := townOptions{lines: 3, attempts: 3, trunks: trunks.List{
		trunk(t, "pbx", "8401,{number}", 67, 65), trunk(t, "direct", "{number}", 66)}}
	inTown(t, o, func(w *town) {
		w.x.Reserve("840184001", exchange.Busy)
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("kihei-03")
		p.see("Callback initiated", time.Minute)
		p.see("NO CARRIER", time.Minute)
		p.see("Username: ", 3*time.Minute)
		v := w.last()
		first := map[int]int{65: 67, 66: 67, 67: 65}[v.CalledTTY] // another than the called line
		want := []string{fmt.Sprintf("tty%d T 8401,84001", first), "tty66 T 84001"}
		if got := w.dials(); !slices.Equal(got, want) {
			t.Errorf("tty %d was called, dialed %q, want %q", v.CalledTTY, got, want)
		}
		if text := fmt.Sprint(v.Decision); !strings.Contains(text, "pbx, then direct") {
			t.Errorf("the decision has no trunks: %s", text)
		}
	})
}

// A callback continues through its trunks after a restart, and only as the configuration of that time dials.
func TestTrunkAfterARestart(t *testing.T) {
	o := townOptions{lines: 2, attempts: 2, trunks: trunks.List{
		trunk(t, "gone", "8401,{number}"), trunk(t, "direct", "{number}")}}
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.typ("ats0=1")
		p.login("kihei-03")
		p.see("Callback initiated", time.Minute)
		w.halt()
		w.opt.trunks = w.opt.trunks[1:]
		w.start()
		p.see("Username: ", 5*time.Minute)
		if got := w.dials(); len(got) != 1 || !strings.HasSuffix(got[0], " T 84001") {
			t.Errorf("dialed %q", got)
		}
	})
}

// Without a line that leads to a trunk, a callback is not promised.
func TestNoLineLeadsToTheTrunk(t *testing.T) {
	o := townOptions{lines: 2, trunks: trunks.List{trunk(t, "pbx", "9,{number}", 70)}}
	inTown(t, o, func(w *town) {
		p := w.pc(w.home)
		p.login("kihei-03")
		p.see("Callback not available", time.Minute)
		if got := w.dials(); len(got) > 0 {
			t.Errorf("dialed %q", got)
		}
	})
}
