package recordings

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/broker/events"
)

// taken are the events of a store, by their types.
type taken struct {
	mu  sync.Mutex
	all []events.Event
}

func (t *taken) take(e events.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, e)
}

func (t *taken) names() (names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.all {
		names = append(names, strings.TrimPrefix(reflect.TypeOf(e).Name(), "Recording"))
	}
	return names
}

func open(t *testing.T, o Options) (*Store, *taken) {
	t.Helper()
	got := &taken{}
	o.Happened = got.take
	if o.Dir == "" {
		o.Dir = filepath.Join(t.TempDir(), "recordings")
	}
	if o.Free == nil {
		o.Free = func(string) (uint64, error) { return MinFree, nil }
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s, got
}

func begin(t *testing.T, s *Store, id string) *Recording {
	t.Helper()
	r, err := s.Begin(t.Context(), About{ID: id, Call: "abcdefgh", User: "kim", Line: 65, Leg: 1, Group: "vendors"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read returns what is in a recording: its output, and its markers.
func read(t *testing.T, s *Store, id string) (h Header, output string, markers []string, all []Event) {
	t.Helper()
	_, f, err := s.Read(id)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for {
		e, err := r.Next()
		if err == io.EOF {
			return r.Header, output, markers, all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
		if e.Code == Output {
			output += e.Data
		} else {
			markers = append(markers, e.Data)
		}
	}
}

func TestRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, got := open(t, Options{})
		r := begin(t, s, "abcdefgh-1")
		r.Hide("hunter2")
		r.Output([]byte("Welcome\r\nho"))
		<-time.After(1500 * time.Millisecond)
		r.Output([]byte("st> \xc3"))
		r.Output([]byte("\xa9 \xff \x1b[31mhun"))
		<-time.After(time.Second)
		r.Output([]byte("ter2 <b>\x00"))
		synctest.Wait()
		if list := s.List(); len(list) != 1 || !list[0].Live || list[0].Complete || list[0].Octets == 0 {
			t.Errorf("while it runs: %+v", list)
		}
		if err := s.Remove("abcdefgh-1", "root"); !errors.Is(err, ErrLive) {
			t.Errorf("remove it: %v", err)
		}
		r.Close("caller logged out")
		r.Close("again")
		r.Output([]byte("after the end"))
		s.Close(t.Context())
		h, output, markers, all := read(t, s, "abcdefgh-1")
		if h.Title != "kim on tty 65" || h.Width != 80 || h.Height != 24 || h.Session.Group != "vendors" ||
			h.Timestamp != r.began.Unix() {
			t.Errorf("%+v", h)
		}
		if want := "Welcome\r\nhost> é \uFFFD \x1b[31m[secret] <b>\x00"; output != want {
			t.Errorf("output %q, want %q", output, want)
		}
		if !slices.Equal(markers, []string{"end: caller logged out"}) {
			t.Errorf("markers %q", markers)
		}
		if all[0].At != 0 || all[len(all)-1].At != 2500*time.Millisecond {
			t.Errorf("times: %+v", all)
		}
		info := s.List()[0]
		if info.Live || !info.Complete || info.Lost != 0 || info.Duration != 2500*time.Millisecond {
			t.Errorf("%+v", info)
		}
		if names := got.names(); !slices.Equal(names, []string{"Began", "Ended"}) {
			t.Errorf("events %v", names)
		}
		st, err := os.Stat(s.path("abcdefgh-1"))
		if dir, _ := os.Stat(s.Dir); err != nil || st.Mode().Perm() != 0o600 || dir.Mode().Perm() != 0o700 {
			t.Errorf("modes %v, %v, %v", st.Mode(), dir.Mode(), err)
		}
		again, _ := open(t, Options{Dir: s.Dir}) // the next process
		if list := again.List(); len(list) != 1 || list[0].About != info.About || list[0].Octets != info.Octets ||
			!list[0].Complete || list[0].Duration != info.Duration {
			t.Errorf("read again: %+v", list)
		}
	})
}

// TestCharsets: asciicast has UTF-8 only.
func TestCharsets(t *testing.T) {
	for charset, want := range map[string]string{"": "\uFFFD\uFFFDx", "iso-8859-1": "éÄx", "cp437": "Θ─x"} {
		d := decoder{charset: charset}
		if got := d.text([]byte("\xe9\xc4x")); got != want {
			t.Errorf("%q: %q, want %q", charset, got, want)
		}
	}
	if n := len(cp437); n != 128 {
		t.Errorf("cp437 has %d characters", n)
	}
}

// slowFile is a disk that takes nothing until it is released, or fails.
type slowFile struct {
	file
	release chan struct{}
	fail    func(p []byte) (int, error)
}

func (f *slowFile) Write(p []byte) (int, error) {
	if f.fail != nil {
		if n, err := f.fail(p); err != nil {
			_, _ = f.file.Write(p[:n])
			return n, err
		}
	}
	if f.release != nil && !bytes.HasPrefix(p, []byte("{")) {
		<-f.release
	}
	return f.file.Write(p)
}

// TestSlowDisk: a disk that hangs holds nobody up; memory is bounded, and the gap is marked.
func TestSlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s, got := open(t, Options{create: func(path string) (file, error) {
			f, err := createFile(path)
			return &slowFile{file: f, release: release}, err
		}})
		r := begin(t, s, "abcdefgh-1")
		const flood = 16 << 20
		before := time.Now()
		r.Output([]byte("x"))
		synctest.Wait() // the goroutine waits for the disk
		for i := 1; i < flood; i += 1024 {
			r.Output(bytes.Repeat([]byte("x"), min(1024, flood-i)))
		}
		if took := time.Since(before); took != 0 {
			t.Errorf("it waited %v for the disk", took)
		}
		r.mu.Lock()
		if n := cap(r.queue) + cap(r.spare); n > 4*queueLimit {
			t.Errorf("%d octets wait", n)
		}
		r.mu.Unlock()
		synctest.Wait()
		if st := s.State(); st.Lost == 0 || st.Why != "the disk is too slow" {
			t.Errorf("%+v", st)
		}
		close(release)
		synctest.Wait()
		r.Output([]byte("back"))
		r.Close("idle")
		s.Close(t.Context())
		_, output, markers, _ := read(t, s, "abcdefgh-1")
		info := s.List()[0]
		if uint64(len(output))+info.Lost != flood+4 || !strings.HasSuffix(output, "xback") {
			t.Errorf("%d octets and %d lost of %d", len(output), info.Lost, flood+4)
		}
		want := []string{fmt.Sprintf("%d octets are not recorded: the disk is too slow", info.Lost),
			fmt.Sprintf("end, %d octets are not recorded: idle", info.Lost)}
		if !slices.Equal(markers, want) || !info.Complete {
			t.Errorf("markers %q, want %q", markers, want)
		}
		if names := got.names(); !slices.Equal(names, []string{"Began", "Lost", "Ended"}) {
			t.Errorf("events %v", names)
		}
		again, _ := open(t, Options{Dir: s.Dir})
		if list := again.List(); list[0].Lost != info.Lost || !list[0].Complete {
			t.Errorf("read again: %+v", list)
		}
	})
}

