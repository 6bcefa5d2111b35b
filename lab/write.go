package lab

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ringback/ringback/lab/dialects"
	"github.com/ringback/ringback/policies/examples"
	"github.com/ringback/ringback/texts"
)

//go:embed files/*
var files embed.FS

// book is what a lab directory keeps for the next lab: ports, and the state of the files when they were written.
type book struct {
	Kind Ports `json:"kind"`
	AAA  AAA   `json:"aaa"`
	// RADIUS authentication, accounting, the AAA server over TCP, one for each line, the web server; 0: none
	Ports   []int             `json:"ports"`
	Modems  string            `json:"modems,omitempty"`   // profiles of the lines; "": those of the usual town
	Reads   texts.Language    `json:"language,omitempty"` // Options.Language
	Written map[string]string `json:"written"`
}

// sockets are the town's listeners on loopback.
type sockets struct {
	auth, acct net.PacketConn // RADIUS over UDP; nil: another kind of AAA server
	stream     net.Listener   // for the other kinds; nil for RADIUS over UDP
	lines      []net.Listener // nil: the line's port has no listener
	web        net.Listener
}

func (s *sockets) close() {
	for _, c := range []net.PacketConn{s.auth, s.acct} {
		if c != nil {
			c.Close()
		}
	}
	for _, l := range s.streams() {
		if l != nil {
			l.Close()
		}
	}
}

// streams returns the listeners in the order of the book.
func (s *sockets) streams() []net.Listener {
	return slices.Concat([]net.Listener{s.stream}, s.lines, []net.Listener{s.web})
}

// packetPorts are the ports of RADIUS in a book; those of the streams follow.
const packetPorts = 2

// bookPorts is how many ports a town with this number of lines has.
func bookPorts(lines int) int { return packetPorts + 1 + lines + 1 }

func (s *sockets) ports() []int {
	p := make([]int, packetPorts, bookPorts(len(s.lines)))
	if s.auth != nil {
		p[0], p[1] = s.auth.LocalAddr().(*net.UDPAddr).Port, s.acct.LocalAddr().(*net.UDPAddr).Port
	}
	for _, l := range s.streams() {
		port := 0
		if l != nil {
			port = l.Addr().(*net.TCPAddr).Port
		}
		p = append(p, port)
	}
	return p
}

// listen opens the town's ports, the previous ones if possible. tcp has for each line whether it has a listener.
func listen(old []int, kind AAA, tcp []bool) (*sockets, error) {
	ports := bookPorts(len(tcp))
	if len(old) == ports-1 { // of a lab without a web server
		old = append(old, 0)
	}
	if len(old) != ports {
		old = make([]int, ports)
	}
	s := &sockets{lines: make([]net.Listener, len(tcp))}
	var err error
	packet := func(port int) (c net.PacketConn) {
		if err == nil {
			c, err = net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port))
		}
		return c
	}
	stream := func(into *net.Listener, port int) {
		if err != nil {
			return
		}
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			*into = l
		}
	}
	if kind == ByRADIUS {
		s.auth, s.acct = packet(old[0]), packet(old[1])
	} else {
		stream(&s.stream, old[packetPorts])
	}
	for i := range s.lines {
		if tcp[i] {
			stream(&s.lines[i], old[packetPorts+1+i])
		}
	}
	stream(&s.web, old[ports-1])
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// open makes the directory, finds the files that the user has changed (which it keeps), and opens the ports.
func (l *Lab) open(ctx context.Context) (book, error) {
	for _, d := range []string{l.dir, filepath.Join(l.dir, "policies.d")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return book{}, fmt.Errorf("lab directory: %w (choose another with --dir)", err)
		}
	}
	var err error
	if l.lock, err = takeLock(ctx, l.dir, l.opt.Command, l.opt.Tell); err != nil {
		return book{}, err
	}
	for _, name := range l.configs() {
		log := filepath.Join(l.dir, strings.TrimSuffix(name, ".yaml")+".log")
		if err := os.Remove(log); err != nil && !errors.Is(err, os.ErrNotExist) {
			return book{}, fmt.Errorf("lab: %w", err)
		}
	}
	b := l.readBook()
	l.Kept = l.changed(b)
	own := slices.ContainsFunc(l.configs(), func(name string) bool { return slices.Contains(l.Kept, name) })
	if own && b.Modems != l.modems() {
		return book{}, fmt.Errorf("lab: your ringback.yaml in %s is for other modems: use the same --modems, or "+
			"another --dir", l.dir)
	}
	if own && b.Kind != "" && b.Kind != l.opt.Ports {
		return book{}, fmt.Errorf("lab: your ringback.yaml in %s has %s ports: use --ports %s, or another --dir", l.dir,
			b.Kind, b.Kind)
	}
	if own && b.AAA != "" && b.AAA != l.opt.AAA {
		return book{}, fmt.Errorf("lab: your ringback.yaml in %s has a server of kind %s: use --aaa %s, or "+
			"another --dir", l.dir, b.AAA, b.AAA)
	}
	if own && b.Reads != l.opt.Language {
		return book{}, fmt.Errorf("lab: your ringback.yaml in %s is for callers in another language: change its "+
			"language, or use another --dir", l.dir)
	}
	tcp := l.listening()
	if l.sockets, err = listen(b.Ports, l.opt.AAA, tcp); err != nil {
		if own {
			return book{}, fmt.Errorf("lab: %w: your ringback.yaml in %s names that port, which another program "+
				"uses: end that program, or use another --dir", err, l.dir)
		}
		if l.sockets, err = listen(nil, l.opt.AAA, tcp); err != nil {
			return book{}, fmt.Errorf("lab: %w", err)
		}
	}
	b.Kind, b.AAA, b.Modems, b.Ports = l.opt.Ports, l.opt.AAA, l.modems(), l.sockets.ports()
	b.Reads = l.opt.Language
	return b, nil
}

