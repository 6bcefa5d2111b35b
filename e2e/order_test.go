package e2e

import (
	"strings"
	"testing"

	"github.com/ringback/ringback/api/client"
	"github.com/ringback/ringback/lab"
)

// TestOrderedCallback has users of the lab called back who have not called, with each kind of AAA server: within what
// AAA and the policy allow, and never without a login on the call.
func TestOrderedCallback(t *testing.T) {
	for _, kind := range lab.AllAAA {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			l := startSite(t, lab.Options{AAA: kind, Edit: shortWait})
			c := l.Client()
			for _, tt := range []struct {
				order client.CallbackOrder
				says  string
			}{
				{client.CallbackOrder{User: "austin-02", Number: "911"}, "911"},
				{client.CallbackOrder{User: "austin-02"}, "number"},
				{client.CallbackOrder{User: "nobody"}, "nobody"},
			} {
				id, err := c.OrderCallback(t.Context(), tt.order)
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("%+v: %s, %v", tt.order, id, err)
				}
			}
			for user, number := range map[string]string{"austin-01": "", "austin-02": "84002", "kihei-03": ""} {
				id, err := c.OrderCallback(t.Context(), client.CallbackOrder{User: user, Number: number})
				if err != nil {
					t.Errorf("%s: %v", user, err)
					continue
				}
				v, err := c.Callback(t.Context(), id)
				if err != nil || v.NoVerify || v.User != user {
					t.Errorf("%s: %+v, %v", user, v.Callback, err)
				}
				if err := c.CancelCallback(t.Context(), id); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
