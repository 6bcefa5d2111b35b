package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ringback/ringback/numbers"
)

// The full sample dials through three trunks; a chat script that adds to the dial string is an error beside them.
func TestTrunks(t *testing.T) {
	dir := samples(t)
	file := filepath.Join(dir, "full.yaml")
	c, problems := Load(file, nil)
	if c == nil {
		t.Fatal(problems)
	}
	site := c.Policies.Site()
	for number, want := range map[string]string{
		"84001": "pbx", "4085550199": "direct", // no rate of the carrier: another country's
		"+33140205051": "direct",
	} {
		n, err := site.Plan.Canonical(number, numbers.OriginAAA)
		if err != nil {
			t.Fatal(err)
		}
		taking, why := site.Trunks.Taking(site.Plan, n)
		if got := strings.Join(taking.Names(), " "); got != want {
			t.Errorf("%s through %q, want %q (%s)", number, got, want, why)
		}
	}
	if carrier, _ := site.Trunks.Named("carrier"); !slices.Equal(carrier.Lines, []int{65, 66, 67, 68, 69, 70, 71}) {
		t.Errorf("the lines of rotary 1 are %v", carrier.Lines)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	with := strings.Replace(string(text), `"ATDT \T"`, `"ATDT 9,\T"`, 1)
	if err := os.WriteFile(file, []byte(with), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = `chat script rtp dials "9," besides the number, but the site has trunks (write ATDT \T, and "9," in the ` +
		`templates of the trunks)`
	if c, problems := Load(file, nil); c != nil || len(problems) != 1 || !strings.Contains(problems.String(), want) {
		t.Errorf("%v", problems)
	}
}
