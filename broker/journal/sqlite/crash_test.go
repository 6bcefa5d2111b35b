package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/ringback/ringback/broker/journal"
)

// children are the programs that tests start by running the test binary again; TestMain runs them.
var children = map[string]func(){"write": childWrites, "full": childFillsTheDisk, "log": childFillsTheDiskByLog,
	"reserve": childNeedsTheReserve}

// child returns the test binary as a command that runs one of children.
func child(t *testing.T, name, path string, before ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append(before, self)
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "RINGBACK_JOURNAL_CHILD="+name, "RINGBACK_JOURNAL_PATH="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// childWrites promises callbacks forever, or RINGBACK_JOURNAL_N times, and prints the result of each Commit after it
// has returned.
func childWrites() {
	n, _ := strconv.Atoi(os.Getenv("RINGBACK_JOURNAL_N"))
	j, err := Open(context.Background(), Options{Path: os.Getenv("RINGBACK_JOURNAL_PATH")})
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(3)
	}
	for i := len(rows(j.Pending(context.Background()))); n == 0 || i < n; i++ {
		id := fmt.Sprint("cb", i)
		if err := j.Commit(context.Background(), journal.PutCallback{Callback: callback(id, id)},
			journal.Reserve{Callback: id, Charges: []journal.Charge{{Scope: "site"}},
				Amount: journal.Amount{Calls: 1}, Time: at(i)},
			journal.PutOwed{Owed: journal.Owed{ID: id, Kind: "end", Epoch: 1, Created: at(i)}},
			journal.DropOwed{ID: fmt.Sprint("cb", i-1), Kind: "end"},
			journal.AddAudit{Audit: record(id)}); err != nil {
			fmt.Println("no", id, err)
		} else {
			fmt.Println("ok", id)
		}
	}
	if err := j.Close(); err != nil {
		fmt.Println("close:", err)
	}
}

// agree opens the journal at path and checks that it has the committed rows of the child and not the refused ones. cut
// means that the child was killed: then there may be one more commit whose result was not printed.
func agree(t *testing.T, path string, said map[string]bool, cut bool) {
	t.Helper()
	ctx := context.Background()
	j, err := Open(ctx, Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	}()
	found := map[string]bool{}
	for _, c := range rows(j.Pending(ctx)) {
		found[c.ID] = true
	}
	open := rows(j.Reservations(ctx))
	for _, r := range open {
		if !found[r.Callback] {
			t.Errorf("%s has a reservation and was not promised", r.Callback)
		}
	}
	if n := accountOf(t, j, "site", "").Reserved.Calls; len(open) != len(found) || n != int64(len(found)) {
		t.Errorf("%d callbacks have %d reservations and %d reserved calls", len(found), len(open), n)
	}
	agreeOwed(t, j, found)
	unheard := 0
	for id, ok := range said {
		if ok != found[id] {
			t.Errorf("the child was told %v of %s; in the journal: %v", ok, id, found[id])
		}
	}
	for id := range found {
		if _, heard := said[id]; !heard {
			unheard++
		}
	}
	if unheard > 1 || unheard == 1 && !cut {
		t.Errorf("%d commits without a printed result", unheard)
	}
	if bad, err := j.Verify(ctx); err != nil || len(bad) > 0 {
		t.Errorf("verify: %v, %v", bad, err)
	}
}

// agreeOwed checks what the child's commits leave of what is owed: each owes a report and drops that of the one before.
func agreeOwed(t *testing.T, j *Journal, found map[string]bool) {
	t.Helper()
	owed := map[string]bool{}
	for _, o := range rows(j.Owed(context.Background())) {
		owed[o.ID] = true
	}
	for i := range int64(len(found) + 100) { // some commits were refused
		id, next := fmt.Sprint("cb", i), fmt.Sprint("cb", i+1)
		if owed[id] != (found[id] && !found[next]) {
			t.Errorf("%s is owed: %v; it is found: %v, the next one: %v", id, owed[id], found[id], found[next])
		}
	}
}

