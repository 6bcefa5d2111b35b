package probe

import (
	"regexp"
	"strings"
)

// means has what the answers to a command usually are; makers differ.
var means = map[string]string{
	"ATI0": "product code", "ATI1": "checksum of the firmware", "ATI3": "model or firmware",
	"ATI4": "settings or model", "ATI5": "stored settings or country", "ATI6": "last call or chip",
	"ATI7": "version of hardware and firmware", "ATI8": "blacklist or chip", "ATI9": "Plug and Play or country",
	"AT+GMI": "manufacturer", "AT+CGMI": "manufacturer", "AT+GMM": "model", "AT+CGMM": "model",
}

// words has what a text in an answer says.
var words = []struct {
	pattern *regexp.Regexp
	says    string
}{
	{regexp.MustCompile(`(?i)V\.?92`), "up to 56,000 bit/s, V.92"},
	{regexp.MustCompile(`(?i)V\.?90`), "up to 56,000 bit/s, V.90"},
	{regexp.MustCompile(`(?i)V\.?34`), "up to 33,600 bit/s, V.34"},
	{regexp.MustCompile(`(?i)V\.?32`), "up to 14,400 bit/s, V.32"},
	{regexp.MustCompile(`^(56000|33600|28800|14400|9600|2400)$`), "the highest speed, in bit/s"},
	{regexp.MustCompile(`(?i)winmodem|softmodem|hsf|hcf`), "a modem that needs a driver for its signal processing"},
	{regexp.MustCompile(`(?i)\b(gsm|gprs|lte|umts)\b`), "a cellular modem"},
	{regexp.MustCompile(`(?i)isdn`), "an ISDN terminal adapter"},
}

// meaning explains the answer to a command in plain words.
func meaning(command string, answer []string) string {
	text := means[command]
	for _, w := range words {
		for _, line := range answer {
			if w.pattern.MatchString(strings.TrimSpace(line)) {
				return text + ": " + w.says
			}
		}
	}
	return text
}
