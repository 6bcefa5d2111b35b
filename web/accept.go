package web

import (
	"math"
	"strings"

	"github.com/ringback/ringback/texts"
)

// maxAccept is how much of an Accept-Language header is read, in octets.
const maxAccept = 1024

// wish is how much a language is wanted, in thousandths, and its place in the header.
type wish struct{ quality, place int }

// accepted returns the language of the dictionary that an Accept-Language header (RFC 9110 §12.5.4) prefers; that of
// the site if it prefers none.
func accepted(header string, site texts.Language) texts.Language {
	wishes := map[texts.Language]wish{}
	others := wish{0, math.MaxInt} // for languages that the header does not name
	place := 0
	for r := range strings.SplitSeq(header[:min(len(header), maxAccept)], ",") {
		place++
		tag, weight, weighted := strings.Cut(r, ";")
		w := wish{1000, place}
		if weighted {
			var ok bool
			if w.quality, ok = quality(weight); !ok {
				continue
			}
		}
		tag = strings.TrimSpace(tag)
		if tag == "*" {
			others.quality = w.quality
			continue
		}
		l, ok := languageOf(tag)
		if before, known := wishes[l]; ok && (!known || w.quality > before.quality) {
			wishes[l] = w
		}
	}
	best, most := site, wish{0, math.MaxInt}
	for _, l := range append([]texts.Language{site}, texts.Languages()...) {
		w, ok := wishes[l]
		if !ok {
			w = others
		}
		if w.quality > most.quality || w.quality > 0 && w.quality == most.quality && w.place < most.place {
			best, most = l, w
		}
	}
	return best
}

// languageOf returns the language of the dictionary in which a reader of a language tag (RFC 5646) reads. Chinese is in
// Traditional characters if the tag says so, or names a region where they are usual and no other script.
func languageOf(tag string) (texts.Language, bool) {
	first, more, _ := strings.Cut(strings.ToLower(tag), "-")
	switch first {
	case "en":
		return texts.English, true
	case "zh":
	default:
		return "", false
	}
	traditional := false
	for part := range strings.SplitSeq(more, "-") {
		switch part {
		case "hant":
			return texts.TraditionalChinese, true
		case "hans", "latn":
			return "", false
		case "tw", "hk", "mo":
			traditional = true
		}
	}
	return texts.TraditionalChinese, traditional
}

// quality returns a weight "q=0.8" in thousandths.
func quality(s string) (q int, ok bool) {
	name, value, _ := strings.Cut(strings.TrimSpace(s), "=")
	if strings.TrimSpace(name) != "q" && strings.TrimSpace(name) != "Q" {
		return 0, false
	}
	value = strings.TrimSpace(value)
	whole, digits, _ := strings.Cut(value, ".")
	if len(digits) > 3 || whole != "0" && whole != "1" {
		return 0, false
	}
	q = int(whole[0]-'0') * 1000
	for i, scale := 0, 100; i < len(digits); i, scale = i+1, scale/10 {
		if digits[i] < '0' || digits[i] > '9' {
			return 0, false
		}
		q += int(digits[i]-'0') * scale
	}
	return q, q <= 1000
}
