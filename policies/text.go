package policies

import "strconv"

// text returns the parts as one text. It does not allocate: the texts of a trace share the buffer of the evaluation,
// and a text stays as it is when the buffer grows.
func (e *evaluation) text(parts ...string) string {
	start := e.texts.Len()
	for _, p := range parts {
		e.texts.WriteString(p)
	}
	return e.texts.String()[start:]
}

// quote returns s quoted.
func (e *evaluation) quote(s string) string {
	var room [128]byte
	return e.keep(strconv.AppendQuote(room[:0], s))
}

// clip quotes text from outside, so that it cannot break a line or a terminal, and shortens it.
func (e *evaluation) clip(s string) string {
	if len(s) > 64 {
		return e.text(e.quote(s[:64]), "… (", strconv.Itoa(len(s)), " octets)")
	}
	return e.quote(s)
}

// keep returns b as text.
func (e *evaluation) keep(b []byte) string {
	start := e.texts.Len()
	e.texts.Write(b)
	return e.texts.String()[start:]
}
