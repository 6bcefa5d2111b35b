package audit

import (
	"crypto/ed25519"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/broker/events"
)

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// whys returns the reasons of the seals in lines, with their rows.
func whys(t *testing.T, lines []string) (out []string) {
	t.Helper()
	for _, l := range lines {
		s, found, err := parseSeal([]byte(l))
		if err != nil || !found {
			t.Fatalf("%q: %v", l, err)
		}
		out = append(out, s.Why+" "+strings.Repeat(".", int(s.Head.Seq)))
	}
	return out
}

// TestOccasions: seals are made at the start, after the configured rows or time, at a reload and at the stop, with the
// rows that are on disk then; each is an event, and the state says what is not sealed.
func TestOccasions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		settings := Settings{File: n.seals(), Every: time.Hour, Rows: 4}
		s := Start(n.dir, settings, n.journal, n.happened)
		synctest.Wait()
		n.journal.add(3)
		synctest.Wait()
		if st := s.State(); st.Number != 1 || st.Rows != 3 || st.Failed != nil {
			t.Errorf("%+v", st)
		}
		n.journal.add(1)
		synctest.Wait()
		<-time.After(time.Hour)
		synctest.Wait()
		n.journal.add(1)
		s.Reload(settings)
		synctest.Wait()
		n.journal.add(1)
		if err := s.Close(time.Minute); err != nil {
			t.Fatal(err)
		}
		want := []string{"start ", "rows ....", "time ....", "reload .....", "stop ......"}
		if got := whys(t, n.lines(t)); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
		for i, e := range n.events {
			if e := e.(events.AuditSealed); e.Seal+"\n" != n.lines(t)[i] {
				t.Errorf("event %d: %+v", i, e)
			}
		}
		if info, err := os.Stat(filepath.Join(n.dir, KeyFile)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	})
}

// TestFileIsRotated: the chain of seals goes on in a new file, and both together verify, or the new one with a note.
func TestFileIsRotated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		n.run(t, 3)
		first := n.lines(t)
		if err := os.Rename(n.seals(), n.seals()+".1"); err != nil {
			t.Fatal(err)
		}
		n.run(t, 3)
		second := strings.Join(n.lines(t), "")
		key := []ed25519.PublicKey{n.key(t)}
		if r := verify(t, n.journal.copied(), key, second, strings.Join(first, "")); len(r.Findings)+len(r.Notes) > 0 ||
			r.Seals != 4 {
			t.Error(r.all())
		}
		if r := verify(t, n.journal.copied(), key, second); len(r.Findings) > 0 ||
			!strings.Contains(r.all(), "the seals begin with number 3") {
			t.Error(r.all())
		}
	})
}

// TestFailures: a seal that cannot be written is a failure that the state tells, and is made when that is possible
// again; the seals afterwards verify without a finding.
func TestFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		fail, repair func(n *node) error
	}{
		"no directory": {
			func(n *node) error { return os.Rename(n.dir+"/out", n.dir+"/away") },
			func(n *node) error { return os.Rename(n.dir+"/away", n.dir+"/out") }},
		"a link": {
			func(n *node) error {
				return errors.Join(os.Rename(n.dir+"/out/seals", n.dir+"/kept"),
					os.Symlink("/dev/full", n.dir+"/out/seals"))
			},
			func(n *node) error {
				return errors.Join(os.Remove(n.dir+"/out/seals"), os.Rename(n.dir+"/kept", n.dir+"/out/seals"))
			}},
		"a directory": {
			func(n *node) error {
				return errors.Join(os.Rename(n.dir+"/out/seals", n.dir+"/kept"), os.Mkdir(n.dir+"/out/seals", 0o700))
			},
			func(n *node) error {
				return errors.Join(os.Remove(n.dir+"/out/seals"), os.Rename(n.dir+"/kept", n.dir+"/out/seals"))
			}},
		"the copy of the last seal": {
			func(n *node) error {
				return errors.Join(os.Remove(n.dir+"/"+LastFile), os.MkdirAll(n.dir+"/"+LastFile+"/x", 0o700))
			},
			func(n *node) error { return os.RemoveAll(n.dir + "/" + LastFile) }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNode(t)
				if err := os.Mkdir(n.dir+"/out", 0o700); err != nil {
					t.Fatal(err)
				}
				file := n.dir + "/out/seals"
				s := Start(n.dir, Settings{File: file, Every: time.Hour, Rows: 2}, n.journal, n.happened)
				synctest.Wait()
				if err := tt.fail(n); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				n.journal.add(2)
				synctest.Wait()
				<-time.After(10 * time.Minute)
				synctest.Wait()
				if st := s.State(); st.Failed == nil || !st.Since.Equal(began) {
					t.Errorf("%+v", st)
				}
				if err := tt.repair(n); err != nil {
					t.Fatal(err)
				}
				<-time.After(2 * retryMax)
				synctest.Wait()
				if st := s.State(); st.Failed != nil || st.Rows != 0 {
					t.Errorf("%+v", st)
				}
				if err := s.Close(time.Minute); err != nil {
					t.Fatal(err)
				}
				b, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if r := verify(t, n.journal.copied(), []ed25519.PublicKey{n.key(t)}, string(b)); len(r.Findings) > 0 ||
					r.Sealed != 2 {
					t.Error(r.all())
				}
			})
		})
	}
}

