package radius

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ringback/ringback/aaa/pairs"
)

// Raritan's console servers read a group and a dial-back number from a Filter-Id: Raritan:G{GROUP}:D{NUMBER}.
const raritanPrefix = "Raritan:"

// filterID keeps the filter's name. A plain name is also a group hint; one in Raritan's form may contain a number.
func (r *reading) filterID(v value) error {
	// wrong letter case must not admit a user that must be called back
	if n := len(raritanPrefix); len(v.s) >= n && strings.EqualFold(v.s[:n], raritanPrefix) {
		return r.raritan(v.s[n:])
	}
	r.A.FilterIDs = append(r.A.FilterIDs, v.s)
	switch {
	case strings.HasSuffix(v.s, ".in"), strings.HasSuffix(v.s, ".out"):
		r.Field, r.Note = "filter_id", "one direction of a filter of PPP, no group; an EXEC does not enforce it"
	case pairs.IsGroup(v.s):
		r.AddGroup(v.s)
	default:
		r.Field, r.Note = "filter_id", "a filter of PPP; not a plain name, so no group; an EXEC does not enforce it"
	}
	return nil
}

// raritan reads the parts after the prefix, each a letter and a value in braces.
func (r *reading) raritan(s string) error {
	r.Field = ""
	for s != "" {
		kind, rest, ok := strings.Cut(s, "{")
		v, rest, closed := strings.Cut(rest, "}")
		if !ok || !closed || rest != "" && rest[0] != ':' {
			return errors.New("expected Raritan:G{GROUP}:D{NUMBER}")
		}
		if err := r.raritanPart(kind, v); err != nil {
			return err
		}
		s = strings.TrimPrefix(rest, ":")
	}
	return nil
}

func (r *reading) raritanPart(kind, v string) error {
	kind = strings.ToUpper(kind)
	switch {
	case v == "":
		return fmt.Errorf("%s{} is empty", pairs.Printable(kind))
	case kind == "D":
		r.fills("callback, dialstring")
		return r.Number(v)
	case kind != "G":
		r.Note = pairs.Printable(kind) + "{} is unknown, ignored"
	case !pairs.IsGroup(v):
		r.Note = "the name in G{} is not plain, ignored"
	default:
		r.fills("groups")
		r.AddGroup(v)
	}
	return nil
}

// fills adds a field to those that the current attribute fills.
func (r *reading) fills(field string) {
	if r.Field != "" {
		field = r.Field + ", " + field
	}
	r.Field = field
}

// classGroup returns the group that a Class names, as NAME or OU=NAME; "" if it names none. It is used only if the
// operator configured class groups.
func classGroup(class string) string {
	if name, ok := strings.CutPrefix(class, "OU="); ok {
		class = strings.TrimSuffix(name, ";")
	}
	if !pairs.IsGroup(class) {
		return ""
	}
	return class
}

// realm returns the realm of a user name, "" if there is none: the part after the last @, otherwise the part before the
// first \. Letter case is kept.
func realm(user string) string {
	if i := strings.LastIndexByte(user, '@'); i >= 0 {
		return user[i+1:]
	}
	if realm, _, ok := strings.Cut(user, `\`); ok {
		return realm
	}
	return ""
}
