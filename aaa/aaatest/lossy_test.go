package aaatest

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// arrivals sends n datagrams over a lossy network and returns those that arrived, in order.
func arrivals(t *testing.T, l Loss, n int) (got []byte, count LossyCount) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var mem Net
		far, err := mem.Listen("far")
		if err != nil {
			t.Fatal(err)
		}
		near, err := mem.Dial(context.Background(), "udp", "far")
		if err != nil {
			t.Fatal(err)
		}
		way := NewLossy(l)
		conn := way.Conn(near)
		for i := range n {
			if _, err := conn.Write([]byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Millisecond)
		}
		<-time.After(time.Minute)
		for len(far.queue) > 0 {
			b := make([]byte, 1)
			if _, _, err := far.ReadFrom(b); err != nil {
				t.Fatal(err)
			}
			got = append(got, b[0])
		}
		count = way.Count()
		way.Close()
		if _, err := conn.Write([]byte{1}); err != net.ErrClosed {
			t.Errorf("after Close: %v", err)
		}
	})
	return got, count
}

func TestLossy(t *testing.T) {
	whole, n := arrivals(t, Loss{}, 200)
	if len(whole) != 200 || n != (LossyCount{Sent: 200}) {
		t.Errorf("without loss: %d arrived, %+v", len(whole), n)
	}
	for i, b := range whole {
		if int(b) != i {
			t.Fatal("without loss the datagrams are out of order")
		}
	}
	bad := Loss{Drop: 0.3, Duplicate: 0.2, Reorder: 0.1, Delay: time.Millisecond, Jitter: 3 * time.Millisecond, Seed: 5}
	got, n := arrivals(t, bad, 200)
	if len(got) != 200-n.Dropped+n.Duplicated || n.Dropped < 30 || n.Dropped > 90 || n.Duplicated < 10 ||
		n.Reordered < 5 {
		t.Errorf("%d arrived, %+v", len(got), n)
	}
	mixed := false
	for i := 1; i < len(got); i++ {
		mixed = mixed || got[i] < got[i-1]
	}
	if !mixed {
		t.Error("no datagram is out of order")
	}
	again, m := arrivals(t, bad, 200)
	if string(again) != string(got) || m != n {
		t.Error("the same seed gave different faults")
	}
	if _, m := arrivals(t, Loss{Drop: 0.3, Seed: 5}, 200); m.Dropped < n.Dropped {
		t.Errorf("without the other faults fewer are lost: %d, %d", m.Dropped, n.Dropped)
	}
}