// TestCutLine: a line that a crash or a full disk cut short does not spoil the seal after it.
func TestCutLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		n.run(t, 3)
		f, err := os.OpenFile(n.seals(), os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(n.lines(t)[0][:100]); err != nil {
			t.Fatal(err)
		}
		f.Close()
		n.run(t, 3)
		r := verify(t, n.journal.copied(), []ed25519.PublicKey{n.key(t)}, strings.Join(n.lines(t), ""))
		if len(r.Findings) > 0 || r.Seals != 4 || !strings.Contains(r.all(), "seals1:3: a seal that was not written") {
			t.Error(r.all())
		}
	})
}

// TestCrashAfterTheLine: the file has a seal that the state directory does not know yet. The next one follows from it.
func TestCrashAfterTheLine(t *testing.T) {
	for name, old := range map[string]bool{"an older one": true, "none": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNode(t)
				n.run(t, 3)
				last := filepath.Join(n.dir, LastFile)
				if old {
					if err := os.WriteFile(last, []byte(n.lines(t)[0]), 0o600); err != nil {
						t.Fatal(err)
					}
				} else if err := os.Remove(last); err != nil {
					t.Fatal(err)
				}
				n.run(t, 3)
				r := verify(t, n.journal.copied(), []ed25519.PublicKey{n.key(t)}, strings.Join(n.lines(t), ""))
				if len(r.Findings) > 0 || r.Seals != 4 {
					t.Error(r.all())
				}
			})
		})
	}
}

// TestRotation: auditors may have the key from before a rotation or the one after it. A key that was replaced signs
// nothing afterwards.
func TestRotation(t *testing.T) {
	for name, reload := range map[string]bool{"at a reload": true, "at a start": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNode(t)
				n.run(t, 3)
				before := n.key(t)
				copyFile(t, n.dir+"/"+KeyFile, n.dir+"/leaked")
				s := n.start()
				if !reload {
					if err := s.Close(time.Minute); err != nil {
						t.Fatal(err)
					}
				}
				next, err := Rotate(n.dir)
				again, err2 := Rotate(n.dir)
				if err != nil || err2 != nil || !next.Equal(again) || !n.key(t).Equal(before) {
					t.Fatal(err, err2)
				}
				if !reload {
					s = n.start()
				}
				s.Reload(Settings{File: n.seals(), Every: time.Hour, Rows: 10})
				synctest.Wait()
				n.journal.add(2)
				if err := s.Close(time.Minute); err != nil {
					t.Fatal(err)
				}
				if !n.key(t).Equal(next) {
					t.Error("the new key is not in use")
				}
				if _, err := os.Stat(filepath.Join(n.dir, NewKeyFile)); err == nil {
					t.Error("the new key is still there")
				}
				replaced := slices.ContainsFunc(n.events, func(e events.Event) bool {
					return e == events.AuditKeyReplaced{Old: Fingerprint(before), New: Fingerprint(next)}
				})
				if !replaced {
					t.Errorf("%+v", n.events)
				}
				text := strings.Join(n.lines(t), "")
				for which, key := range map[string]ed25519.PublicKey{"old": before, "new": next} {
					r := verify(t, n.journal.copied(), []ed25519.PublicKey{key}, text)
					if len(r.Findings)+len(r.Notes) > 0 || r.Seals != len(n.lines(t)) || len(r.Keys) != 2 {
						t.Errorf("%s key: %s %+v", which, r.all(), r)
					}
				}
				// somebody who has the old key goes on with it
				leaked, err := readKey(n.dir + "/leaked")
				if err != nil {
					t.Fatal(err)
				}
				lines := n.lines(t)
				last, _, err := parseSeal([]byte(lines[len(lines)-1]))
				if err != nil {
					t.Fatal(err)
				}
				forged := &Seal{Number: last.Number + 1, Head: last.Head, Time: time.Now(), Why: AtStop,
					Prev: last.Sum()}
				forged.sign(leaked, nil)
				r := verify(t, n.journal.copied(), []ed25519.PublicKey{before}, text+forged.String()+"\n")
				if !strings.Contains(r.all(), "is signed by a key that was not in use then") {
					t.Error(r.all())
				}
			})
		})
	}
}

