package load

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHistogramQuantiles(t *testing.T) {
	var h histogram
	if h.quantile(0.5) != 0 || h.max() != 0 {
		t.Errorf("an empty histogram: p50 %v, max %v", h.quantile(0.5), h.max())
	}
	r := rand.New(rand.NewPCG(1, 2))
	var all []time.Duration
	for i := range 20000 { // from nanoseconds to a minute, evenly over all magnitudes
		d := time.Duration(r.Int64N(1 << (1 + i%36)))
		all = append(all, d)
		h.add(d)
	}
	slices.Sort(all)
	if h.max() != all[len(all)-1] {
		t.Errorf("max %v, must be %v", h.max(), all[len(all)-1])
	}
	for _, tt := range []struct {
		q    float64
		rank int // of 20000
	}{{0, 1}, {0.001, 20}, {0.5, 10000}, {0.9, 18000}, {0.99, 19800}, {0.999, 19980}, {1, 20000}} {
		got, want := h.quantile(tt.q), all[tt.rank-1]
		if got < want || float64(got-want) > float64(want)/64 {
			t.Errorf("quantile %v is %v, must be %v to %v", tt.q, got, want, want+want/64)
		}
	}
}

// Each duration is in its bucket, and the buckets have no gaps, up to the longest possible duration.
func TestHistogramBuckets(t *testing.T) {
	for i := 1; i < histogramBuckets && bucketEnd(i) > bucketEnd(i-1); i++ {
		for _, d := range []time.Duration{bucketEnd(i-1) + 1, bucketEnd(i)} {
			if bucketOf(d) != i {
				t.Fatalf("%d ns is in bucket %d, must be in %d", d, bucketOf(d), i)
			}
		}
	}
	const longest = time.Duration(1<<63 - 1)
	if b := bucketOf(longest); b >= histogramBuckets || bucketEnd(b) != longest {
		t.Errorf("%d ns is in bucket %d of %d, which ends at %d", longest, b, histogramBuckets, bucketEnd(b))
	}
	if bucketOf(-1) != 0 {
		t.Error("a negative duration has no bucket")
	}
}
