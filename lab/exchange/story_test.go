package exchange

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// town is the small network of the stories.
type town struct {
	t          *testing.T
	x          *Exchange
	alice, bob *Modem
	dte        map[string]*DTE
}

func newTown(t *testing.T, cfg Config, bobs ModemConfig) *town {
	x := New(cfg)
	bobs.Name, bobs.Number = "bob", "5552"
	w := &town{t: t, x: x, alice: x.AddModem(ModemConfig{Name: "alice", Number: "5551"}), bob: x.AddModem(bobs)}
	w.dte = map[string]*DTE{"alice": w.alice.DTE(), "bob": w.bob.DTE()}
	x.Reserve("666", Busy)
	x.Reserve("777", NoAnswer)
	x.Reserve("888", Voice)
	x.Reserve("999", OutOfService)
	t.Cleanup(func() { x.Close() })
	return w
}

// pass lets d of the bubble's time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (w *town) types(who, text string) {
	w.t.Helper()
	if _, err := w.dte[who].Write([]byte(text)); err != nil {
		w.t.Fatalf("%s types %q: %v", who, text, err)
	}
	synctest.Wait()
}

// got is all that a DTE received.
func (w *town) got(who string) string { return drainDTE(w.dte[who]) }

func drainDTE(d *DTE) string {
	synctest.Wait()
	d.SetReadDeadline(time.Now())
	defer d.SetReadDeadline(time.Time{})
	var out []byte
	b := make([]byte, 512)
	for {
		n, err := d.Read(b)
		if out = append(out, b[:n]...); err != nil {
			return string(out)
		}
	}
}

func (w *town) want(who, text string) {
	w.t.Helper()
	if got := w.got(who); got != text {
		w.t.Fatalf("%s got %q, want %q", who, got, text)
	}
}

func TestStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for i, part := range strings.Split("\n"+string(b), "\n= ") {
			if i == 0 {
				continue // the header of the file
			}
			name, body, _ := strings.Cut(part, "\n")
			t.Run(strings.TrimSuffix(filepath.Base(f), ".txt")+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { tell(newTown(t, Config{}, ModemConfig{}), body) })
			})
		}
	}
}

// tell plays one story.
func tell(w *town, body string) {
	for i, line := range strings.Split(body, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := w.line(line); err != nil {
			w.t.Fatalf("line %d, %s: %v", i+1, line, err)
		}
	}
	for who := range w.dte {
		if s := w.got(who); s != "" {
			w.t.Errorf("left over for %s: %q", who, s)
		}
	}
}

func (w *town) line(line string) error {
	who := "alice"
	if rest, ok := strings.CutPrefix(line, "bob"); ok {
		who, line = "bob", strings.TrimSpace(rest)
	}
	word, arg, _ := strings.Cut(line, " ")
	switch word {
	case ">":
		text := arg + "\r"
		if strings.HasPrefix(arg, `"`) {
			var err error
			if text, err = strconv.Unquote(arg); err != nil {
				return err
			}
		}
		w.types(who, text)
	case "<":
		want, err := strconv.Unquote(arg)
		if err != nil {
			return err
		}
		if got := w.got(who); got != want {
			return fmt.Errorf("got %q", got)
		}
	case "...":
		d, err := time.ParseDuration(arg)
		if err != nil {
			return err
		}
		pass(d)
	case "dtr":
		w.dte[who].SetDTR(arg == "on")
		synctest.Wait()
	case "state":
		if got := w.alice.State().String(); got != arg {
			return fmt.Errorf("state is %s", got)
		}
	default:
		return fmt.Errorf("unknown word %q", word)
	}
	return nil
}
