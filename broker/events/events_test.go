package events

import (
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
)

var update = flag.Bool("update", false, "rewrite the printed document")

// sources returns the parsed Go files of a directory, without tests, by name.
func sources(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: no sources: %v", dir, err)
	}
	files := map[string]*ast.File{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = f
	}
	return files
}

func typeName(e Event) string { return reflect.TypeOf(e).Name() }

// The table has each type of event once, and the names of its fields are unique.
func TestTable(t *testing.T) {
	kinds, types := map[Kind]bool{}, map[string]bool{}
	for _, row := range Table {
		name := typeName(row.Event)
		if kinds[row.Kind] || types[name] || row.Doc == "" {
			t.Errorf("%s (%s): twice in the table, or without a text", row.Kind, name)
		}
		kinds[row.Kind], types[name] = true, true
		fields := reflect.TypeOf(row.Event)
		names := fieldNames(row.Event)
		for i := range fields.NumField() {
			if f := fields.Field(i); !f.Anonymous && f.Tag.Get("event") == "" {
				t.Errorf("%s.%s has no name", name, f.Name)
			}
		}
		for i, n := range names {
			if !regexp.MustCompile(`^[a-z][a-z_]*$`).MatchString(n) || slices.Contains(names[:i], n) {
				t.Errorf("%s: field %q", name, n)
			}
		}
	}
	for file, f := range sources(t, ".") {
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if s, isStruct := typeOf(spec, ok); isStruct && tagged(s) && !types[spec.Name.Name] {
				t.Errorf("%s: the table has no %s", file, spec.Name.Name)
			}
			return true
		})
	}
}

func typeOf(spec *ast.TypeSpec, ok bool) (*ast.StructType, bool) {
	if !ok {
		return nil, false
	}
	s, isStruct := spec.Type.(*ast.StructType)
	return s, isStruct
}

func tagged(s *ast.StructType) bool {
	return slices.ContainsFunc(s.Fields.List, func(f *ast.Field) bool {
		return f.Tag != nil &&
			strings.Contains(f.Tag.Value, "event:")
	})
}

// levels returns the levels of the log records that events of a type can have.
func levels(e Event) map[zapcore.Level]bool {
	all := map[zapcore.Level]bool{}
	for _, of := range []Event{e, sample(e)} {
		level, _ := of.log()
		all[level] = true
		v := reflect.New(reflect.TypeOf(of)).Elem()
		for i := range v.NumField() {
			if v.Field(i).Kind() == reflect.Bool {
				v.Set(reflect.ValueOf(of))
				v.Field(i).SetBool(true)
				level, _ := v.Interface().(Event).log()
				all[level] = true
			}
		}
	}
	return all
}

// Each type of event has a mnemonic for each level of its log records, and no other type has the same one. The form is
// that of IOS.
func TestMnemonics(t *testing.T) {
	names := map[string]Kind{}
	for _, row := range Table {
		got := map[zapcore.Level]bool{}
		for _, m := range row.Mnemonics {
			if other, twice := names[m.Name]; twice || !regexp.MustCompile(`^[A-Z]{3,20}$`).MatchString(m.Name) ||
				m.Severity < 0 || m.Severity > 7 || m.Name == "LOG" {
				t.Errorf("%s: %v (also of %q)", row.Kind, m, other)
			}
			names[m.Name] = row.Kind
			if got[m.Level()] {
				t.Errorf("%s: two mnemonics for one level", row.Kind)
			}
			got[m.Level()] = true
			if got := MnemonicOf(row.Kind, m.Level()); got != m {
				t.Errorf("%s: MnemonicOf returns %v, want %v", row.Kind, got, m)
			}
		}
		if want := levels(row.Event); !maps.Equal(got, want) {
			t.Errorf("%s has mnemonics for the levels %v, and log records of the levels %v", row.Kind, got, want)
		}
	}
	for level, want := range map[zapcore.Level]Mnemonic{
		zapcore.DebugLevel: {7, "LOG"}, zapcore.InfoLevel: {6, "LOG"}, zapcore.WarnLevel: {4, "LOG"},
		zapcore.ErrorLevel: {3, "LOG"},
	} {
		if got := MnemonicOf("", level); got != want {
			t.Errorf("a record of level %v without an event: %v", level, got)
		}
	}
}

// anonymous are the events of a line or a user that belong to no call and no callback, and why.
var anonymous = map[Kind]string{
	"login.tested":       "a login without a call",
	"call.screened":      "the call is not up",
	"call.rejected":      "the call may never be up",
	"line.cleared":       "an order about the line",
	"line.busyout":       "an order about the line",
	"line.restored":      "an order about the line",
	"line.chat":          "a dial without a callback",
	"line.chat_dialed":   "a dial without a callback",
	"line.chat_rejected": "a dial without a callback",
	"dialout.rejected":   "was not made",
	"line.quarantined":   "the line alone",
	"line.down":          "the line alone",
	"line.up":            "the line alone",
	"line.notice":        "the line alone",
	"modemtest.began":    "has the test's ID",
	"modemtest.ended":    "has the test's ID",
	"modemtest.skipped":  "was not made",
	"login.locked":       "the lock is of a name or number, for all calls",
	"login.unlocked":     "the lock is of a name or number, for all calls",
	"capture.began":      "an order about the line",
	"capture.ended":      "an order about the line",
	"aaa.silent":         "a method, for all calls",
	"order.rejected":     "no callback was promised",
	"trigger.rejected":   "no callback was promised",
	"line.raw":           "there is no call",
	"line.raw_ended":     "there is no call",
	"line.raw_rejected":  "there is no call",
}

