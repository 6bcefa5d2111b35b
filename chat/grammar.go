package chat

import "time"

// Escape is one row of the grammar's table: what may stand in a word besides plain characters.
type Escape struct {
	Text   string // as it is written
	Effect string // what it does, for people
	Expect bool   // it may stand in expect and ABORT strings too, not in sends only

	op    opKind
	octet byte // opLiteral
	pause time.Duration
}

// Pauses of \d and \p (Table 15), and the length of a BREAK: the 0.25 s that tcsendbreak(3) promises at least.
const (
	delayPause  = 2 * time.Second
	shortPause  = 250 * time.Millisecond
	breakLength = 250 * time.Millisecond
)

// escapes are the two-character escapes of Table 15; \c, \ddd and ^x are rules of their own.
func escapes() []Escape {
	return []Escape{
		{Text: `\\`, Effect: "a backslash", Expect: true, octet: '\\'},
		{Text: `\"`, Effect: "a double quote; not within double quotes", Expect: true, octet: '"'},
		{Text: `\d`, Effect: "wait 2 seconds", op: opPause, pause: delayPause},
		{Text: `\K`, Effect: "a BREAK", op: opBreak},
		{Text: `\n`, Effect: "a line feed", Expect: true, octet: '\n'},
		{Text: `\N`, Effect: "a null character", Expect: true, octet: 0},
		{Text: `\p`, Effect: "pause 0.25 second", op: opPause, pause: shortPause},
		{Text: `\r`, Effect: "a carriage return", Expect: true, octet: '\r'},
		{Text: `\s`, Effect: "a space", Expect: true, octet: ' '},
		{Text: `\t`, Effect: "a tab", Expect: true, octet: '\t'},
		{Text: `\T`, Effect: "the dial string", op: opDial},
	}
}

// Escapes returns the grammar's table whole, in the order in which the documentation prints it.
func Escapes() []Escape {
	rules := []Escape{
		{Text: `\ddd`, Effect: "the character with this octal value, one to three digits", Expect: true},
		{Text: `^x`, Effect: "the control character: `^C`, `^[`, `^?`", Expect: true},
		{Text: `\c`, Effect: "at the end of a send: no carriage return"},
		{Text: `""`, Effect: "expect: nothing, go on at once; send: a carriage return only", Expect: true},
		{Text: `EOT`, Effect: "the whole send: an end-of-transmission character, no carriage return"},
		{Text: `BREAK`, Effect: "the whole send: a BREAK, no carriage return"},
	}
	return append(escapes(), rules...)
}

// Refusal is something that other chat programs know and IOS does not, or that IOS reserves.
type Refusal struct {
	Text    string // as it would be written
	From    string // who knows it
	Why     string // why it is refused
	Instead string // what to write
}

// Refusals returns all that Parse refuses by name, in the order in which the documentation prints it.
func Refusals() []Refusal {
	const pppd, uucp = "pppd's chat", "UUCP"
	return []Refusal{
		{`\q`, "Cisco IOS", "it is reserved and does nothing yet", "leave it out"},
		{`\b`, pppd, "it is no escape of IOS", `write \010 or ^H`},
		{`\D`, uucp, "it is no escape of IOS", `write \T`},
		{`\e`, uucp, "it is no escape of IOS: echoes are not checked", "leave it out"},
		{`\E`, uucp, "it is no escape of IOS: echoes are not checked", "leave it out, or expect the echo"},
		{`\L`, uucp, "it is no escape of IOS", "write the login name itself"},
		{`\P`, uucp, "it is no escape of IOS", "write the password itself"},
		{`\U`, pppd, "it is no escape of IOS: there is one dial string", `write \T, or the second number itself`},
		{`\x`, uucp, "it is no escape of IOS: octets are written in octal", `write \033 for \x1b`},
		{`\-`, pppd, "it is no escape of IOS", `write \055 for a hyphen that separates nothing`},
		{`\^`, pppd, "it is no escape of IOS", `write \136 for a caret`},
		{"REPORT", pppd, "it is no keyword of IOS", "leave it and its string out: the transcript holds all that the modem says"},
		{"CLR_REPORT", pppd, "it is no keyword of IOS", "leave it and its string out"},
		{"CLR_ABORT", pppd, "it is no keyword of IOS: an ABORT string stays until the end", "set the ABORT after the expect that it must not end"},
		{"SAY", pppd, "it is no keyword of IOS", "leave it and its string out: `ringback debug chat` shows a running script"},
		{"HANGUP", pppd, "it is no keyword of IOS: a lost line ends the script", "leave it and its argument out"},
		{"ECHO", pppd, "it is no keyword of IOS", "leave it and its argument out: `ringback debug chat` shows a running script"},
		{"P_ZERO", uucp, "it is no keyword of IOS: lines carry 8 bits and no parity", "leave it out"},
		{"P_ONE", uucp, "it is no keyword of IOS: lines carry 8 bits and no parity", "leave it out"},
		{"P_EVEN", uucp, "it is no keyword of IOS: lines carry 8 bits and no parity", "leave it out"},
		{"P_ODD", uucp, "it is no keyword of IOS: lines carry 8 bits and no parity", "leave it out"},
		{`'…'`, pppd, "single quotes do not group words in IOS", `write double quotes, or \047 for the character`},
		{`@file`, pppd, "IOS reads no files for a script", `write the text itself, or \100 for an at sign`},
	}
}

// refusalOf finds a refusal by its text; nil where there is none.
func refusalOf(text string) *Refusal {
	for _, r := range Refusals() {
		if r.Text == text {
			return &r
		}
	}
	return nil
}

// at makes the refusal an error about what stands at offset.
func (r *Refusal) at(offset int, what string) *SyntaxError {
	return &SyntaxError{Offset: offset, Word: what, Msg: r.Why + "; it is known from " + r.From, Hint: r.Instead}
}
