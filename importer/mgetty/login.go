package mgetty

import (
	"fmt"
	"path"
	"strings"

	"github.com/ringback/ringback/importer"
)

// row is a line of login.config: for a name, a program.
type row struct {
	line    int
	pattern string
	flag    string // version 2: Y only if it is a callback, N only if it is none, - both
	program string
	args    []string
}

// The kinds of programs.
const (
	kindLogin    = "login"
	kindCallback = "callback"
	kindPPP      = "ppp"
	kindNobody   = "nobody"
	kindOther    = "other"
)

// autoPPP is the pattern of callers who send PPP.
const autoPPP = "/AutoPPP/"

func (r *row) kind() string {
	switch path.Base(r.program) {
	case "login":
		return kindLogin
	case "callback":
		return kindCallback
	case "pppd":
		return kindPPP
	case "false", "nologin":
		return kindNobody
	}
	return kindOther
}

// exact reports whether the pattern is one name.
func (r *row) exact() bool {
	return !strings.Contains(r.pattern, "*") && !strings.HasPrefix(r.pattern, "/")
}

func (r *row) matches(name string, onCallback bool) bool {
	if r.flag == "Y" && !onCallback || r.flag == "N" && onCallback {
		return false
	}
	switch prefix, isPrefix := strings.CutSuffix(r.pattern, "*"); {
	case strings.HasPrefix(r.pattern, "/"):
		return false
	case isPrefix:
		return strings.HasPrefix(name, prefix)
	case strings.HasPrefix(r.pattern, "*"):
		return strings.HasSuffix(name, r.pattern[1:])
	}
	return name == r.pattern
}

func failIn(line int, msg, want string) *importer.Error {
	return &importer.Error{Line: line, Msg: msg, Want: want}
}

// parseLogin reads login.config (mgetty 1.2.1: login.config.in, doc/loginv2.txt).
func parseLogin(l *importer.Ledger, lines []string) (rows []row, err *importer.Error) {
	version := 1
	for i, text := range lines {
		if l.Has(i + 1) {
			continue
		}
		f := strings.Fields(text)
		if f[0] == "!version" {
			switch {
			case len(f) != 2 || f[1] != "1" && f[1] != "2":
				return nil, failIn(i+1, "the version of login.config is not known", "!version 2")
			case len(rows) > 0:
				return nil, failIn(i+1, "!version comes after rows", "it before all rows")
			}
			version = int(f[1][0] - '0')
			l.Harmless(i+1, "the format of the rows")
			continue
		}
		r := row{line: i + 1, pattern: f[0], flag: "-"}
		want := "username userid utmp_entry program [arguments]"
		if version == 2 {
			want = "username Y|N|- userid utmp_entry program [arguments]"
			if len(f) > 1 {
				r.flag = strings.ToUpper(f[1])
				f = append(f[:1:1], f[2:]...)
			}
			if r.flag != "Y" && r.flag != "N" && r.flag != "-" {
				return nil, failIn(i+1, "the second column is neither Y, N nor -", want)
			}
		}
		if len(f) < 4 || !strings.HasPrefix(f[3], "/") {
			return nil, failIn(i+1, "it has too few columns, or no program with its whole path", want)
		}
		if strings.Contains(strings.Trim(r.pattern, "*"), "*") {
			return nil, failIn(i+1, "a * is inside of the name", "a * at its beginning or its end")
		}
		r.program, r.args = f[3], f[4:]
		rows = append(rows, r)
	}
	return rows, nil
}

// order is what the program callback is asked to do.
type order struct {
	numbers []string
	devices []string // of -l
	same    bool     // -S
	why     string   // why it cannot be imported
}

// parseCallback reads the arguments of callback (callback(8)).
func parseCallback(args []string) (o order) {
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "@":
			o.why = "the number is the name that the caller typed: give users numbers, or let them type one (no number)"
		case !strings.HasPrefix(a, "-") || a == "-":
			o.numbers = append(o.numbers, a)
		default:
			for j := 1; j < len(a); j++ {
				if !strings.ContainsRune("xsml", rune(a[j])) {
					o.same = o.same || a[j] == 'S'
					continue
				}
				value := a[j+1:]
				if value == "" && i+1 < len(args) {
					i++
					value = args[i]
				}
				switch a[j] {
				case 'l':
					o.devices = strings.Split(value, ":")
				case 'm':
					o.why = "the initialization of callback -m: write it into modem-init of callback.config"
				}
				break
			}
		}
	}
	return o
}

// parseUsers reads names and passwords, as /etc/shadow has them: NAME:HASH[:…]. at has the line of each name.
func parseUsers(l *importer.Ledger, lines []string) (names []string, hashes map[string]string, at map[string]int,
	err *importer.Error) {
	hashes, at = map[string]string{}, map[string]int{}
	for i, text := range lines {
		if l.Has(i + 1) {
			continue
		}
		name, rest, ok := strings.Cut(text, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, nil, nil, failIn(i+1, "it is not a line of /etc/shadow", "NAME:HASH")
		}
		hash, _, _ := strings.Cut(rest, ":")
		l.Hide(i+1, len(name)+1, len(name)+1+len(hash))
		if _, twice := hashes[name]; twice {
			return nil, nil, nil, failIn(i+1, fmt.Sprintf("%.40q is there twice", name), "each name once")
		}
		names, hashes[name], at[name] = append(names, name), hash, i+1
	}
	return names, hashes, at, nil
}
