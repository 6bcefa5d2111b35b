package chat

// pattern is a string to find in a stream octet by octet, by Knuth, Morris and Pratt: no octet is looked at twice and none is kept.
type pattern struct {
	text []byte
	fail []int // fail[i]: length of the longest proper border of text[:i+1]
}

func newPattern(text []byte) *pattern {
	p := &pattern{text: text, fail: make([]int, len(text))}
	for i, n := 1, 0; i < len(text); i++ {
		for n > 0 && text[n] != text[i] {
			n = p.fail[n-1]
		}
		if text[n] == text[i] {
			n++
		}
		p.fail[i] = n
	}
	return p
}

// finder looks for one pattern; n octets of it stand at the end of what was seen.
type finder struct {
	*pattern
	n int
}

// next takes one octet more and reports whether the pattern ends with it. The pattern must not be empty.
func (f *finder) next(b byte) bool {
	for f.n > 0 && (f.n == len(f.text) || f.text[f.n] != b) {
		f.n = f.fail[f.n-1]
	}
	if f.text[f.n] == b {
		f.n++
	}
	return f.n == len(f.text)
}
