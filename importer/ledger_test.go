package importer

import (
	"reflect"
	"testing"
)

func TestLedger(t *testing.T) {
	l := NewLedger([]string{"# password = hunter2", "", "user kim password hunter2 \x1b[2J", "a", "b", "c",
		"  # nothing"}, "#")
	l.Imported(3, "a user")
	l.Harmless(3, "a name")
	l.Unsupported(3, "no color")
	l.Imported(3, "a user")
	l.Hide(3, 18, 25)
	l.Hide(3, 20, 22) // inside of the other
	l.Warn(3, "look")
	l.Warn(3, "look")
	l.Harmless(4, "an a")
	l.Follow(5, 4)
	l.Follow(4, 3)
	want := []Row{
		{1, "# password = [secret]", Harmless, "comment", ""},
		{2, "", Harmless, "blank", ""},
		{3, "user kim password [secret] ?[2J", Unsupported, "a user; a name; no color", "look"},
		{4, "a", Harmless, "an a", ""},
		{5, "b", Harmless, "part of line 4", ""},
		{6, "c", Unsupported, "not read", ""},
		{7, "  # nothing", Harmless, "comment", ""},
	}
	if got := l.Report("x"); !reflect.DeepEqual(got.Rows, want) || got.Format != "x" {
		t.Errorf("%+v", got.Rows)
	}
	if !l.Has(3) {
		t.Error("nothing was recorded of line 3")
	}
}
