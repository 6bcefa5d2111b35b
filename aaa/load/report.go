package load

import "time"

// Report is the result of a load. Times are seconds unless the name says otherwise.
type Report struct {
	Protocol    string         `json:"protocol"`
	Server      string         `json:"server"`
	Logins      int            `json:"logins"` // asked for
	Parallel    int            `json:"parallel"`
	Done        int            `json:"done"` // without interrupted logins
	Interrupted bool           `json:"interrupted"`
	Seconds     float64        `json:"seconds"`
	PerSecond   float64        `json:"per_second"`
	CPU         float64        `json:"cpu_us_per_login"` // of this process
	Answers     Answered       `json:"answers"`
	Discarded   uint64         `json:"discarded"` // datagrams that were not authentic replies
	Reasons     map[string]int `json:"reasons,omitempty"`
	Latency     Latency        `json:"latency_ms"` // of the authentic answers
}

// Answered counts logins by their result. Silent and Unsent logins are lost.
type Answered struct {
	Granted    int64 `json:"granted"`
	Refused    int64 `json:"refused"`
	Challenged int64 `json:"challenged"`
	Silent     int64 `json:"silent"`
	Unsent     int64 `json:"unsent"`
}

// Lost returns the number of logins without an authentic answer.
func (a Answered) Lost() int64 { return a.Silent + a.Unsent }

// Latency is in milliseconds, accurate to 1.6 %; Max is exact.
type Latency struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
}

func (l *Load) answered() Answered {
	n := func(a answer) int64 { return l.answers[a].Load() }
	return Answered{n(answerGranted), n(answerRefused), n(answerChallenged), n(answerSilent), n(answerUnsent)}
}

// Report returns the result. Call it after Run has returned.
func (l *Load) Report() Report {
	t := l.target
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	r := Report{
		Protocol: t.Protocol, Server: t.Server, Logins: l.count, Parallel: l.parallel, Done: int(l.done()),
		Seconds: l.ended.Sub(l.begun).Seconds(), Answers: l.answered(), Reasons: l.reasons,
		Latency: Latency{ms(l.latency.quantile(0.5)), ms(l.latency.quantile(0.9)), ms(l.latency.quantile(0.99)),
			ms(l.latency.quantile(0.999)), ms(l.latency.max())},
	}
	if t.Dropped != nil {
		r.Discarded = t.Dropped()
	}
	r.Interrupted = r.Done < r.Logins
	if r.Done > 0 {
		r.PerSecond = float64(r.Done) / r.Seconds
		r.CPU = float64(l.cpu.Microseconds()) / float64(r.Done)
	}
	return r
}

// Progress is the progress of a load.
type Progress struct {
	Done, Logins int64
	PerSecond    float64 // since New
	Answers      Answered
	P50, P99     time.Duration // of the authentic answers
}

// Progress returns the progress at now. It may be called during Run.
func (l *Load) Progress(now time.Time) Progress {
	p := Progress{Done: l.done(), Logins: int64(l.count), Answers: l.answered(), P50: l.latency.quantile(0.5),
		P99: l.latency.quantile(0.99)}
	if s := now.Sub(l.begun).Seconds(); s > 0 {
		p.PerSecond = float64(p.Done) / s
	}
	return p
}
