package importer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// site has a file of each kind.
func site() *Site {
	rotary := 7
	s := &Site{About: "from a test", Users: []User{
		{Name: "kim", Password: "pw", Groups: []string{"staff"}, Callback: &Callback{Numbers: []string{"0841"},
			NoVerify: true, Line: "66-67"}},
		{Name: "lee", Hash: "$1$a$b", PrivLvl: 15, Callback: &Callback{Rotary: &rotary}},
		{Name: "max", Password: "pw", Callback: &Callback{Numbers: []string{"1", "2"}}},
	}, Places: []Place{{"paris", "84022"}},
		Policies: []Policy{{Group: "staff", About: "of staff", Keys: Map{{Key: "callback", Value: Word("required")}}}}}
	s.Keys.Set("enable", Map{{Key: "password_file", Value: s.Secret("enable", "s3cret")}})
	s.Last.Set("lines", []Map{{{Key: "tty", Value: "65"}}})
	return s
}

// tree lists what is below a directory, with the mode of each.
func tree(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		rel, _ := filepath.Rel(dir, path)
		all = append(all, rel+" "+info.Mode().String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	if err := (Writer{Dir: dir}).Write(site().Files()); err != nil {
		t.Fatal(err)
	}
	want := []string{". drwx------",
		"policies.d drwx------", "policies.d/staff.yaml -rw-------", "ringback.yaml -rw-------",
		"secrets drwx------", "secrets/enable -rw-------", "secrets/kim.password -rw-------",
		"secrets/max.password -rw-------"}
	if got := tree(t, dir); !slices.Equal(got, want) {
		t.Errorf("written: %q; want %q", got, want)
	}
	for name, want := range map[string]string{
		"secrets/kim.password": "pw\n", "secrets/enable": "s3cret\n",
		"policies.d/staff.yaml": "# of staff\ngroup: staff\ncallback: required\n",
		"ringback.yaml": `# from a test
policies_dir: "policies.d"
enable: {password_file: "secrets/enable"}

# Local users: the method ` + "`local`" + `.
users:
  - name: "kim"
    password_file: "secrets/kim.password"
    groups: ["staff"]
    callback: {dialstring: "0841", no_verify: true, line: "66-67"}
  - {name: "lee", password_hash: "$1$a$b", priv_lvl: 15, callback: {dialstring: "", rotary: 7}}
  - {name: "max", password_file: "secrets/max.password", callback: {numbers: ["1", "2"]}}

# Numbers for the names of places.
places: [{name: "paris", number: "84022"}]
lines: [{tty: "65"}]
`,
	} {
		if got, _ := os.ReadFile(filepath.Join(dir, name)); string(got) != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestWriteSample: the configuration that a package has installed is replaced, unless it was changed.
func TestWriteSample(t *testing.T) {
	dir := t.TempDir()
	main := filepath.Join(dir, "ringback.yaml")
	if err := os.WriteFile(main, []byte("# a sample\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := (Writer{Dir: dir, Sample: []byte("# another\n")}).Write(site().Files()); err == nil {
		t.Error("a changed configuration was replaced")
	}
	if got, _ := os.ReadFile(main); string(got) != "# a sample\n" {
		t.Errorf("ringback.yaml is %q", got)
	}
	if err := (Writer{Dir: dir, Sample: []byte("# a sample\n")}).Write(site().Files()); err != nil {
		t.Error(err)
	}
	if got, _ := os.ReadFile(main); !strings.HasPrefix(string(got), "# from a test") {
		t.Errorf("ringback.yaml is %q", got)
	}
}

// TestWriteAllOrNone: after an error, the directory is as before.
func TestWriteAllOrNone(t *testing.T) {
	bad := errors.New("bad")
	for _, tt := range []struct {
		name   string
		there  []string // files of the directory
		w      func(dir string) Writer
		files  []File
		reason string
	}{
		{"the main file exists", []string{"ringback.yaml"}, nil, nil,
			"ringback.yaml exists, and the import overwrites nothing (write into another directory with --out)"},
		{"another one exists", []string{"secrets/kim.password"}, nil, nil, "kim.password exists, and the import"},
		{"a file in place of a directory", []string{"secrets"}, nil, nil, "not a directory"},
		{"the check fails", nil, func(dir string) Writer {
			return Writer{Dir: dir, Check: func(string) error { return bad }}
		}, nil, "bad"},
		{"the check fails beside other files", []string{"other", "secrets/other"}, func(dir string) Writer {
			return Writer{Dir: dir, Check: func(string) error { return bad }}
		}, nil, "bad"},
		{"the group cannot be given", nil, func(dir string) Writer {
			return Writer{Dir: dir, Share: func(*os.File, string) error { return bad }}
		}, nil, "bad"},
		{"a file comes meanwhile", nil, func(dir string) Writer {
			return Writer{Dir: dir, Check: func(string) error {
				return os.WriteFile(filepath.Join(dir, "b"), nil, 0o600)
			}}
		}, []File{{"a", "1"}, {"c/d", "2"}, {"b", "3"}}, "file exists"},
		{"two files of one name", nil, nil, []File{{"a", "1"}, {"a", "2"}}, "file exists"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "out")
			for _, name := range tt.there {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t, filepath.Dir(dir))
			w := Writer{Dir: dir}
			if tt.w != nil {
				w = tt.w(dir)
			}
			files := tt.files
			if files == nil {
				files = site().Files()
			}
			err := w.Write(files)
			if err == nil || !strings.Contains(err.Error(), tt.reason) {
				t.Errorf("error %v; want %q", err, tt.reason)
			}
			after := tree(t, filepath.Dir(dir))
			if tt.name == "a file comes meanwhile" { // it stays
				before = append(before, "out drwx------", "out/b -rw-------")
			}
			if !slices.Equal(after, before) {
				t.Errorf("left: %q; before: %q", after, before)
			}
		})
	}
}

func TestReport(t *testing.T) {
	r := Report{File: "router.cfg", Warnings: []string{"all of it"}, Rows: []Row{
		{Line: 1, Text: "!", Kind: Harmless, Note: "a comment"},
		{Line: 2, Text: "hostname maui", Kind: Imported, Note: "hostname"},
		{Line: 3, Text: "enable secret 5 " + Hidden, Kind: Unsupported, Note: "no hash", Warn: "log in first"},
		{Line: 4, Text: "banner", Kind: Harmless, Note: "none", Warn: "odd"}}}
	var short, long strings.Builder
	r.Print(&short, false)
	r.Print(&long, true)
	const want = `2  imported     hostname maui
   -> hostname
3  unsupported  enable secret 5 [secret]
   -> no hash
   warning: log in first
4  harmless     banner
   -> none
   warning: odd
warning: all of it
router.cfg: 4 lines: 1 imported, 2 harmless, 1 unsupported
`
	if short.String() != want {
		t.Errorf("report:\n%s\nwant\n%s", short.String(), want)
	}
	if got := "1  harmless     !\n   -> a comment\n" + want; long.String() != got {
		t.Errorf("report:\n%s\nwant\n%s", long.String(), got)
	}
}

// TestManyPasswords: the passwords of many users are in one file; a second user of a name has a file of its own.
func TestManyPasswords(t *testing.T) {
	s := &Site{}
	var want strings.Builder
	for i := range 100 {
		name := fmt.Sprintf("user %d", i)
		s.Users = append(s.Users, User{Name: name, Password: "p\tw " + name})
		want.WriteString(name + "\tp\tw " + name + "\n")
	}
	s.Users = append(s.Users, User{Name: "user 7", Password: "other", Services: []string{"ppp"}}, User{Name: "h",
		Hash: "x"})
	files := map[string]string{}
	for _, f := range s.Files() {
		files[f.Path] = f.Text
	}
	if len(files) != 3 || files["secrets/users.passwords"] != want.String() ||
		!strings.Contains(files["ringback.yaml"], `passwords_file: "secrets/users.passwords"`) {
		t.Errorf("files: %q", files)
	}
}
