package texts

import (
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"go.yaml.in/yaml/v3"
)

// constants returns the constants of type Key of this package: their values by their names.
func constants(t *testing.T) map[string]Key {
	t.Helper()
	paths, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]Key{}
	for _, path := range paths {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 {
				return true
			}
			if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "Key" {
				return true
			}
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all[spec.Names[0].Name] = Key(value)
			return true
		})
	}
	if len(all) == 0 {
		t.Fatal("no constants found")
	}
	return all
}

// TestConstants: the English texts have a row for each constant, and no others.
func TestConstants(t *testing.T) {
	named := map[Key]string{}
	for name, k := range constants(t) {
		if other := named[k]; other != "" {
			t.Errorf("%s and %s are both %q", name, other, k)
		}
		named[k] = name
		if _, found := Shipped().texts[English][k]; !found {
			t.Errorf("%s: no English text %s", name, k)
		}
	}
	for k := range Shipped().texts[English] {
		if named[k] == "" {
			t.Errorf("English text %s: there is no constant", k)
		}
	}
}

// TestComplete: each language has each text, with the same placeholders and about the same shape.
func TestComplete(t *testing.T) {
	for _, l := range Languages() {
		for k := range Shipped().texts[l] {
			if _, found := Shipped().texts[English][k]; !found {
				t.Errorf("%s: %s is no English text", l, k)
			}
		}
		for k, en := range Shipped().texts[English] {
			own, found := Shipped().texts[l][k]
			if !found {
				t.Errorf("%s: %s is missing", l, k)
				continue
			}
			if a, b := sorted(en.names), sorted(own.names); !slices.Equal(a, b) {
				t.Errorf("%s: %s has placeholders %q; English has %q", l, k, b, a)
			}
			a, b := raw(en), raw(own)
			if strings.HasPrefix(a, "% ") != strings.HasPrefix(b, "% ") {
				t.Errorf("%s: %s: only one of %q and %q is an error line", l, k, a, b)
			}
			if strings.Count(a, "\n") != strings.Count(b, "\n") {
				t.Errorf("%s: %s: %q and %q have different numbers of rows", l, k, a, b)
			}
			if strings.ContainsAny(b, "\r\t\x1b") || strings.TrimLeft(b, " \n") == "" {
				t.Errorf("%s: %s: %q is blank or has a control character", l, k, b)
			}
		}
	}
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

func TestPrinter(t *testing.T) {
	zh := Printer{Language: TraditionalChinese}
	feb := time.Date(2026, 2, 9, 7, 5, 0, 0, time.UTC)
	marshaled, err := json.Marshal([]Key{LoginInvalid})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name      string
		got, want string
	}{
		{"zero value", Printer{}.Text(LoginInvalid), "% Login invalid"},
		{"English", LoginInvalid.English(), "% Login invalid"},
		{"trailing space", Printer{}.Text(PromptUsername), "Username: "},
		{"Chinese", zh.Text(PromptPassword), "密碼："},
		{"value", Printer{}.Text(CallbackQueued, 3), "All lines are busy - your callback is number 3 in the queue"},
		{"value in Chinese", zh.Text(CallbackQueued, 3), "線路全部忙線中，您的回撥排在第 3 位"},
		{"plural", Printer{}.Text(ConsoleLost, 2), "% 2 messages were lost: this terminal is too slow"},
		{"singular", Printer{}.Text(ConsoleLost, 1), "% 1 message was lost: this terminal is too slow"},
		{"value with braces", Printer{}.Text(HostClosed, "{host}"), "[Connection to {host} closed]"},
		{"unknown language", Printer{Language: "tlh"}.Text(LoginInvalid), "% Login invalid"},
		{"not readable", Printer{Language: TraditionalChinese, Readable: ascii}.Text(CallbackQueued, 3),
			"All lines are busy - your callback is number 3 in the queue"},
		{"time", Printer{}.Text(LastBusy, feb), "Your last callback (Feb 9 07:05) failed: the number was busy"},
		{"time in Chinese", zh.Text(LastBusy, feb), "您上一次的回撥（2月9日 07:05）失敗：號碼忙線中"},
		{"message", zh.Message(Message{LastCancelled, []any{feb}}), "您上一次的回撥（2月9日 07:05）已取消"},
		{"no message", zh.Message(Message{}), ""},
		{"printed", fmt.Sprint(LoginInvalid), "% Login invalid"},
		{"JSON", string(marshaled), `["% Login invalid"]`},
		{"unknown key", zh.Text("no.such"), "no.such"},
		{"value missing", Printer{}.Text(CallbackQueued),
			"All lines are busy - your callback is number {place} in the queue"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e })
}

// TestMissing: what a language lacks is given in English.
func TestMissing(t *testing.T) {
	none, err := readAll(fstest.MapFS{"zh-Hant/a.yaml": {Data: []byte("login.locked: 稍後\n")}}, TraditionalChinese)
	if err != nil {
		t.Fatal(err)
	}
	d := &Dictionary{texts: map[Language]map[Key]text{TraditionalChinese: none}}
	p := Printer{Dictionary: d, Language: TraditionalChinese}
	if got := p.Text(LoginLocked); got != "稍後" {
		t.Errorf("%q", got)
	}
	if got := p.Text(LoginInvalid); got != "% Login invalid" {
		t.Errorf("%q", got)
	}
}

