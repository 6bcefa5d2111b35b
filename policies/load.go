package policies

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/schema"
)

// Keys is the table of what a policy file may say.
func Keys() []schema.Key {
	return schema.Inherit(schema.NewCalls, keys())
}

func keys() []schema.Key {
	pattern := &schema.Key{Type: schema.String, Check: numbers.CheckPattern, Example: `"84*"`}
	return []schema.Key{
		{Name: "group", Type: schema.String, Required: true, Check: checkGroup, Example: "default",
			Doc: "Name of the group, the same as the file's. `default` is the group of users whom no other claims."},
		{Name: "users", Type: schema.List, Elem: &schema.Key{Type: schema.String, Check: notEmpty}, Example: "[austin-01]",
			Doc: "Users whom the group claims, as AAA names them, letter case included. A user belongs to one group. A group claims by its `users` first, then by the group hints of AAA in their order, then by being `default`."},
		{Name: "callback", Type: schema.String, Enum: []string{string(Off), string(Optional), string(Required)}, Default: string(Optional), Example: "required",
			Doc: "`off`: whom AAA demands to call back is refused. `optional`: as AAA says. `required`: nobody is admitted without a callback."},
		{Name: "no_verify", Type: schema.String, Enum: allowOrDeny, Default: "deny", Example: "allow",
			Doc: "Whether the second login may be left out for users to whom AAA grants it (EXEC only)."},
		{Name: "numbers", Type: schema.Object, Doc: "Which numbers may be called back.", Keys: []schema.Key{
			{Name: "from_caller", Type: schema.String, Enum: allowOrDeny, Default: "deny", Example: "allow",
				Doc: "Whether a caller may type the number where AAA leaves it to him, or be called back at the number that his call shows where AAA says so. With `allow` a list `allow` is needed."},
			{Name: "allow", Type: schema.List, Elem: pattern, Example: `["84*"]`,
				Doc: "Patterns of numbers: digits, with `*` at the end for a prefix. A number from the caller must match one; a number that AAA fixed need not."},
			{Name: "deny", Type: schema.List, Elem: pattern, Example: `["849*"]`,
				Doc: "Patterns that are refused, wherever the number came from. The pattern with the most digits that matches decides; `deny` between equals. Emergency numbers need no mention."},
		}},
		{Name: "reauthorize", Type: schema.String, Enum: []string{never, beforeDial}, Default: never, Example: beforeDial,
			Doc: "`before_dial`: AAA is asked again right before each dial, without a password, and the callback fails where it refuses, no longer demands the callback, names another number or other lines, or stays silent three times. It only ever narrows what was promised. TACACS+ can be asked so; RADIUS wants a Call-Check."},
		{Name: "attempts", Type: schema.Object, Doc: "How often a callback dials.", Keys: []schema.Key{
			{Name: "max", Type: schema.Int, Min: 1, Max: maxAttempts, Default: fmt.Sprint(DefaultMaxAttempts), Example: "3",
				Doc: "Dials at most, crashes and restarts included."},
			{Name: "retry_wait", Type: schema.Duration, Min: int64(minRetryWait), Max: int64(maxRetryWait), Default: DefaultRetryWait.String(), Example: "1m",
				Doc: "Wait between the end of an attempt and the next."},
		}},
	}
}

var allowOrDeny = []string{"allow", "deny"}

func notEmpty(s string) error {
	if s == "" {
		return errors.New("is empty")
	}
	return nil
}

// checkGroup keeps to names that are the same in a file name, in a trace and in an attribute.
func checkGroup(s string) error {
	if s == "" {
		return errors.New("is empty")
	}
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)) || s[0] == '.' {
			return fmt.Errorf("%q is no group name: letters, digits, - _ and . (not first)", s)
		}
	}
	return nil
}

// LoadDir reads all policy files `GROUP.yaml` of a directory, for a site. A directory that is not there, or has none, gives a Set with the built-in
// policy and a warning. The Set is nil where there are errors: with broken policies nobody is called back. All problems are
// reported at once.
func LoadDir(dir string, site Site) (*Set, schema.Problems) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, schema.Problems{{File: dir, Msg: reason(err), Hint: "is it a directory that the daemon's user may read?"}}
	}
	var l loader
	for _, e := range entries {
		name := e.Name()
		switch ext := filepath.Ext(name); {
		case strings.HasPrefix(name, ".") || e.IsDir():
		case ext == ".yaml":
			l.file(dir, name)
		case ext == ".yml":
			l.problem(schema.Problem{File: filepath.Join(dir, name), Msg: "would not be read", Hint: "rename it to " + strings.TrimSuffix(name, ext) + ".yaml"})
		}
	}
	return l.set(site)
}

