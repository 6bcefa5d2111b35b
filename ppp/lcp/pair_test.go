package lcp_test

import (
	"math/rand/v2"
	"testing"

	"github.com/ringback/ringback/ppp/fsm"
	"github.com/ringback/ringback/ppp/fsm/fsmtest"
	"github.com/ringback/ringback/ppp/lcp"
)

// pair returns the called side and a caller. The caller is an LCP too, which rejects authentication.
func pair(r *rand.Rand, auth ...lcp.Auth) (nas, caller *lcp.LCP) {
	nas = lcp.New(lcp.Config{Config: fsm.Config{FirstID: 1}, Magic: r.Uint32, Auth: auth, MRU: 1400})
	return nas, lcp.New(lcp.Config{Config: fsm.Config{FirstID: 100}, Magic: r.Uint32, ACCM: 0x000a0000})
}

// Two LCPs open and agree, or end with a reason, in bounded steps; with authentication, which the caller rejects, they
// end.
func TestPair(t *testing.T) {
	for name, d := range map[string]fsmtest.Disturbance{
		"good":       {},
		"loss":       {Steps: 150, Loss: 40, Timeouts: 3},
		"duplicates": {Steps: 150, Duplicate: 40},
		"all":        {Steps: 150, Loss: 20, Duplicate: 20, Reorder: true, Timeouts: 5},
	} {
		t.Run(name, func(t *testing.T) {
			both := 0
			for seed := range uint64(200) {
				r := rand.New(rand.NewPCG(seed, 3))
				nas, caller := pair(r)
				if seed%2 != 0 {
					nas, caller = pair(r, lcp.MSCHAPv2, lcp.PAP)
				}
				a, b := &fsmtest.Engine{Layer: nas}, &fsmtest.Engine{Layer: caller}
				a.Start(t)
				b.Start(t)
				fsmtest.Talk(t, r, a, b, d, 1500)
				if seed%2 != 0 {
					if a.IsUp || len(a.Finished) == 0 {
						t.Fatalf("seed %d: up %v without authentication, finished %v", seed, a.IsUp, a.Finished)
					}
					continue
				}
				if !a.IsUp && len(a.Finished) == 0 || !b.IsUp && len(b.Finished) == 0 {
					t.Fatalf("seed %d: %v, %v", seed, nas.State(), caller.State())
				}
				if a.IsUp && b.IsUp {
					both++
					x, y := nas.Result(), caller.Result()
					if !d.Reorder && (x.Ours != y.Peer || x.Peer != y.Ours || x.Ours.MRU != 1400 ||
						x.Peer.ACCM != 0xa0000) {
						t.Fatalf("seed %d: %+v, %+v", seed, x, y)
					}
				}
			}
			if both < 90 {
				t.Errorf("both open in %d of 100", both)
			}
		})
	}
}
