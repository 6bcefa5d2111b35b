package lab

import (
	_ "embed"
	"fmt"
	"os"
	"strings"

	"github.com/ringback/ringback/lab/dialects"
)

// SampleModems is a file of a town's lines, with its keys explained: one line for each family.
//
//go:embed files/modems.yaml
var SampleModems string

// AllModems is the name of SampleModems instead of a file.
const AllModems = "all"

// ReadModems reads the file of a town's lines; AllModems is SampleModems, "" none. profiles are those of the daemon, as
// for dialects.Parse.
func ReadModems(path string, profiles ...string) ([]dialects.Line, error) {
	switch path {
	case "":
		return nil, nil
	case AllModems:
		return dialects.Parse("modems.yaml", []byte(SampleModems), profiles...)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("modems: %w (`--modems all` needs no file)", err)
	}
	return dialects.Parse(path, data, profiles...)
}

// LineScenarios returns a scenario for each line: its modem takes a login, calls back, and shows the caller.
func LineScenarios(all []dialects.Line) ([]*Scenario, error) {
	data, err := shipped.ReadFile("scenarios/modem.txt")
	if err != nil {
		return nil, err
	}
	var scenarios []*Scenario
	for i, m := range all {
		tty, caller := firstTTY+i, ""
		if m.ShowsCaller {
			caller = residents[0].Number
		}
		text := strings.NewReplacer("@TTY@", fmt.Sprint(tty), "@NUMBER@", DirectNumber(tty), "@CALLER@", caller,
			"@ABOUT@", m.About).Replace(string(data))
		s, err := ParseScenario(fmt.Sprintf("tty%d-%s", tty, m.Family), []byte(text))
		if err != nil {
			return nil, err
		}
		scenarios = append(scenarios, s)
	}
	return scenarios, nil
}
