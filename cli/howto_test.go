package cli

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ringback/ringback/config"
	"github.com/ringback/ringback/lines/modem/profiles"
	"github.com/ringback/ringback/numbers"
	"github.com/ringback/ringback/policies"
	"github.com/ringback/ringback/policies/policytest"
	"github.com/ringback/ringback/schema"
)

// TestHowToYAML parses each block of YAML in these how-tos.
func TestHowToYAML(t *testing.T) {
	block := regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")
	for page, least := range map[string]int{"toll-fraud": 15, "policies": 6, "tariff": 2, "modem-profiles": 3} {
		all := block.FindAllStringSubmatch(readFile(t, "../docs/how-to/"+page+".md"), -1)
		if len(all) < least {
			t.Errorf("%s.md has %d blocks of YAML", page, len(all))
		}
		for _, b := range all {
			if problems := parseBlock(t, b[1]); problems.HasErrors() {
				t.Errorf("%s.md: %v in\n%s", page, problems, b[1])
			}
		}
	}
}

var firstKey = regexp.MustCompile(`(?m)^([a-z_]+):`)

// parseBlock parses a block as what it is: tests, a file of ranges, a policy file or a part of one, or a part of
// ringback.yaml.
func parseBlock(t *testing.T, text string) schema.Problems {
	t.Helper()
	const rest = "state_dir: state\naaa: {lists: {login: {default: [none]}}}\n"
	files := map[string]string{
		"tariff.csv":   "prefix,per_minute,granularity,currency\n33,0.02,60/60,EUR\n",
		"holidays.txt": "2026-12-25 Christmas Day\n",
		"default.yaml": "group: default\n", // for `extends: default`
	}
	group := regexp.MustCompile(`(?m)^group: (\S+)`).FindStringSubmatch(text)
	switch key := firstKey.FindStringSubmatch(text); {
	case key == nil:
		t.Fatalf("no key in\n%s", text)
	case key[1] == "about":
		_, problems := profiles.New(profiles.File{Path: "our-modems.yaml", Data: []byte(text)})
		return problems
	case key[1] == "tests":
		_, problems := policytest.Parse("field.test.yaml", []byte(text))
		return problems
	case key[1] == "ranges":
		if _, err := numbers.ParseRanges([]byte(text)); err != nil {
			t.Error(err)
		}
		return nil
	case key[1] != "numbers" && key[1] != "login" && schema.Find(policies.Keys(), key[1]) != nil && group == nil:
		group, text = []string{"", "part"}, "group: part\n"+text
	case group == nil && !strings.Contains(text, "tariff:"):
		text += "tariff: {file: tariff.csv}\n"
	}
	if group != nil {
		files[group[1]+".yaml"] = text
		_, problems := policies.LoadFiles(policies.SiteOfFiles(), filepath.Join(fileDir(t, files), group[1]+".yaml"))
		return problems
	}
	if strings.HasPrefix(text, "modems_dir: modems.d\n") {
		files["modems.d/our-modems.yaml"] = "about: ours\n"
	}
	files["ringback.yaml"] = text + rest
	_, problems := config.Load(filepath.Join(fileDir(t, files), "ringback.yaml"), nil)
	return problems
}
