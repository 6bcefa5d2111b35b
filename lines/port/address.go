package port

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
)

// Scheme is the kind of a port.
type Scheme string

// The kinds of ports.
const (
	Serial  Scheme = "serial"  // a TTY device with a UART behind it
	RFC2217 Scheme = "rfc2217" // a serial device behind a Telnet server with the COM-PORT option
	TCP     Scheme = "tcp"     // bytes over TCP, no signals
	PTY     Scheme = "pty"     // the slave side of a pseudo terminal, no signals

	RFC2217TLS Scheme = "rfc2217s" // RFC2217 over TLS
	TCPTLS     Scheme = "tcps"     // TCP over TLS
)

// OverTLS reports whether the port's server is reached over TLS.
func (a Address) OverTLS() bool { return a.Scheme == RFC2217TLS || a.Scheme == TCPTLS }

// InBand reports whether this kind of port has no modem signals.
func (a Address) InBand() bool { return a.Scheme == TCP || a.Scheme == TCPTLS || a.Scheme == PTY }

// Address is a parsed and checked port URL. It is comparable. Two Addresses with the same Name are the same port.
type Address struct {
	Scheme Scheme
	Path   string // of the device, cleaned and absolute; Serial and PTY
	Host   string // host:port; TCP and RFC2217, also over TLS
	Speed  int    // bit/s; 0 is DefaultSpeed for Serial and the server's own for RFC2217
	Flow   string // FlowHardware, FlowSoftware, FlowNone or ""; Serial and RFC2217
	Format Format // of the characters; Serial and RFC2217
}

// DefaultSpeed is the speed of a serial device whose URL names none, in bit/s.
const DefaultSpeed = 115200

// kind describes the valid parts of a URL of one scheme.
type kind struct {
	scheme  Scheme
	example string
	device  bool // a path rather than a host
	params  []string
}

// serialParams are the parameters of ports with a serial device.
var serialParams = []string{"speed", "flow", "format"}

var kinds = []kind{
	{Serial, "serial:///dev/ttyS0?speed=115200&flow=hardware", true, serialParams},
	{RFC2217, "rfc2217://console1.example.net:2217?speed=115200", false, serialParams},
	{RFC2217TLS, "rfc2217s://console1.example.net:2217?speed=115200", false, serialParams},
	{TCP, "tcp://127.0.0.1:7001", false, nil},
	{TCPTLS, "tcps://console1.example.net:7001", false, nil},
	{PTY, "pty:///run/ringback/modem1", true, nil},
}

// speeds are the speeds that the kernel has a name for (Bxxx), in bit/s. Speeds below 300 are omitted: no modem uses
// them.
var speeds = []int{300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400, 460800, 500000, 576000,
	921600,
	1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000}

// Parse parses and checks the URL of a port. It opens nothing and sends no DNS query. The error says what is wrong
// and gives an example.
func Parse(rawURL string) (Address, error) {
	scheme, _, ok := strings.Cut(rawURL, "://")
	if !ok {
		return Address{}, noScheme(rawURL)
	}
	i := slices.IndexFunc(kinds, func(k kind) bool { return string(k.scheme) == strings.ToLower(scheme) })
	if i < 0 {
		return Address{}, unknownScheme(rawURL, scheme)
	}
	k := kinds[i]
	a, err := k.parse(rawURL)
	if err != nil {
		return Address{}, fmt.Errorf("port %q: %w (example: %s)", rawURL, err, k.example)
	}
	return a, nil
}

func noScheme(rawURL string) error {
	switch {
	case rawURL == "":
		return fmt.Errorf("port: the URL is empty (example: %s)", kinds[0].example)
	case strings.HasPrefix(rawURL, "/dev/"):
		return fmt.Errorf("port %q: not a URL: did you mean %s://%s?", rawURL, Serial, rawURL)
	}
	return fmt.Errorf("port %q: no scheme:// (example: %s)", rawURL, kinds[0].example)
}

