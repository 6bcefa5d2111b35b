package policies

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ringback/ringback/schema"
)

// maxExtends is the maximum number of files above a file that extends another.
const maxExtends = 16

// policyFile is a file as it was read.
type policyFile struct {
	*schema.Value
	path   string
	broken bool // it has errors, so what extends it is not checked
}

// extended reads the files of a directory that a group's file extends and that were not read yet. One that is not there
// is reported by chain.
func (l *loader) extended(dir, name string) {
	for f := l.files[name]; f != nil && f.Get(extends).IsSet(); f = l.files[name] {
		if name = f.Get(extends).Text(); l.files[name] != nil {
			return
		}
		if _, err := os.Stat(filepath.Join(dir, name+".yaml")); err == nil {
			l.file(dir, name+".yaml")
		}
	}
}

// flatten returns the values of a group's file with those of the files that it extends; nil if one of them is broken.
// It reports what is wrong with the files' order.
func (l *loader) flatten(name string) *schema.Value {
	chain, ok := l.chain(name)
	if !ok {
		return nil
	}
	top := l.files[chain[len(chain)-1]]
	if more := top.Plus(); more.IsSet() && !top.broken {
		if len(chain) == 1 { // otherwise the top file itself reports it
			l.problem(plusProblem(more))
		}
		return nil
	}
	var flat *schema.Value
	for i, group := range slices.Backward(chain) {
		f := l.files[group]
		if f.broken {
			return nil
		}
		v := f.Value
		if i > 0 {
			v = v.Without(ownKeys()...)
		}
		flat = schema.Merge(flat, v)
	}
	return flat
}

// chain returns the groups from this one up to the one that extends no other; false: there is no such chain.
func (l *loader) chain(name string) (chain []string, ok bool) {
	for at := name; ; {
		chain = append(chain, at)
		e := l.files[at].Get(extends)
		if !e.IsSet() {
			return chain, true
		}
		next := e.Text()
		switch {
		case l.files[next] == nil:
			if at == name && !slices.Contains(l.unread, next) { // otherwise another problem says it
				l.noParent(e)
			}
			return nil, false
		case next == name:
			l.problem(problemAt(l.files[name].Get(extends), "the file extends itself: "+l.arrows(append(chain, next)),
				"remove one of the keys"))
			return nil, false
		case slices.Contains(chain, next): // these files report it
			return nil, false
		case len(chain) > maxExtends:
			l.problem(problemAt(l.files[name].Get(extends), fmt.Sprintf("more than %d files follow each other: %s",
				maxExtends, l.arrows(append(chain, next))), "write the values into fewer files"))
			return nil, false
		}
		at = next
	}
}

func (l *loader) noParent(e *schema.Value) {
	others := slices.DeleteFunc(slices.Sorted(maps.Keys(l.files)), func(g string) bool {
		return l.files[g].Get(extends) == e // not itself
	})
	hint := schema.Suggest(e.Text(), others)
	if hint == "" {
		hint = "write the file, or the name of a group that has one"
	}
	l.problem(problemAt(e, fmt.Sprintf("there is no file %s.yaml", e.Text()), hint))
}

// arrows names the files of a chain.
func (l *loader) arrows(chain []string) string {
	names := make([]string, len(chain))
	for i, group := range chain {
		names[i] = filepath.Base(l.files[group].path)
	}
	return strings.Join(names, " -> ")
}

func plusProblem(more *schema.Value) schema.Problem {
	return problemAt(more, "the file extends no other, so there is no list to add to",
		"remove the + or write extends: GROUP")
}

// ownKeys are the keys that a file does not pass on.
func ownKeys() []string {
	var names []string
	for _, k := range table {
		if k.own {
			names = append(names, k.Name)
		}
	}
	return names
}
