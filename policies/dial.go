package policies

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/ringback/ringback/schema"
)

// maxWait is the longest Dial.Wait, that of a line's forced_wait.
const maxWait = time.Hour

// Dial says how a callback is dialed. The zero value leaves it to the lines and AAA.
type Dial struct {
	// Script is the name of the chat script; "": that of the line that dials, or the built-in one of the service.
	Script string `json:"script,omitempty"`
	// ModemScript is a regular expression that the name of that script matches too; "": any.
	ModemScript string `json:"modem_script,omitempty"`
	// SystemScript is a regular expression on the names of scripts: the one that runs on the call, before the session;
	// "": that of the line, if it has one.
	SystemScript string        `json:"system_script,omitempty"`
	Wait         time.Duration `json:"wait,omitempty"` // minimum, between the hang-up and the dial
	// RejectInUse: no callback is promised to a number that another callback has on a call. Otherwise its dial waits.
	RejectInUse bool `json:"reject_in_use,omitempty"`
}

// SiteScript is a chat script of the site.
type SiteScript struct {
	Dials  bool   // it sends the number
	Unsent error  // why the modem driver would not send a line of it
	Adds   string // what it dials besides
}

// ruleDial says what the group's file sets for the dial. AAA has no word in it: it names no script, and its delay can
// only lengthen the wait.
func ruleDial(e *evaluation) (string, string, bool) {
	var keys, results []string
	if s := e.d.Dial.Script; s != "" {
		keys = append(keys, "script: "+s)
		results = append(results, "not the script of the line")
	}
	if s := e.d.Dial.ModemScript; s != "" {
		keys = append(keys, "modem_script: "+s)
		results = append(results, "a script whose name matches")
	}
	if s := e.d.Dial.SystemScript; s != "" {
		keys = append(keys, "system_script: "+s)
		results = append(results, "a script on the call")
	}
	if w := e.d.Dial.Wait; w != 0 {
		keys = append(keys, "wait: "+w.String())
		results = append(results, "at least "+w.String()+" after the hang-up")
	}
	if e.d.Dial.RejectInUse {
		keys = append(keys, "on_number_in_use: reject")
		results = append(results, "only to a number that no other callback has on a call")
	}
	return strings.Join(keys, ", "), strings.Join(results, ", "), false
}

// checkPattern rejects what is no regular expression on the names of scripts.
func checkPattern(s string) error {
	if s == "" {
		return errors.New("is empty (leave the key out for none)")
	}
	if _, err := regexp.Compile(s); err != nil {
		return fmt.Errorf("not a regular expression: %v", err)
	}
	return nil
}

// checkScript reports a chat script that is not in the configuration, dials no number, or dials more than the number
// although the site has trunks, whose templates alone may add to it.
func (s Site) checkScript(v *schema.Value, problem func(schema.Problem)) {
	if s.Scripts == nil || v.Text() == "" {
		return
	}
	switch script, ok := s.Scripts[v.Text()]; {
	case !ok:
		problem(problemAt(v, fmt.Sprintf("there is no chat script %q", v.Text()),
			"see the key chat_scripts of ringback.yaml"))
	case !script.Dials:
		problem(problemAt(v, fmt.Sprintf("chat script %s sends no \\T, so it dials no number", v.Text()),
			`it needs "ATDT \T"`))
	case script.Unsent != nil:
		problem(problemAt(v, fmt.Sprintf("chat script %s: %v", v.Text(), script.Unsent), ""))
	case script.Adds != "" && len(s.Trunks) > 0:
		problem(problemAt(v, fmt.Sprintf("chat script %s dials %q besides the number, but the site has trunks",
			v.Text(), script.Adds), `write ATDT \T, and "`+script.Adds+`" in the templates of the trunks`))
	}
}
