package e2e

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa/aaatest"
	"github.com/ringback/ringback/lab"
)

// freeradiusTown is a lab whose daemon uses a FreeRADIUS.
func freeradiusTown(t *testing.T, edit func(name, text string) string) (*lab.Lab, *aaatest.FreeRADIUS) {
	t.Helper()
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Users: readFile(t, "testdata/freeradius/users")})
	l := startTown(t, lab.Options{Edit: edit, RADIUS: &lab.RADIUS{Auth: f.Auth, Acct: f.Acct, Secret: f.Secret}})
	return l, f
}

// record is one of FreeRADIUS's detail file.
type record map[string]string

// octets decodes a value that FreeRADIUS prints as 0x….
func (r record) octets(t *testing.T, name string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(r[name], "0x"))
	if err != nil {
		t.Errorf("%s = %s: %v", name, r[name], err)
	}
	return string(b)
}

func (r record) number(t *testing.T, name string) int {
	t.Helper()
	n, err := strconv.Atoi(r[name])
	if err != nil {
		t.Errorf("%s: %v in %v", name, err, r)
	}
	return n
}

// readDetail reads the records of a detail file without repetitions: the same Acct-Session-Id and Acct-Status-Type are
// one.
func readDetail(t *testing.T, path string) []record { return folded(allDetail(t, path)) }

// folded leaves out repeated records.
func folded(all []record) (once []record) {
	seen := map[string]bool{}
	for _, r := range all {
		if key := r["Acct-Session-Id"] + " " + r["Acct-Status-Type"]; !seen[key] {
			seen[key] = true
			once = append(once, r)
		}
	}
	return once
}

// allDetail reads the records of a detail file in order; none if there is no file.
func allDetail(t *testing.T, path string) (all []record) {
	t.Helper()
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(data), "\n\n") {
		r := record{}
		for line := range strings.SplitSeq(block, "\n") {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), " = "); ok {
				r[name] = strings.Trim(value, `"`)
			}
		}
		if r["Timestamp"] != "" { // the last line: the record is complete
			all = append(all, r)
		}
	}
	return all
}

// freeradiusLegs is what a scenario must leave in FreeRADIUS's detail file, with the users of
// testdata/freeradius/users.
type freeradiusLegs struct {
	scenario, user string
	typed          [2]string // on each leg
	class          [2]string // of the Accept that admitted the leg
}

var bothFreeRADIUSLegs = []freeradiusLegs{
	{"no-verify", "austin-01", [2]string{"austin-01\rmaui-1993\r", ""},
		[2]string{"austin-01 on tty65", "austin-01 on tty65"}},
	{"any-number", "austin-02", [2]string{"austin-02\rhana-1993\r84001\r", "austin-02\rhana-1993\r"},
		[2]string{"austin-02 on tty65", "austin-02 on tty66"}},
}

func TestPeerFreeRADIUSScenarios(t *testing.T) {
	t.Parallel()
	for _, tt := range bothFreeRADIUSLegs {
		t.Run(tt.scenario, func(t *testing.T) {
			t.Parallel()
			l, f := freeradiusTown(t, nil)
			play(t, l, shipped(t, tt.scenario))
			wantDialed(t, l, "84001")
			tt.reconciled(t, f)
		})
	}
}

// reconciled compares the detail file with both legs, with Accounting-On before them.
func (tt freeradiusLegs) reconciled(t *testing.T, f *aaatest.FreeRADIUS) {
	t.Helper()
	got := tt.recorded(t, f, 5)
	if on := got[0]; on["Acct-Status-Type"] != "Accounting-On" || on["NAS-Identifier"] != "maui-nas-04" ||
		on["Acct-Session-Id"] == "" {
		t.Errorf("the first record must be Accounting-On: %v", on)
	}
	tt.legs(t, got[1:])
}

// recorded waits for n records.
func (tt freeradiusLegs) recorded(t *testing.T, f *aaatest.FreeRADIUS, n int) (got []record) {
	t.Helper()
	eventually(t, "the accounting records", func() bool {
		got = readDetail(t, f.Detail)
		return len(got) >= n
	})
	if len(got) != n {
		t.Fatalf("%d records, must be %d:\n%s", len(got), n, readFile(t, f.Detail))
	}
	return got
}

