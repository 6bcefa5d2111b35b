package servers

import (
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ringback/ringback/aaa"
)

// RFC 8907 §4.1
const (
	tacMajor       = 0xc0 // the upper half of the version
	tacAuthen      = 1
	tacAuthor      = 2
	tacAcct        = 3
	tacUnencrypted = 0x01
	tacSingle      = 0x04
	tacLongest     = 1 << 16 // octets of an accepted body
)

// RFC 8907 §5.1
const (
	actionLogin    = 1
	actionChpass   = 2
	actionSendauth = 4

	typeASCII    = 1
	typePAP      = 2
	typeCHAP     = 3
	typeMSCHAP   = 5
	typeMSCHAPv2 = 6

	serviceEnable = 2
)

// RFC 8907 §5.2
const (
	authenPass    = 0x01
	authenFail    = 0x02
	authenGetData = 0x03
	authenGetUser = 0x04
	authenGetPass = 0x05
	authenRestart = 0x06
	authenError   = 0x07
	statusFollow  = 0x21 // of all three types

	replyNoEcho   = 0x01
	continueAbort = 0x01
)

// RFC 8907 §6.2, §7.2
const (
	authorPassAdd  = 0x01
	authorPassRepl = 0x02
	authorFail     = 0x10
	authorError    = 0x11

	acctSuccess = 0x01
	acctError   = 0x02

	acctStart    = 0x02
	acctStop     = 0x04
	acctWatchdog = 0x08
)

var (
	tacTypes    = map[byte]string{tacAuthen: "authentication", tacAuthor: "authorization", tacAcct: "accounting"}
	authenTypes = map[byte]string{0: "not set", typeASCII: "ASCII", typePAP: "PAP", typeCHAP: "CHAP",
		typeMSCHAP: "MS-CHAP", typeMSCHAPv2: "MS-CHAPv2"}
	authenStatus = map[byte]string{authenPass: "PASS", authenFail: "FAIL", authenGetData: "GETDATA",
		authenGetUser: "GETUSER", authenGetPass: "GETPASS", authenRestart: "RESTART", authenError: "ERROR",
		statusFollow: "FOLLOW"}
	authorStatus = map[byte]string{authorPassAdd: "PASS_ADD", authorPassRepl: "PASS_REPL", authorFail: "FAIL",
		authorError: "ERROR", statusFollow: "FOLLOW"}
	acctStatus    = map[byte]string{acctSuccess: "SUCCESS", acctError: "ERROR", statusFollow: "FOLLOW"}
	authenService = map[byte]string{0: "none", 1: "login", serviceEnable: "enable", 3: "ppp", 5: "pt", 6: "rcmd",
		7: "x25", 8: "nasi", 9: "fwproxy"}
)

func named8(names map[byte]string, n byte) string {
	if s, ok := names[n]; ok {
		return s
	}
	return fmt.Sprintf("0x%02x", n)
}

// tacHeader is RFC 8907 §4.1.
type tacHeader struct {
	version, kind, seq, flags byte
	session, length           uint32
}

func (h tacHeader) encode() []byte {
	b := []byte{h.version, h.kind, h.seq, h.flags}
	b = binary.BigEndian.AppendUint32(b, h.session)
	return binary.BigEndian.AppendUint32(b, h.length)
}

// readTACACS reads a packet; its body is still obfuscated.
func readTACACS(r io.Reader) (tacHeader, []byte, error) {
	var b [12]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return tacHeader{}, nil, err
	}
	h := tacHeader{b[0], b[1], b[2], b[3], binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])}
	if h.length > tacLongest {
		return h, nil, fmt.Errorf("its header claims a body of %d octets", h.length)
	}
	body := make([]byte, h.length)
	if _, err := io.ReadFull(r, body); err != nil {
		return h, nil, fmt.Errorf("cut: its header claims a body of %d octets: %w", h.length, err)
	}
	return h, body, nil
}