// Parse reads one policy file; file is only its name. Where there are errors the Policy is not to be used.
func Parse(file string, data []byte) (Policy, schema.Problems) {
	v, problems := schema.Parse(file, data, Keys())
	lists := v.Get("numbers")
	p := Policy{
		Group:    v.Get("group").Text(),
		Users:    v.Get("users").Texts(),
		Callback: CallbackMode(v.Get("callback").Text()),
		NoVerify: v.Get("no_verify").Text() == "allow",
		Numbers: Numbers{
			FromCaller: lists.Get("from_caller").Text() == "allow",
			Allow:      lists.Get("allow").Texts(),
			Deny:       lists.Get("deny").Texts(),
		},
		Reauthorize: v.Get("reauthorize").Text() == beforeDial,
		Attempts:    Attempts{Max: v.Get("attempts", "max").Int(), RetryWait: v.Get("attempts", "retry_wait").Duration()}.orDefault(),
	}
	if p.Numbers.FromCaller && len(p.Numbers.Allow) == 0 && !problems.HasErrors() {
		at := lists.Get("from_caller")
		problems = append(problems, schema.Problem{File: file, Line: at.Line, Column: at.Column, Key: at.Path,
			Msg: "allows callers' numbers, and numbers.allow lists none", Hint: `add allow: ["84*"]; ["*"] is any number`})
	}
	return p, problems
}

// loader gathers the policies of a directory and what is wrong with them.
type loader struct {
	policies []Policy
	problems schema.Problems
	claims   map[string]string // user → where he is claimed
}

func (l *loader) problem(p schema.Problem) { l.problems = append(l.problems, p) }

func (l *loader) file(dir, name string) {
	path := filepath.Join(dir, name)
	data, err := read(path)
	if err != nil {
		l.problem(schema.Problem{File: path, Msg: reason(err), Hint: "may the daemon's user read it?"})
		return
	}
	v, _ := schema.Parse(path, data, Keys()) // for the positions
	p, problems := Parse(path, data)
	l.problems = append(l.problems, problems...)
	if g, want := v.Get("group"), strings.TrimSuffix(name, ".yaml"); g.IsSet() && g.Text() != want {
		l.problem(schema.Problem{File: path, Line: g.Line, Column: g.Column, Key: g.Path,
			Msg: fmt.Sprintf("group %q in a file of another name", g.Text()), Hint: fmt.Sprintf("rename the file to %s.yaml, or write group: %s", g.Text(), want)})
	}
	for _, u := range v.Get("users").Items() {
		l.claim(path, u)
	}
	l.policies = append(l.policies, p)
}

// read takes regular files only: a FIFO would block, a device never end.
func read(path string) ([]byte, error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !st.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case st.Size() > schema.MaxSize:
		return nil, fmt.Errorf("larger than %d octets", schema.MaxSize)
	}
	return os.ReadFile(path)
}

// claim reports a user who is claimed twice.
func (l *loader) claim(path string, u *schema.Value) {
	if l.claims == nil {
		l.claims = map[string]string{}
	}
	if first, ok := l.claims[u.Text()]; ok {
		l.problem(schema.Problem{File: path, Line: u.Line, Column: u.Column, Key: u.Path,
			Msg: fmt.Sprintf("user %q is already claimed at %s", u.Text(), first), Hint: "a user belongs to one group: remove one of the two"})
		return
	}
	l.claims[u.Text()] = fmt.Sprintf("%s:%d", path, u.Line)
}

func (l *loader) set(site Site) (*Set, schema.Problems) {
	if l.problems.HasErrors() {
		return nil, l.problems
	}
	s, err := New(site, l.policies...)
	if err != nil { // the file's name and the claims were checked above
		l.problem(schema.Problem{Msg: err.Error()})
		return nil, l.problems
	}
	return s, l.problems
}

// reason is what the system says without the path, which the Problem has already.
func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
