package importer

import (
	"fmt"
	"reflect"
	"strings"
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
		{Line: 1, Text: "# password = [secret]", Kind: Harmless, Note: "comment", Warn: ""},
		{Line: 2, Text: "", Kind: Harmless, Note: "blank", Warn: ""},
		{Line: 3, Text: "user kim password [secret] ?[2J", Kind: Unsupported, Note: "a user; a name; no color",
			Warn: "look"},
		{Line: 4, Text: "a", Kind: Harmless, Note: "an a", Warn: ""},
		{Line: 5, Text: "b", Kind: Harmless, Note: "part of line 4", Warn: ""},
		{Line: 6, Text: "c", Kind: Unsupported, Note: "not read", Warn: ""},
		{Line: 7, Text: "  # nothing", Kind: Harmless, Note: "comment", Warn: ""},
	}
	if got := l.Report("x"); !reflect.DeepEqual(got.Rows, want) || got.Format != "x" {
		t.Errorf("%+v", got.Rows)
	}
	many := NewLedger([]string{"group"}, "#")
	for i := range 5000 {
		many.Imported(1, fmt.Sprintf("user %d", i))
	}
	many.Unsupported(1, "no color")
	if row := many.Report("x").Rows[0]; row.Kind != Unsupported || strings.Count(row.Note, "; ") != maxNotes+1 ||
		!strings.HasSuffix(row.Note, "; user 11; no color; and more") {
		t.Errorf("%+v", row)
	}
	if !l.Has(3) {
		t.Error("nothing was recorded of line 3")
	}
}
