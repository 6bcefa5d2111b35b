package broker

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/journal"
)

// TestViewHidesClass: the journal keeps Class for leg two's accounting; views do not show it.
func TestViewHidesClass(t *testing.T) {
	g := grant{Server: "one", Auth: aaa.Authorization{Callback: true, Class: [][]byte{[]byte("canary")},
		Attributes: []string{"Class = [secret]"}}}
	row := journal.Callback{Authorization: g.encode()}
	if !strings.Contains(row.Authorization, "Y2FuYXJ5") {
		t.Fatalf("the journal's row has no Class: %s", row.Authorization)
	}
	got := view(row, nil).Authorization
	if strings.Contains(got, "Y2FuYXJ5") || strings.Contains(got, "canary") ||
		!strings.Contains(got, `"server":"one"`) || !strings.Contains(got, "Class = [secret]") {
		t.Errorf("shown: %s", got)
	}
}