// TestRotationInterrupted: the process ends after the seal with both keys, and before the new key has its name.
func TestRotationInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNode(t)
		n.run(t, 3)
		copyFile(t, n.dir+"/"+KeyFile, n.dir+"/old")
		next, err := Rotate(n.dir)
		if err != nil {
			t.Fatal(err)
		}
		copyFile(t, n.dir+"/"+NewKeyFile, n.dir+"/new")
		n.run(t, 0)
		seals, cut := n.lines(t), 3 // start, stop, the one with both keys
		if err := os.WriteFile(n.seals(), []byte(strings.Join(seals[:cut], "")), 0o644); err != nil {
			t.Fatal(err)
		}
		copyFile(t, n.dir+"/old", n.dir+"/"+KeyFile)
		copyFile(t, n.dir+"/new", n.dir+"/"+NewKeyFile)
		if err := os.Remove(filepath.Join(n.dir, LastFile)); err != nil {
			t.Fatal(err)
		}
		n.run(t, 1)
		if !n.key(t).Equal(next) {
			t.Error("the new key is not in use")
		}
		r := verify(t, n.journal.copied(), []ed25519.PublicKey{next}, strings.Join(n.lines(t), ""))
		if len(r.Findings) > 0 || r.Seals != 5 {
			t.Error(r.all())
		}
	})
}

// TestChangedWhileStopped: a journal that is not the one that was sealed raises an alarm at the start; one that was
// restored says that it is another one.
func TestChangedWhileStopped(t *testing.T) {
	for name, tt := range map[string]struct {
		change        func(*memory)
		alarm, health string
	}{
		"not": {func(*memory) {}, "", ""},
		"cut": {func(m *memory) { m.rows = m.rows[:2] }, "the audit is not the one that was sealed",
			"it ends at row 2, seal 2 has row 3"},
		"rewritten": {func(m *memory) { m.rows[2].Digest = make([]byte, 32) },
			"the audit is not the one that was sealed",
			"row 3 or one before it was changed since seal 2"},
		"restored": {func(m *memory) { m.rows, m.id = m.rows[:2], strings.Repeat("ef", 16) },
			"seal 2 of the audit is of another journal", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newNode(t)
				n.run(t, 3)
				tt.change(n.journal)
				s := n.start()
				synctest.Wait()
				var alarms []string
				for _, e := range n.events {
					if a, ok := e.(events.Alarm); ok {
						alarms = append(alarms, a.Text)
					}
				}
				got := strings.Join(alarms, "\n")
				if !strings.Contains(got, tt.alarm) || (tt.alarm == "") != (got == "") ||
					s.State().Changed != tt.health {
					t.Errorf("alarms %q, %+v", got, s.State())
				}
				if err := s.Close(time.Minute); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// TestUnsafeKey: a key that others may read, a link and a file that is no key are not used.
func TestUnsafeKey(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"read by others": func(path string) error { return os.Chmod(path, 0o644) },
		"a link": func(path string) error {
			return errors.Join(os.Rename(path, path+"2"), os.Symlink(path+"2", path))
		},
		"no key": func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			n := newNode(t)
			n.key(t)
			if err := spoil(filepath.Join(n.dir, KeyFile)); err != nil {
				t.Fatal(err)
			}
			if _, err := Key(n.dir); err == nil || !strings.Contains(err.Error(), KeyFile) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestPublicKeys: a file of public keys may have text around them; a private key is named as such.
func TestPublicKeys(t *testing.T) {
	n := newNode(t)
	key := n.key(t)
	path := filepath.Join(n.dir, "pub")
	if err := os.WriteFile(path, []byte("# of maui-nas-04\n"+PublicPEM(key)), 0o644); err != nil {
		t.Fatal(err)
	}
	if keys, err := ReadPublicKeys(path); err != nil || len(keys) != 1 || !keys[0].Equal(key) {
		t.Errorf("%v, %v", keys, err)
	}
	if _, err := ReadPublicKeys(filepath.Join(n.dir, KeyFile)); err == nil ||
		!strings.Contains(err.Error(), "private") {
		t.Error(err)
	}
}

// TestPeerOpenSSL: OpenSSL verifies a seal with the public key, without ringback.
func TestPeerOpenSSL(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal(err)
		}
		t.Skip("needs openssl")
	}
	n := newNode(t)
	n.run(t, 3)
	line := strings.TrimSpace(n.lines(t)[1])
	signed, sig, _ := strings.Cut(line, " sig=")
	raw, err := b64.DecodeString(sig)
	for name, content := range map[string]string{"pub": PublicPEM(n.key(t)), "text": signed, "sig": string(raw),
		"other": signed + " "} {
		if err := errors.Join(err, os.WriteFile(filepath.Join(n.dir, name), []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for text, want := range map[string]bool{"text": true, "other": false} {
		cmd := exec.Command(openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "pub", "-rawin", "-in", text,
			"-sigfile", "sig")
		cmd.Dir = n.dir
		if out, err := cmd.CombinedOutput(); (err == nil) != want {
			t.Errorf("%s: %s", text, out)
		}
	}
}
