package e2e

import (
	"regexp"
	"slices"
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

// TestTutorialInChinese: both tutorials have the same commands, scenarios and files in the same order, lead to each
// other, and have the same sections. Comments beside commands and output are translated.
func TestTutorialInChinese(t *testing.T) {
	t.Parallel()
	const english, chinese = "../docs/tutorial/lab.md", "../docs/tutorial/lab.zh-Hant.md"
	en, zh := commandsOf(t, english), commandsOf(t, chinese)
	if len(en) < 20 || len(en) != len(zh) {
		t.Fatalf("%d blocks in English, %d in Chinese", len(en), len(zh))
	}
	for i := range en {
		if en[i] != zh[i] {
			t.Errorf("block %d differs:\n%s\n%s", i+1, en[i], zh[i])
		}
	}
	sections := regexp.MustCompile(`(?m)^## (\d+)\.`)
	a, b := sections.FindAllString(readFile(t, english), -1), sections.FindAllString(readFile(t, chinese), -1)
	if len(a) < 10 || !slices.Equal(a, b) {
		t.Errorf("sections %q in English, %q in Chinese", a, b)
	}
	links := regexp.MustCompile(`\]\(([^)]*)\)`)
	a, b = links.FindAllString(readFile(t, english), -1), links.FindAllString(readFile(t, chinese), -1)
	if a[0] != "](lab.zh-Hant.md)" || b[0] != "](lab.md)" || !slices.Equal(a[1:], b[1:]) {
		t.Errorf("links %q in English, %q in Chinese", a, b)
	}
	spans := regexp.MustCompile("`[^`\\n]+`")
	a, b = spans.FindAllString(outside(t, english), -1), spans.FindAllString(outside(t, chinese), -1)
	if !slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))) {
		t.Errorf("code in the text:\n%q\n%q", a, b)
	}
}

var fence = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```$")

// commandsOf returns the blocks of a document without the comments beside commands and output.
func commandsOf(t *testing.T, path string) (all []string) {
	t.Helper()
	beside := regexp.MustCompile(`(?m)(   +#.*|   +(->|[^ ])[^\n]*)$`)
	for _, m := range fence.FindAllStringSubmatch(readFile(t, path), -1) {
		all = append(all, beside.ReplaceAllString(m[1], ""))
	}
	return all
}

// outside returns the text of a document outside of its blocks, with its lines joined.
func outside(t *testing.T, path string) string {
	t.Helper()
	return strings.ReplaceAll(fence.ReplaceAllString(readFile(t, path), ""), "\n", " ")
}
