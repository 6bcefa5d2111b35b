package schema

import "testing"

// TestShown: values as people read them, and no secret.
func TestShown(t *testing.T) {
	table := []Key{
		{Name: "text"}, {Name: "n", Type: Int}, {Name: "on", Type: Bool, Default: "true"},
		{Name: "wait", Type: Duration, Default: "1m30s"}, {Name: "hash", Secret: true},
		{Name: "list", Type: List, Elem: &Key{Type: Object, Keys: []Key{{Name: "name"}, {Name: "pin", Secret: true},
			{Name: "off", Type: Bool}}}},
		{Name: "names", Type: Dict, Elem: &Key{Type: Int}},
	}
	v, problems := Parse("x", []byte("text: \"a\\u001b[2J\"\nn: 7\nhash: \"$2b$12$x\"\n"+
		"list: [{name: b, pin: \"1234\"}, {name: c, off: false}]\nnames: {z: 1, a: 2}\n"), table)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	for name, want := range map[string]string{"text": `"a\x1b[2J"`, "n": "7", "on": "true", "wait": "1m30s",
		"hash": "[secret]", "list": `[{name: "b", pin: [secret]}, {name: "c", off: false}]`,
		"names": `{"a": 2, "z": 1}`} {
		if got := Shown(*Find(table, name), v.Get(name)); got != want {
			t.Errorf("%s: %s, must be %s", name, got, want)
		}
	}
	if got := Shown(*Find(table, "hash"), nil); got != "" {
		t.Errorf("a secret that is not set: %q", got)
	}
}
