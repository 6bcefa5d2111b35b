package ios

import (
	"strconv"
	"time"
)

// doExecTimeout reads `exec-timeout MINUTES [SECONDS]`.
func doExecTimeout(p *parser, in *input) result {
	d := time.Duration(0)
	units := []time.Duration{time.Minute, time.Second}
	if len(in.args) > len(units) {
		return wrong("it has more than minutes and seconds: are two lines joined?")
	}
	for i, a := range in.args {
		n, err := strconv.Atoi(a)
		if err != nil || n < 0 || n > 2147483 {
			return wrong("it has no number of minutes and seconds")
		}
		d += time.Duration(n) * units[i]
	}
	p.onLine.set["exec-timeout"] = setting{min(d, 24*time.Hour), in.row}
	if d > 24*time.Hour {
		return result{}.warning("24 hours are the longest idle timeout")
	}
	return result{}
}

func doNoExecTimeout(p *parser, in *input) result {
	p.onLine.set["exec-timeout"] = setting{time.Duration(0), in.row}
	return result{}
}

func itoa(n int) string { return strconv.Itoa(n) }
