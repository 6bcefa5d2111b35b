package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
)

// documented returns the keys in a section of the printed reference, in its order.
func documented(t *testing.T, section string) []string {
	t.Helper()
	data, err := os.ReadFile("../docs/reference/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(data), "\n### `"+section+"`\n")
	if !ok {
		t.Fatalf("the reference has no section %s", section)
	}
	text, _, _ = strings.Cut(text, "\n#")
	var keys []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(text, -1) {
		keys = append(keys, m[1])
	}
	return keys
}

// The reference has each kind of method list twice, as lists and as a key of a line, and has no other lists.
func TestListKindsInReference(t *testing.T) {
	var names []string
	for _, k := range ListKinds {
		names = append(names, k.Name)
	}
	if got := documented(t, "aaa.lists"); !slices.Equal(got, names) {
		t.Errorf("aaa.lists of the reference has %v, the table of kinds %v", got, names)
	}
	line := documented(t, "lines[]")
	first := slices.Index(line, names[0])
	if first < 0 || len(line) < first+len(names) || !slices.Equal(line[first:first+len(names)], names) {
		t.Errorf("lines of the reference have %v, the table of kinds %v", line, names)
	}
}

// Each service has exactly one kind of list for each of its purposes.
func TestListKindsOfServices(t *testing.T) {
	for _, tt := range []struct {
		purpose Purpose
		service aaa.Service
		want    string
	}{
		{Authentication, aaa.EXEC, "login"}, {Authentication, aaa.Enable, "enable"}, {Authentication, aaa.PPP, "ppp"},
		{Authorization, aaa.EXEC, "exec"}, {Authorization, aaa.PPP, "network"},
		{Authorization, aaa.Commands, "commands"}, {Authentication, aaa.Outbound, "login"},
		{Authorization, aaa.Outbound, "dial_out"},
		{Authentication, aaa.Commands, ""}, {Authorization, aaa.Enable, ""},
	} {
		k, ok := KindOf(tt.purpose, tt.service)
		if k.Name != tt.want || ok != (tt.want != "") {
			t.Errorf("%s of %s: kind %q, want %q", tt.purpose, tt.service, k.Name, tt.want)
		}
		n := 0
		for _, k := range ListKinds {
			if k.Purpose == tt.purpose && slices.Contains(k.Services, tt.service) {
				n++
			}
		}
		if n > 1 {
			t.Errorf("%s of %s: %d kinds", tt.purpose, tt.service, n)
		}
	}
}
