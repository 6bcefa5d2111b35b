package filter

import (
	"slices"
	"strings"
	"testing"
)

var site = []Config{
	{Name: "mail", In: []string{"allow tcp 192.0.2.25:25"}, Idle: []string{"ignore udp :123"}},
	{Name: "web", In: []string{"allow tcp :80"}, Out: []string{"allow tcp :80 established"}},
	{Name: "answers", Out: []string{"allow tcp any established"}},
	{Name: "115", In: []string{"allow tcp :115"}, Out: []string{"allow tcp :115"}},
	{Name: "odd.in", In: []string{"allow tcp :1"}},
	{Name: "odd", In: []string{"allow tcp :2"}},
}

func TestSelect(t *testing.T) {
	set, err := NewSet(site)
	if err != nil {
		t.Fatal(err)
	}
	group := func(name string) bool { return name == "staff" || name == "mail" }
	for _, c := range []struct {
		grant         Grant
		name          string
		in, out, idle string // the rule of the list
		err           string
	}{
		{Grant{}, "", "", "", "", ""},
		{Grant{FilterIDs: []string{"mail"}}, "mail", "allow tcp 192.0.2.25:25", "", "ignore udp :123", ""},
		{Grant{FilterIDs: []string{"staff"}}, "", "", "", "", ""},
		{Grant{FilterIDs: []string{"staff", "mail", "answers"}}, "mail+answers", "allow tcp 192.0.2.25:25",
			"allow tcp any established", "ignore udp :123", ""},
		{Grant{FilterIDs: []string{"115.in"}}, "115", "allow tcp :115", "", "", ""},
		{Grant{FilterIDs: []string{"115.out"}}, "115", "", "allow tcp :115", "", ""},
		{Grant{FilterIDs: []string{"115.in", "115.out"}}, "115", "allow tcp :115", "allow tcp :115", "", ""},
		{Grant{FilterIDs: []string{"odd.in"}}, "odd.in", "allow tcp :1", "", "", ""},
		{Grant{InACL: []string{"web"}}, "web", "allow tcp :80", "", "", ""},
		{Grant{OutACL: []string{"web"}}, "web", "", "allow tcp :80 established", "", ""},
		{Grant{InACL: []string{"mail"}, OutACL: []string{"web"}}, "mail+web", "allow tcp 192.0.2.25:25",
			"allow tcp :80 established", "", ""},
		{Grant{FilterIDs: []string{"web"}, InACL: []string{"web"}}, "web", "allow tcp :80",
			"allow tcp :80 established", "", ""},
		{grant("mail", "web"), "", "", "", "", `Filter-Id "web": filter mail already gives the in list`},
		{Grant{FilterIDs: []string{"mail"}, InACL: []string{"web"}}, "", "", "", "",
			`inacl "web": filter mail already gives the in list`},
		{grant("nothing"), "", "", "", "",
			`Filter-Id "nothing": no filter has this name; filters: 115, answers, mail, odd, odd.in, web`},
		{Grant{InACL: []string{"staff"}}, "", "", "", "", `inacl "staff": no filter has this name`},
		{Grant{InACL: []string{"permit tcp any any"}}, "", "", "", "", `inacl "permit tcp any any": no filter`},
		{Grant{InACL: []string{"answers"}}, "", "", "", "", `inacl "answers": filter answers has no in list`},
		{Grant{OutACL: []string{"mail"}}, "", "", "", "", `outacl "mail": filter mail has no out list`},
		{grant("answers.in"), "", "", "", "", `Filter-Id "answers.in": filter answers has no in list`},
	} {
		f, err := set.Select(c.grant, group)
		if c.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.err) || f != nil {
				t.Errorf("%+v: %v, want %q", c.grant, err, c.err)
			}
			continue
		}
		if err != nil || f.Name() != c.name {
			t.Errorf("%+v: %q, %v; want %q", c.grant, f.Name(), err, c.name)
			continue
		}
		got := f.Config()
		for i, l := range [][]string{got.In, got.Out, got.Idle} {
			if want := []string{c.in, c.out, c.idle}[i]; strings.Join(l, "") != want {
				t.Errorf("%+v: list %d is %q, want %q", c.grant, i, l, want)
			}
		}
	}
}

func grant(ids ...string) Grant { return Grant{FilterIDs: ids} }

func TestNewSet(t *testing.T) {
	set, err := NewSet(site)
	if err != nil {
		t.Fatal(err)
	}
	if got := set.Names(); !slices.Equal(got, []string{"115", "answers", "mail", "odd", "odd.in", "web"}) {
		t.Errorf("names %q", got)
	}
	if set.Lookup("mail").Name() != "mail" || set.Lookup("nothing") != nil {
		t.Error("Lookup finds the wrong filter")
	}
	_, err = NewSet([]Config{{Name: "a"}, {Name: "a"}, {Name: "b", In: []string{"allow"}}})
	if err == nil || !strings.Contains(err.Error(), `filter "a": the name is used twice`) ||
		!strings.Contains(err.Error(), "filter b: in: rule 1") {
		t.Errorf("error %v", err)
	}
	var empty Set
	if _, err := empty.Select(grant("mail"), nil); err == nil || !strings.Contains(err.Error(), "none is configured") {
		t.Errorf("error %v", err)
	}
}
