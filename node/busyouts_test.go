package node

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ringback/ringback/lines"
)

// TestBusyoutsFile: what was kept is read again; a damaged file is an error that says what to do, not an empty list.
func TestBusyoutsFile(t *testing.T) {
	t.Parallel()
	file := busyouts(filepath.Join(t.TempDir(), "busyouts.json"))
	if all, err := file.read(); err != nil || len(all) != 0 {
		t.Errorf("without a file: %v, %v", all, err)
	}
	since := time.Date(2026, 11, 29, 10, 0, 0, 0, time.UTC)
	for _, want := range []map[int]lines.Busyout{
		{65: {Reason: "storm", By: "uid 7", Since: since}, 99999: {By: "uid 0", Since: since}}, {},
	} {
		if err := file.keep(want); err != nil {
			t.Fatal(err)
		}
		if got, err := file.read(); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v, want %+v", got, err, want)
		}
	}
	if info, err := os.Stat(string(file)); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(string(file))); len(left) != 1 {
		t.Errorf("%v", left)
	}
	for _, text := range []string{"", "{", "[]", `{"x": {}}`} {
		if err := os.WriteFile(string(file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if all, err := file.read(); err == nil || !strings.Contains(err.Error(), "remove the file") {
			t.Errorf("%q: %v, %v", text, all, err)
		}
	}
	if err := busyouts(filepath.Join(t.TempDir(), "gone", "busyouts.json")).keep(nil); err == nil {
		t.Error("kept in a directory that does not exist")
	}
}
