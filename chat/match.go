package chat

// pattern is a string to find in a stream of octets with the Knuth–Morris–Pratt algorithm, which keeps no octets.
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

// finder searches for one pattern; the last n octets seen are its first n octets.
type finder struct {
	*pattern
	n int
}

// next processes one octet and reports whether it completes the pattern, which must not be empty.
func (f *finder) next(b byte) bool {
	for f.n > 0 && (f.n == len(f.text) || f.text[f.n] != b) {
		f.n = f.fail[f.n-1]
	}
	if f.text[f.n] == b {
		f.n++
	}
	return f.n == len(f.text)
}
