package atprompt

// settings are what commands set, of the emulation only.
type settings struct {
	echo     bool // E
	quiet    bool // Q
	verbose  bool // V
	extended int  // X
	carrier  bool // &C: DCD follows the call
	dtr      int  // &D
	s        [256]byte
}

func defaults() settings {
	s := settings{echo: true, verbose: true, extended: 4, carrier: true, dtr: 2}
	for _, r := range registers {
		s.s[r.number] = r.value
	}
	return s
}

// register is an S register of the emulation.
type register struct {
	number, least, most int
	value               byte // the default
	text                string
}

// registers has all registers. S3 to S5 are control characters, which differ from each other (setRegister): so a line
// can always be ended.
var registers = []register{
	{0, 0, 0, 0, "rings before the modem answers: always 0, since the line answers no call while a user has it"},
	{1, 0, 0, 0, "rings so far: always 0"},
	{2, 0, 255, '+', "escape character; above 127: no escape"},
	{3, 1, 31, '\r', "character that ends a command line"},
	{4, 0, 31, '\n', "second character of the end of a line that the modem prints"},
	{5, 1, 31, '\b', "character that deletes the one before it; DEL does so too if this is the default"},
	{6, 2, 10, 2, "seconds before a blind dial: no effect, the line's modem has its own"},
	{7, 1, 255, 90, "seconds until a dial ends without a connection"},
	{8, 0, 255, 2, "seconds of a comma: no effect, a number has none"},
	{10, 1, 254, 14, "tenths of a second until a lost carrier ends the call: no effect"},
	{12, 10, 255, 50, "guard time of the escape, in fiftieths of a second"},
}

func registerOf(n int) *register {
	for i := range registers {
		if registers[i].number == n {
			return &registers[i]
		}
	}
	return nil
}

// setRegister sets a register to a value within its bounds. It reports whether the characters of S3 to S5 still differ;
// if not, nothing is set.
func (s *settings) setRegister(n int, value byte) bool {
	was := s.s[n]
	s.s[n] = value
	if s.s[3] == s.s[4] || s.s[3] == s.s[5] || s.s[4] == s.s[5] {
		s.s[n] = was
		return false
	}
	return true
}
