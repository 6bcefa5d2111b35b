package modem

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/ringback/ringback/lines"
)

//go:embed resultcodes.yaml
var tableText []byte

// table is resultcodes.yaml, which names the source document of each row.
type table struct {
	Sources map[string]string // name of a source in the rows → the document
	Codes   []codeRow
	Numbers []codeRow
	Callers []callerRow
}

// codeRow gives the meaning of one text.
type codeRow struct {
	Text  string            // the line, or with a final "*" a prefix of it
	Means string            // a result code, or "progress"
	Said  map[string]string // maker → source
}

// callerRow is the caller ID line of one maker.
type callerRow struct {
	Text string            // how the line begins
	Form string            // where the number follows: a key of callerForms
	Said map[string]string // maker → source
}

// Progress is the meaning, in the configuration and the table, of a text that ends nothing.
const Progress = "progress"

// VoiceRing is the meaning of a text with which a call rings that is not for a data modem: it is not answered.
const VoiceRing = "voice ring"

// ringOfVoice is VoiceRing among result codes.
const ringOfVoice lines.ResultCode = VoiceRing

// ResultCodes returns the names of the meanings that a text may have: the result codes of package lines, VoiceRing and
// Progress.
func ResultCodes() []string {
	return []string{
		string(lines.Busy), string(lines.NoAnswer), string(lines.NoCarrier), string(lines.NoDialtone),
		string(lines.Ring), string(lines.Voice),
		string(lines.Fax), string(lines.Blacklisted), string(lines.Delayed), string(lines.Error), string(lines.OK),
		string(lines.Connected), VoiceRing, Progress,
	}
}

// MeaningOf returns the result code for a name from ResultCodes; NoResult for Progress.
func MeaningOf(name string) lines.ResultCode {
	if name == Progress {
		return lines.NoResult
	}
	return lines.ResultCode(name)
}

// maxText is the longest text that CheckResultText accepts.
const maxText = 64

// CheckResultText returns an error if a line's configuration must not define this text. Valid texts are printable
// ASCII with at most one star, at the end. OK, ERROR, CONNECT, numbers and our own echo mean the same for all modems,
// so a text that could match one of them is rejected.
func CheckResultText(text string) error {
	start, open := strings.CutSuffix(strings.ToUpper(text), "*")
	switch {
	case start == "" || len(text) > maxText:
		return fmt.Errorf("a modem text must have 1 to %d characters", maxText)
	case !printable(text):
		return errors.New("a modem text must be printable ASCII")
	case strings.TrimSpace(text) != text:
		return errors.New("remove the spaces at the ends of the text: a modem never sends them")
	case strings.Contains(start, "*"):
		return errors.New("a * is allowed only at the end, where it matches whatever follows")
	case strings.Trim(start, "0123456789") == "":
		return errors.New("a number is a numeric result code (ATV0) or the answer to a query")
	case strings.HasPrefix(start, "CONNECT") || strings.HasPrefix(start, "AT"):
		return errors.New("a text that begins with CONNECT (a connection) or AT (an echoed command) cannot be given " +
			"a meaning")
	}
	for _, fixed := range []string{"OK", "ERROR", "CONNECT", "AT"} {
		if start == fixed || open && strings.HasPrefix(fixed, start) {
			return fmt.Errorf("%s has a fixed meaning", fixed)
		}
	}
	return nil
}

// fixedCodes are the texts of V.250 (table 1) and their usual spelling that a line's configuration must not give
// another meaning. CheckResultText has those that it must not name at all.
var fixedCodes = map[string]lines.ResultCode{
	"RING": lines.Ring, "NO CARRIER": lines.NoCarrier, "BUSY": lines.Busy, "NO ANSWER": lines.NoAnswer,
	"NO DIALTONE": lines.NoDialtone, "NO DIAL TONE": lines.NoDialtone,
}