// TestFullDisk: what a full disk took in part is taken back, and the recording goes on when there is room.
func TestFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := false
		s, _ := open(t, Options{create: func(path string) (file, error) {
			f, err := createFile(path)
			return &slowFile{file: f, fail: func(p []byte) (int, error) {
				if full {
					return len(p) / 2, syscall.ENOSPC
				}
				return 0, nil
			}}, err
		}})
		r := begin(t, s, "abcdefgh-1")
		r.Output([]byte("one "))
		synctest.Wait()
		full = true
		r.Output([]byte("lost "))
		synctest.Wait()
		if st := s.State(); !errors.Is(st.Failed, syscall.ENOSPC) || st.Lost != 5 {
			t.Errorf("%+v", st)
		}
		r.Output([]byte("also lost "))
		synctest.Wait()
		<-time.After(2 * retryAfter) // the next try fails too, with the marker of the gap
		r.Output([]byte("and this "))
		synctest.Wait()
		full = false
		<-time.After(2 * retryAfter)
		r.Output([]byte("two"))
		synctest.Wait()
		if st := s.State(); st.Failed != nil || st.Lost != 24 {
			t.Errorf("%+v", st)
		}
		full = true
		r.Close("gone")
		s.Close(t.Context())
		_, output, markers, _ := read(t, s, "abcdefgh-1")
		if output != "one two" || len(markers) != 1 || !strings.HasPrefix(markers[0], "24 octets are not recorded: ") {
			t.Errorf("%q, %q", output, markers)
		}
		if info := s.List()[0]; info.Complete || info.Live {
			t.Errorf("without its end: %+v", info)
		}
	})
}