// Each event about a call, a session or a callback can be found by it: it has the key, and a session has that of its
// call too. Events about the node alone have neither a line nor a user.
func TestBelongs(t *testing.T) {
	for kind := range anonymous {
		if !slices.ContainsFunc(Table, func(r Row) bool { return r.Kind == kind }) {
			t.Errorf("there is no event %s", kind)
		}
	}
	for _, row := range Table {
		names := fieldNames(row.Event)
		has := func(name string) bool { return slices.Contains(names, name) }
		belongs := has("call") || has("callback")
		switch _, listed := anonymous[row.Kind]; {
		case listed && belongs:
			t.Errorf("%s is listed as anonymous, and is not", row.Kind)
		case !listed && !belongs && (has("line") || has("user")):
			t.Errorf("%s has neither call nor callback", row.Kind)
		case has("session") && !has("call"):
			t.Errorf("%s has a session without its call", row.Kind)
		case strings.HasPrefix(string(row.Kind), "callback.") && !belongs:
			t.Errorf("%s has no callback", row.Kind)
		}
	}
}

// senders are the packages that report events.
var senders = []string{"..", "../spool", "../../node", "../../api", "../../audit", "../../hooks", "../../recordings",
	"../../listener"}

// Each type of event has a sender.
func TestSenders(t *testing.T) {
	sent := map[string]bool{}
	for _, dir := range senders {
		for _, f := range sources(t, dir) {
			ast.Inspect(f, func(n ast.Node) bool {
				if lit, ok := n.(*ast.CompositeLit); ok {
					if sel, ok := lit.Type.(*ast.SelectorExpr); ok && fmt.Sprint(sel.X) == "events" {
						sent[sel.Sel.Name] = true
					}
				}
				return true
			})
		}
	}
	for _, row := range Table {
		if !sent[typeName(row.Event)] {
			t.Errorf("nothing reports %s (%s)", row.Kind, typeName(row.Event))
		}
	}
}

// What happens to calls and callbacks is reported as an event, and not directly to the log or debug. Only problems
// inside the node (the disk, the spool), and with the authority of its fleet, go directly to the log.
func TestNothingPastTheSinks(t *testing.T) {
	files := sources(t, "..")
	maps.Copy(files, sources(t, "../spool"))
	for file, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			sel, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			on, _ := sel.X.(*ast.SelectorExpr)
			switch {
			case sel.Sel.Name == "Debug" && on != nil && on.Sel.Name == "opt":
				t.Errorf("%s writes a line of debug", file)
			case (on != nil && on.Sel.Name == "log") && slices.Contains([]string{"Info", "Warn", "Error"},
				sel.Sel.Name):
				text := literal(call.Args[0])
				if !strings.HasPrefix(text, "journal: ") && !strings.HasPrefix(text, "fleet: ") {
					t.Errorf("%s logs %q", file, text)
				}
			}
			return true
		})
	}
}

// literal returns the text with which an expression begins.
func literal(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strings.Trim(e.Value, `"`)
	case *ast.BinaryExpr:
		return literal(e.X)
	}
	return ""
}

// fieldNames returns the names of the fields that an event of this type can have.
func fieldNames(e Event) []string {
	var names []string
	for _, s := range shapeOf(reflect.TypeOf(e)) {
		names = append(names, s.name)
	}
	return names
}

// sample returns an event of the type with a value in each text and error.
func sample(e Event) Event {
	v := reflect.New(reflect.TypeOf(e)).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Kind() == reflect.String:
			f.SetString("…")
		case f.Kind() == reflect.Interface:
			f.Set(reflect.ValueOf(errors.New("…")))
		}
	}
	return v.Interface().(Event)
}

// says returns what the sinks make of an event: "" for a sink that ignores it.
func says(e Event) (log, debug, audit string) {
	_, log = e.log()
	if log == "" {
		_, log = sample(e).log()
	}
	var topics []string
	if _, text := sample(e).debug(); text != "" {
		topics = append(topics, "callback")
	}
	if _, text := sample(e).dialer(); text != "" {
		topics = append(topics, "dialer")
	}
	debug = strings.Join(topics, ", ")
	if a, ok := Audit(sample(e)); ok {
		audit = a.Kind
	}
	return log, debug, audit
}

