package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
)

// TestPeerChromiumRecording: an operator finds the recording of a session in Chromium and plays it with the keyboard.
// What the session shows is no part of the page, and the audit has who played it.
func TestPeerChromiumRecording(t *testing.T) {
	t.Parallel()
	b := startBrowser(t)
	l := startTown(t, lab.Options{Edit: edits(t, waits("1s"),
		edit{"policies.d/default.yaml", "attempts: {max: 1}", "attempts: {max: 1}\nrecord: true"})})
	p := sitDown(t, l, "austin-01")
	p.promised("austin-01", "maui-1993")
	p.answer()
	p.see(prompt + ">")
	p.run("show privilege", "level is 1")
	p.run("<img src=x onerror=alert(1)>", "% Invalid input")
	p.enter("exit")
	p.see("NO CARRIER")
	b.do("log in by the link", chromedp.Navigate(l.PageLink(t.Context())), chromedp.WaitVisible("#tiles .tile"))
	eventually(t, "the recording is complete", func() bool {
		all, _, err := l.Client().Recordings(t.Context(), client.CallQuery{})
		return err == nil && len(all) == 1 && all[0].Complete
	})
	titleWithoutEnd(t, l)
	b.do("the list", chromedp.Click(`nav a[href="/recordings"]`), chromedp.WaitVisible("td.action a"))
	b.inspect("page-recordings")
	b.do("the recording", chromedp.Click("td.action a"), chromedp.WaitVisible(".ap-overlay-start"))
	if got := audited(t, l, "recording read"); got != 0 {
		t.Errorf("it is read before it is played: %d", got)
	}
	b.do("play by the keyboard", chromedp.Focus(".ap-term-text"), chromedp.KeyEvent(" "))
	b.until("the end of the session", `document.querySelector(".ap-term-text")?.textContent.includes("% Invalid input")`)
	text := act(b, "the screen", chromedp.Evaluate[string](`document.querySelector(".ap-term-text").textContent`))
	for _, want := range []string{"This session is recorded.", "Current privilege level is 1", "<img src=x onerror="} {
		if !strings.Contains(text, want) {
			t.Errorf("the player shows %q, without %q", text, want)
		}
	}
	b.inspect("page-recording")
	if got := audited(t, l, "recording read"); got != 1 {
		t.Errorf("the audit has %d rows of who played it", got)
	}
	size := act(b, "the download", chromedp.Evaluate[string](`fetch(document.querySelector("a[download]").href).then(
		async r => r.headers.get("content-type") + " " + (await r.text()).startsWith('{"version":2,'))`,
		chromedp.EvalAwaitPromise))
	if want := "application/x-asciicast true"; size != want {
		t.Errorf("the file: %s, want %s", size, want)
	}
	b.clean("the pages")
}

// titleWithoutEnd begins the title of a window in place of the first prompt of the recording, and does not end it.
func titleWithoutEnd(t *testing.T, l *lab.Lab) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(l.Dir(), "state", "recordings", "*.cast"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	cast, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	first, title := []byte(`"`+prompt+`>"`), []byte(`"\u001b]0;`) // of the same size: the daemon knows that of the file
	title = append(title, bytes.Repeat([]byte("x"), len(first)-len(title)-1)...)
	changed := bytes.Replace(cast, first, append(title, '"'), 1)
	if bytes.Equal(changed, cast) {
		t.Fatalf("no prompt: %s", cast)
	}
	if err := os.WriteFile(files[0], changed, 0o600); err != nil {
		t.Fatal(err)
	}
}

// audited returns how many rows of a kind the audit has.
func audited(t *testing.T, l *lab.Lab, kind string) int {
	t.Helper()
	out, status := ringback(t, "", "audit", "export", "-c", fmt.Sprint(l.Dir(), "/ringback.yaml"), "-o", "csv")
	if status != 0 {
		t.Fatal(out)
	}
	return strings.Count(out, kind)
}