// TestNoRoom: recordings leave room for the journal, and say so where one should begin.
func TestNoRoom(t *testing.T) {
	free := uint64(MinFree - 1)
	s, got := open(t, Options{Free: func(string) (uint64, error) { return free, nil }})
	if _, err := s.Begin(t.Context(), About{ID: "abcdefgh-1"}); err == nil || s.State().Failed == nil ||
		!strings.Contains(err.Error(), "63 MiB free") {
		t.Errorf("began: %v", err)
	}
	if files, _ := os.ReadDir(s.Dir); len(files) > 0 || len(got.names()) > 0 || len(s.List()) > 0 {
		t.Errorf("left: %v, %v", files, got.names())
	}
	free = MinFree
	begin(t, s, "abcdefgh-1").Close("")
	s.Close(t.Context())
	if s.State().Failed != nil {
		t.Error(s.State().Failed)
	}
}

// TestBeginHangs: a session does not wait forever for a disk that does not answer.
func TestBeginHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s, _ := open(t, Options{create: func(path string) (file, error) {
			<-release
			return createFile(path)
		}})
		before := time.Now()
		_, err := s.Begin(t.Context(), About{ID: "abcdefgh-1"})
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(before) != beginTime {
			t.Errorf("%v after %v", err, time.Since(before))
		}
		close(release)
		s.Close(t.Context())
		if files, err := os.ReadDir(s.Dir); err != nil || len(files) > 0 {
			t.Errorf("the late file stays: %v, %v", files, err)
		}
	})
}

// TestPlanted: a file or a link that is there already is not written to.
func TestPlanted(t *testing.T) {
	s, _ := open(t, Options{})
	if err := os.Mkdir(s.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), "target")
	if err := os.Symlink(target, s.path("abcdefgh-1")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Begin(t.Context(), About{ID: "abcdefgh-1"}); !errors.Is(err, os.ErrExist) {
		t.Error(err)
	}
	if _, err := os.Lstat(target); !errors.Is(err, os.ErrNotExist) {
		t.Error("the file of the link was made")
	}
	for _, id := range []string{"", "../x-1", "a/b-1", "a_1", "a-", "-1", "a-1.cast"} {
		if _, err := s.Begin(t.Context(), About{ID: id}); err == nil {
			t.Errorf("%q began", id)
		}
		if _, _, err := s.Read(id); !errors.Is(err, ErrNone) {
			t.Errorf("read %q: %v", id, err)
		}
	}
	if err := os.Chmod(s.Dir, 0o750); err != nil {
		t.Fatal(err)
	}
	_, err := s.Begin(t.Context(), About{ID: "abcdefgh-2"})
	if err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Error(err)
	}
	if _, err := Open(s.Options); err == nil || !strings.Contains(err.Error(), "recordings.dir") {
		t.Error(err)
	}
}

