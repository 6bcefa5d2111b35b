package portmaster

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/importer/importtest"
)

// TestMasks: communities and passwords of other tables are not shown.
func TestMasks(t *testing.T) {
	importtest.Accounted(t, Read, "add user sam password S3CRET\nset snmp readcommunity S3CRET\n"+
		"set snmp writecommunity S3CRET\nset chap S3CRET\n", "S3CRET")
}

// TestCutNumber: a number without a line end may have been cut off.
func TestCutNumber(t *testing.T) {
	const text = "add user sam password x\nset user sam dialback 5551"
	if _, _, err := Read([]byte(text)); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("a text that ends in a number: %v", err)
	}
	if _, _, err := Read([]byte(text + "\n")); err != nil {
		t.Error(err)
	}
}