func TestReadAllRejects(t *testing.T) {
	for _, c := range []struct{ name, data, want string }{
		{"brace", "a: x{\n", "brace"},
		{"closing brace", "a: x}\n", "brace"},
		{"name", "a: '{Big}'\n", "lowercase"},
		{"plural", "a: '{n?one}'\n", "{n?one:other}"},
		{"not YAML", "a: [\n", "a.yaml"},
	} {
		_, err := readAll(fstest.MapFS{"en/a.yaml": {Data: []byte(c.data)}}, English)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	twice := fstest.MapFS{"en/a.yaml": {Data: []byte("a: x\n")}, "en/b.yaml": {Data: []byte("a: y\n")}}
	if _, err := readAll(twice, English); err == nil {
		t.Error("a key of two files is accepted")
	}
}

func TestWith(t *testing.T) {
	var d *Dictionary
	own, ps := d.With(TraditionalChinese, "own.yaml", []byte(`
login.invalid: "% 登入不成功"
callback.queued: 請稍候
`))
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	p := Printer{Dictionary: own, Language: TraditionalChinese}
	if got := p.Text(LoginInvalid); got != "% 登入不成功" {
		t.Errorf("override: %q", got)
	}
	if got := p.Text(CallbackQueued, 3); got != "請稍候" {
		t.Errorf("without the placeholder: %q", got)
	}
	if got := p.Text(LoginLocked); got != "% 失敗次數過多，請稍後再試" {
		t.Errorf("not overridden: %q", got)
	}
	if got := (Printer{Language: TraditionalChinese}).Text(LoginInvalid); got == p.Text(LoginInvalid) {
		t.Errorf("the shipped dictionary changed: %q", got)
	}
	for _, c := range []struct{ name, data, want string }{
		{"unknown key", "login.invalidd: x\n", `login.invalid`},
		{"placeholder of another text", "login.invalid: 'x {place}'\n", "this text has none"},
		{"unknown placeholder", "callback.queued: 'x {n}'\n", "this text has {place}"},
		{"brace", "callback.queued: 'x {'\n", "brace"},
		{"not text", "callback.queued: [a]\n", "expected text"},
	} {
		got, ps := own.With(English, "own.yaml", []byte(c.data))
		if !ps.HasErrors() || !strings.Contains(ps.String(), c.want) || got != own {
			t.Errorf("%s: %v, want %q", c.name, ps, c.want)
		}
	}
}

func TestParseLanguage(t *testing.T) {
	for _, l := range Languages() {
		if got, err := ParseLanguage(string(l)); err != nil || got != l {
			t.Errorf("%s: %v, %v", l, got, err)
		}
	}
	if _, err := ParseLanguage("zh"); err == nil || !strings.Contains(err.Error(), `"en" or "zh-Hant"`) {
		t.Errorf("zh: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a {b} c", "{n} {n?x:y}", "{{x}}", "{", "}", "{?:}", "{a?b}", "第 {n} 位"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parse(s)
		if err != nil {
			return
		}
		if out := p.fill(nil, nil); !strings.ContainsAny(s, "{}") && out != s {
			t.Fatalf("%q became %q", s, out)
		}
		if err := p.within(p.names); err != nil {
			t.Fatal(err)
		}
	})
}

// TestReference: docs/reference lists the texts of callers and of the page, as a file of overrides has them.
func TestReference(t *testing.T) {
	reference(t, "Texts for callers", "texts.md", func(k Key) bool { return !strings.HasPrefix(string(k), "page.") })
	reference(t, "Texts of the page", "page-texts.md", func(k Key) bool {
		return strings.HasPrefix(string(k), "page.")
	})
}

// reference compares a file with the texts of some keys.
func reference(t *testing.T, title, name string, has func(Key) bool) {
	t.Helper()
	var b strings.Builder
	b.WriteString("# " + title + `

<!-- Printed from texts/: go test ./texts -run Reference -update -->

The keys for files of [your own texts](../how-to/languages.md#your-own-texts), with the texts of ringback.
What is in braces is a value.

| key | en | zh-Hant |
|---|---|---|
`)
	for _, k := range Keys() {
		if !has(k) {
			continue
		}
		b.WriteString("| `" + string(k) + "`")
		for _, l := range Languages() {
			s := strings.NewReplacer("|", `\|`, "\n", "` `").Replace(strings.TrimSpace(written(t, l, k)))
			if strings.Contains(s, "`") && !strings.Contains(s, "` `") {
				s = "` " + s + " `"
			}
			b.WriteString(" | `" + s + "`")
		}
		b.WriteString(" |\n")
	}
	file := "../docs/reference/" + name
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != b.String() {
		t.Errorf("%s is stale (%v): go test ./texts -run Reference -update", file, err)
	}
}

var update = flag.Bool("update", false, "write the reference")

// written returns a text as its file has it.
func written(t *testing.T, l Language, k Key) string {
	t.Helper()
	names, err := fs.Glob(files, string(l)+"/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		rows := map[Key]string{}
		if err := yaml.Unmarshal(data, &rows); err != nil {
			t.Fatal(err)
		}
		if s, found := rows[k]; found {
			return s
		}
	}
	t.Fatalf("%s: %s is in no file", l, k)
	return ""
}