// TestCutOff: after a crash the file ends with its last whole line.
func TestCutOff(t *testing.T) {
	s, _ := open(t, Options{})
	r := begin(t, s, "abcdefgh-1")
	r.Output([]byte("hello"))
	r.Close("")
	s.Close(t.Context())
	whole, err := os.ReadFile(s.path("abcdefgh-1"))
	if err != nil {
		t.Fatal(err)
	}
	header := bytes.IndexByte(whole, '\n') + 1
	for n := range len(whole) { // a crash after any octet
		if err := os.WriteFile(s.path("abcdefgh-1"), whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		again, _ := open(t, Options{Dir: s.Dir})
		list := again.List()
		if n < header {
			if len(list) > 0 {
				t.Fatalf("cut off at %d in the header: %+v", n, list)
			}
			continue
		}
		if len(list) != 1 || list[0].Complete || list[0].Live {
			t.Fatalf("cut off at %d: %+v", n, list)
		}
		left, _ := os.ReadFile(again.path("abcdefgh-1"))
		if !bytes.HasPrefix(whole, left) || left[len(left)-1] != '\n' {
			t.Fatalf("cut off at %d: %q is left", n, left)
		}
		read(t, again, "abcdefgh-1")
	}
}

// TestLimits: old recordings are removed, and the oldest of too many, but none whose session continues.
func TestLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, got := open(t, Options{Limits: Limits{Keep: 24 * time.Hour}})
		live := begin(t, s, "a-1")
		for _, id := range []string{"b-1", "c-1", "d-1"} {
			r := begin(t, s, id)
			r.Output(bytes.Repeat([]byte("x"), 1000))
			r.Close("")
			synctest.Wait()
			<-time.After(10 * time.Hour)
		}
		ids := func() (all []string) {
			for _, i := range s.List() {
				all = append(all, i.ID)
			}
			return all
		}
		if got := ids(); !slices.Equal(got, []string{"d-1", "c-1", "b-1", "a-1"}) {
			t.Fatalf("%v", got)
		}
		s.Prune(time.Now()) // 30, 20 and 10 hours old
		if got := ids(); !slices.Equal(got, []string{"d-1", "c-1", "a-1"}) {
			t.Fatalf("after the time: %v", got)
		}
		s.Configure(Limits{MaxSize: s.List()[0].Octets + 100})
		s.Prune(time.Now())
		if got := ids(); !slices.Equal(got, []string{"d-1", "a-1"}) {
			t.Fatalf("after the size: %v", got)
		}
		if err := s.Remove("d", "kim"); err != nil { // the only one that begins so
			t.Fatal(err)
		}
		if err := s.Remove("d-1", "kim"); !errors.Is(err, ErrNone) {
			t.Fatal(err)
		}
		var removed []string
		for _, e := range got.all {
			if e, ok := e.(events.RecordingRemoved); ok {
				removed = append(removed, fmt.Sprintf("%s by %s: %s", e.Recording, e.By, e.Reason))
			}
		}
		if want := []string{"b-1 by retention: older than recordings.keep",
			"c-1 by retention: beyond recordings.max_size", "d-1 by kim: "}; !slices.Equal(removed, want) {
			t.Errorf("%q, want %q", removed, want)
		}
		live.Close("")
		s.Close(t.Context())
		if files, _ := os.ReadDir(s.Dir); len(files) != 1 {
			t.Errorf("files: %v", files)
		}
	})
}

// TestOldestFirst: a small recording does not outlive larger ones that are newer.
func TestOldestFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := open(t, Options{})
		for i, size := range []int{10, 5000, 1000} {
			r := begin(t, s, fmt.Sprintf("r%d-1", i))
			r.Output(bytes.Repeat([]byte("x"), size))
			r.Close("")
			synctest.Wait()
			<-time.After(time.Hour)
		}
		s.Configure(Limits{MaxSize: 3000})
		s.Prune(time.Now())
		if all := s.List(); len(all) != 1 || all[0].ID != "r2-1" {
			t.Errorf("left: %+v", all)
		}
		s.Close(t.Context())
	})
}

// TestPipe: a pipe in place of a file is an error, and nobody waits for who writes into it.
func TestPipe(t *testing.T) {
	s, _ := open(t, Options{})
	begin(t, s, "abcdefgh-1").Close("")
	s.Close(t.Context())
	path := s.path("abcdefgh-1")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Read("abcdefgh"); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Error(err)
	}
}

