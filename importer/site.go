package importer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Site is what an importer makes of its input. Files writes it down.
type Site struct {
	About    string // first comment of ringback.yaml: where it comes from, and what to do next
	Keys     Map    // keys of ringback.yaml before `users` and `places`
	Users    []User
	Places   []Place
	Policies []Policy
	Last     Map    // keys of ringback.yaml after `users` and `places`
	Secrets  []File // further files with secrets, which Keys name
}

// User is a local user. It has a Password, which is stored in a file of its own, or a Hash.
type User struct {
	Name     string
	Password string
	Hash     string
	PrivLvl  int // 0: not set
	Groups   []string
	Services []string  // "exec", "ppp"; none: all. Two users may have one name if these differ
	Callback *Callback // nil: none
}

// Callback is how a local user is called back.
type Callback struct {
	Numbers  []string // none: the caller is asked, unless there is a Place
	Place    string   // instead of numbers
	NoVerify bool
	Line     string // TTY or range of lines, "66-67"; "": none
	Rotary   *int   // nil: none
}

// Place is a name for a number.
type Place struct{ Name, Number string }

// Policy is the policy file of a group.
type Policy struct {
	Group string
	About string // comment at its beginning
	Keys  Map    // all keys except `group`
}

// File is a file of the configuration. Path is relative to its directory, with slashes.
type File struct {
	Path, Text string
}

// Main is the path of the file that names all others.
const Main = "ringback.yaml"

// The directories of the other files.
const (
	policiesDir = "policies.d"
	secretsDir  = "secrets"
)

// Secret adds a file with a secret and returns its path, for a key such as `secret_file`. The name may be any text; two
// secrets with one name get two files.
func (s *Site) Secret(name, text string) (path string) {
	path = secretsDir + "/" + fileName(name)
	s.Secrets = append(s.Secrets, File{path, text + "\n"})
	return path
}

// fileName makes a file name from any text. Different texts have different names, also on file systems that ignore
// letter case.
func fileName(text string) string {
	var b strings.Builder
	plain := len(text) <= 64
	for i, r := range text {
		if r >= 'A' && r <= 'Z' {
			plain = false
			r += 'a' - 'A'
		}
		ok := r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' && i > 0
		if !ok {
			plain = false
			r = '_'
		}
		if b.Len() < 64 {
			b.WriteRune(r)
		}
	}
	if plain && text != "" {
		return text
	}
	sum := sha256.Sum256([]byte(text))
	return b.String() + "-" + hex.EncodeToString(sum[:6])
}

// Files returns all files; ringback.yaml, which names the others, is the last one.
func (s *Site) Files() []File {
	var passwords []File
	top := append(Map(nil), s.Keys...)
	if len(s.Policies) > 0 {
		top = append(Map{{Key: "policies_dir", Value: policiesDir}}, top...)
	}
	users := s.users(&passwords)
	if s.many() {
		top.SetAbout("The passwords of local users: on each line a name, a tab and the password.", "passwords_file",
			passwordsFile)
	}
	top.SetAbout("Local users: the method `local`.", "users", users)
	top.SetAbout("Numbers for the names of places.", "places", s.places())
	top = append(top, s.Last...)
	files := append(append([]File(nil), s.Secrets...), passwords...)
	for _, p := range s.Policies {
		files = append(files, File{policiesDir + "/" + p.Group + ".yaml", p.text()})
	}
	var b strings.Builder
	if s.About != "" {
		comment(&b, s.About)
	}
	return append(files, File{Main, b.String() + top.YAML()})
}

// manyPasswords is the number of passwords from which on they are in one file, not in one for each user: thousands of
// files take seconds to write.
const manyPasswords = 100

// passwordsFile has the passwords of many users, as the key `passwords_file`.
const passwordsFile = secretsDir + "/users.passwords"

// many reports whether the passwords are in one file.
func (s *Site) many() bool {
	n := 0
	for i := range s.Users {
		if s.Users[i].Password != "" {
			n++
		}
	}
	return n >= manyPasswords
}

func (s *Site) users(passwords *[]File) (all []Map) {
	named := map[string]int{}
	var stored strings.Builder
	many := s.many()
	for i := range s.Users {
		u := &s.Users[i]
		named[u.Name]++
		m := Map{{Key: "name", Value: u.Name}}
		switch {
		case u.Password == "":
		case many && named[u.Name] == 1:
			stored.WriteString(u.Name + "\t" + u.Password + "\n")
		default:
			name := u.Name
			if n := named[u.Name]; n > 1 {
				name = fmt.Sprintf("%s\x00%d", u.Name, n) // no user has that name
			}
			path := secretsDir + "/" + fileName(name) + ".password"
			*passwords = append(*passwords, File{path, u.Password + "\n"})
			m.Set("password_file", path)
		}
		m.Set("password_hash", u.Hash)
		if u.PrivLvl > 0 {
			m.Set("priv_lvl", u.PrivLvl)
		}
		m.Set("groups", u.Groups)
		m.Set("services", u.Services)
		if u.Callback != nil {
			m.Set("callback", u.Callback.keys())
		}
		all = append(all, m)
	}
	if stored.Len() > 0 {
		*passwords = append(*passwords, File{passwordsFile, stored.String()})
	}
	return all
}

func (c *Callback) keys() (m Map) {
	switch {
	case c.Place != "":
		m.Set("place", c.Place)
	case len(c.Numbers) == 0:
		m = Map{{Key: "dialstring", Value: ""}}
	case len(c.Numbers) == 1:
		m.Set("dialstring", c.Numbers[0])
	default:
		m.Set("numbers", c.Numbers)
	}
	if c.NoVerify {
		m.Set("no_verify", true)
	}
	m.Set("line", c.Line)
	if c.Rotary != nil {
		m.Set("rotary", *c.Rotary)
	}
	return m
}

func (s *Site) places() (all []Map) {
	for _, p := range s.Places {
		all = append(all, Map{{Key: "name", Value: p.Name}, {Key: "number", Value: p.Number}})
	}
	return all
}

func (p Policy) text() string {
	var b strings.Builder
	if p.About != "" {
		comment(&b, p.About)
	}
	fmt.Fprintf(&b, "group: %s\n", key(p.Group))
	return b.String() + p.Keys.YAML()
}
