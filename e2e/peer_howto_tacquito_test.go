package e2e

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	tq "github.com/facebookincubator/tacquito"
	"golang.org/x/crypto/bcrypt"

	"github.com/ringback/ringback/aaa/aaatest/tacquito"
)

// tacquitoHash is a user's hash in the how-to's configuration.
var tacquitoHash = regexp.MustCompile(`(?s)(- name: (austin-\d\d)\n.*?hash: )([0-9a-f]+)`)

// tacquitoPasswords are the passwords of the hashes, according to the how-to.
var tacquitoPasswords = map[string]string{"austin-01": "maui-1993", "austin-02": "hana-1993"}

// The hashes in the how-to are of the passwords that it names, with the cost that it states.
func TestHowToTacquitoHashes(t *testing.T) {
	t.Parallel()
	found := tacquitoHash.FindAllStringSubmatch(tacquitoHowTo.file(t, "configure.sh"), -1)
	if len(found) != len(tacquitoPasswords) {
		t.Fatalf("%d hashes: %q", len(found), found)
	}
	for _, m := range found {
		hash, err := hex.DecodeString(m[3])
		if err == nil {
			err = bcrypt.CompareHashAndPassword(hash, []byte(tacquitoPasswords[m[2]]))
		}
		cost, costErr := bcrypt.Cost(hash)
		if err := errors.Join(err, costErr); err != nil || cost != 10 {
			t.Errorf("%s: cost %d, %v", m[2], cost, err)
		}
	}
}

// tacquitoPasted is a directory in which the commands of the how-to were run, and the configuration that they wrote.
// Its passwords are hashed again at the least cost: a login at the how-to's cost takes a second of a CPU under the race
// detector.
func tacquitoPasted(t *testing.T, scripts ...string) (dir, config string) {
	t.Helper()
	needs(t, "openssl", "openssl")
	dir = tempDir(t)
	for _, s := range scripts {
		runHere(t, dir, "sh", "-euc", strings.ReplaceAll(tacquitoHowTo.file(t, s), "192.0.2.9/32", "127.0.0.0/8"))
	}
	return dir, tacquitoHash.ReplaceAllStringFunc(readFile(t, filepath.Join(dir, "tacquito.yaml")),
		func(user string) string {
			m := tacquitoHash.FindStringSubmatch(user)
			hash, err := tacquito.Hash(tacquitoPasswords[m[2]])
			if err != nil {
				t.Fatal(err)
			}
			return m[1] + hash
		})
}

// The whole how-to: tacquito with the configuration that the how-to writes, and users who are called back.
func TestPeerHowToTacquito(t *testing.T) {
	t.Parallel()
	dir, config := tacquitoPasted(t, "configure.sh")
	server := tacquito.Start(t, tacquito.Options{Config: config})
	yaml := strings.Replace(tacquitoHowTo.file(t, "ringback.yaml"), "address: 192.0.2.2", "address: "+server.Addr+
		", timeout: 1m", 1)
	policy, secret := tacquitoHowTo.file(t, "policy.yaml"), readFile(t, filepath.Join(dir, "tacacs.secret"))
	path := filepath.Join(howToDir(t, map[string]string{"ringback.yaml": yaml, "policies.d/default.yaml": policy,
		"tacacs.secret": secret}), "ringback.yaml")
	checkUsers(t, tacquitoHowTo, path, "tacquito")
	playBoth(t, howToTown(t, yaml, policy, map[string]string{"tacacs.secret": secret}))
	// Accounting-On, and Start and Stop of four legs.
	eventually(t, "nine records in tacquito's file", func() bool { return len(server.Accounting()) >= 9 })
}

// Over TLS, with the certificates that the how-to creates.
func TestPeerHowToTacquitoTLS(t *testing.T) {
	t.Parallel()
	dir, config := tacquitoPasted(t, "configure.sh", "certificates.sh")
	in := func(name string) string { return filepath.Join(dir, name) }
	certificates, err := tq.GenTLSConfig(in("tacacs.example.net.pem"), in("tacacs.example.net.key"), in("ca.pem"), true)
	if err != nil {
		t.Fatal(err)
	}
	server := tacquito.Start(t, tacquito.Options{Config: config, TLS: certificates})
	_, lists, _ := strings.Cut(tacquitoHowTo.file(t, "ringback.yaml"), "  tacacs_system_user:")
	lists, _, _ = strings.Cut(lists, "\n\n")
	yaml := strings.Replace(tacquitoHowTo.file(t, "tls.yaml"), "192.0.2.2", server.Addr+"\n      timeout: 1m", 1) +
		"  tacacs_system_user:" + lists + "\n"
	files := map[string]string{}
	for _, name := range []string{"ca.pem", "maui-nas-04.example.net.pem", "maui-nas-04.example.net.key"} {
		files[name] = readFile(t, in(name))
	}
	playBoth(t, howToTown(t, yaml, tacquitoHowTo.file(t, "policy.yaml"), files))
}

// The how-to installs the release of tacquito that the tests link.
func TestHowToTacquitoRelease(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, release, ok := strings.Cut(string(mod), "github.com/facebookincubator/tacquito ")
	release, _, _ = strings.Cut(release, "\n")
	doc := readFile(t, tacquitoHowTo.doc)
	if n := strings.Count(doc, "@"+strings.Fields(release)[0]); !ok || n < 2 {
		t.Errorf("%s names the release %s %d times, must be for the server and for its generator of hashes",
			tacquitoHowTo.doc, release, n)
	}
}