// TestReference compares docs/reference/events.md with the table; `go test ./broker/events -update` rewrites it.
func TestReference(t *testing.T) {
	const path = "../../docs/reference/events.md"
	var b strings.Builder
	b.WriteString(head)
	for _, row := range Table {
		log, debug, audit := says(row.Event)
		if log == "" {
			t.Errorf("%s has no log record", row.Kind)
		}
		var codes []string
		for _, m := range row.Mnemonics {
			codes = append(codes, fmt.Sprintf("`%%RINGBACK-%d-%s`", m.Severity, m.Name))
		}
		fields := "`" + strings.Join(fieldNames(row.Event), "`, `") + "`"
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s | %s |\n", row.Kind, strings.Join(codes, "<br>"), row.Doc,
			fields, log, debug, audit)
	}
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != b.String() {
		t.Errorf("%s is stale (%v): go test ./broker/events -update, then read the diff", path, err)
	}
}

const head = `# Events

<!-- Printed from broker/events: go test ./broker/events -update -->

Events report once what happens to lines, calls, logins and callbacks. The log, ` + "`ringback debug callback`" + `,
` + "`ringback debug dialer`" + ` and the audit show them as in this table. The fields are the keys of the log
record, except those that its message already contains; ` + "`event`" + ` is the event's name. No event has
secrets, and a name that belongs to no user is not shown. The digits of a dial are those of the number: the template of a trunk, which
may have a PIN, is not shown.

Syslog messages begin with the mnemonic, which has the form of IOS: ` + "`%RINGBACK-SEVERITY-NAME`" + `. The
severity decides the level of the log record: 0 to 3 are ` + "`error`" + `, 4 is ` + "`warn`" + `, 5 and 6 are ` + "`info`" + `,
7 is ` + "`debug`" + `. An event with two mnemonics has the second one when it is a failure, or when it is over. Log
records that are not events, such as problems inside the node, are ` + "`%RINGBACK-3-LOG`" + `, ` + "`-4-LOG`" + `,
` + "`-6-LOG`" + ` and ` + "`-7-LOG`" + `. See [logging](../how-to/logging.md).

| event | mnemonic | meaning | fields | log | debug | audit |
|---|---|---|---|---|---|---|
`

// The sinks get what an event's type says.
func TestSinks(t *testing.T) {
	core, logs := observer.New(zapcore.InfoLevel)
	var debug []string
	sinks := []Sink{Log{zap.New(core)},
		Debug(func(tty int, text string) { debug = append(debug, fmt.Sprint(tty, " ", text)) })}
	ended := CallbackEnded{
		Callback: "abcd", User: "kim", Outcome: "failed", Cause: "busy", Number: "84010", CalledLine: 65, Line: 66,
		Attempts: 2, Budget: 3,
		Duration: time.Minute, TTY: 66,
	}
	for _, e := range []Event{
		ended, LineCleared{Line: 65, By: "uid 7"}, Withdrawn{Callback: "abcd", Reason: "late"},
		CallEnded{Call: "c1", Outcome: "ended"},
		CallEnded{Call: "c2", Stack: "goroutine 1"}, Decided{Line: 65, User: "kim", Outcome: "admit",
			Reason: "no callback"},
	} {
		for _, s := range sinks {
			s.Take(e)
		}
	}
	var got []string
	for _, r := range logs.All() {
		keys := []string{}
		for _, f := range r.Context {
			keys = append(keys, f.Key)
		}
		got = append(got, fmt.Sprintf("%s %s: %s", r.Level, r.Message, strings.Join(keys, " ")))
	}
	call := "call line leg outcome user reason duration octets_in octets_out"
	want := []string{
		"info callback ended: callback user outcome cause number called_line line attempts duration event",
		"info line cleared: line by event",
		"warn callback withdrawn: callback reason event",
		"info call ended: " + call + " event",
		"error call ended by a panic: " + call + " stack event",
		"info decided: call line user outcome reason group event",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the log has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if want := []string{"66 Callback failed busy", "65 user kim: admit (no callback)"}; !slices.Equal(debug, want) {
		t.Errorf("debug has %q, want %q", debug, want)
	}
	if c := logs.All()[0].ContextMap(); c["duration"] != time.Minute || c["line"] != int64(66) || c["user"] != "kim" {
		t.Errorf("%v", c)
	}
	for _, tt := range []struct {
		e    Event
		want Entry
	}{
		{ended, Entry{"callback abcd ended", "kim", "failed after 2 of 3 attempts to 84010: busy"}},
		{LineCleared{Line: 65, By: "uid 7"}, Entry{"line cleared", "uid 7", "tty 65"}},
		{LoginFailed{User: "kim", Caller: "84001", Line: 65, Leg: 1, Reason: "no"},
			Entry{"login failed", "kim", `tty 65, caller "84001", leg 1: no`}},
		{LoginFailed{User: "kim", Enable: true, Line: 65}, Entry{"enable failed", "kim", `tty 65, caller "", leg 0: `}},
		{LoginFailed{User: "kim", Line: 65, Leg: 1, Rejected: true, Reason: "ceiling reached: …"},
			Entry{"login rejected", "kim", `tty 65, caller "", leg 1: ceiling reached: …`}},
		{LoginFailed{User: "kim", Locked: true}, Entry{}},
		{Decided{User: "kim"}, Entry{}},
	} {
		if got, ok := Audit(tt.e); got != tt.want || ok != (tt.want != Entry{}) {
			t.Errorf("%+v: the audit has %+v, want %+v", tt.e, got, tt.want)
		}
	}
}
