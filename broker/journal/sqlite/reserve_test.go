package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/ringback/ringback/broker/journal"
)

// TestReserve: the ends of admitted sessions are written even if the disk is completely full, and no user is admitted
// until there is room.
func TestReserve(t *testing.T) { onSmallDisk(t, "reserve") }

// childNeedsTheReserve fills the disk with a file that grows whenever there is room, as a runaway log does.
func childNeedsTheReserve() {
	path, must := smallDisk()
	ctx := context.Background()
	o := Options{Path: path, Reserve: 256 << 10}
	j, err := Open(ctx, o)
	must(err)
	must(j.Room())
	const sessions = 20
	for n := range sessions {
		must(j.Commit(ctx, journal.PutCall{Call: call(fmt.Sprint("c", n))}))
	}
	filler, err := os.Create(filepath.Join(filepath.Dir(path), "filler"))
	must(err)
	fill := func() {
		for err := error(nil); err == nil; {
			_, err = filler.Write(make([]byte, 1024))
		}
	}
	fill()
	refused := 0
	for n := 0; refused < 3; n++ { // there may be room inside the journal's files
		id := fmt.Sprint("new", n)
		if j.Commit(ctx, journal.PutCallback{Callback: callback(id, id)}) != nil {
			refused++
		}
	}
	if j.Room() != nil {
		must(fmt.Errorf("a promise used the reserve: %w", j.Room()))
	}
	body := strings.Repeat("x", 2000)
	end := func(n int) error {
		r := spooled(fmt.Sprint("c", n, "-stop"))
		r.Body = body
		return j.Commit(ctx, journal.Spool{Record: r}, journal.EndCall{ID: fmt.Sprint("c", n), End: at(9),
			Cause: "hung up"}, journal.UseReserve{})
	}
	for n := range sessions {
		must(end(n))
		fill() // the other file takes released room too
	}
	why := j.Room()
	if why == nil || !strings.Contains(why.Error(), "for the ends of sessions") ||
		!strings.Contains(why.Error(), filepath.Dir(path)) {
		must(fmt.Errorf("with a part of the reserve released: %v", why))
	}
	must(filler.Truncate(0))
	late, again := time.After(time.Minute), time.NewTicker(10*time.Millisecond)
	defer again.Stop()
	for j.Room() != nil {
		select {
		case <-again.C:
		case <-late:
			must(j.Room())
		}
	}
	must(j.Close())
	j, err = Open(ctx, o)
	must(err)
	must(j.Room())
	if got := len(rows(j.SpoolNext(ctx, 99))); got != sessions {
		must(fmt.Errorf("%d Stops of %d", got, sessions))
	}
	if open := rows(j.OpenCalls(ctx)); len(open) != 0 {
		must(fmt.Errorf("%d calls are open", len(open)))
	}
	must(j.Close())
	fmt.Println("done")
}

// TestReserveIsReal: a hole in a sparse file is no reserved room.
func TestReserveIsReal(t *testing.T) {
	path := newPath(t)
	j := open(t, path)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(filepath.Dir(path), reserveName)
	blocks := func() int64 {
		var st unix.Stat_t
		if err := unix.Stat(name, &st); err != nil {
			t.Fatal(err)
		}
		return st.Blocks * 512
	}
	if got := blocks(); got < testReserve {
		t.Fatalf("the reserve takes %d octets of the disk", got)
	}
	for _, size := range []int64{0, 100, testReserve, 2 * testReserve} { // truncated, or sparse as a copy may be
		if err := os.Truncate(name, 0); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, size); err != nil {
			t.Fatal(err)
		}
		j := open(t, path)
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if j.Room() != nil || info.Size() != testReserve || blocks() < testReserve || info.Mode().Perm() != 0o600 {
			t.Errorf("found with %d octets: %v, %d octets of the disk, mode %v", size, j.Room(), blocks(), info.Mode())
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
