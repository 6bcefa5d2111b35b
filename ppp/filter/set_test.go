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

// TestSelectAlso: the site's filter applies besides those of AAA, and can only take away.
func TestSelectAlso(t *testing.T) {
	set, err := NewSet(append([]Config{{Name: "site", In: []string{"allow tcp :25", "allow tcp :80"},
		Idle: []string{"ignore tcp :80"}}}, site...))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		grant Grant
		name  string
		in    []string // what passes from the caller: host:port
		out   bool     // whether UDP passes to the caller
		idle  string   // what counts
	}{
		{Grant{Also: "site"}, "site", []string{"mail:25", "other:25", "other:80"}, true, "mail:25 other:25 other:123"},
		{Grant{Also: "mail"}, "mail", []string{"mail:25"}, true, "mail:25 other:25 other:80"},
		{Grant{FilterIDs: []string{"site"}, Also: "site"}, "site", []string{"mail:25", "other:25", "other:80"}, true,
			"mail:25 other:25 other:123"},
		{Grant{FilterIDs: []string{"mail"}, Also: "site"}, "mail+site", []string{"mail:25"}, true, "mail:25 other:25"},
		{Grant{FilterIDs: []string{"web"}, Also: "site"}, "web+site", []string{"other:80"}, false,
			"mail:25 other:25 other:123"},
		{Grant{InACL: []string{"115"}, Also: "site"}, "115+site", nil, true, "mail:25 other:25 other:123"},
	} {
		f, err := set.Select(tt.grant, nil)
		if err != nil || f.Name() != tt.name {
			t.Errorf("%+v: %q, %v", tt.grant, f.Name(), err)
			continue
		}
		var in, idle []string
		for _, p := range []struct {
			name string
			spec
		}{
			{"mail:25", to(mail, 6, 25)}, {"other:25", to(other, 6, 25)}, {"other:80", to(other, 6, 80)},
			{"other:123", to(other, 17, 123)},
		} {
			if f.In(p.build()).Pass {
				in = append(in, p.name)
			}
			if f.Counts(p.build(), FromCaller).Pass {
				idle = append(idle, p.name)
			}
		}
		answer := spec{src: other, dst: caller, protocol: 17, sport: 53, dport: 40000}
		if !slices.Equal(in, tt.in) || f.Out(answer.build()).Pass != tt.out || strings.Join(idle, " ") != tt.idle {
			t.Errorf("%+v: in %q, out %v, idle %q", tt.grant, in, f.Out(answer.build()).Pass, idle)
		}
	}
	if f, err := set.Select(Grant{Also: "nothing"}, func(string) bool { return true }); f != nil || err == nil ||
		!strings.HasPrefix(err.Error(), `filter "nothing": no filter has this name`) {
		t.Errorf("%v %v", f, err)
	}
}
