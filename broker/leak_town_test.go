package broker_test

import (
	"context"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ringback/ringback/aaa"
)

// forgetful acknowledges all accounting records and keeps none.
type forgetful struct{}

func (forgetful) Send(context.Context, aaa.Record) error { return nil }

// held counts the resources of a process that a leak would increase.
type held struct{ goroutines, descriptors, objects int }

func holds(t *testing.T) held {
	t.Helper()
	synctest.Wait()
	runtime.GC()
	runtime.GC() // frees what finalizers released
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	return held{runtime.NumGoroutine(), len(files), int(m.HeapObjects)}
}

// TestCallsLeaveNothing: after 200 calls of all kinds a process has no more goroutines and descriptors than before, and
// no context, timer or session of them in its memory.
func TestCallsLeaveNothing(t *testing.T) {
	inTown(t, townOptions{accountant: forgetful{}}, func(w *town) {
		p := w.pc(w.home)
		over := func() {
			t.Helper()
			p.dte.SetDTR(false)
			w.idle(time.Minute)
			p.dte.SetDTR(true)
			w.pass(10 * time.Second)
		}
		fourCalls := func() {
			t.Helper()
			p.typ("ats0=1")
			p.login("austin-01")
			p.see("Callback initiated", time.Minute)
			p.see("NO CARRIER", time.Minute)
			p.see("CONNECT", 2*time.Minute)
			p.see("maui-nas-04>", time.Minute)
			p.typ("exit")
			p.see("NO CARRIER", time.Minute)
			over()
			p.login("paia-04")
			p.see("maui-nas-04>", time.Minute)
			over() // without typing
			p.login("busy-05")
			p.see("Callback initiated", time.Minute)
			p.see("NO CARRIER", time.Minute)
			w.pass(time.Minute)
			over()
			p.login("nobody")
			p.see("% Login invalid", time.Minute)
			over()
			if v := w.last(); v.Ended.IsZero() {
				t.Fatalf("callback %s is still %s", v.ID, v.Phase)
			}
		}
		for range 10 { // so that caches are full
			fourCalls()
		}
		before, dialed := holds(t), len(w.x.Dials())
		const rounds = 50
		for range rounds {
			fourCalls()
		}
		after := holds(t)
		// The exchange stores two strings for each dialed number. The rest allows for caches and maps.
		remembered := 2*(len(w.x.Dials())-dialed) + 150
		// The runtime starts goroutines and opens files of its own; a leak in one kind of call would be 50.
		const runtimes = 20
		if after.goroutines > before.goroutines+runtimes || after.descriptors > before.descriptors+runtimes ||
			after.objects > before.objects+remembered {
			t.Errorf("200 calls: %+v became %+v, of which the exchange holds %d objects", before, after, remembered)
		}
	})
}