func TestKilled(t *testing.T) {
	path := diskPath(t)
	said := map[string]bool{}
	for round := 0; round < 8; round += sweep(2) {
		cmd := child(t, "write", path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for i := 0; i < 5+37*round && lines.Scan(); i++ {
			id, ok := strings.CutPrefix(lines.Text(), "ok ")
			if !ok {
				t.Fatal(lines.Text())
			}
			said[id] = true
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it printed before it was killed
			if id, ok := strings.CutPrefix(lines.Text(), "ok "); ok {
				said[id] = true
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("it was not killed")
		}
		agree(t, path, said, true)
		for _, c := range pendingAt(t, path) {
			said[c] = true
		}
	}
}

func pendingAt(t *testing.T, path string) (ids []string) {
	t.Helper()
	r, err := OpenReader(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, c := range rows(r.Pending(context.Background())) {
		ids = append(ids, c.ID)
	}
	return ids
}

func TestFullDisk(t *testing.T) { onSmallDisk(t, "full") }

// TestLogFillsTheDisk: a log that has filled a small disk is written into the file, and commits continue; no commit
// that has room is refused.
func TestLogFillsTheDisk(t *testing.T) { onSmallDisk(t, "log") }

// onSmallDisk runs a child that mounts its own disk of 1 MiB.
func onSmallDisk(t *testing.T, name string) {
	t.Helper()
	dir := t.TempDir()
	cmd := child(t, name, filepath.Join(dir, "state", "journal.db"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}}
	out, err := cmd.Output()
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EINVAL) ||
		cmd.ProcessState.ExitCode() == 77 {
		t.Skipf("needs leave to mount a tmpfs in a namespace of its own: %v %s", err, out)
	}
	if err != nil || !strings.HasSuffix(string(out), "done\n") {
		t.Errorf("%v\n%s", err, out)
	}
}

// smallDisk mounts a disk of 1 MiB for the state directory, in the child's mount namespace.
func smallDisk() (path string, must func(error)) {
	path = os.Getenv("RINGBACK_JOURNAL_PATH")
	dir := filepath.Dir(path)
	must = func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	must(os.Mkdir(dir, 0o700))
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=700"); err != nil {
		fmt.Println("mount:", err)
		os.Exit(77)
	}
	return path, must
}

// childFillsTheDiskByLog writes the same rows until the log would be several times as large as the disk, while a reader
// reads an old state, and continues after that.
func childFillsTheDiskByLog() {
	path, must := smallDisk()
	ctx := context.Background()
	j, err := Open(ctx, Options{Path: path})
	must(err)
	for n := range 600 {
		cb := callback("cb", "cb")
		cb.Cause = fmt.Sprint("round ", n)
		if err := j.Commit(ctx, journal.PutCallback{Callback: cb}); err != nil {
			must(fmt.Errorf("round %d: %w", n, err))
		}
	}
	// A reader keeps the log from being reused: the disk is full, and has room again when the reader ends.
	tx, err := j.db.BeginTx(ctx, nil)
	must(err)
	var n int
	must(tx.QueryRow("SELECT count(*) FROM callbacks").Scan(&n))
	for refused := 0; refused < 3; {
		cb := callback("cb", "cb")
		cb.Cause = "during a read"
		if j.Commit(ctx, journal.PutCallback{Callback: cb}) != nil {
			refused++
		}
	}
	must(tx.Rollback())
	for n := range 200 {
		cb := callback("cb", "cb")
		cb.Cause = fmt.Sprint("again ", n)
		if err := j.Commit(ctx, journal.PutCallback{Callback: cb}); err != nil {
			must(fmt.Errorf("again %d: %w", n, err))
		}
	}
	must(j.Close())
	j, err = Open(ctx, Options{Path: path})
	must(err)
	c, _, err := j.Callback(ctx, "cb")
	must(err)
	if c.Cause != "again 199" {
		must(fmt.Errorf("the last commit is %q", c.Cause))
	}
	must(j.Close())
	fmt.Println("done")
}

// childFillsTheDisk fills the disk with another file.
func childFillsTheDisk() {
	path, must := smallDisk()
	dir := filepath.Dir(path)
	ctx := context.Background()
	j, err := Open(ctx, Options{Path: path})
	must(err)
	filler := filepath.Join(dir, "filler")
	next, told := 0, map[string]bool{}
	for round := range 3 {
		f, err := os.Create(filler)
		must(err)
		for err == nil {
			_, err = f.Write(make([]byte, 4096))
		}
		must(f.Close())
		var full error
		for refused := 0; refused < 3; next++ {
			id := fmt.Sprint("cb", next)
			err := j.Commit(ctx, journal.PutCallback{Callback: callback(id, id)}, journal.AddAudit{Audit: record(id)})
			told[id] = err == nil
			if err != nil {
				full = err
				refused++
			}
		}
		if !strings.Contains(full.Error(), path) || !strings.Contains(full.Error(), "free space on the disk of "+dir) {
			must(fmt.Errorf("round %d: %w", round, full))
		}
		must(os.Remove(filler))
		id := fmt.Sprint("again", round)
		must(j.Commit(ctx, journal.PutCallback{Callback: callback(id, id)})) // service resumes by itself
		told[id] = true
	}
	must(j.Close())
	j, err = Open(ctx, Options{Path: path})
	must(err)
	found := map[string]bool{}
	for _, c := range rows(j.Pending(ctx)) {
		found[c.ID] = true
	}
	for id, ok := range told {
		if found[id] != ok {
			must(fmt.Errorf("%s: told %v, found %v", id, ok, found[id]))
		}
	}
	bad, err := j.Verify(ctx)
	must(err)
	if len(bad) > 0 {
		must(fmt.Errorf("%v", bad))
	}
	must(j.Close())
	fmt.Println("done")
}