// legs compares four records with Start and Stop of each leg.
func (tt freeradiusLegs) legs(t *testing.T, got []record) {
	t.Helper()
	for i, w := range []record{
		{"Acct-Status-Type": "Start", "NAS-Port": "65"},
		{"Acct-Status-Type": "Stop", "NAS-Port": "65", "Acct-Terminate-Cause": "Callback"},
		{"Acct-Status-Type": "Start", "NAS-Port": "66"},
		{"Acct-Status-Type": "Stop", "NAS-Port": "66", "Acct-Terminate-Cause": "Lost-Carrier"},
	} {
		leg := i / 2
		w["NAS-Identifier"], w["User-Name"], w["NAS-Port-Type"], w["Acct-Authentic"] = "maui-nas-04", tt.user, "Async",
			"RADIUS"
		w["Service-Type"], w["Acct-Multi-Session-Id"] = "Callback-NAS-Prompt", got[0]["Acct-Multi-Session-Id"]
		for name, value := range w {
			if got[i][name] != value {
				t.Errorf("record %d: %s = %q, must be %q", i, name, got[i][name], value)
			}
		}
		if class := got[i].octets(t, "Class"); class != tt.class[leg] {
			t.Errorf("record %d: Class %q, leg %d's Accept said %q", i, class, leg+1, tt.class[leg])
		}
	}
	if got[0]["Acct-Multi-Session-Id"] == "" {
		t.Error("no Acct-Multi-Session-Id")
	}
	id := func(i int) string { return got[i]["Acct-Session-Id"] }
	if id(0) == "" || id(2) == "" || id(0) == id(2) || id(1) != id(0) || id(3) != id(2) {
		t.Errorf("Acct-Session-Ids: legs %s and %s, Stops %s and %s", id(0), id(2), id(1), id(3))
	}
	for leg, r := range []record{got[1], got[3]} {
		if n := r.number(t, "Acct-Input-Octets"); n != len(tt.typed[leg]) {
			t.Errorf("leg %d: Acct-Input-Octets %d, the caller typed %d", leg+1, n, len(tt.typed[leg]))
		}
		if n := r.number(t, "Acct-Output-Octets"); n < len("maui-nas-04>") || n > 1000 {
			t.Errorf("leg %d: Acct-Output-Octets %d", leg+1, n)
		}
		if n := r.number(t, "Acct-Session-Time"); n > 60 {
			t.Errorf("leg %d: Acct-Session-Time %d of a session of a few seconds", leg+1, n)
		}
	}
}

// FreeRADIUS leaves the users file's reply items in an Access-Reject, including Callback-Number: a wrong password
// causes no call.
func TestPeerFreeRADIUSRejectWithNumber(t *testing.T) {
	t.Parallel()
	l, _ := freeradiusTown(t, nil)
	config := filepath.Join(l.Dir(), "ringback.yaml")
	out, status := ringback(t, "wrong\n", "aaa", "test", "austin-01", "-c", config)
	if status != 1 || !strings.Contains(out, "user austin-01: refused by town") {
		t.Errorf("status %d:\n%s", status, out)
	}
	if !strings.Contains(out, `Callback-Number = "84001"`) {
		t.Fatalf("the test has no effect: this Reject carries no number:\n%s", out)
	}
	play(t, l, parse(t, login("austin-01", "wrong")+
		"see % Login invalid\nsee Username:\nhangup\n-- callback --\nnone\n"))
	if d := lineDials(l); len(d) != 0 {
		t.Errorf("a number was dialed: %+v", d)
	}
}

// A reply without Message-Authenticator is ignored, and the diagnostics show the lines of FreeRADIUS's configuration
// that fix it.
func TestPeerFreeRADIUSUnsigned(t *testing.T) {
	t.Parallel()
	impatient := func(name, text string) string {
		if name == "ringback.yaml" {
			text = strings.NewReplacer("timeout: 2s", "timeout: 1s", "retries: 3", "retries: 1").Replace(text)
		}
		return text
	}
	l, _ := freeradiusTown(t, impatient)
	const hint = "post-auth { update reply { &Message-Authenticator := 0x00 } }"
	out, status := ringback(t, "unsigned-5\n", "aaa", "test", "noma", "-c", filepath.Join(l.Dir(), "ringback.yaml"))
	if status != 1 || !strings.Contains(out, hint) {
		t.Errorf("aaa test: status %d, must name %q:\n%s", status, hint, out)
	}
	play(t, l, parse(t, login("noma", "unsigned-5")+"see % \nsee Username:\nhangup\n-- callback --\nnone\n"))
	if d := lineDials(l); len(d) != 0 {
		t.Errorf("a number was dialed: %+v", d)
	}
	eventually(t, "the hint in the daemon's log",
		func() bool { return strings.Contains(readFile(t, filepath.Join(l.Dir(), "ringback.log")), hint) })
}
