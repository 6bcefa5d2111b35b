package tariff

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// The costs are computed by hand: price per call + price per minute × billed seconds / 60.
func TestCost(t *testing.T) {
	minutes := Rate{PerMinute: 20_000, PerCall: 50_000, Granularity: Granularity{60, 60}} // 0.02, 0.05
	mobile := Rate{PerMinute: 100_000, Granularity: Granularity{60, 1}}                   // 0.10
	france := Rate{PerMinute: 30_000, Granularity: Granularity{30, 6}}                    // 0.03
	seconds := Rate{PerMinute: 25_000, Granularity: Granularity{1, 1}}                    // 0.025
	for _, c := range []struct {
		rate Rate
		d    time.Duration
		want Money
	}{
		{minutes, 0, 70_000},
		{minutes, time.Nanosecond, 70_000},
		{minutes, time.Minute, 70_000},
		{minutes, time.Minute + time.Nanosecond, 90_000},
		{minutes, 2 * time.Minute, 90_000},
		{minutes, time.Hour, 1_250_000},
		{minutes, -time.Second, 70_000},
		{mobile, 59 * time.Second, 100_000},
		{mobile, 61 * time.Second, 101_667}, // 0.1016666…
		{mobile, 90 * time.Second, 150_000},
		{france, time.Second, 15_000},
		{france, 30 * time.Second, 15_000},
		{france, 31 * time.Second, 18_000}, // 36 s
		{france, 36 * time.Second, 18_000},
		{france, 37 * time.Second, 21_000}, // 42 s
		{seconds, 0, 417},                  // 416.67
		{seconds, time.Second, 417},
		{seconds, 60 * time.Second, 25_000},
		{seconds, 60500 * time.Millisecond, 25_417}, // 61 s
		{Rate{}, time.Hour, 0},
		{Rate{PerMinute: MaxMoney, Granularity: Granularity{60, 60}}, time.Hour, MaxMoney},
		{Rate{PerMinute: 1, PerCall: MaxMoney, Granularity: Granularity{60, 60}}, 0, MaxMoney},
		{Rate{PerMinute: 60, Granularity: Granularity{3600, 3600}}, math.MaxInt64, 9_223_372_038/3600*3600 + 3600},
	} {
		if got := c.rate.Cost(c.d); got != c.want {
			t.Errorf("%v, %v, %v for %v: %d, want %d", c.rate.PerMinute, c.rate.PerCall, c.rate.Granularity, c.d, got,
				c.want)
		}
	}
}

func TestWorst(t *testing.T) {
	for _, c := range []struct {
		rate  Rate
		d     time.Duration
		dials int
		want  Money
	}{
		// 3 × (0.05 + 0.02) + 60 × 0.02
		{Rate{PerMinute: 20_000, PerCall: 50_000, Granularity: Granularity{60, 60}}, time.Hour, 3, 1_410_000},
		// 2 × 30 s of 0.03, then 36 s
		{Rate{PerMinute: 30_000, Granularity: Granularity{30, 6}}, 31 * time.Second, 2, 48_000},
		// the larger step counts: 1 × 60 s, then 61 s
		{Rate{PerMinute: 60_000, Granularity: Granularity{1, 60}}, 2 * time.Second, 1, 121_000},
		// 417 for a second, and a millionth, for each dial
		{Rate{PerMinute: 25_000, Granularity: Granularity{1, 1}}, time.Minute, 2, 25_836},
		{Rate{PerMinute: 20_000, PerCall: 50_000, Granularity: Granularity{60, 60}}, time.Hour, 0, 0},
		{Rate{PerMinute: MaxMoney, PerCall: MaxMoney}, time.Hour, math.MaxInt, MaxMoney},
	} {
		if got := c.rate.Worst(c.d, c.dials); got != c.want {
			t.Errorf("%+v, %v, %d dials: %d, want %d", c.rate, c.d, c.dials, got, c.want)
		}
	}
}

func TestWithin(t *testing.T) {
	minutes := Rate{PerMinute: 20_000, PerCall: 50_000, Granularity: Granularity{60, 60}}
	for _, c := range []struct {
		rate Rate
		m    Money
		want time.Duration
	}{
		{minutes, -1, 0},
		{minutes, 0, 0},
		{minutes, 69_999, 0},
		{minutes, 70_000, time.Minute},
		{minutes, 89_999, time.Minute},
		{minutes, 90_000, 2 * time.Minute},
		{minutes, 1_250_000, time.Hour},
		{Rate{PerMinute: 30_000, Granularity: Granularity{30, 6}}, 20_000, 36 * time.Second},
		{Rate{PerCall: 5}, 4, 0},
		{Rate{PerCall: 5}, 5, math.MaxInt64},
		{Rate{PerMinute: 1}, MaxMoney, math.MaxInt64},
	} {
		if got := c.rate.Within(c.m); got != c.want {
			t.Errorf("%+v, %v: %v, want %v", c.rate, c.m, got, c.want)
		}
	}
}

