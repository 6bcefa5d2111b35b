package policies

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/schema"
)

// Whatever a file contains, loading ends with an error that names it, and nothing of the directory is used.
func TestHostileFiles(t *testing.T) {
	aliases := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for i := range 9 {
		aliases += fmt.Sprintf("%c: &%c [%s*%c]\n", 'b'+i, 'b'+i, strings.Repeat(fmt.Sprintf("*%c, ", 'a'+i), 8), 'a'+i)
	}
	for name, text := range map[string]string{
		"larger than a file may be": "group: bad\n" + strings.Repeat("# comment\n", 1<<20), // 10 MiB
		"as large as it may be":     "group: bad\n" + strings.Repeat("x", schema.MaxSize-11),
		"a bomb of aliases":         "group: bad\n" + aliases,
		"nested deeply":             "group: bad\nusers: " + strings.Repeat("[", 1<<16),
		"nested mappings":           "group: bad\nnumbers: " + strings.Repeat("{a: ", 1<<16),
		"many unknown keys":         "group: bad\n" + repeated(1<<12, "k%d: 1\n"),
		"many users twice":          "group: bad\nusers: [" + repeated(1<<12, "u%d, u, ") + "u]\n",
		"a long condition":          "group: bad\nwhen: ['" + strings.Repeat("!", 1<<16) + "true']\n",
		"a nested condition": "group: bad\nwhen: ['" + strings.Repeat("groups.all(a, ", 20) + "true" +
			strings.Repeat(")", 20) + "']\n",
		"a pattern that explodes": "group: bad\nwhen: ['user.matches(\"((a{50}){50}){50}\")']\n",
		"NUL":                     "group: bad\x00\n", "octets that are no text": "group: bad\n\xff\xfe\n",
		"thousands of windows": "group: bad\nhours: {zone: UTC, weekdays: [" +
			strings.Repeat("mon-sun 00:00-24:00, ", 5000) + "mon]}\n",
	} {
		s, problems, _ := loadFiles(t, map[string]string{"bad.yaml": text, "good.yaml": "group: good\n"})
		got := problems.String()
		if s != nil || !strings.Contains(got, "bad.yaml") || strings.Contains(got, "good.yaml") {
			t.Errorf("%s: %v, %.300s", name, s != nil, got)
		}
	}
}

// repeated returns a format n times, each with its number.
func repeated(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// Many files that extend each other in a circle, and as many in a line.
func TestLongChains(t *testing.T) {
	const want = "more than 16 files follow each other"
	for _, last := range []string{"extends: g0\n", ""} {
		files := map[string]string{}
		for i := range 300 {
			files[fmt.Sprintf("g%d.yaml", i)] = fmt.Sprintf("group: g%d\nextends: g%d\n", i, i+1)
		}
		files["g299.yaml"] = "group: g299\n" + last
		if s, problems := loadText(files); s != nil || !strings.Contains(problems.String(), want) {
			t.Errorf("%.300s", problems)
		}
	}
}

// Every beginning of a file, as an editor or a full disk may leave it, is an error or a policy; none panics. Some are
// valid and allow more than the whole, so files must be renamed into place.
func TestHalfWrittenFiles(t *testing.T) {
	text := strings.Replace(officeHours, "  holidays: holidays.txt\n", "when: ['number != \"84009\"']\n", 1)
	valid := 0
	for i := range len(text) {
		s, problems := loadText(map[string]string{"default.yaml": text[:i]})
		if (s == nil) != problems.HasErrors() {
			t.Errorf("%q: %v, %v", text[:i], s != nil, problems)
		}
		if s != nil {
			valid++
		}
	}
	if valid == 0 || valid == len(text) {
		t.Errorf("%d of %d beginnings are valid", valid, len(text))
	}
}

// While a file is replaced by others, by a FIFO, a directory and a link to itself, loading never blocks, and yields one
// of the files as a whole or an error.
func TestReplacedWhileOpen(t *testing.T) {
	dir := t.TempDir()
	path, next := filepath.Join(dir, "default.yaml"), filepath.Join(dir, ".next")
	narrow := "group: default\nnumbers: {deny: [" + strings.Repeat(`"84001", `, 20_000) + "\"84001\"]}\n"
	texts := []string{"group: default\n", narrow}
	replace := []func() error{
		func() error { return os.WriteFile(next, []byte(texts[0]), 0o600) },
		func() error { return os.WriteFile(next, []byte(texts[1]), 0o600) },
		func() error { return syscall.Mkfifo(next, 0o600) },
		func() error { return os.Symlink("default.yaml", next) },
		func() error { return nil }, // it is gone
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			os.Remove(path)
			if err := replace[i%len(replace)](); err != nil {
				t.Error(err)
			}
			os.Rename(next, path)
		}
	}()
	digests := []string{(&Set{}).Digest()} // of a directory without files
	for _, text := range texts {
		s, _ := loadText(map[string]string{"default.yaml": text})
		digests = append(digests, s.Digest())
	}
	for range 200 {
		if s, problems := LoadDir(dir, site); s != nil && !slices.Contains(digests, s.Digest()) {
			t.Errorf("another policy: %v", problems)
		}
	}
	close(stop)
	<-stopped
}

