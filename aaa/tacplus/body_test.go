package tacplus

import (
	"bytes"
	"encoding"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"
	"unicode"

	tq "github.com/facebookincubator/tacquito"
	"pgregory.net/rapid"
)

// octets decodes hexadecimal text and ignores its spaces.
func octets(t *testing.T, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Requests as RFC 8907 draws them, octet by octet.
func TestRequestOctets(t *testing.T) {
	t.Parallel()
	start := authenStart{
		priv: 1, kind: typePAP, service: servicePPP, user: "bob", port: "tty65", remoteAddr: "84001", data: "pw",
	}
	author := authorRequest{
		method: methodTACACS, priv: 15, kind: typeASCII, service: serviceLogin,
		user: "bob", port: "tty65", remoteAddr: "84001", args: []string{"service=shell", "cmd="},
	}
	const request = "06 0f 01 01  03 05 05 02  0d 04" + // lengths of user, port, rem_addr and of two arguments
		"626f62 7474793635 3834303031 736572766963653d7368656c6c 636d643d"
	must := func(b []byte, err error) []byte {
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for _, tt := range []struct {
		name      string
		got, want []byte
	}{
		{"START, §5.1", must(start.encode()), octets(t, "01 01 02 03  03 05 05 02  626f62 7474793635 3834303031 7077")},
		{"CONTINUE, §5.3", encodeContinue(0, "pw1"), octets(t, "0003 0000 00  707731")},
		{"CONTINUE, aborted", encodeContinue(continueAbort, ""), octets(t, "0000 0000 01")},
		{"authorization REQUEST, §6.1", must(author.encode(nil)), octets(t, request)},
		{"accounting REQUEST, §7.1", must(author.encode([]byte{byte(acctStart | acctWatchdog)})),
			octets(t, "0a"+request)},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s:\n% x, want\n% x", tt.name, tt.got, tt.want)
		}
	}
}

// A field that is too long for a length octet is an error; it is not sent with a wrong length.
func TestRequestTooLong(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", maxField+1)
	for _, s := range []authenStart{{user: long}, {port: long}, {remoteAddr: long}, {data: long}} {
		if b, err := s.encode(); err == nil || len(b) > 0 {
			t.Errorf("START: %d octets, %v", len(b), err)
		}
	}
	for _, r := range []authorRequest{
		{user: long}, {port: long}, {remoteAddr: long}, {args: []string{long}}, {args: make([]string, maxField+1)},
	} {
		if b, err := r.encode(nil); err == nil || len(b) > 0 {
			t.Errorf("REQUEST: %d octets, %v", len(b), err)
		}
	}
}

// Replies as RFC 8907 draws them.
func TestReplyOctets(t *testing.T) {
	t.Parallel()
	authen := octets(t, "05 01 0004 0002  50773a20 6162")
	author := octets(t, "01 02 0002 0001  0b 02  6869 64  707269762d6c766c3d3135 613d")
	acct := octets(t, "0002 0001 01  6f6b 64")
	for kind, b := range map[packetType][]byte{authentication: authen, authorization: author, accounting: acct} {
		if err := checkBody(kind, b); err != nil {
			t.Fatal(err)
		}
		for n := range b {
			if checkBody(kind, b[:n]) == nil {
				t.Errorf("type %d: the first %d octets of %d are accepted", kind, n, len(b))
			}
		}
		if checkBody(kind, append(b[:len(b):len(b)], 0)) == nil {
			t.Errorf("type %d: an octet after the end is accepted", kind)
		}
	}
	if got, want := decodeAuthenReply(authen), (authenReply{authenGetPass, true, "Pw: ", "ab"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	want := authorReply{authorPassAdd, "hi", "d", []string{"priv-lvl=15", "a="}}
	if got := decodeAuthorReply(author); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := decodeAcctReply(acct), (acctReply{acctSuccess, "ok", "d"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// text draws a field of US-ASCII, as tacquito requires.
func text(t *rapid.T, name string, least, most int) string {
	return rapid.StringOfN(rapid.RuneFrom(nil, asciiTable), least, most, -1).Draw(t, name)
}

var asciiTable = &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0, Hi: unicode.MaxASCII, Stride: 1}}, LatinOffset: 1}

// drawArgs draws the arguments of a packet, ours and tacquito's.
func drawArgs(t *rapid.T) (ours []string, theirs tq.Args) {
	for range rapid.IntRange(0, 255).Draw(t, "arguments") {
		a := text(t, "argument", 2, 255)
		ours, theirs = append(ours, a), append(theirs, tq.Arg(a))
	}
	return ours, theirs
}

// TestBodiesAsTacquito checks that this package and tacquito encode the same requests to the same octets and decode the
// same replies to the same values.
func TestBodiesAsTacquito(t *testing.T) {
	t.Parallel()
	t.Run("requests", rapid.MakeCheck(requestsAsTacquito))
	t.Run("replies", rapid.MakeCheck(repliesAsTacquito))
}

func requestsAsTacquito(t *rapid.T) {
	user, port, remote := text(t, "user", 0, 255), text(t, "port", 0, 255), text(t, "rem_addr", 0, 255)
	data := text(t, "data", 0, 255)
	priv := rapid.ByteRange(0, 15).Draw(t, "priv_lvl")
	kind := rapid.SampledFrom([]authenType{typeASCII, typePAP, typeCHAP, typeMSCHAP, typeMSCHAPv2}).Draw(t, "type")
	service := authenService(rapid.ByteRange(0, 3).Draw(t, "service"))
	method := rapid.SampledFrom([]authenMethod{
		methodNotSet, methodNone, methodEnable, methodLocal, methodTACACS, methodRADIUS,
	}).Draw(t, "method")
	flags := rapid.SampledFrom([]acctFlags{
		acctStart, acctStop, acctWatchdog, acctWatchdog | acctStart,
	}).Draw(t, "flags")
	args, theirs := drawArgs(t)

	start := authenStart{priv, kind, service, user, port, remote, data}
	same(t, "START", start.encode, &tq.AuthenStart{
		Action: tq.AuthenActionLogin, PrivLvl: tq.PrivLvl(priv), Type: tq.AuthenType(kind),
		Service: tq.AuthenService(service), User: tq.AuthenUser(user), Port: tq.AuthenPort(port),
		RemAddr: tq.AuthenRemAddr(remote), Data: tq.AuthenData(data),
	})
	same(t, "CONTINUE", func() ([]byte, error) { return encodeContinue(0, data), nil },
		&tq.AuthenContinue{UserMessage: tq.AuthenUserMessage(data)})
	author := authorRequest{method, priv, kind, service, user, port, remote, args}
	same(t, "authorization REQUEST", func() ([]byte, error) { return author.encode(nil) }, &tq.AuthorRequest{
		Method: tq.AuthenMethod(method), PrivLvl: tq.PrivLvl(priv), Type: tq.AuthenType(kind),
		Service: tq.AuthenService(service), User: tq.AuthenUser(user), Port: tq.AuthenPort(port),
		RemAddr: tq.AuthenRemAddr(remote), Args: theirs,
	})
	same(t, "accounting REQUEST", func() ([]byte, error) { return author.encode([]byte{byte(flags)}) }, &tq.AcctRequest{
		Flags:  tq.AcctRequestFlag(flags),
		Method: tq.AuthenMethod(method), PrivLvl: tq.PrivLvl(priv), Type: tq.AuthenType(kind),
		Service: tq.AuthenService(service), User: tq.AuthenUser(user), Port: tq.AuthenPort(port),
		RemAddr: tq.AuthenRemAddr(remote), Args: theirs,
	})
}

func repliesAsTacquito(t *rapid.T) {
	message, data := text(t, "server_msg", 0, 1000), text(t, "data", 0, 1000)
	args, theirs := drawArgs(t)

	noEcho := rapid.Bool().Draw(t, "no echo")
	authen := tq.AuthenReply{
		Status:    tq.AuthenStatus(rapid.ByteRange(1, 7).Draw(t, "authentication status")),
		ServerMsg: tq.AuthenServerMsg(message), Data: tq.AuthenData(data),
	}
	if noEcho {
		authen.Flags = tq.AuthenReplyFlagNoEcho
	}
	wantAuthen := authenReply{authenStatus(authen.Status), noEcho, message, data}
	if got := decodeAuthenReply(reply(t, authentication, &authen)); got != wantAuthen {
		t.Errorf("%+v, want %+v", got, wantAuthen)
	}

	author := tq.AuthorReply{
		Status: rapid.SampledFrom([]tq.AuthorStatus{
			tq.AuthorStatusPassAdd, tq.AuthorStatusPassRepl, tq.AuthorStatusFail, tq.AuthorStatusError,
		}).Draw(t, "authorization status"),
		ServerMsg: tq.AuthorServerMsg(message), Data: tq.AuthorData(data), Args: theirs,
	}
	wantAuthor := authorReply{authorStatus(author.Status), message, data, args}
	if got := decodeAuthorReply(reply(t, authorization, &author)); !reflect.DeepEqual(got, wantAuthor) {
		t.Errorf("%+v, want %+v", got, wantAuthor)
	}

	acct := tq.AcctReply{
		Status:    tq.AcctReplyStatus(rapid.ByteRange(1, 2).Draw(t, "accounting status")),
		ServerMsg: tq.AcctServerMsg(message), Data: tq.AcctData(data),
	}
	wantAcct := acctReply{acctStatus(acct.Status), message, data}
	if got := decodeAcctReply(reply(t, accounting, &acct)); got != wantAcct {
		t.Errorf("%+v, want %+v", got, wantAcct)
	}
}

// same compares our octets with tacquito's.
func same(t *rapid.T, what string, encode func() ([]byte, error), theirs encoding.BinaryMarshaler) {
	t.Helper()
	got, err := encode()
	want, err2 := theirs.MarshalBinary()
	if err != nil || err2 != nil || !bytes.Equal(got, want) {
		t.Errorf("%s:\n% x (%v), tacquito\n% x (%v)", what, got, err, want, err2)
	}
}

// reply is the octets of a reply as tacquito sends it; its lengths are checked.
func reply(t *rapid.T, kind packetType, m encoding.BinaryMarshaler) []byte {
	t.Helper()
	b, err := m.MarshalBinary()
	if err == nil {
		err = checkBody(kind, b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b
}
