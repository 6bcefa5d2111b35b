package ios

import (
	"testing"

	"github.com/ringback/ringback/importer/importtest"
)

// TestMasks: secrets that stand behind no word of their own.
func TestMasks(t *testing.T) {
	for _, line := range []string{
		"snmp-server host 10.0.0.1 S3CRET", "snmp-server host 10.0.0.1 version 2c S3CRET",
		"snmp-server host 10.0.0.1 traps version 2c S3CRET", "snmp-server host 10.0.0.1 informs S3CRET tty",
		"no snmp-server host 10.0.0.1 S3CRET", "chat-script l ogin: u word: S3CRET", "chat-script l ord: S3CRET",
		`chat-script l sscode: S3CRET`, "chat-script l PIN: 12345678", `chat-script l "" "AT+CPIN=12345678" OK`,
		"archive\n path ftp://u:S3CRET@h/x", "boot config tftp://u:p@S3CRET@h/x",
		"kron policy-list x\n cli copy run scp://u:S3CRET@h/x", "router isis\n domain-password S3CRET",
		"router isis\n area-password S3CRET", "enable S3CRET", "event manager environment _password S3CRET",
		"no-such-command $1$mERr$XI/S3CRETzYvhN745bYcc10",
	} {
		if _, r := importtest.Accounted(t, read, line+"\nend\n", "S3CRET", "12345678"); r == nil {
			t.Errorf("%q is not accepted", line)
		}
	}
	for _, line := range []string{`chat-script dial ABORT BUSY "" "ATZ" OK "ATDT \T" TIMEOUT 45 CONNECT \c`,
		"security authentication failure rate 3 log", "archive", "snmp-server location line 65"} {
		_, r := importtest.Accounted(t, read, line+"\nend\n")
		if r == nil || r.Rows[0].Text != line {
			t.Errorf("%q: %+v", line, r)
		}
	}
}
