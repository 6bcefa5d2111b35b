package lines

import "time"

// defaultTiming has the waits that real modems need. Sources: V.250 §6.3.1–6.3.12 for S7, S10 and S12; manuals of
// EIA-232 modems for DTR.
var defaultTiming = Timing{
	Command:    3 * time.Second,
	Answer:     60 * time.Second,
	DTRLow:     500 * time.Millisecond,  // S25 is 50 ms on most modems, some need 400 ms
	Guard:      1100 * time.Millisecond, // S12 is 1 s
	OnHook:     10 * time.Second,
	Reopen:     time.Second,
	Quarantine: 10 * time.Second,
	Rings:      8 * time.Second, // the longest pause between rings is 5 s
	Silence:    300 * time.Millisecond,
	Drain:      200 * time.Millisecond, // a modem with error correction buffers data
	CommandGap: 100 * time.Millisecond, // V.250 §5.7.1
	Settle:     500 * time.Millisecond, // by then the far modem has reported CONNECT and its program reads
	Probe:      10 * time.Minute,
}

// WithDefaults returns t with the default in each field that is zero: Command 3 s, Answer 60 s, DTRLow 0.5 s, Guard 1.1
// s, OnHook 10 s, Reopen 1 s, Quarantine 10 s, Rings 8 s, Silence 0.3 s, Drain 0.2 s, CommandGap 0.1 s, Settle 0.5 s,
// Probe 10 min.
func (t Timing) WithDefaults() Timing {
	d := defaultTiming
	for _, f := range []struct {
		have *time.Duration
		want time.Duration
	}{
		{&t.Command, d.Command}, {&t.Answer, d.Answer}, {&t.DTRLow, d.DTRLow}, {&t.Guard, d.Guard},
		{&t.OnHook, d.OnHook},
		{&t.Reopen, d.Reopen}, {&t.Quarantine, d.Quarantine}, {&t.Rings, d.Rings}, {&t.Silence, d.Silence},
		{&t.Drain, d.Drain},
		{&t.CommandGap, d.CommandGap}, {&t.Settle, d.Settle}, {&t.Probe, d.Probe},
	} {
		if *f.have <= 0 {
			*f.have = f.want
		}
	}
	return t
}
