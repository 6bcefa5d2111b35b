package policies

import (
	"slices"
	"testing"
)

// TestChangedGroups: a group that has changed, has come or is gone; notation and order are no change.
func TestChangedGroups(t *testing.T) {
	t.Parallel()
	old := mustLoad(t, map[string]string{"same.yaml": "group: same\ncallback: optional\nusers: [kim, lee]\n",
		"more.yaml": "group: more\ncallback: off\n", "gone.yaml": "group: gone\ncallback: off\n"})
	now := mustLoad(t, map[string]string{
		"same.yaml": "group: same\nusers: [\"kim\", lee] # staff\ncallback: \"optional\"\n",
		"more.yaml": "group: more\ncallback: required\n", "come.yaml": "group: come\ncallback: off\n",
	})
	if got, want := ChangedGroups(old, now), []string{"come", "gone", "more"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := ChangedGroups(nil, old), []string{"gone", "more", "same"}; !slices.Equal(got, want) {
		t.Errorf("from none: %q, want %q", got, want)
	}
}
