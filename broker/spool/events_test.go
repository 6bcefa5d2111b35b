package spool

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/ringback/ringback/broker/events"
)

// The silence of a list's server is reported once when it begins and once when it ends.
func TestSpoolReportsSilence(t *testing.T) {
	srv := &server{takes: time.Second, down: true}
	var mu sync.Mutex
	var got []events.Event
	happened := func(e events.Event) {
		mu.Lock()
		defer mu.Unlock()
		if w, ok := e.(events.AccountingWaits); ok && (w.Err == nil || w.Err.Error() != "no answer") {
			t.Errorf("the reason: %v", w.Err)
		}
		got = append(got, e)
	}
	spoolingTo(t, srv, happened, func(t *testing.T, s *Spool, _ *records) {
		spoolUp(t, s, "a-start@isp", "b-start@isp")
		sleep(time.Hour)
		srv.set(false)
		sleep(2 * time.Hour)
	})
	var types []string
	for _, e := range got {
		types = append(types, reflect.TypeOf(e).Name())
	}
	if want := []string{"AccountingWaits", "AccountingGoesOn"}; !reflect.DeepEqual(types, want) {
		t.Fatalf("reported %v, want %v", types, want)
	}
	if got[0].(events.AccountingWaits).List != "isp" || got[1] != (events.AccountingGoesOn{List: "isp"}) {
		t.Errorf("%+v", got)
	}
}