func (l *Lab) bookPath() string { return filepath.Join(l.dir, "lab.json") }

func (l *Lab) readBook() book {
	b := book{Written: map[string]string{}}
	data, err := os.ReadFile(l.bookPath())
	if err != nil || json.Unmarshal(data, &b) != nil || b.Written == nil {
		return book{Written: map[string]string{}}
	}
	return b
}

// changed returns the files that differ from what a lab wrote.
func (l *Lab) changed(b book) []string {
	var kept []string
	names := []string{"users", "tacacs.conf", "radius.secret", "tacacs.secret", "operator.password", keyFile, fleetKey}
	for _, name := range slices.Concat(names, l.configs(), slices.Sorted(maps.Keys(l.policies()))) {
		data, err := os.ReadFile(filepath.Join(l.dir, name))
		if err == nil && b.Written[name] != digest(data) {
			kept = append(kept, name)
		}
	}
	return kept
}

func digest(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

func (l *Lab) writeFiles(b book) error {
	confs, err := l.configurations()
	if err != nil {
		return err
	}
	kind := l.opt.AAA
	users, _ := files.ReadFile("files/" + kind.usersFile())
	write := map[string][]byte{
		kind.usersFile(): users, "operator.password": []byte(rand.Text() + "\n"),
	}
	maps.Copy(write, confs)
	maps.Copy(write, l.secretsOfFleet())
	if l.triggers() != "" {
		write[keyFile] = []byte(rand.Text() + "\n")
	}
	maps.Copy(write, l.policies())
	if name := kind.secretFile(); name != "" {
		write[name] = l.newSecret()
	}
	for name, data := range write {
		path := filepath.Join(l.dir, name)
		_, err := os.Stat(path)
		secret := slices.Contains([]string{"operator.password", keyFile, fleetKey}, name) ||
			name == kind.secretFile() && l.opt.RADIUS == nil
		if slices.Contains(l.Kept, name) || secret && err == nil {
			continue
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("lab: %w", err)
		}
		if l.opt.Edit != nil {
			data = []byte(l.opt.Edit(name, string(data)))
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return fmt.Errorf("lab: %w", err)
		}
		b.Written[name] = digest(data)
	}
	return l.writeBook(b)
}

func (l *Lab) writeBook(b book) error {
	data, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(l.bookPath(), data, 0o600)
}

// policies are the texts of the policy files and the tariff by their paths.
func (l *Lab) policies() map[string][]byte {
	texts := map[string][]byte{}
	for name, text := range l.opt.Policies {
		texts["policies.d/"+name] = []byte(text)
	}
	if l.opt.Policies != nil {
		return texts
	}
	texts["tariff.csv"] = examples.Tariff
	entries, _ := examples.Policies.ReadDir(".")
	for _, e := range entries {
		texts["policies.d/"+e.Name()], _ = examples.Policies.ReadFile(e.Name())
	}
	return texts
}

func (l *Lab) newSecret() []byte {
	if l.opt.RADIUS != nil {
		return []byte(string(l.opt.RADIUS.Secret) + "\n")
	}
	return []byte(rand.Text() + "\n")
}

// lineText is one line of ringback.yaml. The last values are what is different for its modem, and its callbacks.
const lineText = `  - {tty: %d, port: "%s", modem: %s, flow_control: hardware, rotary: %d, number: "%s", login: default,%s
     autoselect: [ppp, during_login], ppp_profile: default,
     scripts: {modem_off_hook: offhook%s}, callback: {forced_wait: %s%s}}
`

// configurations returns the configurations of the town's daemons by the names of their files.
func (l *Lab) configurations() (map[string][]byte, error) {
	all := map[string][]byte{}
	var err error
	for i, name := range l.configs() {
		var n *Node
		if l.nodes != nil {
			n = l.nodes[i]
		}
		if all[name], err = l.configuration(n); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// configuration returns the configuration of a node, nil for the town's only one, with the ports of this town:
// files/ringback.yaml.in with its placeholders replaced.
func (l *Lab) configuration(n *Node) ([]byte, error) {
	text, err := files.ReadFile("files/ringback.yaml.in")
	if err != nil {
		return nil, err
	}
	server, err := files.ReadFile("files/" + string(l.opt.AAA) + ".yaml.in")
	if err != nil {
		return nil, err
	}
	lookups := "  call_check: {method: radius}             # ringback callback USER asks without a password\n"
	var auth, acct string
	switch r := l.opt.RADIUS; {
	case r != nil:
		auth, acct, lookups = r.Auth, r.Acct, "" // it may not know such questions
	case l.sockets.stream != nil:
		auth = l.sockets.stream.Addr().String()
	default:
		auth, acct = l.sockets.auth.LocalAddr().String(), l.sockets.acct.LocalAddr().String()
	}
	aaa := strings.NewReplacer("@AUTH@", auth, "@ACCT@", acct, "@LOOKUPS@\n", lookups).Replace(string(server))
	site := examples.Configuration() + "\n"
	if l.opt.Policies != nil {
		site = ""
	}
	host, socket, about := siteUser, l.socket(), "four modems behind one number, 55555"
	if n != nil {
		host, socket = n.Name, n.Socket()
		about = fmt.Sprintf("%s is the fleet's rotary, %s the node's own", n.Number, n.Own)
	}
	marks := strings.NewReplacer("@HOST@", host, "@STATE@", filepath.Base(l.state(n)), "@FLEET@\n", l.fleetOf(n),
		"@SOCKET@", socket, "@SITE@\n", site, "@AAA@\n", aaa, "@LANGUAGE@\n", l.language(), "@ABOUT@", about,
		"@LINES@\n", l.linesOf(n), "@TESTS@\n", l.modemTest()+l.triggers(), "@WEB@", l.sockets.web.Addr().String())
	return []byte(marks.Replace(string(text))), nil
}

// linesOf are the lines of a node; nil: the town's only one.
func (l *Lab) linesOf(n *Node) string {
	var b strings.Builder
	for i, url := range l.urls {
		own, callback, wait := "", "", "5s"
		if l.opt.Lines != nil {
			own, callback = lineOf(l.opt.Lines[i]), ", same_line_no_verify: true"
		}
		if n != nil {
			wait = "10s" // time to end or to stop the node that has promised
		}
		p := l.place(i)
		if p.node != n {
			continue
		}
		script := ", callback: rtp"
		switch {
		case p.modem == "callin":
			script = ""
		case n != nil && p.rotary == ownRotary: // time for another call before it is dialed
			wait = "30s"
		}
		fmt.Fprintf(&b, lineText, p.tty, url, p.modem, p.rotary, p.direct, own, script, wait, callback)
	}
	return b.String()
}

// language is the key language, which an English town does not have.
func (l *Lab) language() string {
	if l.opt.Language == "" {
		return ""
	}
	return fmt.Sprintf("language: %-33s# what callers read\n\n", l.opt.Language)
}

// modemTest is the key modem_test, which a town of one line does not have.
func (l *Lab) modemTest() string {
	count := l.lineCount()
	if l.nodes != nil {
		count = nodeLines
	}
	if count < 2 {
		return ""
	}
	return fmt.Sprintf("modem_test: {lines: [%d-%d]}                # ringback modem test %[1]d\n\n", firstTTY,
		firstTTY+count-1)
}

// triggers is the key triggers, which only a town with cellular modems has. Missed calls need modem signals.
func (l *Lab) triggers() string {
	var ttys []string
	signals := true
	for i, m := range l.opt.Lines {
		if !m.Dialect.Messages {
			continue
		}
		ttys = append(ttys, fmt.Sprint(firstTTY+i))
		signals = signals && cmp.Or(Ports(m.Ports), l.opt.Ports) == RFC2217
	}
	if len(ttys) == 0 || l.opt.Policies != nil || l.opt.Line != nil {
		return ""
	}
	text := fmt.Sprintf("triggers:                                  # ringback trigger sign; ringback lab sms\n"+
		"  lines: [%s]\n  keys: [{users: [austin-01, austin-02], file: %s}]\n", strings.Join(ttys, ", "), keyFile)
	if signals {
		text += "  missed_calls: [{from: \"84003\", user: kihei-03}]   # ringback lab ring\n"
	}
	return text + "\n"
}

// modems names the modems of the lines for the book.
func (l *Lab) modems() string {
	var all []string
	for _, m := range l.opt.Lines {
		all = append(all, m.Family+":"+m.Profile+":"+m.Ports)
	}
	return strings.Join(all, " ")
}

// lineOf is what a modem's line has in the configuration beyond the usual.
func lineOf(m dialects.Line) string {
	text := fmt.Sprintf(" profile: %s, caller_id: true,", m.Profile)
	if m.InsecureSignals {
		text += " insecure_signals: true,"
	}
	return text
}
