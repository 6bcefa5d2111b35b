package modem

import (
	"strings"
	"testing"
)

func TestCheckInit(t *testing.T) {
	for line, want := range map[string]string{
		"ATE0Q0V1&C1&D2S0=0": "", "AT&F1E0M0": "", "ATZ": "", "ATZ1": "", "ATH": "", "AT&F": "", "at&f1&c1": "",
		"AT+FCLASS=0;E0": "", "AT#CLS=0": "", "AT$SB=9600": "", "ATS7=60S10=5": "", "AT&FS0=1": "", "AT&E84001": "",
		"AT+MS=V34,1,300,33600": "", "ATX4&C1&D2&H1&R2S0=0": "", `AT\N3%C1`: "", "AT&C0&D0": "", "ATM1L1": "",
		"ATA": "A answers a call", "AT&F1A": "A answers a call", "ATO": "O returns",
		"ATH1": "H1 takes the line off hook",
		"ATE":  "", "ATE1": "E1 echoes each command: write E0", "ATQ1": "Q1 turns result codes off", "ATQ2": "Q2 turns",
		"ATV": "V makes result codes numbers: write V1", "ATE0 V0": "V0 makes",
		"AT&F1ZE0": "Z loads the stored profile",
		"ATZE0":    "Z loads", "ATE0&F": "&F undoes what is before it: write it first (AT&FE0)",
		"ATS2=43": "S2=43 sets a register of the driver", "ATS12=50": "S12=50 sets", "ATS002=43": "S002=43 sets",
		"ATS5=8": "S3, S4 and S5 must stay", "AT=8": "a = without a register", "AT+++": "+++ is the escape",
		"ATX4D5": "the command dials", "ATE1Q1A": "E1 echoes each command: write E0; Q1 turns",
	} {
		err := CheckInit(line)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
}

func TestCheckSettingAndAnswer(t *testing.T) {
	for line, want := range map[string]string{
		"AT+VCID=1": "", "AT#CID=1": "", "ATS40.2=1": "", "ATS153=6": "", `AT\N3%C1`: "", "AT&E1": "", "AT": "",
		"AT+MS=V34": "", "AT&C1": "",
		"ATA": "A answers", "ATH": "H hangs up", "ATZ": "resets the modem", "AT&F": "resets the modem",
		"ATS0=0": "resets",
		"ATS=1":  "resets", "AT&C0": "&C0 keeps DCD on", "ATX4&D0": "&D0 makes the modem ignore DTR",
		"ATE1":        "E1 echoes",
		"ATS 02 = 43": "S02=43 sets a register",
	} {
		err := CheckSetting(line)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
	for line, want := range map[string]string{
		"ATA": "", "ata": "", "AT+FCLASS=0;A": "", "ATS7=60A": "", "ATX4 A": "",
		"ATH": "does not answer a call", "AT": "does not answer", "ATAH": "does not answer", "AT&A": "does not answer",
		"ATS0=1": "does not answer", "ATZA": "resets the modem", "ATHA": "H hangs up", "ATO": "does not answer",
		"AT#CLA": "does not answer", "ATAA": "A answers a call", "ATE1A": "E1 echoes", "ATDA": "dials",
	} {
		err := CheckAnswer(line)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("answer %s: %v, want %q", line, err, want)
		}
	}
}

func TestAutoAnswerOf(t *testing.T) {
	for init, want := range map[string]string{
		"ATE0S0=1": "S0=1", "ATS00=2": "S0=2", "AT S 0 = 1": "S0=1", "ATS0=1S0=0": "", "ATS0=0": "", "ATS10=1": "",
		"ATS=1": "S0=1", "ATE0": "", "AT#CLS=1": "", "": "",
	} {
		if got := autoAnswerOf(init); got != want {
			t.Errorf("%s: %q, want %q", init, got, want)
		}
	}
}

// The commands that the driver itself sends pass its checks.
func TestDriversCommands(t *testing.T) {
	err := CheckInit(defaultInit)
	if err != nil || CheckSignals(defaultInit) != nil || InitWarnings(defaultInit) != nil {
		t.Error(err)
	}
	if err := CheckAnswer(defaultAnswer); err != nil {
		t.Error(err)
	}
	if err := CheckSetting(defaultCallerID); err != nil {
		t.Error(err)
	}
}
