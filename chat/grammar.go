package chat

import "time"

// Escape is one row of the grammar table: a notation in a word other than plain characters.
type Escape struct {
	Text   string // as written in a script
	Effect string // its meaning, for the documentation
	Expect bool   // valid in expect and ABORT strings too, not only in sends

	op    opKind
	octet byte // opLiteral
	pause time.Duration
}

// The pauses of \d and \p (Table 15), and the length of a BREAK: the minimum of tcsendbreak(3), 0.25 s.
const (
	delayPause  = 2 * time.Second
	shortPause  = 250 * time.Millisecond
	breakLength = 250 * time.Millisecond
)

// escapes are the two-character escapes of Table 15; \c, \q, \ddd and ^x are parsed separately.
func escapes() []Escape {
	return []Escape{
		{Text: `\\`, Effect: "a backslash", Expect: true, octet: '\\'},
		{Text: `\"`, Effect: "a double quote; not within double quotes", Expect: true, octet: '"'},
		{Text: `\d`, Effect: "wait 2 seconds", op: opPause, pause: delayPause},
		{Text: `\K`, Effect: "a BREAK", op: opBreak},
		{Text: `\L`, Effect: "the `send_name` of a site: only in the system script of a dial-out (not in IOS)",
			op: opName},
		{Text: `\n`, Effect: "a line feed", Expect: true, octet: '\n'},
		{Text: `\N`, Effect: "a null character", Expect: true, octet: 0},
		{Text: `\p`, Effect: "pause 0.25 second", op: opPause, pause: shortPause},
		{Text: `\P`, Effect: "the `send_secret` of a site: only in the system script of a dial-out (not in IOS); " +
			"transcripts have `[secret]`", op: opSecret},
		{Text: `\r`, Effect: "a carriage return", Expect: true, octet: '\r'},
		{Text: `\s`, Effect: "a space", Expect: true, octet: ' '},
		{Text: `\t`, Effect: "a tab", Expect: true, octet: '\t'},
		{Text: `\T`, Effect: "the dial string", op: opDial},
	}
}

// Escapes returns the complete grammar table, in the order of the documentation.
func Escapes() []Escape {
	rules := []Escape{
		{Text: `\ddd`, Effect: "the character with this octal value, one to three digits", Expect: true},
		{Text: `^x`, Effect: "the control character: `^C`, `^[`, `^?`", Expect: true},
		{Text: `\c`, Effect: "at the end of a send: no carriage return"},
		{Text: `\q`, Effect: "the send is a secret: transcripts have `[secret]` (reserved in IOS, without effect there)"},
		{Text: `""`, Effect: "expect: nothing, continue immediately; send: a carriage return only", Expect: true},
		{Text: `EOT`, Effect: "the whole send: an end-of-transmission character, no carriage return"},
		{Text: `BREAK`, Effect: "the whole send: a BREAK, no carriage return"},
	}
	return append(escapes(), rules...)
}

// Refusal is a notation of other chat programs that IOS does not have.
type Refusal struct {
	Text    string // as written in a script
	From    string // the program that has it
	Why     string // why it is rejected
	Instead string // what to write instead
}

// Refusals returns the notations that Parse rejects by name, in the order of the documentation.
func Refusals() []Refusal {
	const pppd, uucp = "pppd's chat", "UUCP"
	return []Refusal{
		{`\b`, pppd, "not an IOS escape", `write \010 or ^H`},
		{`\D`, uucp, "not an IOS escape", `write \T`},
		{`\e`, uucp, "not an IOS escape: echoes are not checked", "omit it"},
		{`\E`, uucp, "not an IOS escape: echoes are not checked", "omit it, or expect the echo"},
		{`\U`, pppd, "not an IOS escape: there is one dial string", `write \T, or the second number itself`},
		{`\x`, uucp, "not an IOS escape: octets are written in octal", `write \033 for \x1b`},
		{`\-`, pppd, "not an IOS escape", `write \055 for a literal hyphen`},
		{`\^`, pppd, "not an IOS escape", `write \136 for a caret`},
		{"REPORT", pppd, "not an IOS keyword", "omit it and its string: the transcript holds the modem's whole output"},
		{"CLR_REPORT", pppd, "not an IOS keyword", "omit it and its string"},
		{"CLR_ABORT", pppd, "not an IOS keyword: an ABORT string stays until the end",
			"put the ABORT after the expect that it must not end"},
		{"SAY", pppd, "not an IOS keyword", "omit it and its string: `ringback debug chat` shows a running script"},
		{"HANGUP", pppd, "not an IOS keyword: a lost line ends the script", "omit it and its argument"},
		{"ECHO", pppd, "not an IOS keyword", "omit it and its argument: `ringback debug chat` shows a running script"},
		{"P_ZERO", uucp, "not an IOS keyword: lines carry 8 bits and no parity", "omit it"},
		{"P_ONE", uucp, "not an IOS keyword: lines carry 8 bits and no parity", "omit it"},
		{"P_EVEN", uucp, "not an IOS keyword: lines carry 8 bits and no parity", "omit it"},
		{"P_ODD", uucp, "not an IOS keyword: lines carry 8 bits and no parity", "omit it"},
		{`'…'`, pppd, "single quotes do not group words in IOS", `write double quotes, or \047 for the character`},
		{`@file`, pppd, "IOS reads no files for a script", `write the text itself, or \100 for an at sign`},
	}
}

// refusalOf returns the refusal with this text, or nil.
func refusalOf(text string) *Refusal {
	for _, r := range Refusals() {
		if r.Text == text {
			return &r
		}
	}
	return nil
}

// at returns the refusal as an error about the text at offset.
func (r *Refusal) at(offset int, what string) *SyntaxError {
	return &SyntaxError{Offset: offset, Word: what, Msg: r.Why + "; it comes from " + r.From, Hint: r.Instead}
}