// TestBeginningOfID: a recording is found by the beginning of its ID, if no other one has it.
func TestBeginningOfID(t *testing.T) {
	s, _ := open(t, Options{})
	begin(t, s, "AB")
	for _, id := range []string{"AB-2", "AC-2"} {
		begin(t, s, id).Close("")
	}
	s.Close(t.Context())
	for id, want := range map[string]string{"AB": "AB", "AB-": "AB-2", "AC": "AC-2"} {
		if i, f, err := s.Read(id); err != nil || i.ID != want {
			t.Errorf("%q: %q, %v", id, i.ID, err)
		} else if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	for id, want := range map[string]error{"": ErrNone, "A": ErrAmbiguous, "B": ErrNone, "AB-22": ErrNone} {
		if _, _, err := s.Read(id); err != want {
			t.Errorf("%q: %v, want %v", id, err, want)
		}
	}
}

// TestMaxSession: one recording does not take all of the disk, and says where it ends.
func TestMaxSession(t *testing.T) {
	s, got := open(t, Options{Limits: Limits{MaxSession: 2000}})
	r := begin(t, s, "a-1")
	for range 100 {
		r.Output(bytes.Repeat([]byte("y"), 100))
	}
	r.Close("")
	s.Close(t.Context())
	_, output, markers, _ := read(t, s, "a-1")
	info := s.List()[0]
	if len(markers) != 2 || !strings.HasPrefix(markers[0], "the rest is not recorded: ") ||
		!strings.Contains(markers[0], "recordings.max_session") || info.Octets > 2400 ||
		uint64(len(output))+info.Lost != 10_000 {
		t.Errorf("%d octets, %q, %+v", len(output), markers, info)
	}
	if n := got.names(); !slices.Contains(n, "Lost") {
		t.Errorf("events %v", n)
	}
}

// TestMaxSessionOfASlowDisk: what the disk has not taken yet counts, too.
func TestMaxSessionOfASlowDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		s, _ := open(t, Options{Limits: Limits{MaxSession: 2000}, create: func(path string) (file, error) {
			f, err := createFile(path)
			return &slowFile{file: f, release: release}, err
		}})
		r := begin(t, s, "a-1")
		r.Output(bytes.Repeat([]byte("y"), 1500))
		synctest.Wait() // the goroutine waits for the disk
		for range 10 {
			r.Output(bytes.Repeat([]byte("y"), 100))
		}
		close(release)
		r.Close("")
		s.Close(t.Context())
		if info := s.List()[0]; info.Octets > 2400 || info.Lost < 700 || !info.Complete {
			t.Errorf("%+v", info)
		}
	})
}

// TestPeerAsciinema plays a recording with asciinema's own player.
func TestPeerAsciinema(t *testing.T) {
	program, err := exec.LookPath("asciinema")
	if err != nil {
		if os.Getenv("RINGBACK_REQUIRE_PEERS") == "1" {
			t.Fatal("asciinema is not installed (apt-get install asciinema)")
		}
		t.Skip("asciinema is not installed (apt-get install asciinema)")
	}
	s, _ := open(t, Options{})
	r := begin(t, s, "abcdefgh-1")
	r.Hide("hunter2")
	r.Output([]byte("Héllo \"world\"\\ \x1b[1mbold\x1b[0m \xff hunt"))
	r.Output([]byte("er2\r\n\x00end"))
	r.Close("caller logged out")
	s.Close(t.Context())
	_, want, _, _ := read(t, s, "abcdefgh-1")
	// asciinema needs a terminal, which script makes
	cmd := exec.CommandContext(t.Context(), "script", "-qec", program+" play "+s.path("abcdefgh-1"), "/dev/null")
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "LC_ALL=C.UTF-8", "TERM=xterm")
	got, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(strings.ReplaceAll(string(got), "\r\r\n", "\r\n"), want) {
		t.Errorf("asciinema: %v\n%q, want %q", err, got, want)
	}
}
