package policies

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/texts"
)

// TestLocale: how users are addressed is part of the policy's text, except if it is open: pending callbacks have
// digests from before these keys existed. It decides nothing.
func TestLocale(t *testing.T) {
	plain, spoken := open, open
	spoken.Locale = texts.Locale{Language: texts.TraditionalChinese, Charset: texts.Big5}
	if strings.Contains(plain.Canonical(), "language") || strings.Contains(plain.Canonical(), "charset") {
		t.Errorf("the canonical text of a policy without a language is\n%s", plain.Canonical())
	}
	if c := spoken.Canonical(); !strings.Contains(c, "zh-Hant") || !strings.Contains(c, "big5") ||
		spoken.Digest() == plain.Digest() {
		t.Errorf("the canonical text of a policy with a language is\n%s", c)
	}
	a, _ := mustNew(t, plain).Evaluate(Request{Auth: fixed})
	b, _ := mustNew(t, spoken).Evaluate(Request{Auth: fixed})
	if a.Outcome != b.Outcome || a.Number != b.Number {
		t.Errorf("%v and %v", a, b)
	}
}
