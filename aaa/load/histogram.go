package load

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// histogram counts durations in buckets at most 1/64 of their value wide, so quantiles are accurate to 1.6 %. Its zero
// value is empty; all methods may be called from any goroutine.
type histogram struct {
	counts  [histogramBuckets]atomic.Uint64
	longest atomic.Int64
}

// Below 128 ns each nanosecond has its own bucket; above, each doubling has 64.
const (
	histogramBits    = 6
	histogramBuckets = (64-histogramBits)<<histogramBits + 1<<histogramBits
)

func bucketOf(d time.Duration) int {
	v := uint64(max(d, 0))
	shift := max(0, bits.Len64(v)-histogramBits-1)
	return shift<<histogramBits + int(v>>shift)
}

// bucketEnd is the longest duration of a bucket.
func bucketEnd(i int) time.Duration {
	shift := max(0, i>>histogramBits-1)
	return time.Duration(uint64(i-shift<<histogramBits+1)<<shift - 1)
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucketOf(d)].Add(1)
	for {
		longest := h.longest.Load()
		if int64(d) <= longest || h.longest.CompareAndSwap(longest, int64(d)) {
			return
		}
	}
}

// quantile returns the duration at the quantile q, 0 to 1 (nearest rank); 0 if there are none.
func (h *histogram) quantile(q float64) time.Duration {
	total := uint64(0)
	for i := range h.counts {
		total += h.counts[i].Load()
	}
	if total == 0 {
		return 0
	}
	rank := max(1, uint64(math.Ceil(q*float64(total))))
	seen := uint64(0)
	for i := range h.counts {
		if seen += h.counts[i].Load(); seen >= rank {
			return min(bucketEnd(i), h.max())
		}
	}
	return h.max()
}

// max returns the exact longest duration.
func (h *histogram) max() time.Duration { return time.Duration(h.longest.Load()) }