// randomRate draws rates of every size, often with the granularities of price lists.
func randomRate(r *rand.Rand) Rate {
	g := []Granularity{{60, 60}, {30, 6}, {1, 1}, {60, 1}, {1, 60}, {}}[r.IntN(6)]
	if r.IntN(3) == 0 {
		g = Granularity{1 + r.IntN(MaxGranule), 1 + r.IntN(MaxGranule)}
	}
	return Rate{PerMinute: randomMoney(r), PerCall: randomMoney(r), Granularity: g}
}

func randomMoney(r *rand.Rand) Money {
	if r.IntN(8) == 0 {
		return 0
	}
	return Money(r.Int64() >> r.IntN(63))
}

func randomDuration(r *rand.Rand) time.Duration {
	d := time.Duration(r.Int64() >> r.IntN(63))
	if r.IntN(2) == 0 {
		d = d.Truncate(time.Second)
	}
	return d
}

func TestProperties(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 4))
	for range 200_000 {
		rate := randomRate(r)
		a, b, m := randomDuration(r), randomDuration(r), randomMoney(r)
		if a > b {
			a, b = b, a
		}
		if ca, cb := rate.Cost(a), rate.Cost(b); ca > cb || ca < rate.PerCall || ca < 0 {
			t.Fatalf("%+v: %v costs %v, %v costs %v", rate, a, ca, b, cb)
		}
		// with other granularities a second call can indeed be cheaper: 3/2 bills 7 s for one call of 6 s
		parts := max(rate.Granularity.First, 1)%max(rate.Granularity.Then, 1) == 0
		if parts && b <= math.MaxInt64-a && rate.Cost(a).Plus(rate.Cost(b)) < rate.Cost(a+b) {
			t.Fatalf("%+v: two calls of %v and %v are cheaper than one", rate, a, b)
		}
		if w := rate.Within(m); w > 0 {
			if c := rate.Cost(w); c > m {
				t.Fatalf("%+v: %v lasts %v, which costs %v", rate, m, w, c)
			}
			if w < math.MaxInt64 && m < MaxMoney && rate.Cost(w+1) <= m {
				t.Fatalf("%+v: %v lasts longer than %v", rate, m, w)
			}
		} else if rate.Cost(0) <= m {
			t.Fatalf("%+v: %v pays for a call, but lasts %v", rate, m, w)
		}
	}
}

// However the connected time is divided among the dials, they cost Worst at most.
func TestWorstIsWorst(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 10))
	for range 100_000 {
		rate := randomRate(r)
		dials := 1 + r.IntN(6)
		total := time.Duration(r.Int64N(int64(24 * time.Hour)))
		worst, rest, sum := rate.Worst(total, dials), total, Money(0)
		for i := range dials {
			d := time.Duration(r.Int64N(int64(rest) + 1))
			if i == dials-1 {
				d = rest
			}
			if r.IntN(2) == 0 { // just after a step, where rounding adds most
				d = min(rest, d.Truncate(time.Second)+1)
			}
			rest -= d
			sum = sum.Plus(rate.Cost(d))
		}
		if sum > worst {
			t.Fatalf("%+v: %d dials of %v cost %v, more than %v", rate, dials, total, sum, worst)
		}
	}
}

func TestGranularityText(t *testing.T) {
	for _, s := range []string{"60/60", "30/6", "1/1", "3600/3600"} {
		var g Granularity
		if err := g.UnmarshalText([]byte(s)); err != nil || g.String() != s {
			t.Errorf("%q: %v, %v", s, g, err)
		}
	}
	for _, s := range []string{"", "60", "60/", "/60", "0/60", "60/0", "3601/1", "-1/1", "60/60/60", "60:60", "1.5/1"} {
		if g, err := ParseGranularity(s); err == nil {
			t.Errorf("%q is %v", s, g)
		}
	}
}

func TestSeconds(t *testing.T) {
	for d, want := range map[time.Duration]int64{-time.Hour: 0, 0: 0, 1: 1, time.Second: 1, time.Second + 1: 2,
		2400 * time.Millisecond: 3, math.MaxInt64: 9_223_372_037} {
		if got := Seconds(d); got != want {
			t.Errorf("%v: %d, want %d", d, got, want)
		}
	}
}
