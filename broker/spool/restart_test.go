package spool

import (
	"context"
	"errors"
	"net/netip"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/broker/events"
)

// A record of PPP that no server took is sent after a restart, whole: its counters and addresses too.
func TestSpoolRestartKeepsPPP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &records{}
		run := func(a aaa.Accountant, put ...aaa.Record) {
			s := New(store, a, zap.NewNop(), func(events.Event) {})
			if err := s.Put(t.Context(), put); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { defer close(ended); s.Run(ctx) }()
			sleep(10 * time.Second)
			stop()
			<-ended
		}
		want := aaa.Record{ID: "s1-stop", Type: aaa.Stop, Time: time.Unix(1000000000, 0).UTC(), SessionID: "s1",
			User: "kim", Service: aaa.PPP, ServiceType: 2, TTY: 65, SessionTime: time.Minute, OctetsIn: 1 << 40,
			OctetsOut: 2, PacketsIn: 1 << 33, PacketsOut: 4, Cause: aaa.CauseUserRequest,
			FramedAddress:     netip.MustParseAddr("10.8.0.10"),
			FramedPrefixes:    []netip.Prefix{netip.MustParsePrefix("2001:db8:8::/64")},
			FramedInterfaceID: "0:0:0:9"}
		run(accountantFunc(func(aaa.Record) error { return errors.New("no answer") }), want)
		var got []aaa.Record
		run(accountantFunc(func(r aaa.Record) error { got = append(got, r); return nil }))
		if len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("sent after the restart:\n%+v\nwant\n%+v", got, want)
		}
	})
}
