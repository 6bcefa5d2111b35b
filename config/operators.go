package config

import (
	"errors"
	"fmt"
	"math"
	"os/user"
	"path/filepath"
	"strconv"

	"github.com/ringback/ringback/schema"
)

// operators returns the group of api.group; nil if there is none.
func (l *loader) operators() *user.Group {
	name := l.text("api.group")
	if name == "" {
		return nil
	}
	v := l.v.Get("api", "group")
	if rel, err := filepath.Rel(l.cfg.StateDir, l.cfg.API.Socket); err == nil && filepath.IsLocal(rel) {
		l.errorAt(v, "set api.socket to a directory of its own, such as /run/ringback/ringback.sock",
			"the socket is in state_dir, which nobody but the user running ringback may enter")
	}
	group, err := groupNamed(name)
	if err != nil {
		p := Problem{File: l.file, Key: "api.group", Severity: schema.Warning, Msg: err.Error(),
			Hint: "groupadd --system " + name + "; for a group of a directory service, write its number"}
		if v.IsSet() { // otherwise it is from the environment
			p.Line, p.Column = v.Line, v.Column
		}
		l.problem(p)
		l.unsafe(p)
	}
	return group
}

// groupNamed finds a group by its name or number.
func groupNamed(name string) (*user.Group, error) {
	group, err := user.LookupGroup(name)
	if err == nil {
		return group, nil
	}
	if id, err := strconv.ParseUint(name, 10, 32); err == nil && id < math.MaxUint32 { // which means: do not change
		return &user.Group{Gid: strconv.FormatUint(id, 10), Name: name}, nil
	}
	if _, unknown := errors.AsType[user.UnknownGroupError](err); unknown {
		return nil, fmt.Errorf("this machine has no group %q", name)
	}
	return nil, fmt.Errorf("group %q: %w", name, err)
}
