package radius_test

import (
	"os"
	"testing"

	"github.com/ringback/ringback/aaa/aaatest"
)

// TestPeerDialects reads the replies of a FreeRADIUS with its stock dictionaries for the users of
// testdata/dialects/users, written with attribute names. The result must be the same as for the packets built by hand.
func TestPeerDialects(t *testing.T) {
	t.Parallel()
	users, err := os.ReadFile(dialectDir + "users")
	if err != nil {
		t.Fatal(err)
	}
	f := aaatest.StartFreeRADIUS(t, aaatest.FreeRADIUSOptions{Users: string(users)})
	for _, c := range dialectCases {
		attrs, d := askByHand(t, f.Auth, c.name, f.Secret, c.dialects)
		sameGolden(t, c, explained(t, c, d.Authorize(c.service, attrs)), false)
	}
}
