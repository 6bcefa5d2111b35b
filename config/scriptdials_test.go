package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ringback/ringback/chat"
)

const dialingScript = `
aaa: {lists: {login: {default: [local]}}}
users: [{name: kim, password_file: kim.password}]
chat_scripts: [{name: fine, script: '"" "ATDT \T" CONNECT \c'}, {name: own, script: 'SCRIPT'}]
lines:
- {tty: 65, port: "serial:///dev/ttyS0", rotary: 1, KEYS}
- {tty: 66, port: "serial:///dev/ttyS1", rotary: 1, modem: callout}
`

// TestScriptsThatDial attacks law 2: neither a script without a dial nor `init` may have a line by which some modem
// would dial, however it is written.
func TestScriptsThatDial(t *testing.T) {
	for line, dials := range map[string]bool{
		`ATDT5551`: true, `atdt5551`: true, `AT DT 5551`: true, `ATX3DT5551`: true, `AT&FDT1`: true, `ATH0D5`: true,
		`ATS7=60D5551`: true, `ATDL`: true, `ATDS=0`: true, `AT\134NDT5`: true, `AT+MS=11;DT5`: true, `A/`: true, `a/`: true,
		`A T D T 5`: true, `A\tTDT5`: true, `AX\010TDT5`: true, `AT&\010DT5`: true, `AT\NDT5`: true, `\101TDT5`: true,
		`\301\324\304\324555`: true, `AT\304T555`: true, `\341\257`: true,
		`AT:DT5`: true, `AT$DT5`: true, `AT$D5`: true, `AT*DT5`: true, `AT#DT5`: true, `AT&DT5`: true, `AT&D5551`: true,
		`AT+FCLASS=0D5551`: true, `AT+FCLASS=0D5`: true, `AT+GCI=\0420\042DT5`: true, `AT+DT5`: true,
		`AT+CKPD=\042555s\042`: true, `AT+CDV=5551`: true, `ATH1+VTS=5`: true,
		`A>`: true, `a>`: true, `A:`: true, `ATE0>`: true, `AT>DT5`: true, `ATX;>`: true, `AT+VCID=5551`: true,
		`AT+CTFR=555`: true, `AT+CCFC=0,3,\042555\042`: true, `AT+CUSD=1,\042*21*5#\042,15`: true, `AT+CMGS=\0425\042`: true,
		`AT`: false, `ATZ`: false, `ATH1`: false, `AT&D2`: false, `AT&F&D2`: false, `AT#CID=1`: false, `AT+VCID=1`: false,
		`AT\134N3`: false, `AT%C0`: false, `AT+FCLASS=0`: false, `AT+FCLASS=0;H`: false, `ATS7=60`: false,
		`AT$SB115200`: false, `AT+DR=1`: false, `AT+CGDCONT=1,\042IP\042,\042data\042`: false,
	} {
		script := `"" "` + line + `" OK`
		for _, key := range []string{"startup", "reset", "modem_off_hook"} {
			text := strings.NewReplacer("SCRIPT", script, "KEYS", "scripts: {"+key+": ^own$}").Replace(dialingScript)
			if _, problems, _ := loadText(t, text, nil); strings.Contains(problems,
				"chat script own dials with") != dials || dials == (problems == "") {
				t.Errorf("%s: %s: %s", key, line, problems)
			}
		}
		command := strings.NewReplacer(`\134`, `\`, `\042`, `"`).Replace(line)
		if strings.HasPrefix(strings.ToUpper(command), "AT") && !strings.Contains(line, `\0`) && !strings.Contains(line,
			`\3`) && !strings.Contains(line, `\N`) {
			text := strings.NewReplacer("SCRIPT", `"" AT OK`, "KEYS", "init: '"+command+"'").Replace(dialingScript)
			if _, problems, _ := loadText(t, text, nil); strings.Contains(problems, "the command dials") != dials {
				t.Errorf("init: %s: %s", command, problems)
			}
		}
	}
}

// TestScriptsThatAreNotSent: a line that the driver would not send is an error in each script for a modem, and text in
// a script for the other side of a call.
func TestScriptsThatAreNotSent(t *testing.T) {
	const eighth, unclear = "chat script own: an octet above 127", `chat script "own": some modems would dial`
	const other, repeat = `dials another number than that of the callback`, "a repeat command"
	for script, want := range map[string]string{
		`"" "ATZ\300" OK "ATDT \T" CONNECT \c`:         eighth,
		`"" "ATDT \T\377" CONNECT \c`:                  eighth,
		`"" ATZ OK-\300-OK "ATDT \T" CONNECT \c`:       eighth,
		`"" "AT:DT \T" CONNECT \c`:                     unclear,
		`"" "AT+FCLASS=0DT\T" CONNECT \c`:              unclear,
		`"" AT+CKPD=5551 OK "ATDT \T" CONNECT \c`:      other,
		`"" ATDT911 BUSY "ATDT\T" CONNECT \c`:          other,
		`"" "ATDT\T" BUSY-ATDT911-CONNECT \c`:          other,
		`"" ATDT0 OK "ATDT\T" CONNECT \c`:              other, // \T is a 0 in other checks
		`"" "ATDT911;\T" CONNECT \c`:                   `";" between D and \T`,
		`"" "ATDL\T" CONNECT \c`:                       `"L" between D and \T`,
		`"" "ATDS=1\T" CONNECT \c`:                     `"S" between D and \T`,
		`"" "ATDT911D\T" CONNECT \c`:                   `"D" between D and \T`,
		`"" "ATDT\T;DT911" CONNECT \c`:                 "only one dial command",
		`"" "ATDT\T\T" CONNECT \c`:                     "has \\T twice",
		`"" "\T" OK "ATDT\T" CONNECT \c`:               "not in a dial command",
		`"" "AT\TDT5" CONNECT \c`:                      "not in a dial command",
		`"" "CRN\T" CONNECT \c`:                        "not in a dial command",
		`"" "ATDT\T" XYZ-A>-BUSY \c`:                   repeat,
		`"" "ATDT\T>" CONNECT \c`:                      repeat,
		`"" "ATDT\c" "" "9,\c" "" "\T" CONNECT \c`:     "",
		`"" "atx3dp9w\T,,1#" CONNECT \c`:               "",
		`"" "AT+FCLASS=0" OK "A T D T \T" CONNECT \c`:  "",
		`"" "AT+FCLASS=0;DT\T" CONNECT \c`:             "",
		`"" "AT&F#CID=1" OK "ATX3DP 9,\T;" CONNECT \c`: "",
	} {
		for _, key := range []string{"callback", "dialer"} {
			text := strings.NewReplacer("SCRIPT", script, "KEYS", "scripts: {"+key+": ^own$}").Replace(dialingScript)
			_, problems, _ := loadText(t, text, nil)
			if !strings.Contains(problems, want) || want == "" && problems != "" {
				t.Errorf("%s: %s: %s", key, script, problems)
			}
		}
	}
	for key, want := range map[string]string{"startup": eighth, "reset": eighth, "activation": "", "system": ""} {
		text := strings.NewReplacer("SCRIPT", `"" "caf\351" OK`, "KEYS", "scripts: {"+key+": ^own$}").Replace(dialingScript)
		if _, problems, _ := loadText(t, text, nil); !strings.Contains(problems, want) || want == "" && problems != "" {
			t.Errorf("%s: %s", key, problems)
		}
	}
}

// TestShippedScriptsDial: no script of ringback dials another number than that of the callback.
func TestShippedScriptsDial(t *testing.T) {
	for _, s := range chat.Shipped() {
		if err := misdials(s); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}

// TestPolicyScriptsThatAreNotSent is the same for the scripts that a policy names.
func TestPolicyScriptsThatAreNotSent(t *testing.T) {
	dir := t.TempDir()
	for _, policy := range []string{"script: own", "modem_script: ^own$"} {
		file := strings.NewReplacer("SCRIPT", `"" "AT\304T\T" CONNECT \c`, "KEYS", "scripts: {callback: fine|own}").
			Replace(dialingScript)
		for name, text := range map[string]string{"ringback.yaml": file, "kim.password": "pw\n",
			"policies.d/default.yaml": "group: default\n" + policy + "\n"} {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, problems := Load(filepath.Join(dir, "ringback.yaml"), nil)
		if got := problems.String(); !strings.Contains(got, "default.yaml:2:") ||
			!strings.Contains(got, "chat script own: an octet above 127") {
			t.Errorf("%s: %s", policy, got)
		}
	}
}

// TestScriptOfManyLines: a script that lines have in common is an error of each of them, and for each event.
func TestScriptOfManyLines(t *testing.T) {
	text := strings.NewReplacer("SCRIPT", `"" "ATDT 5551" CONNECT \c`, "KEYS", "scripts: {startup: ^own$, dialer: ^own$}").
		Replace(dialingScript) + `- {tty: 67, port: "serial:///dev/ttyS2", scripts: {startup: ^own$, system: fine}}
- {tty: 68, port: "serial:///dev/ttyS3", scripts: {startup: none, reset: none}}
`
	const startup = `only callback scripts may dial: each dial is counted)`
	_, got, _ := loadText(t, text, nil)
	for _, want := range []string{
		`6:72: lines[0].scripts.startup: chat script own dials with "ATDT 5551", but a startup script must not (` + startup,
		`6:87: lines[0].scripts.dialer: chat script own sends no \T, so it dials no number (it needs "ATDT \T")`,
		`8:61: lines[2].scripts.startup: chat script own dials with "ATDT 5551", but a startup script must not (` + startup,
		`8:76: lines[2].scripts.system: chat script fine sends \T, so it dials, but a system script must not (` + startup,
		`9:61: lines[3].scripts.startup: no matching chat script found for "none" (`,
		`9:74: lines[3].scripts.reset: no matching chat script found for "none" (`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}
