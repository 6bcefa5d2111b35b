package e2e

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/ringback/ringback/lab"
)

// TestStreamsNobodyReads: 200 clients that take nothing of their streams do not hold up a callback.
func TestStreamsNobodyReads(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	l := startTown(t, lab.Options{Dir: dir, Edit: edits(t, waits("1s"))})
	for i := range 200 {
		c, err := net.Dial("unix", filepath.Join(dir, "ringback.sock"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		path := []string{"/v1/events", "/v1/debug?topics=callback,dialer,chat,modem,aaa"}[i%2]
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
		const want = "HTTP/1.1 200 OK"
		status := make([]byte, len(want))
		if _, err := io.ReadFull(c, status); err != nil || string(status) != want {
			t.Fatalf("%s: %q, %v", path, status, err)
		}
	}
	play(t, l, shipped(t, "no-verify"))
	if out, code := ringback(t, "", "show", "health", "--socket", filepath.Join(dir, "ringback.sock")); code != 0 {
		t.Errorf("show health: status %d\n%s", code, out)
	}
}

// hostileNames are names of users, as callers type them, that something that prints them may take for its own language.
var hostileNames = []string{"<script>alert(1)</script>", `=cmd|'/c_calc'!A0`, "@SUM(1)", "-1+1", "%n%s{{.}}",
	"$(id)`id`", `"a","b"`, "--help"}

// hostileReply is what the AAA server says to them.
const hostileReply = "\x1b[2J\x1b]0;owned\a<script>alert(2)</script>\u202etxt.exe\u009b31m"

// TestHostileTexts: names from callers and texts from AAA reach every output as data: no control character and no
// change of the direction of writing, valid JSON, no formula in CSV, no element of HTML, and nothing of them in the
// names and labels of metrics.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	dir := tempDir(t)
	var mu sync.Mutex
	var messages []string
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		messages = append(messages, string(body))
	}))
	defer hook.Close()
	if err := os.WriteFile(filepath.Join(dir, "hook.secret"), []byte("whsec_"+strings.Repeat("QUJD", 10)+"\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	cdr, log := filepath.Join(dir, "cdr.csv"), filepath.Join(dir, "ringback.log")
	var users strings.Builder
	for _, name := range hostileNames {
		const grants = "\tService-Type = Callback-NAS-Prompt,\n\tCallback-Number = \"84001\",\n" +
			"\tReply-Message = \"%s\",\n\tCisco-AVPair += \"shell:nocallback-verify=1\"\n\n"
		for _, check := range []string{"Auth-Type := Accept, Service-Type == Call-Check", `Cleartext-Password := "pw"`} {
			fmt.Fprintf(&users, "%s\t%s\n"+grants, quoted(name), check, hostileReply)
		}
	}
	const entry = "# What users may have, asked without a password"
	l := startTown(t, lab.Options{Dir: dir, Edit: edits(t, waits("1s"), edit{"users", entry, users.String() + entry},
		configured("log: {level: debug, format: json}\ncdr: {file: "+cdr+"}\nhooks: [{name: all, "+
			"events: [callback.completed, login.succeeded], url: \""+hook.URL+"\", secret_file: hook.secret}]"))})
	said, err := os.Create(filepath.Join(dir, "debug"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	socket := filepath.Join(dir, "ringback.sock")
	debug := exec.CommandContext(t.Context(), program(t), "debug", "all", "--socket", socket)
	debug.Stdout, debug.Stderr = said, said
	if err := debug.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { debug.Wait() }) // the end of the test's context ends it
	for _, name := range hostileNames {
		play(t, l, parse(t, login(name, "pw")+"see Callback initiated\nsee NO CARRIER\nsee CONNECT\nsee maui-nas-04>\n"+
			"hangup\n-- callback --\nphase: completed\nuser: "+name+"\n"))
	}
	outputs := map[string]string{}
	var ids []struct{ ID string }
	run := func(args string) string {
		out, code := ringback(t, "", append(strings.Fields(args), "--socket", socket)...)
		if code != 0 {
			t.Errorf("%s: status %d\n%s", args, code, out)
		}
		outputs[args] = out
		return out
	}
	if err := json.Unmarshal([]byte(run("show callbacks --all -o json")), &ids); err != nil ||
		len(ids) != len(hostileNames) {
		t.Fatalf("%d callbacks, %v", len(ids), err)
	}
	for _, args := range []string{"show callbacks --all", "show call history", "show call active", "show users",
		"show line", "show aaa", "show login-locks", "show ceilings", "show health", "show callback " + ids[0].ID +
			" --trace"} {
		run(args)
		if out := run(args + " -o json"); !json.Valid([]byte(out)) {
			t.Errorf("%s -o json:\n%s", args, out)
		}
	}
	metrics := run("show metrics")
	for _, format := range []string{"html", "csv", "json"} {
		out, code := ringback(t, "", "audit", "export", "--state-dir", filepath.Join(dir, "state"), "-o", format)
		if code != 0 {
			t.Errorf("audit export -o %s: status %d\n%s", format, code, out)
		}
		outputs["audit export -o "+format] = out
	}
	eventually(t, "a call detail record of each callback", func() bool {
		b, _ := os.ReadFile(cdr)
		outputs["the call detail records"] = string(b)
		return bytes.Count(b, []byte("\n")) == len(hostileNames)+1
	})
	eventually(t, "two messages of each callback", func() bool {
		mu.Lock()
		defer mu.Unlock()
		outputs["the webhook"] = strings.Join(messages, "\n")
		return len(messages) >= 2*len(hostileNames)
	})
	eventually(t, "the text of the AAA server in the output of debug", func() bool {
		outputs["debug all"] = readFile(t, said.Name())
		return strings.Contains(outputs["debug all"], "owned")
	})
	outputs["the log"] = readFile(t, log)
	for what, text := range outputs {
		for _, r := range text {
			bad := unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError
			if bad && r != '\n' && r != '\t' {
				t.Errorf("%s has %U", what, r)
				break
			}
		}
	}
	for _, what := range []string{"the log", "the webhook"} {
		for line := range strings.Lines(outputs[what]) {
			if !json.Valid([]byte(line)) {
				t.Errorf("%s: %s", what, line)
			}
		}
	}
	for _, what := range []string{"the call detail records", "audit export -o csv"} {
		rows, err := csv.NewReader(strings.NewReader(outputs[what])).ReadAll()
		if err != nil || len(rows) < len(hostileNames) {
			t.Errorf("%s: %d rows, %v", what, len(rows), err)
		}
		for _, row := range rows {
			for _, cell := range row {
				if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r") {
					t.Errorf("%s: the cell %q is a formula", what, cell)
				}
			}
		}
	}
	page := outputs["audit export -o html"]
	if strings.Contains(page, "<script") || !strings.Contains(page, "&lt;script") {
		t.Error("the exported page has the element of a name, or not the name")
	}
	for _, name := range append(hostileNames, "owned") {
		if strings.Contains(metrics, name) {
			t.Errorf("the metrics have %q", name)
		}
	}
}

// quoted returns a name for the users file.
func quoted(name string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(name) + `"`
}
