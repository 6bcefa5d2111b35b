package e2e

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lab"
)

// TestLogging: one callback of the lab, from its promise to its call detail record, in the log, in syslog and in the
// file of the records, without the digits of a number.
func TestLogging(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "log"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	records := make(chan string, 1000)
	go func() {
		buf := make([]byte, 1<<16)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			records <- string(buf[:n])
		}
	}()
	traces := make(chan string, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		traces <- string(body)
	}))
	defer collector.Close()
	file := filepath.Join(dir, "cdr.csv")
	l := startTown(t, lab.Options{Dir: dir, Edit: edits(t, waits("1s"),
		configured("log: {level: debug, format: json, mask_numbers: 2, syslog: {address: \"unix://"+
			filepath.Join(dir, "log")+"\", level: debug}}\ncdr: {file: "+file+"}\ntraces: {endpoint: \""+
			collector.URL+"/v1/traces\"}"))})
	play(t, l, shipped(t, "no-verify"))
	var all []string
	want := []string{"%RINGBACK-5-STARTED: ", "%RINGBACK-6-CALL: ", "%RINGBACK-5-LOGIN: ", "%RINGBACK-6-DECIDED: ",
		"%RINGBACK-5-CALLBACK: ", "%RINGBACK-6-CALLEND: ", "%RINGBACK-6-DIALING: ", "%RINGBACK-6-ATTEMPT: ",
		"%RINGBACK-6-CONNECTED: ", "%RINGBACK-6-SESSION: ", "%RINGBACK-5-CALLBACKEND: ", "%RINGBACK-6-SESSIONEND: ",
		"%RINGBACK-6-CDR: "}
	limit := time.After(patience)
	for len(want) > 0 {
		select {
		case r := <-records:
			want = slices.DeleteFunc(want, func(s string) bool { return strings.Contains(r, s) })
			all = append(all, r)
		case <-limit:
			t.Fatalf("no %q in\n%s", want[0], strings.Join(all, "\n"))
		}
	}
	last := all[slices.IndexFunc(all, func(s string) bool { return strings.Contains(s, "%RINGBACK-6-CDR: ") })]
	_, id, _ := strings.Cut(last, " callback=")
	id, _, _ = strings.Cut(id, " ")
	lines := strings.Split(strings.TrimSpace(awaitFile(t, file)), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[1], id+",") || !strings.Contains(lines[1], ",completed,") {
		t.Errorf("the file has %q, the record is of %s", lines, id)
	}
	select {
	case trace := <-traces:
		for _, name := range []string{"callback", "leg one", "login", "decision", "promise", "attempt", "line", "wait",
			"dial", "leg two", "session"} {
			if strings.Count(trace, `"name":"`+name+`"`) == 0 {
				t.Errorf("no span %q in %s", name, trace)
			}
		}
		if !strings.Contains(trace, id) || strings.Contains(trace, "84001") || strings.Contains(trace, "austin-01") ||
			strings.Contains(trace, `"status"`) {
			t.Errorf("the trace has a name, a number or a failure, or not its callback %s: %s", id, trace)
		}
	case <-limit:
		t.Fatal("no trace")
	}
	kinds := map[string]int{}
	for line := range strings.Lines(readFile(t, filepath.Join(dir, "ringback.log"))) {
		var r struct{ Event, Callback string }
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if r.Callback == id {
			kinds[r.Event]++
		}
	}
	for _, kind := range []string{"callback.promised", "callback.line_requested", "callback.line", "callback.dialing",
		"callback.attempt", "callback.connected", "session.began", "session.ended", "callback.ended", "callback.cdr"} {
		if kinds[kind] != 1 {
			t.Errorf("%d records of %s: %v", kinds[kind], kind, kinds)
		}
	}
	for name, text := range map[string]string{"syslog": strings.Join(all, "\n"), "the file": strings.Join(lines, "\n"),
		"the log": readFile(t, filepath.Join(dir, "ringback.log"))} {
		if strings.Contains(text, "84001") || !strings.Contains(text, "***01") {
			t.Errorf("%s has a whole number, or none:\n%s", name, text)
		}
	}
}

// awaitFile returns the content of a file once it has some.
func awaitFile(t *testing.T, path string) string {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		if b, err := os.ReadFile(path); err == nil && len(b) > 0 {
			return string(b)
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is empty after %v", path, patience)
		}
	}
}