func unknownScheme(rawURL, scheme string) error {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k.scheme)
	}
	best := nearest(strings.ToLower(scheme), names)
	for i, k := range kinds {
		if names[i] == best {
			return fmt.Errorf("port %q: unknown scheme %q: did you mean %s? (example: %s)", rawURL, scheme, best,
				k.example)
		}
	}
	return fmt.Errorf("port %q: unknown scheme %q: use one of %s (example: %s)", rawURL, scheme,
		strings.Join(names, ", "), kinds[0].example)
}

func (k kind) parse(rawURL string) (Address, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err // the text of ue repeats the URL
		}
		return Address{}, err
	}
	switch {
	case u.User != nil:
		return Address{}, errors.New("a user name is not allowed")
	case u.Fragment != "" || strings.HasSuffix(rawURL, "#"):
		return Address{}, errors.New("a #fragment is not allowed")
	}
	a := Address{Scheme: k.scheme}
	if k.device {
		a.Path, err = devicePath(k.scheme, u)
	} else {
		a.Host, err = hostPort(u)
	}
	if err != nil {
		return Address{}, err
	}
	return a, k.parameters(&a, u)
}

func devicePath(s Scheme, u *url.URL) (string, error) {
	switch {
	case u.Host != "":
		return "", fmt.Errorf("%q is in the place of a host: did you mean %s:///%s?", u.Host, s,
			strings.TrimPrefix(path.Join("dev", strings.TrimPrefix(u.Host, "dev"), u.Path), "/"))
	case u.Path == "" || strings.HasSuffix(u.Path, "/"):
		return "", errors.New("the device path is missing")
	case strings.ContainsRune(u.Path, 0):
		return "", errors.New("the path contains a NUL")
	}
	return path.Clean(u.Path), nil
}

func hostPort(u *url.URL) (string, error) {
	if u.Path != "" && u.Path != "/" {
		return "", fmt.Errorf("a path (%s) is not allowed", u.Path)
	}
	host, port := u.Hostname(), u.Port()
	switch {
	case host == "":
		return "", errors.New("the host is missing")
	case port == "":
		return "", fmt.Errorf("the TCP port is missing: write %s:PORT", strings.TrimSuffix(u.Host, ":"))
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", fmt.Errorf("TCP port %s is not between 1 and 65535", port)
	}
	if _, err := netip.ParseAddr(host); err != nil && !isHostName(host) {
		return "", fmt.Errorf("%q is neither a host name nor an IP address", host)
	}
	return net.JoinHostPort(strings.ToLower(host), strings.TrimLeft(port, "0")), nil
}

// isHostName accepts letters, digits, '-' and '_' in labels of 1–63 octets, and at most 253 octets in total (RFC 1123
// §2.1; '_' is in common use).
func isHostName(s string) bool {
	if len(s) > 253 || strings.Contains(s, ":") {
		return false
	}
	allNumeric := true
	for label := range strings.SplitSeq(strings.TrimSuffix(s, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range label {
			switch {
			case c >= '0' && c <= '9':
			case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
				allNumeric = false
			default:
				return false
			}
		}
	}
	return !allNumeric // "192.168.1" or "300.1.1.1" is a mistyped address
}

func (k kind) parameters(a *Address, u *url.URL) error {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return err
	}
	names := make([]string, 0, len(q))
	for name := range q {
		names = append(names, name)
	}
	slices.Sort(names) // for a deterministic error
	for _, name := range names {
		if !slices.Contains(k.params, name) {
			return k.unknownParameter(name)
		}
		if len(q[name]) > 1 {
			return fmt.Errorf("parameter %s is given %d times", name, len(q[name]))
		}
		if err := a.parameter(name, q[name][0]); err != nil {
			return err
		}
	}
	return nil
}

func (k kind) unknownParameter(name string) error {
	if len(k.params) == 0 {
		return fmt.Errorf("unknown parameter %q: %s ports have none", name, k.scheme)
	}
	if best := nearest(strings.ToLower(name), k.params); best != "" {
		return fmt.Errorf("unknown parameter %q: did you mean %s?", name, best)
	}
	return fmt.Errorf("unknown parameter %q: %s ports have %s", name, k.scheme, strings.Join(k.params, ", "))
}

