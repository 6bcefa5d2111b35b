package e2e

import (
	"regexp"
	"strings"
	"testing"

	"github.com/ringback/ringback/lab"
)

// TestTutorialScenarios plays the scenarios of the tutorial, with the change of the policy that it describes.
func TestTutorialScenarios(t *testing.T) {
	t.Parallel()
	const tutorial = "../docs/tutorial/lab.md"
	old, now := `deny: ["849*"]`, `deny: ["849*", "84002"]`
	if !strings.Contains(readFile(t, tutorial), now) {
		t.Fatalf("%s does not change the policy to %s", tutorial, now)
	}
	l := startSite(t, lab.Options{Edit: func(name, text string) string {
		if name == "policies.d/field.yaml" && !strings.Contains(text, old) {
			t.Errorf("there is no %s in the lab's policy", old)
		}
		return shortWait(name, strings.Replace(text, old, now, 1))
	}})
	for _, text := range fenced(t, tutorial, "txtar") {
		play(t, l, parse(t, text))
	}
}

// fenced returns the fenced blocks of a kind in a document.
func fenced(t *testing.T, path, kind string) (blocks []string) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?ms)^```"+kind+"\n(.*?)^```$").FindAllStringSubmatch(readFile(t, path), -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no block of %s", path, kind)
	}
	return blocks
}