// CheckMeaning returns an error if the configuration of a line or profile must not give a text that CheckResultText
// accepts this meaning: the text is a result code of every modem; or it ends a dial for the modems of the table, and
// would begin a call; or it reports the calling number, and so has words of the caller. callers are the caller ID lines
// of the profile.
func CheckMeaning(text string, means lines.ResultCode, callers []lines.CallerIDLine) error {
	start, open := strings.CutSuffix(strings.ToUpper(text), "*")
	matches := func(other string) bool { return start == other || open && strings.HasPrefix(other, start) }
	for _, fixed := range slices.Sorted(maps.Keys(fixedCodes)) {
		if matches(fixed) && means != fixedCodes[fixed] {
			return fmt.Errorf("%s has a fixed meaning: write %s, or a longer text", fixed, fixedCodes[fixed])
		}
	}
	reports := shared().callers
	for _, l := range callers {
		reports = append(slices.Clone(reports), callerRow{Text: strings.ToUpper(l.Text)})
	}
	for _, l := range reports {
		if means != lines.Ring && (strings.HasPrefix(start, l.Text) || matches(l.Text)) {
			return fmt.Errorf("a line that begins with %s reports the calling number: it cannot be given a meaning",
				l.Text)
		}
	}
	for _, text := range slices.Sorted(maps.Keys(shared().codes.whole)) {
		code := shared().codes.whole[text]
		if matches(text) && begins(means) && !begins(code) && code != lines.NoResult {
			return fmt.Errorf("%s is the end of a call or of a dial (%s), not %s", text, code, means)
		}
	}
	return nil
}

// begins reports whether a result code begins something: an answer to a command, a call.
func begins(c lines.ResultCode) bool {
	return c == lines.OK || c == lines.Connected || c == lines.Ring || c == ringOfVoice
}

// readTable parses resultcodes.yaml strictly.
func readTable(text []byte) (*table, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var t table
	if err := d.Decode(&t); err != nil {
		return nil, fmt.Errorf("resultcodes.yaml: %w", err)
	}
	for _, r := range append(slices.Clone(t.Codes), t.Numbers...) {
		if !slices.Contains(ResultCodes(), r.Means) {
			return nil, fmt.Errorf("resultcodes.yaml: %q means %q, which is not %s", r.Text, r.Means,
				strings.Join(ResultCodes(), ", "))
		}
	}
	for _, r := range t.Callers {
		if callerForms[r.Form] == nil {
			return nil, fmt.Errorf("resultcodes.yaml: %q has the unknown form %q", r.Text, r.Form)
		}
	}
	return &t, nil
}

// index finds the meaning of a line.
type index struct {
	whole  map[string]lines.ResultCode
	begins []beginning // longest first
}

type beginning struct {
	text string
	code lines.ResultCode
}

func (x *index) add(text string, code lines.ResultCode) {
	text = strings.ToUpper(text)
	if start, ok := strings.CutSuffix(text, "*"); ok {
		x.begins = append(x.begins, beginning{start, code})
		slices.SortStableFunc(x.begins, func(a, b beginning) int { return len(b.text) - len(a.text) })
		return
	}
	if x.whole == nil {
		x.whole = map[string]lines.ResultCode{}
	}
	x.whole[text] = code
}

// find returns the meaning of a line in capitals. A complete line takes precedence over a prefix.
func (x *index) find(line string) (lines.ResultCode, bool) {
	if code, ok := x.whole[line]; ok {
		return code, true
	}
	for _, b := range x.begins {
		if strings.HasPrefix(line, b.text) {
			return b.code, true
		}
	}
	return lines.NoResult, false
}

// known is the table in the form that the parser needs.
type known struct {
	codes   index
	numbers index
	callers []callerRow // longest text first
}

// shared is parsed at its first use. A test parses the same text, so it cannot fail at run time.
var shared = sync.OnceValue(func() *known {
	t, err := readTable(tableText)
	if err != nil {
		panic(err)
	}
	k := &known{callers: slices.Clone(t.Callers)}
	for _, r := range t.Codes {
		k.codes.add(r.Text, MeaningOf(r.Means))
	}
	for _, r := range t.Numbers {
		k.numbers.add(r.Text, MeaningOf(r.Means))
	}
	slices.SortStableFunc(k.callers, func(a, b callerRow) int { return len(b.Text) - len(a.Text) })
	return k
})
