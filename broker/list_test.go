package broker_test

import (
	"context"
	"testing"
	"time"

	"github.com/ringback/ringback/broker"
)

// A limit omits the oldest ones and returns how many; 0 omits none.
func TestCallbackList(t *testing.T) {
	inTown(t, townOptions{}, func(w *town) {
		var began []time.Time
		for range 3 {
			began = append(began, time.Now())
			p := w.pc(w.home)
			p.login("busy-05")
			p.see("NO CARRIER", time.Minute)
			w.pass(2 * time.Minute)
		}
		for _, tt := range []struct {
			q           broker.CallbackQuery
			want, older int
		}{
			{broker.CallbackQuery{All: true}, 3, 0},
			{broker.CallbackQuery{All: true, Limit: 3}, 3, 0},
			{broker.CallbackQuery{All: true, Limit: 1}, 1, 2},
			{broker.CallbackQuery{All: true, Limit: 1, Since: began[1]}, 1, 1},
			{broker.CallbackQuery{Limit: 1}, 0, 0},
		} {
			v, older, err := w.broker.CallbackList(context.Background(), tt.q)
			if err != nil || len(v) != tt.want || older != tt.older {
				t.Errorf("%+v: %d callbacks, %d older, %v; want %d and %d", tt.q, len(v), older, err, tt.want, tt.older)
			}
			if len(v) > 0 && v[0].Created.Before(began[2]) {
				t.Errorf("%+v: the first one is not the newest", tt.q)
			}
		}
	})
}