// obfuscate XORs body with the pad of RFC 8907 §4.5 into a new slice; a second call restores it.
func obfuscate(h tacHeader, key aaa.Secret, body []byte) []byte {
	seed := binary.BigEndian.AppendUint32(nil, h.session)
	seed = append(seed, key...)
	seed = append(seed, h.version, h.seq)
	out := make([]byte, len(body))
	var pad []byte
	for i := range body {
		if i%md5.Size == 0 {
			sum := md5.Sum(append(append([]byte(nil), seed...), pad...))
			pad = sum[:]
		}
		out[i] = body[i] ^ pad[i%md5.Size]
	}
	return out
}

var errBody = errors.New("its lengths do not add up (different key?)")

// fields cuts b into pieces of those lengths, which must add up to its length.
func fields(b []byte, lengths ...int) ([][]byte, error) {
	var out [][]byte
	for _, n := range lengths {
		if n > len(b) {
			return nil, errBody
		}
		out = append(out, b[:n:n])
		b = b[n:]
	}
	if len(b) > 0 {
		return nil, errBody
	}
	return out, nil
}

// tacStart is RFC 8907 §5.1.
type tacStart struct {
	action, priv, kind, service byte
	user, port, remote          string
	data                        []byte
}

func decodeStart(b []byte) (tacStart, error) {
	if len(b) < 8 {
		return tacStart{}, errBody
	}
	f, err := fields(b[8:], int(b[4]), int(b[5]), int(b[6]), int(b[7]))
	if err != nil {
		return tacStart{}, err
	}
	return tacStart{b[0], b[1], b[2], b[3], string(f[0]), string(f[1]), string(f[2]), f[3]}, nil
}

// tacContinue is RFC 8907 §5.3.
type tacContinue struct {
	flags   byte
	message string
	data    []byte
}

func decodeContinue(b []byte) (tacContinue, error) {
	if len(b) < 5 {
		return tacContinue{}, errBody
	}
	f, err := fields(b[5:], int(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:])))
	if err != nil {
		return tacContinue{}, err
	}
	return tacContinue{b[4], string(f[0]), f[1]}, nil
}

// tacAuthenReply is RFC 8907 §5.2.
type tacAuthenReply struct {
	status, flags byte
	message, data string
}

func (r tacAuthenReply) encode() []byte {
	b := []byte{r.status, r.flags}
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.message)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.data)))
	return append(append(b, r.message...), r.data...)
}

// tacRequest is an authorization request (RFC 8907 §6.1) or, with flags, an accounting request (§7.1).
type tacRequest struct {
	flags, method, priv, kind, service byte
	user, port, remote                 string
	args                               []string
}

func decodeRequest(b []byte, accounting bool) (tacRequest, error) {
	var r tacRequest
	if accounting {
		if len(b) == 0 {
			return r, errBody
		}
		r.flags, b = b[0], b[1:]
	}
	if len(b) < 8 || len(b) < 8+int(b[7]) {
		return r, errBody
	}
	r.method, r.priv, r.kind, r.service = b[0], b[1], b[2], b[3]
	n := int(b[7])
	lengths := []int{int(b[4]), int(b[5]), int(b[6])}
	for _, l := range b[8 : 8+n] {
		lengths = append(lengths, int(l))
	}
	f, err := fields(b[8+n:], lengths...)
	if err != nil {
		return r, err
	}
	r.user, r.port, r.remote = string(f[0]), string(f[1]), string(f[2])
	for _, a := range f[3:] {
		r.args = append(r.args, string(a))
	}
	return r, nil
}

// tacAuthorReply is RFC 8907 §6.2.
type tacAuthorReply struct {
	status        byte
	message, data string
	args          []string // of at most 255 octets each, and 255 of them
}

func (r tacAuthorReply) encode() []byte {
	b := []byte{r.status, byte(len(r.args))}
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.message)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.data)))
	for _, a := range r.args {
		b = append(b, byte(len(a)))
	}
	b = append(append(b, r.message...), r.data...)
	for _, a := range r.args {
		b = append(b, a...)
	}
	return b
}

// tacAcctReply is RFC 8907 §7.2.
type tacAcctReply struct {
	status        byte
	message, data string
}

func (r tacAcctReply) encode() []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(len(r.message)))
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.data)))
	b = append(b, r.status)
	return append(append(b, r.message...), r.data...)
}