func (a *Address) parameter(name, value string) error {
	switch name {
	case "speed":
		n, err := strconv.Atoi(value)
		if err != nil || strconv.Itoa(n) != value {
			return fmt.Errorf("speed=%s is not a number of bit/s", value)
		}
		if !slices.Contains(speeds, n) {
			return fmt.Errorf("speed=%d is not a serial port speed: did you mean %d?", n, nearestSpeed(n))
		}
		a.Speed = n
	case "flow":
		return a.setFlow(value)
	case "format":
		return a.setFormat(value)
	}
	return nil
}

func (a *Address) setFlow(value string) error {
	all := []string{FlowHardware, FlowSoftware, FlowNone}
	switch value {
	case FlowHardware, FlowSoftware, FlowNone:
		a.Flow = value
		return nil
	case "xonxoff", "xon/xoff":
		return fmt.Errorf("flow=%s is unknown: did you mean flow=%s?", value, FlowSoftware)
	}
	if best := nearest(value, all); best != "" {
		return fmt.Errorf("flow=%s is unknown: did you mean flow=%s?", value, best)
	}
	return fmt.Errorf("flow=%s is unknown: use flow=%s", value, strings.Join(all, " or flow="))
}

// Format is the format of the characters on a serial line: data bits, parity and stop bits. "" is 8n1.
type Format string

// DataBits returns 8 or 7.
func (f Format) DataBits() int {
	if strings.HasPrefix(string(f), "7") {
		return 7
	}
	return 8
}

// Parity returns 'n' (none), 'e' (even) or 'o' (odd).
func (f Format) Parity() byte {
	if len(f) < 2 {
		return 'n'
	}
	return f[1]
}

// StopBits returns 1 or 2.
func (f Format) StopBits() int {
	if strings.HasSuffix(string(f), "2") {
		return 2
	}
	return 1
}

func (a *Address) setFormat(value string) error {
	lower := strings.ToLower(value)
	if len(lower) != 3 || !strings.Contains("78", lower[:1]) || !strings.Contains("neo", lower[1:2]) ||
		!strings.Contains("12", lower[2:]) {
		return fmt.Errorf("format=%s is unknown: write the data bits (7 or 8), the parity (n, e or o) and the stop "+
			"bits (1 or 2), as format=7e1", value)
	}
	a.Format = Format(lower)
	return nil
}

// Transparent reports whether the port carries all octets, as PPP needs: 8 data bits, and no octets for flow control.
// TCP and PTY ports have neither.
// flow is the flow control of the line, for a URL without one.
func (a Address) Transparent(flow string) bool {
	return a.InBand() || a.Format.DataBits() == 8 && cmp.Or(a.Flow, flow) != FlowSoftware
}

// Name returns the port's URL without parameters, the same for all Addresses of one port: "serial:///dev/ttyS0".
func (a Address) Name() string {
	return a.url(nil)
}

// String returns the port's URL with the parameters that were given. Parse accepts it.
func (a Address) String() string {
	var q []string
	if a.Speed != 0 {
		q = append(q, "speed="+strconv.Itoa(a.Speed))
	}
	if a.Flow != "" {
		q = append(q, "flow="+a.Flow)
	}
	if a.Format != "" {
		q = append(q, "format="+string(a.Format))
	}
	return a.url(q)
}

func (a Address) url(query []string) string {
	u := url.URL{Scheme: string(a.Scheme), Host: a.Host, Path: a.Path, RawQuery: strings.Join(query, "&")}
	s := u.String()
	if a.Path != "" && !strings.Contains(s, "://") { // net/url omits the empty host of schemes other than file
		s = strings.Replace(s, ":", "://", 1)
	}
	return s
}

func nearestSpeed(n int) int {
	return slices.MinFunc(speeds, func(a, b int) int { return max(a-n, n-a) - max(b-n, n-b) })
}

// nearest returns the word that differs from s in the fewest places, or "" if none is close enough.
func nearest(s string, words []string) string {
	best, least := "", max(len(s)/3, 2)+1
	for _, w := range words {
		if strings.HasPrefix(w, s) && s != "" {
			return w
		}
		if d := distance(s, w); d < least {
			best, least = w, d
		}
	}
	return best
}

// distance returns the number of letters to add, drop or change to turn a into b (Levenshtein).
func distance(a, b string) int {
	if len(a) > 64 { // too long to guess
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