// narrower has lines of a policy file, and what each may be narrowed to. The first value is the widest.
var narrower = map[string][]string{
	"no_verify: ":           {"allow", "deny"},
	"callback_on_request: ": {"allow", "deny"},
	"callback_on_ring: ":    {"allow\nlimits: {user: {hour: {calls: 9}}}", "deny\nlimits: {user: {hour: {calls: 9}}}"},
	"attempts: ":            {"{max: 5}", "{max: 2}", "{max: 1, retry_wait: 1m}"},
	"numbers: ": {"{from: [aaa, caller, caller_id], allow: ['84*', '85*']}",
		"{from: [aaa, caller, caller_id], allow: ['84*', '85*'], deny: ['8400*']}",
		"{from: [aaa, caller, caller_id], allow: ['840*']}", "{from: [aaa, caller], allow: ['84*'], deny: ['84007']}"},
	"services: ": {"{}", "{ppp: deny}", "{exec: deny}"},
	"hours: ": {"{zone: UTC, weekdays: [mon-sun 00:00-24:00]}", "{zone: UTC, weekdays: [mon-fri 07:00-19:00]}",
		"{zone: Asia/Tokyo, weekdays: [mon-sun 22:00-06:00], dates: [2026-12-25 closed]}"},
	"when: ": {"['true']", "['service == \"exec\"']", "['number.startsWith(\"840\")', 'time < \"18:00\"']",
		"['false']"},
	"reauthorize: ": {"never", "before_dial"},
	"same_line: ":   {"allow", "deny"},
}

// A file that is narrower in any keys never calls back, or admits, a user that the wider one did not, and its
// callback is no wider.
func TestNarrowerKeysNeverAdmitMore(t *testing.T) {
	var keys []string
	for key := range narrower {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	rapid.Check(t, func(t *rapid.T) {
		wide, narrow := "group: default\n", "group: default\n"
		for _, key := range keys {
			values := narrower[key]
			wide += key + values[0] + "\n"
			narrow += key + values[rapid.IntRange(0, len(values)-1).Draw(t, key)] + "\n"
		}
		a, problemsA := loadText(map[string]string{"default.yaml": wide})
		b, problemsB := loadText(map[string]string{"default.yaml": narrow})
		if a == nil || b == nil {
			t.Fatal(problemsA, problemsB)
		}
		r := anyRequest(t)
		was, _ := a.Evaluate(r)
		asked := r
		asked.FromCaller = nil
		before, _ := a.Evaluate(asked) // a caller who gives a number could have declined
		is, trace := b.Evaluate(r)
		switch {
		case is.Outcome == CallBack && (was.Outcome != CallBack || is.Number != was.Number ||
			is.NoVerify && !was.NoVerify ||
			is.Attempts.Max > was.Attempts.Max || is.Attempts.RetryWait < was.Attempts.RetryWait),
			is.Outcome == Admit && was.Outcome != Admit && !was.MayDecline && !before.MayDecline,
			is.Outcome == AskNumber && was.Outcome != AskNumber:
			t.Fatalf("%s%+v\nof\n%s%+v\n%s", narrow, is, wide, was, trace)
		}
	})
}

// anyRequest draws a request.
func anyRequest(t *rapid.T) Request {
	r := Request{
		Auth:    rapid.SampledFrom([]aaa.Authorization{fixed, null, plain}).Draw(t, "AAA"),
		Service: rapid.SampledFrom([]aaa.Service{aaa.EXEC, aaa.PPP}).Draw(t, "service"),
		Caller:  rapid.SampledFrom([]string{"", "84066", "85001"}).Draw(t, "caller"),
		TTY:     rapid.IntRange(0, 70).Draw(t, "line"), Line: Line{Trusted: rapid.Bool().Draw(t, "trusted")},
		Time: time.Unix(rapid.Int64Range(1767225600, 1830297600).Draw(t, "time"), 0),
		Leg:  rapid.IntRange(1, 2).Draw(t, "leg"),
	}
	r.Auth.NoVerify = rapid.Bool().Draw(t, "no verify")
	r.Auth.CallerID = r.Auth.Callback && !r.Auth.Dialstring.IsSet() && rapid.Bool().Draw(t, "caller ID")
	if back := rapid.Int64Range(0, math.MaxInt32).Draw(t, "clock set back"); back > math.MaxInt32/2 {
		r.Latest = r.Time.Add(time.Duration(back) * time.Microsecond)
	}
	if typed := rapid.SampledFrom([]string{"", "84007", "84001", "85001", "99"}).Draw(t, "typed"); typed != "" {
		r.FromCaller = &typed
	}
	return r
}
