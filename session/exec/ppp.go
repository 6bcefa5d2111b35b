package exec

import (
	"context"
	"io"

	"github.com/ringback/ringback/aaa"
	"github.com/ringback/ringback/console"
	"github.com/ringback/ringback/session"
	"github.com/ringback/ringback/texts"
)

// Why PPP is not started.
var (
	errNoPPP    = texts.Error{Key: texts.EXECErrorNoPPP}
	errSevenBit = texts.Error{Key: texts.EXECErrorSevenBit}
	errSLIP     = texts.Error{Key: texts.EXECErrorSLIP}
)

// pppNodes are the commands of IOS that change to framed packets. PPP negotiates the caller's address: it takes none.
func (x *exec) pppNodes() []console.Node {
	slip := func(context.Context, console.Args, io.Writer) error { return errSLIP }
	return []console.Node{
		{Word: "ppp", Help: texts.HelpPPP, Hidden: x.ppp == nil, Run: x.startPPP,
			Next: []console.Node{
				{Word: "default", Help: texts.HelpPPPDefault, Run: x.startPPP},
				{Word: "/default", Hidden: true, Run: x.startPPP},
				{Word: "negotiate", Hidden: true, Run: x.startPPP},
			}},
		{Word: "slip", Hidden: true, Run: slip,
			Next: []console.Node{{Word: "address", Kind: console.Rest, Run: slip}}},
	}
}

// startPPP hands the call over to PPP, which authenticates the user again and asks the policy.
func (x *exec) startPPP(_ context.Context, _ console.Args, w io.Writer) error {
	err := errNoPPP
	switch {
	case x.ppp == nil:
	case x.term.Parity.SevenBits():
		err = errSevenBit
	default:
		if _, err := io.WriteString(w, x.text(texts.EXECPPP)+"\n"); err != nil {
			return err
		}
		x.HandOver(x.ppp)
		return console.ErrExit
	}
	if x.auto {
		x.joined = &session.Ending{Cause: aaa.CauseServiceUnavailable, Reason: err.Error()}
	}
	return err
}
